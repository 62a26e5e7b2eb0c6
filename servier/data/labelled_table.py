"""A labelled table as it stands on disk: its columns are found, and their values read as text."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from servier.data.companions import NO_RELATIONS, NO_UNITS, Companions, Fields, list_alike, list_named
from servier.data.public_exports import Beside, look_beside, part_descriptions, read_outcomes
from servier.data.relation_column import RELATION_NAMES, choose_relations, find_relations
from servier.data.rows_of_fields import Rows
from servier.data.unit_column import UNIT_NAMES, choose_units, find_units
from servier.errors import DataError
from servier.tables import (
    DETECTED,
    ID_NAMES,
    SMILES_NAMES,
    STATUS_COLUMNS,
    Dialect,
    Record,
    Stamp,
    find_column,
    find_stamp,
    is_named,
    list_names,
    open_table,
    require_smiles_column,
)

SHOWN = 5
DEFAULT_TARGET = "P1"
ALL_TARGETS = "all"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Columns:
    """The columns that the user named, and how they are separated; what is None or empty is detected."""

    targets: Sequence[str] = ()
    smiles: str | None = None
    id: str | None = None
    split: str | None = None
    dialect: Dialect = DETECTED
    units: Sequence[str] = ()
    relations: Sequence[str] = ()
    weight: str | None = None


@dataclass(frozen=True)
class LabelledTable:
    """The columns of a labelled table that matter, as text.

    Parameters
    ----------
    path
        The file.
    names
        All columns of the table.
    targets
        The target columns.
    smiles_column, id_column, split_column
        The columns with the SMILES strings, the identifiers and the split; None where there is none.
    lines
        The line number of each row.
    problems
        Why a row cannot be used, or None.
    values
        The values of each of these columns; an absent value is an empty text.
    left_out
        How many rows cannot be used and were left out.
    stamp
        The state of the file that was read; None for stdin.
    relation_columns
        The columns that say which labels are bounds.
    unit_columns
        The columns that say in which units labels are.
    unread_relations
        Columns that hold nothing but relations, some of them of bounds, and that nobody reads.
    weight_column
        The column with the weights of rows; None where none was named.
    beside
        What the table says of its targets beside their values.
    """

    path: str
    names: list[str]
    targets: list[str]
    smiles_column: str
    id_column: str | None
    split_column: str | None
    lines: list[int]
    problems: list[str | None]
    values: dict[str, list[str]]
    left_out: int = 0
    stamp: Stamp | None = None
    beside: Beside = field(default_factory=Beside)
    relation_columns: Companions = NO_RELATIONS
    unit_columns: Companions = NO_UNITS
    unread_relations: Sequence[str] = ()
    weight_column: str | None = None

    def unit_texts(self, target: str) -> list[str] | None:
        """Return what the table says of the unit of a target in each row; None where it says nothing."""
        if target in self.beside.unit_columns:
            return self.values[self.beside.unit_columns[target]]
        unit = self.beside.units.get(target)
        return None if unit is None else [unit] * len(self.lines)

    def relations(self, target: str) -> list[str]:
        """Return what stands beside each label of a target in its column of relations; empty without one."""
        column = self.relation_columns.of_targets.get(target)
        return [] if column is None else self.values[column]

    @property
    def smiles(self) -> list[str]:
        """The SMILES string of each row."""
        return self.values[self.smiles_column]

    @property
    def ids(self) -> list[str]:
        """The identifier of each row, empty where the table has none."""
        return [""] * len(self.lines) if self.id_column is None else self.values[self.id_column]

    @property
    def split(self) -> list[str] | None:
        """The value of the split column in each row, or None without such a column."""
        return None if self.split_column is None else self.values[self.split_column]


def read_labelled_table(path: str | Path, columns: Columns, *, keep_ragged: bool = False) -> LabelledTable:
    """Read the columns of a labelled table without empty rows, and without unusable ones, which are named.

    Parameters
    ----------
    path
        A table of any format.
    columns
        The columns that the user named.
    keep_ragged
        Whether rows that cannot be used, such as those with too many fields, are kept.

    Raises
    ------
    DataError
        The table is absent or empty, or it is not clear which columns are meant.
    """
    with open_table(path, columns.dialect, as_unicode=True) as table:
        names = table.header.columns
        taken = smiles, identifier, split, weight = _find_columns(names, columns, table.header.molecules)
        filled = [record for record in table if record.problem or any(record.fields)]
        descriptions, filled = part_descriptions(names, filled)
        rows = Rows(names, [record for record in filled if keep_ragged or not record.problem])
        relations, units = _read_companions(rows, columns, (*taken, *columns.targets))
        targets = choose_targets(names, columns.targets, (*taken, *relations, *units))
        unit_columns = choose_units(units, names, targets, columns.units, rows.hold_numbers)
    _require_rows(path, rows.records, filled)
    _require_free(path, weight, (smiles, *targets))
    left_out = [record for record in filled if record.problem and not keep_ragged]
    warn_of_rows(path, [(r.line, r.problem or "") for r in left_out], "rows that cannot be used")
    beside = look_beside(names, targets, unit_columns.of_targets, descriptions)
    values = rows.read([*filter(None, taken), *targets, *beside.columns, *relations, *units])
    labels = {target: values[target] for target in targets}
    return LabelledTable(
        path=str(path), names=names, targets=targets,
        smiles_column=smiles, id_column=identifier, split_column=split, weight_column=weight,
        lines=rows.lines,
        problems=[r.problem for r in rows.records],
        values=values | {target: read_outcomes(target, labels[target]) for target in targets},
        left_out=len(left_out),
        stamp=find_stamp(path),
        relation_columns=choose_relations(relations, names, labels, columns.relations),
        unit_columns=unit_columns,
        unread_relations=[] if columns.relations else rows.find_relations(values),
        beside=beside,
    )  # fmt: skip


def _require_free(path: str | Path, weight: str | None, others: Sequence[str]) -> None:
    """Refuse a column of weights that has another use."""
    if weight is not None and weight in others:
        hint = "name another with --weight_column"
        raise DataError(f"column {weight!r} cannot be the weight too", path=path, hint=hint)


def _find_columns(
    names: Sequence[str], columns: Columns, molecules: str | None
) -> tuple[str, str | None, str | None, str | None]:
    """Return the columns of molecules, identifiers, the split and weights."""
    return (
        require_smiles_column(names, columns.smiles or molecules),
        find_column(names, columns.id, ID_NAMES, "id"),
        find_column(names, columns.split, (), "split"),
        find_column(names, columns.weight, (), "weight"),
    )


def _read_companions(rows: Rows, columns: Columns, taken: Sequence[str | None]) -> tuple[Fields, Fields]:
    """Return the columns of relations and of units that the user named, or else that look like such."""
    names = rows.names
    if columns.relations:
        relations = rows.read(list_named(names, columns.relations, "relation"))
    else:
        relations = find_relations(rows.read(list_alike(names, RELATION_NAMES, taken)))
    if columns.units:
        units = rows.read(list_named(names, columns.units, "unit"))
    else:
        units = find_units(rows.read(list_alike(names, UNIT_NAMES, taken)))
    return relations, units


def _require_rows(path: str | Path, usable: Sequence[Record], ragged: Sequence[Record]) -> None:
    """Say why a table has no row that can be used, where that is so."""
    if usable:
        return
    if not ragged:
        raise DataError("this table has a header but no rows", path=path)
    problem, hint = (
        f"no row can be used: {ragged[0].problem}",
        "put quotation marks around fields with delimiters",
    )
    raise DataError(problem, path=path, row=ragged[0].line, hint=hint)


def warn_of_rows(path: str | Path, problems: Sequence[tuple[int, str]], what: str) -> None:
    """Name the first rows that are left out, and count the others.

    Parameters
    ----------
    path
        The table.
    problems
        The line number of each row, and why it is left out.
    what
        What they are, for the count.
    """
    for line, problem in problems[:SHOWN]:
        logger.warning("%s, line %s: left out: %s", path, line, problem)
    if len(problems) > SHOWN:
        logger.warning("and %s more %s", len(problems) - SHOWN, what)


def choose_targets(names: Sequence[str], wanted: Sequence[str], taken: Sequence[str | None]) -> list[str]:
    """Return the target columns: those asked for, else P1, else the only column that is left.

    Parameters
    ----------
    names
        The columns of the table.
    wanted
        The columns asked for; `all` stands for every column that is left.
    taken
        Columns that have another use.

    Raises
    ------
    DataError
        A target is absent, or none was named and there are several candidates.
    """
    left = [name for name in names if is_named(name) and name not in (*taken, *STATUS_COLUMNS)]
    if wants_all(wanted, names):
        return left
    if wanted:
        return [str(find_column(names, target, (), "target")) for target in dict.fromkeys(wanted)]
    if DEFAULT_TARGET in names:
        return [DEFAULT_TARGET]
    others = [name for name in left if name.lower() not in (*SMILES_NAMES, *ID_NAMES)]
    if len(others) == 1:
        return others
    hint = f"name it with --target; the columns are {list_names(names)}"
    raise DataError("it is not clear which column is the target", hint=hint)


def wants_all(wanted: Sequence[str], names: Sequence[str]) -> bool:
    """Return whether all columns are asked for, rather than a column called `all`."""
    return list(wanted) == [ALL_TARGETS] and ALL_TARGETS not in names
