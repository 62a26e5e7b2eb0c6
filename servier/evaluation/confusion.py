"""Confusion tables: which labels rows have, and which they get."""

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import Target


def count_labels(y: NDArray[np.float64], values: NDArray[np.float64], target: Target) -> list[list[int]]:
    """Return how many rows of each label got which label; nothing for a regression target.

    Parameters
    ----------
    y, values
        The labels, NaN where missing, and the answers.
    target
        The target.
    """
    if target.task == "regression":
        return []
    known = ~np.isnan(y)
    return count_confusions(y[known], target.label(values[known]), max(2, target.n_answers))


def count_confusions(y: NDArray[np.float64], labels: NDArray[np.float64], n_labels: int) -> list[list[int]]:
    """Return how often each label was predicted, a row for each label that was observed.

    Parameters
    ----------
    y, labels
        Observed and predicted labels, shape (n_rows,): 0, 1, ...
    n_labels
        How many labels there are.
    """
    from sklearn.metrics import confusion_matrix

    if not len(y):
        return [[0] * n_labels for _ in range(n_labels)]
    table: list[list[int]] = confusion_matrix(y, labels, labels=range(n_labels)).tolist()
    return table
