"""Labelled tables: molecules with the measured values of one or more targets."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.data.bounds import Relations, only_exact
from servier.data.label_column import LabelColumn, label_key, read_labels
from servier.data.labelled_table import (
    ALL_TARGETS,
    Columns,
    LabelledTable,
    read_labelled_table,
    wants_all,
)
from servier.errors import DataError
from servier.tables import Stamp, require_stamp

__all__ = ["ALL_TARGETS", "Columns", "Dataset", "find_dataset", "load_dataset"]

DEFAULT_FILE = "dataset_single.csv"
MIN_LABELS = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Dataset:
    """A labelled table in memory.

    Parameters
    ----------
    path
        The file that it was read from.
    smiles, ids, lines
        The SMILES string, the identifier (empty where the table has none) and the line number of each row.
    targets, tasks
        The names of the target columns, and `binary` or `regression` for each.
    y
        float64, shape (n_rows, n_targets); NaN where a label is missing.
    split
        The value of the split column in each row, or None if there is no such column.
    split_column
        The name of the split column.
    words
        Of the targets whose labels are words, those for label 0 and label 1.
    left_out
        How many rows of the file cannot be used and are not among these.
    stamp
        The state of the file that was read; None where nobody can look at it again.
    relations
        Which labels are bounds, as in `servier.data.bounds`, int8, shape (n_rows, n_targets); None where none
        is.
    """

    path: str
    smiles: list[str]
    ids: list[str]
    lines: list[int]
    targets: list[str]
    tasks: list[str]
    y: NDArray[np.float64]
    split: list[str] | None
    split_column: str | None = None
    words: Mapping[str, list[str]] = field(default_factory=dict)
    left_out: int = 0
    stamp: Stamp | None = None
    relations: Relations | None = None

    def __len__(self) -> int:
        return len(self.smiles)

    def require_unchanged(self) -> None:
        """Refuse a table that is read or named once more, if it is no longer the one that was read.

        Raises
        ------
        InputChangedError
            It has changed.
        """
        require_stamp(self.path, self.stamp)

    @property
    def exact_y(self) -> NDArray[np.float64]:
        """The labels with NaN where one is missing or is a bound, shape (n_rows, n_targets)."""
        return only_exact(self.y, self.relations)

    @property
    def digest(self) -> str:
        """A sha256 of molecules and labels: equal tables have equal digests, whatever their format."""
        sha = hashlib.sha256("\n".join([*self.targets, *self.smiles]).encode("utf-8", "surrogateescape"))
        sha.update(np.ascontiguousarray(self.y, "<f8").tobytes())
        if self.relations is not None:
            sha.update(np.ascontiguousarray(self.relations, "<i1").tobytes())
        return sha.hexdigest()


def find_dataset(data_dir: str | Path) -> Path:
    """Return the default data set of a data directory.

    Raises
    ------
    DataError
        The directory does not contain one.
    """
    path = Path(data_dir) / DEFAULT_FILE
    if not path.is_file():
        hint = (
            f"put {DEFAULT_FILE} (columns P1,mol_id,smiles) there, or name any labelled table with --dataset"
        )
        raise DataError("no data set here", path=path, hint=hint)
    return path


def load_dataset(
    path: str | Path,
    columns: Columns | None = None,
    tasks: Sequence[str] | str | None = None,
    positive: Sequence[str] = (),
    learnt: Sequence[Sequence[str] | None] = (),
) -> Dataset:
    """Read a labelled table.

    Parameters
    ----------
    path
        A table of any format.
    columns
        The columns that the user named.
    tasks
        `binary` or `regression`, for each target or for all of them; None to infer them from the labels.
    positive
        Words that stand for label 1, as for `servier.data.label_column.read_labels`.
    learnt
        For each target the words that a model has learnt, or None; empty where no model is there.

    Raises
    ------
    DataError
        The table is absent, empty or ambiguous, a label is not a number, or a target cannot be learnt from.
        If all columns are targets, those that cannot be learnt from are skipped with a warning instead.
    """
    columns = columns or Columns()
    table = read_labelled_table(path, columns)
    if table.split_column is None and "split" in table.names:
        logger.warning("column 'split' is not used; --split_column split trains and tests on its rows")
    require_positive(table, positive)
    skip_useless = wants_all(columns.targets, table.names)
    read = _read_targets(table, tasks, positive, learnt, skip_useless=skip_useless)
    return Dataset(
        path=str(path),
        smiles=table.smiles,
        ids=table.ids,
        lines=table.lines,
        targets=list(read),
        tasks=[task for _, task in read.values()],
        y=np.stack([column.y for column, _ in read.values()], axis=1),
        split=table.split,
        split_column=table.split_column,
        stamp=table.stamp,
        words={name: [found.words[0], found.words[1]] for name, (found, _) in read.items() if found.words},
        left_out=table.left_out,
        relations=_stack_relations([column for column, _ in read.values()]),
    )


def _require_relations(table: LabelledTable) -> None:
    try:
        table.relation_columns.require_clear()
    except DataError as error:
        raise DataError(error.problem, path=table.path, hint=error.hint) from None


def _stack_relations(columns: Sequence[LabelColumn]) -> Relations | None:
    """Return the relations of all targets; None where no label is a bound."""
    if all(column.relations is None for column in columns):
        return None
    exact = np.zeros(len(columns[0].y), np.int8)
    return np.stack([exact if c.relations is None else c.relations for c in columns], axis=1)


def require_positive(table: LabelledTable, positive: Sequence[str]) -> None:
    """Refuse words for label 1 that no target has.

    Raises
    ------
    DataError
        There is such a word.
    """
    for word in positive:
        key = label_key(word)
        if not any(label_key(text) == key for target in table.targets for text in table.values[target]):
            hint = f"--positive names a label in {', '.join(table.targets)}"
            raise DataError(f"no label is {word!r}", path=table.path, hint=hint)


def _read_targets(
    table: LabelledTable,
    tasks: Sequence[str] | str | None,
    positive: Sequence[str],
    learnt: Sequence[Sequence[str] | None],
    *,
    skip_useless: bool,
) -> dict[str, tuple[LabelColumn, str]]:
    """Return the labels and the task of each target; skip those that are useless, or refuse them."""
    read: dict[str, tuple[LabelColumn, str]] = {}
    _require_relations(table)
    for i, target in enumerate(table.targets):
        task = tasks if tasks is None or isinstance(tasks, str) else tasks[i]
        try:
            words = learnt[i] if learnt else None
            column = read_labels(table.values[target], positive, words, table.relations(target))
            read[target] = column, _check_labels(column, task, table.lines)
            column.log_words(target)
        except DataError as error:
            problem = DataError(error.problem, path=table.path, row=error.row, column=target, hint=error.hint)
            if not skip_useless:
                raise problem from None
            logger.warning("left out: %s", problem)
    if not read:
        hint = "name one with --target to see why"
        raise DataError("no column can be learnt from", path=table.path, hint=hint)
    return read


def _check_labels(column: LabelColumn, task: str | None, lines: Sequence[int]) -> str:
    """Return the task of a target, if its labels can be learnt from and are of the task that is asked for."""
    for row, error in column.problems.items():
        raise DataError(error.problem, row=lines[row], hint=error.hint)
    y = column.y
    known = ~np.isnan(y)
    values = np.unique(y[known])
    is_binary = set(values) <= {0.0, 1.0}
    if column.relations is not None and (task == "binary" or (task is None and is_binary)):
        row = int(np.flatnonzero(column.relations)[0])
        hint = "leave the relation out; where labels are numbers, use --task regression"
        raise DataError("a bound in a target of two classes", row=lines[row], hint=hint)
    require_labels(column.exact, column.relations)
    if task == "binary" and not is_binary:
        row = int(np.flatnonzero(known & ~np.isin(y, (0.0, 1.0)))[0])
        hint = "use 0 and 1, or name the label that counts as 1 with --positive, or use --task regression"
        raise DataError(f"label {y[row]:g} in a binary target", row=lines[row], hint=hint)
    if task is None and len(values) == 2 and not is_binary:
        logger.warning(
            "labels %g and %g are learnt as numbers; for two classes write 0 and 1, or name label 1 with "
            "--positive", *values,
        )  # fmt: skip
    return task or ("binary" if is_binary else "regression")


def require_labels(y: NDArray[np.float64], relations: Relations | None = None) -> None:
    """Refuse the labels of a target if nothing can be learnt from them.

    Parameters
    ----------
    y
        The exact labels, float64, shape (n_rows,); NaN where missing.
    relations
        Which other labels are bounds; None where none is.

    Raises
    ------
    DataError
        There are too few labels, or they do not vary.
    """
    known = y[~np.isnan(y)]
    if len(known) < MIN_LABELS:
        kind = "labels" if relations is None else f"labels beside {np.count_nonzero(relations)} bounds"
        hint = f"at least {MIN_LABELS} rows need a label{'' if relations is None else ' that is a value'}"
        raise DataError(f"{len(known)} {kind} are too few to learn from", hint=hint)
    if np.ptp(known) == 0:
        problem = f"all {len(known)} labels {'' if relations is None else 'that are values '}are {known[0]:g}"
        raise DataError(problem, hint="a model needs at least two different values")
    if np.std(known) == 0:
        problem = f"the labels, {known.min():g} to {known.max():g}, differ too little to compute with"
        raise DataError(problem, hint="use a unit in which they are larger")
