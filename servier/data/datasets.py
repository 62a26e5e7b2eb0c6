"""Labelled tables: molecules with the measured values of one or more targets."""

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.data.labelled_table import (
    ALL_TARGETS,
    Columns,
    LabelledTable,
    read_labelled_table,
    wants_all,
)
from servier.errors import DataError

__all__ = ["ALL_TARGETS", "Columns", "Dataset", "find_dataset", "load_dataset"]

DEFAULT_FILE = "dataset_single.csv"
MIN_LABELS = 20
MISSING = ("", "na", "nan", "none", "null")

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

    def __len__(self) -> int:
        return len(self.smiles)

    @property
    def digest(self) -> str:
        """A sha256 of molecules and labels: equal tables have equal digests, whatever their format."""
        sha = hashlib.sha256("\n".join([*self.targets, *self.smiles]).encode())
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
    path: str | Path, columns: Columns | None = None, tasks: Sequence[str] | str | None = None
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
    skip_useless = wants_all(columns.targets, table.names)
    read = _read_targets(table, path, tasks, skip_useless=skip_useless)
    return Dataset(
        path=str(path),
        smiles=table.smiles,
        ids=table.ids,
        lines=table.lines,
        targets=list(read),
        tasks=[task for _, task in read.values()],
        y=np.stack([y for y, _ in read.values()], axis=1),
        split=table.split,
        split_column=table.split_column,
    )


def _read_targets(
    table: LabelledTable, path: str | Path, tasks: Sequence[str] | str | None, *, skip_useless: bool
) -> dict[str, tuple[NDArray[np.float64], str]]:
    """Return the labels and the task of each target; skip those that are useless, or refuse them."""
    read: dict[str, tuple[NDArray[np.float64], str]] = {}
    for i, target in enumerate(table.targets):
        task = tasks if tasks is None or isinstance(tasks, str) else tasks[i]
        try:
            read[target] = _read_target(table.values[target], task, table.lines)
        except DataError as error:
            problem = DataError(error.problem, path=path, row=error.row, column=target, hint=error.hint)
            if not skip_useless:
                raise problem from None
            logger.warning("left out: %s", problem)
    if not read:
        raise DataError("no column can be learnt from", path=path, hint="name one with --target to see why")
    return read


def _read_target(
    labels: Sequence[str], task: str | None, lines: Sequence[int]
) -> tuple[NDArray[np.float64], str]:
    """Return the labels of one target and its task."""
    y = np.array([read_label(label, line) for label, line in zip(labels, lines, strict=True)])
    require_labels(y)
    known = ~np.isnan(y)
    values = np.unique(y[known])
    is_binary = set(values) <= {0.0, 1.0}
    if task == "binary" and not is_binary:
        row = int(np.flatnonzero(known & ~np.isin(y, (0.0, 1.0)))[0])
        problem = f"label {y[row]:g} in a binary target"
        raise DataError(problem, row=lines[row], hint="use 0 and 1, or --task regression")
    if task is None and len(values) == 2 and not is_binary:
        logger.warning("labels %g and %g are learnt as numbers; write 0 and 1 for two classes", *values)
    return y, task or ("binary" if is_binary else "regression")


def require_labels(y: NDArray[np.float64]) -> None:
    """Refuse the labels of a target, NaN where missing, if nothing can be learnt from them.

    Raises
    ------
    DataError
        There are too few labels, or they are all the same.
    """
    known = y[~np.isnan(y)]
    if len(known) < MIN_LABELS:
        hint = f"at least {MIN_LABELS} rows need a label"
        raise DataError(f"{len(known)} labels are too few to learn from", hint=hint)
    if np.ptp(known) == 0:
        problem = f"all {len(known)} labels are {known[0]:g}"
        raise DataError(problem, hint="a model needs at least two different values")


def read_label(text: str, line: int | None = None) -> float:
    """Read one label; NaN where it is missing.

    Raises
    ------
    DataError
        The text is not a number.
    """
    text = text.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = (
            "labels are numbers with a decimal point, or 1 and 0; leave the field empty where one is missing"
        )
        raise DataError(f"{text!r} is not a number", row=line, hint=hint)
    return value
