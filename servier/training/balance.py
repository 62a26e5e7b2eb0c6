"""Whether training rows, test rows and folds have the labels that each target needs."""

import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from servier.data.datasets import Dataset
from servier.data.folds import Fold
from servier.data.label_checks import MIN_OF_CLASS
from servier.errors import DataError

NO_WORDS: Mapping[str, Sequence[str]] = MappingProxyType({})
ALTERNATIVES = {"cluster": "random", "random": "stratified", "stratified": ""}

logger = logging.getLogger(__name__)

Labels = NDArray[np.float64]


def require_variety(y: Labels, data: Dataset, strategy: str) -> None:
    """Refuse a target whose training labels are all the same, or have too few of a class.

    Parameters
    ----------
    y
        Labels of the training rows, float64, shape (n_train, n_targets); NaN where missing.
    data
        The table.
    strategy
        How test rows were held out.

    Raises
    ------
    DataError
        There is such a target.
    """
    for i, (target, task) in enumerate(zip(data.targets, data.tasks, strict=True)):
        known = y[~np.isnan(y[:, i]), i]
        if task != "regression":
            _require_classes(known, data, i, strategy)
            continue
        n_values = len(np.unique(known))
        if n_values < 2 or np.std(known) == 0:
            plural = "" if n_values == 1 else "s"
            problem = f"the labelled training rows ({len(known)}) have {n_values} distinct value{plural}"
            of_all = data.y[_teaches(data), i]
            is_varied = len(np.unique(of_all[~np.isnan(of_all)])) > 1
            hint = f"a model needs at least two; {_advise(strategy) if is_varied else _blame_weights(data)}"
            raise DataError(problem, path=data.path, column=target, hint=hint)


def warn_of_test_rows(y: Labels, data: Dataset, strategy: str) -> None:
    """Say which classes no test row has; `y` has the labels of the test rows, else as `require_variety`."""
    for target, label in _missing(y, data.targets, data.tasks, data.words) if len(y) else ():
        logger.warning("target %s: no test row is labelled %s; %s", target, label, _advise(strategy))


def warn_of_folds(
    folds: Sequence[Fold],
    y: Labels,
    targets: Sequence[str],
    tasks: Sequence[str],
    strategy: str,
    words: Mapping[str, Sequence[str]] = NO_WORDS,
) -> None:
    """Say which classes are missing in folds.

    Parameters
    ----------
    folds
        The rows to fit on and those to hold out.
    y, targets, tasks
        The labels of all rows, shape (n_rows, n_targets), the names of the targets, and `binary`,
        `regression`, `multiclass` or `ordinal` for each.
    strategy
        How rows are divided.
    words
        Of the targets with classes, what these are called.
    """
    lacking: dict[tuple[str, str], int] = {}
    for fitted, held_out in folds:
        sides = (_missing(y[rows], targets, tasks, words) for rows in (fitted, held_out))
        for found in set(chain.from_iterable(sides)):
            lacking[found] = lacking.get(found, 0) + 1
    for (target, label), n in sorted(lacking.items()):
        logger.warning(
            "target %s: in %s of %s folds of the training rows label %s is on one side only; %s",
            target, n, len(folds), label, _advise(strategy),
        )  # fmt: skip


def _missing(
    y: Labels, targets: Sequence[str], tasks: Sequence[str], words: Mapping[str, Sequence[str]]
) -> list[tuple[str, str]]:
    """Return each class of a target, as it is called, that no row has."""
    names = {"binary": ("0", "1"), "regression": ()}
    return [
        (target, name)
        for target, task, labels in zip(targets, tasks, y.T, strict=True)
        for label, name in enumerate(names[task] if task in names else words[target])
        if not np.any(labels == label)
    ]


def _require_classes(known: Labels, data: Dataset, target: int, strategy: str) -> None:
    for label, name in enumerate(data.labels_of(target)):
        if (n := int(np.sum(known == label))) < MIN_OF_CLASS:
            hint = f"at least {MIN_OF_CLASS} of each class are needed"
            is_label = data.y[:, target] == label
            if np.sum(is_label & _teaches(data)) >= MIN_OF_CLASS:
                hint += f"; {_advise(strategy)}"
            elif np.sum(is_label) >= MIN_OF_CLASS:
                hint += f"; {_blame_weights(data)}"
            raise DataError(
                f"{n} of the training rows are labelled {name}", path=data.path,
                column=data.targets[target], hint=hint,
            )  # fmt: skip


def _teaches(data: Dataset) -> NDArray[np.bool_]:
    """Return which rows are taught from: those without weights or with one above 0."""
    return np.ones(len(data), bool) if data.weights is None else data.weights.values > 0


def _blame_weights(data: Dataset) -> str:
    column = "" if data.weights is None else f" in column {data.weights.column!r}"
    return f"rows without a weight above 0{column} are not counted"


def _advise(strategy: str) -> str:
    """Return what may bring all labels to both sides."""
    other = ALTERNATIVES.get(strategy, "random or cluster")
    return f"try --split {other}" if other else "more rows of it are needed"
