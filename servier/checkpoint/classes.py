"""The arithmetic of targets with classes: from calibrated scores to probabilities, labels and sets."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MULTICLASS, ORDINAL = "multiclass", "ordinal"
CLASS_TASKS = (MULTICLASS, ORDINAL)
MIN_CLASSES, MAX_CLASSES = 3, 50

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,14}")

Table = NDArray[np.float64]
"""A column for each class, or for each score."""


def softmax(scores: Table) -> Table:
    """Return probabilities whose logarithms differ as the scores do, shape (n_rows, n_classes)."""
    exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def add_up(steps: Table) -> Table:
    """Return the log-odds of each of the ordered classes against the lowest, shape (n_rows, n_classes).

    Parameters
    ----------
    steps
        The log-odds of each class but the lowest against the next lower one, shape (n_rows, n_classes - 1).
    """
    return np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))


def most_probable(probability: Table) -> NDArray[np.float64]:
    """Return the label of the most probable class of each row, of equal ones the first; NaN without any."""
    is_missing = np.isnan(probability).any(axis=1)
    return np.where(is_missing, np.nan, probability.argmax(axis=1))


def without_gaps(belongs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return sets of ordered classes with all classes between the lowest and the highest of each set."""
    from_below = np.logical_or.accumulate(belongs, axis=1)
    from_above = np.logical_or.accumulate(belongs[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(from_below & from_above)


def are_numbers(words: Sequence[str]) -> bool:
    """Return whether all classes are whole numbers; `01`, which is not how one is written, is a word."""
    return all(_WHOLE.fullmatch(word) for word in words)


def number_classes(words: Sequence[str]) -> NDArray[np.float64]:
    """Return numbers that rise with the classes of an order: those that they are, or else 0, 1, ..."""
    if are_numbers(words):
        numbers = np.array([float(word) for word in words])
        if np.all(np.diff(numbers) > 0):
            return numbers
    return np.arange(len(words), dtype=np.float64)
