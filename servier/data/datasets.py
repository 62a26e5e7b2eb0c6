"""Labelled tables: molecules with the measured values of one or more targets."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.data.class_column import are_few_numbers, log_classes, may_be_classes, read_classes
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
        The names of the target columns, and `binary`, `regression`, `multiclass` or `ordinal` for each.
    y
        float64, shape (n_rows, n_targets); NaN where a label is missing. Classes are numbered from 0.
    split
        The value of the split column in each row, or None if there is no such column.
    split_column
        The name of the split column.
    words
        Of the targets whose labels are words, and of all with classes, what label 0, label 1, ... are called.
    left_out
        How many rows of the file cannot be used and are not among these.
    stamp
        The state of the file that was read; None where nobody can look at it again.
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

    def __len__(self) -> int:
        return len(self.smiles)

    def labels_of(self, target: int) -> list[str]:
        """Return what the labels of a target are called, by their numbers; none for measured values."""
        if self.tasks[target] == "binary":
            return ["0", "1"]
        return self.words[self.targets[target]] if self.tasks[target] in CLASS_TASKS else []

    def require_unchanged(self) -> None:
        """Refuse a table that is read or named once more, if it is no longer the one that was read.

        Raises
        ------
        InputChangedError
            It has changed.
        """
        require_stamp(self.path, self.stamp)

    @property
    def digest(self) -> str:
        """A sha256 of molecules and labels: equal tables have equal digests, whatever their format."""
        sha = hashlib.sha256("\n".join([*self.targets, *self.smiles]).encode("utf-8", "surrogateescape"))
        sha.update(np.ascontiguousarray(self.y, "<f8").tobytes())
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
    orders: Sequence[Sequence[str]] = (),
) -> Dataset:
    """Read a labelled table.

    Parameters
    ----------
    path, columns
        A table of any format, and the columns that the user named.
    tasks
        `binary`, `regression`, `multiclass` or `ordinal`, for each target or for all of them; None to infer
        `binary` or `regression` from the labels.
    positive, orders
        Words that stand for label 1, as for `read_labels`, and lists of classes, as for `read_classes`.
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
    wording = Wording(positive, learnt, orders)
    read = _read_targets(table, tasks, wording, skip_useless=wants_all(columns.targets, table.names))
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
        words={name: found.in_order for name, (found, _) in read.items() if found.words},
        left_out=table.left_out,
    )


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


@dataclass(frozen=True)
class Wording:
    """What words mean: `positive`, `learnt` and `orders` of `load_dataset`."""

    positive: Sequence[str]
    learnt: Sequence[Sequence[str] | None]
    orders: Sequence[Sequence[str]]

    def read(self, texts: Sequence[str], target: int, task: str | None) -> LabelColumn:
        """Read the labels of a target."""
        learnt = self.learnt[target] if self.learnt else None
        if task in CLASS_TASKS:
            return read_classes(texts, task, self.orders, learnt)
        return read_labels(texts, self.positive, learnt)


def _read_targets(
    table: LabelledTable, tasks: Sequence[str] | str | None, wording: Wording, *, skip_useless: bool
) -> dict[str, tuple[LabelColumn, str]]:
    """Return the labels and the task of each target; skip those that are useless, or refuse them."""
    read: dict[str, tuple[LabelColumn, str]] = {}
    for i, target in enumerate(table.targets):
        task = tasks if tasks is None or isinstance(tasks, str) else tasks[i]
        try:
            column = wording.read(table.values[target], i, task)
            _require_readable(column, task, table.values[target], table.lines)
            chosen = _choose_task(column.y, task, table.lines)
            read[target] = column, chosen
            _say_what_is_learnt(target, column, task, chosen)
        except DataError as error:
            problem = DataError(error.problem, path=table.path, row=error.row, column=target, hint=error.hint)
            if not skip_useless:
                raise problem from None
            logger.warning("left out: %s", problem)
    if not read:
        hint = "name one with --target to see why"
        raise DataError("no column can be learnt from", path=table.path, hint=hint)
    return read


def _say_what_is_learnt(target: str, column: LabelColumn, task: str | None, chosen: str) -> None:
    """Say which word is which label, and, unless it was asked for, that few whole numbers are values."""
    if chosen in CLASS_TASKS:
        log_classes(target, column.words)
        return
    column.log_words(target)
    known = column.y[~np.isnan(column.y)]
    if task is None and chosen == "regression" and are_few_numbers(known):
        values = np.unique(known)
        logger.warning(
            "target %s: %s different whole numbers, %g to %g, are learnt as values (--task regression); "
            "--task multiclass or ordinal learns them as classes", target, len(values), values[0], values[-1],
        )  # fmt: skip


def _require_readable(
    column: LabelColumn, task: str | None, texts: Sequence[str], lines: Sequence[int]
) -> None:
    """Refuse a column in which a label cannot be read."""
    for row, error in column.problems.items():
        is_open = task is None and may_be_classes(texts)
        hint = "--task multiclass learns words as classes, --task ordinal if they have an order"
        raise DataError(error.problem, row=lines[row], hint=hint if is_open else error.hint)


def _choose_task(y: NDArray[np.float64], task: str | None, lines: Sequence[int]) -> str:
    """Return the task of a target, if its labels can be learnt from and are of the task that is asked for."""
    require_labels(y)
    if task in CLASS_TASKS:
        return task
    known = ~np.isnan(y)
    values = np.unique(y[known])
    is_binary = set(values) <= {0.0, 1.0}
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


def require_labels(y: NDArray[np.float64]) -> None:
    """Refuse the labels of a target, NaN where missing, if nothing can be learnt from them.

    Raises
    ------
    DataError
        There are too few labels, or they do not vary.
    """
    known = y[~np.isnan(y)]
    if len(known) < MIN_LABELS:
        hint = f"at least {MIN_LABELS} rows need a label"
        raise DataError(f"{len(known)} labels are too few to learn from", hint=hint)
    if np.ptp(known) == 0:
        problem = f"all {len(known)} labels are {known[0]:g}"
        raise DataError(problem, hint="a model needs at least two different values")
    if np.std(known) == 0:
        problem = f"the labels, {known.min():g} to {known.max():g}, differ too little to compute with"
        raise DataError(problem, hint="use a unit in which they are larger")
