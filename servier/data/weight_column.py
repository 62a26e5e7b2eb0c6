"""The column that says how much each row of a labelled table counts in training."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.errors import DataError
from servier.tables.numbers import is_missing, read_number

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class RowWeights:
    """How much each row counts.

    Parameters
    ----------
    column
        The name of the column.
    values
        The weight of each row relative to the highest, float64, shape (n_rows,), 0 to 1; NaN where it cannot
        be used.
    problems
        Why the weight of a row cannot be used, by its position.
    """

    column: str
    values: Weights
    problems: Mapping[int, str]

    @property
    def digest(self) -> str:
        """A sha256 of the weights, the same for weights that differ by a factor alone."""
        return hashlib.sha256(np.ascontiguousarray(self.values, "<f8").tobytes()).hexdigest()


def read_weights(column: str, texts: Sequence[str], lines: Sequence[int]) -> RowWeights:
    """Read the weights of rows: numbers that are not negative.

    Parameters
    ----------
    column, texts
        The column, and its field in each row.
    lines
        The line number of each row, for messages.

    Raises
    ------
    DataError
        No row has a weight above 0.
    """
    values = np.full(len(texts), np.nan)
    problems: dict[int, str] = {}
    for row, text in enumerate(texts):
        try:
            values[row] = read_weight(text)
        except DataError as error:
            problems[row] = error.problem
    if len(problems) == len(texts):
        row = next((row for row, text in enumerate(texts) if not is_missing(text)), 0)
        problem = f"no row has a weight: {problems[row]}"
        raise DataError(problem, row=lines[row], hint="name a column of numbers with --weight_column")
    if not (highest := float(np.nanmax(values))) > 0:
        raise DataError("no row has a weight above 0", hint="give weight to the rows that are to teach")
    return RowWeights(column, values / highest, problems)


def read_weight(text: str) -> float:
    """Read the weight of a row.

    Raises
    ------
    DataError
        It is absent, no number, or negative.

    Examples
    --------
    >>> read_weight("2.5"), read_weight(" 0")
    (2.5, 0.0)
    """
    if is_missing(text):
        raise DataError("no weight")
    try:
        weight = read_number(text)
    except DataError as error:
        raise DataError(f"weight {error.problem}") from None
    if weight < 0:
        raise DataError(f"weight {text.strip()} is negative")
    return weight + 0.0
