"""Divisions of rows into folds, and into training and test rows."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from servier.errors import DataError

STRATEGIES = ("scaffold", "cluster", "stratified", "random", "predefined", "group", "time")
N_STRATA = 5
ENOUGH_ROWS = 1500
ENOUGH_OF_CLASS = 300

Indices = NDArray[np.int64]
Fold = tuple[Indices, Indices]
"""The rows to fit on, and the rows that are held out."""


def group_numbers(labels: Sequence[str]) -> Indices:
    """Assign a number to each group; each empty label (no scaffold) is a group of its own.

    Returns
    -------
    int64, shape (len(labels),).
    """
    numbers: dict[object, int] = {}
    return np.array(
        [numbers.setdefault(label or (row,), len(numbers)) for row, label in enumerate(labels)], np.int64
    )


def strata(y: NDArray[np.float64], task: str, n_strata: int = N_STRATA) -> Indices:
    """Return the class of each row; for a regression target, the quantile bin of its label.

    Parameters
    ----------
    y
        float64, shape (n_rows,); NaN where missing; missing labels form a class of their own.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    n_strata
        The number of quantile bins.
    """
    known = ~np.isnan(y)
    classes = np.full(len(y), -1, np.int64)
    if task != "regression":
        classes[known] = y[known].astype(np.int64)
    else:
        edges = np.quantile(y[known], np.linspace(0, 1, n_strata + 1)[1:-1])
        classes[known] = np.searchsorted(edges, y[known])
    return classes


def split_folds(y: NDArray[np.float64], task: str, groups: Indices, n_folds: int, seed: int) -> list[Fold]:
    """Divide rows into folds that are stratified by label and share no group.

    Parameters
    ----------
    y
        float64, shape (n_rows,): the labels of the first target.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    groups
        int64, shape (n_rows,): rows with equal numbers stay together.
    n_folds, seed
        The number of folds, fewer if there are fewer groups, or fewer rows of each class, and the seed of the
        shuffle.

    Returns
    -------
    For each fold the indices of the training rows and of the held-out rows, sorted.

    Raises
    ------
    DataError
        All rows are in one group.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n_folds = min(n_folds, len(np.unique(groups)))
    if n_folds < 2:
        raise DataError("all these molecules share one scaffold", hint="use --split random")
    n_strata = max(1, min(N_STRATA, int(np.sum(~np.isnan(y))) // n_folds))
    classes = strata(y, task, n_strata)
    n_folds = min(n_folds, int(np.unique(classes, return_counts=True)[1].max()))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(folds.split(np.zeros(len(y)), classes, groups))


def enough_folds(
    folds: Sequence[Fold], y: NDArray[np.float64], tasks: Sequence[str], seed: int
) -> list[Fold]:
    """Return enough of the folds to tune and calibrate a model; on a small table, all of them.

    Folds are enough when they hold out 1,500 labelled rows of each target, and 300 of each class of it.

    Parameters
    ----------
    folds
        Folds of the rows of `y`, as `split_folds` returns them.
    y
        float64, shape (n_rows, n_targets); NaN where missing.
    tasks
        `binary`, `regression`, `multiclass` or `ordinal` for each target.
    seed
        Decides which folds are taken if not all are; the first ones would have the largest groups.
    """
    classes = [_list_classes(labels, task) for labels, task in zip(y.T, tasks, strict=True)]
    counts = np.array([_count_labels(y[held_out], classes) for _, held_out in folds])
    enough = [n for own in classes for n in (ENOUGH_OF_CLASS,) * len(own) + (ENOUGH_ROWS,)]
    order = np.random.default_rng(seed).permutation(len(folds))
    suffices = (np.cumsum(counts[order], axis=0) >= enough).all(axis=1)
    n_taken = int(np.argmax(suffices)) + 1 if suffices.any() else len(folds)
    return [folds[i] for i in sorted(order[:n_taken])]


def _list_classes(y: NDArray[np.float64], task: str) -> list[float]:
    """Return the labels of the classes of a target; none for measured values."""
    if task == "regression":
        return []
    return [0.0, 1.0] if task == "binary" else np.unique(y[~np.isnan(y)]).tolist()


def _count_labels(y: NDArray[np.float64], classes: Sequence[Sequence[float]]) -> list[int]:
    """Return the number of rows of each class of each target, and of its labelled rows."""
    return [
        int(np.sum(chosen))
        for own, labels in zip(classes, y.T, strict=True)
        for chosen in (*(labels == label for label in own), ~np.isnan(labels))
    ]


def split_test(
    y: NDArray[np.float64], task: str, groups: Indices, fraction: float, seed: int
) -> tuple[Indices, Indices]:
    """Hold out about `fraction` of the rows for testing, by `split_folds`.

    Returns
    -------
    The indices of the training rows and of the test rows, sorted.
    """
    everything = np.arange(len(y))
    if fraction == 0:
        return everything, everything[:0]
    if fraction > 0.5:
        test, train = split_test(y, task, groups, 1 - fraction, seed)
        return train, test
    return split_folds(y, task, groups, max(2, round(1 / fraction)), seed)[0]
