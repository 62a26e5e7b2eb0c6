"""Labelled tables: molecules with the measured values of one or more targets."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.checkpoint.target import Target
from servier.data.bounds import Relations, only_exact
from servier.data.class_column import require_orders
from servier.data.label_column import LabelColumn, label_key
from servier.data.labelled_table import (
    ALL_TARGETS,
    Columns,
    LabelledTable,
    read_labelled_table,
    wants_all,
)
from servier.data.scales import ScaledLabels
from servier.data.target_labels import LabelReader, read_targets
from servier.data.weight_column import RowWeights, read_weights
from servier.data.wishes import NO_WISHES, Limits, Wishes
from servier.errors import DataError
from servier.tables import Stamp, require_stamp

__all__ = ["ALL_TARGETS", "Columns", "Dataset", "find_dataset", "load_dataset"]

DEFAULT_FILE = "dataset_single.csv"

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
    units, limits
        The unit of the labels of targets where it is known, and what answers may not be beyond.
    relations
        Which labels are bounds, as in `servier.data.bounds`, int8, shape (n_rows, n_targets); None where none
        is.
    weights
        How much each row counts in training; None where all count the same.
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
    units: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    relations: Relations | None = None
    weights: RowWeights | None = None

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
    learnt: Sequence[Target] = (),
    orders: Sequence[Sequence[str]] = (),
    wishes: Wishes = NO_WISHES,
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
        The targets of a model whose words and units labels are read in; empty where no model is there.
    wishes
        What the user says of units, scales and bounds.

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
    require_orders(table, orders)
    wishes.require_targets(table.targets)
    reader = LabelReader(positive, orders, learnt, wishes)
    read = read_targets(table, tasks, reader, skip_useless=wants_all(columns.targets, table.names))
    return _make_dataset(table, read)


def _make_dataset(table: LabelledTable, read: Mapping[str, tuple[ScaledLabels, str]]) -> Dataset:
    """Return a data set of the labels and the task of each target."""
    return Dataset(
        path=table.path,
        smiles=table.smiles,
        ids=table.ids,
        lines=table.lines,
        targets=list(read),
        tasks=[task for _, task in read.values()],
        y=np.stack([labels.column.y for labels, _ in read.values()], axis=1),
        split=table.split,
        split_column=table.split_column,
        stamp=table.stamp,
        words={name: found.column.in_order for name, (found, _) in read.items() if found.column.words},
        left_out=table.left_out,
        units={name: found.unit for name, (found, _) in read.items() if found.unit is not None},
        limits={name: found.limits for name, (found, _) in read.items()},
        relations=_stack_relations([labels.column for labels, _ in read.values()]),
        weights=find_weights(table),
    )


def find_weights(table: LabelledTable) -> RowWeights | None:
    """Read the weights of rows; None where no column was named.

    Raises
    ------
    DataError
        No row has a weight above 0.
    """
    column = table.weight_column
    if column is None:
        return None
    try:
        return read_weights(column, table.values[column], table.lines)
    except DataError as error:
        raise DataError(
            error.problem, path=table.path, row=error.row, column=column, hint=error.hint
        ) from None


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
