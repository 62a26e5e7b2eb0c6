"""What learners learn: the labels of each raw score, which are binary or measured values.

A target with classes is taken apart, so that no learner has to know of classes: a multiclass target into
questions whether a molecule is of one class or of any other, an ordinal target into questions whether it is
of one class or a higher one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS, MULTICLASS
from servier.checkpoint.target_columns import Place
from servier.data.bounds import Relations
from servier.data.datasets import Dataset


@dataclass(frozen=True)
class ScoreLabels:
    """The labels of each raw score.

    Parameters
    ----------
    y
        float64, shape (n_train, n_scores); NaN where missing.
    tasks
        `binary` or `regression` for each raw score.
    targets
        The number of the target that each belongs to.
    places
        For each target where its raw scores stand.
    relations
        Which labels are bounds, int8, as `y`; None where none is.
    weights
        How much each label counts, float64, as `y`: what the label of the target does that it says something
        of; None where all count the same.
    """

    y: NDArray[np.float64]
    tasks: list[str]
    targets: list[int]
    places: list[Place]
    relations: Relations | None = None
    weights: NDArray[np.float64] | None = None


def code_labels(
    labels: NDArray[np.float64],
    data: Dataset,
    relations: Relations | None = None,
    weights: NDArray[np.float64] | None = None,
) -> ScoreLabels:
    """Take targets with classes apart; other targets stay as they are.

    Parameters
    ----------
    labels
        The transformed labels of training rows, float64, shape (n_train, n_targets); NaN where missing.
    data
        The table that they come from.
    relations
        Which of the labels are bounds, int8, as `labels`; None where none is.
    weights
        How much each of the labels counts, float64, as `labels`; None where all count the same.

    References
    ----------
    Rifkin and Klautau, In defense of one-vs-all classification, J. Mach. Learn. Res. 2004, 5, 101. Frank and
    Hall, A simple approach to ordinal classification, ECML 2001, doi:10.1007/3-540-44795-4_13.
    """
    columns: list[NDArray[np.float64]] = []
    tasks: list[str] = []
    targets: list[int] = []
    places: list[Place] = []
    for i, (task, y) in enumerate(zip(data.tasks, labels.T, strict=True)):
        first = len(columns)
        columns += _take_apart(y, data.labels_of(i), task) if task in CLASS_TASKS else [y]
        places.append(slice(first, len(columns)) if task in CLASS_TASKS else first)
        tasks += ["binary" if task in CLASS_TASKS else task] * (len(columns) - first)
        targets += [i] * (len(columns) - first)
    return ScoreLabels(
        y=np.stack(columns, axis=1),
        tasks=tasks,
        targets=targets,
        places=places,
        relations=None if relations is None else relations[:, targets],
        weights=None if weights is None else weights[:, targets],
    )


def _take_apart(y: NDArray[np.float64], classes: Sequence[str], task: str) -> list[NDArray[np.float64]]:
    """Return 1 where a row is of a class, or of a class or a higher one, else 0."""
    numbers = range(len(classes)) if task == MULTICLASS else range(1, len(classes))
    answers = [y == number if task == MULTICLASS else y >= number for number in numbers]
    return [np.where(np.isnan(y), np.nan, answer) for answer in answers]
