"""The unit of each label of a target, as the table or else the user says."""

from collections.abc import Mapping, Sequence

import numpy as np

from servier.chem.units import Unit
from servier.data.label_column import LabelColumn
from servier.data.labelled_table import LabelledTable
from servier.data.wishes import read_unit
from servier.errors import DataError

RowUnits = dict[int, Unit]
"""The unit of each label, by the number of its row; empty where nothing says it."""


def known_rows(column: LabelColumn) -> list[int]:
    """Return the numbers of the rows that have a label."""
    return np.flatnonzero(~np.isnan(column.y)).tolist()


def find_units(
    table: LabelledTable, target: str, rows: Sequence[int], said: Unit | None, asked: Unit | None
) -> tuple[RowUnits, dict[int, str]]:
    """Return the units of labels, and why those of some rows are none.

    Parameters
    ----------
    table, target, rows
        The table, the target, and the rows that have a label of it.
    said
        The unit that the user names; that of all labels where the table says none.
    asked
        The unit that labels are to become, where that is known; it is understood, whatever it is.

    Returns
    -------
    Labels whose unit is absent or not understood are few among others, and have no unit but a reason. Where
    nothing is understood, units that are only like themselves are as good as others.

    Raises
    ------
    DataError
        Half of the labels have no unit that is understood, or more.
    """
    texts = table.unit_texts(target)
    read = {} if texts is None else {text: _read(text) for text in dict.fromkeys(texts[row] for row in rows)}
    if texts is None or all(unit is None for unit in read.values()):
        return ({} if said is None else dict.fromkeys(rows, said)), {}
    written = {row: unit for row in rows if isinstance(unit := read[texts[row]], Unit)}
    understood = {row: unit for row, unit in written.items() if _is_understood(unit, asked)} or written
    bad = [row for row in rows if row not in understood]
    if 2 * len(bad) < len(rows):
        return understood, {row: _say_why(read[texts[row]], texts[row]) for row in bad}
    _require_units(table, rows, {row: read[texts[row]] for row in rows})
    return written, {}


def _read(text: str) -> Unit | DataError | None:
    """Return a unit; None where a field is empty, or why it can be none."""
    try:
        return read_unit(text)
    except DataError as error:
        return error


def _is_understood(unit: Unit, asked: Unit | None) -> bool:
    return unit.is_known or (asked is not None and unit.matches(asked))


def _say_why(read: Unit | DataError | None, text: str) -> str:
    if isinstance(read, DataError):
        return read.problem
    return "the label has no unit" if read is None else f"{text.strip()!r} is no unit that is known"


def _require_units(
    table: LabelledTable, rows: Sequence[int], read: Mapping[int, Unit | DataError | None]
) -> None:
    """Refuse the first label that has no unit beside others that have one."""
    found = {row: unit for row, unit in read.items() if isinstance(unit, Unit)}
    for row in rows:
        if isinstance(error := read[row], DataError):
            raise DataError(error.problem, row=table.lines[row], hint=error.hint)
        if read[row] is None and found:
            first = next(iter(found))
            n_without = sum(unit is None for unit in read.values())
            problem = (
                f"the label has no unit, and that of line {table.lines[first]} is in {found[first].name} "
                f"({n_without:,} of {len(rows):,} labels have none)"
            )
            hint = "write its unit, or leave the label out"
            raise DataError(problem, row=table.lines[row], hint=hint)
