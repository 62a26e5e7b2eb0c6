"""The labels of one target of the training molecules, to which calibration and limits are fitted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.data.bounds import Relations, only_exact
from servier.data.wishes import NO_LIMITS, Limits


@dataclass(frozen=True)
class LearntLabels:
    """The labels of one target.

    Parameters
    ----------
    name, task
        The target.
    y
        float64, shape (n_rows,); NaN where missing.
    groups
        int64, shape (n_rows,): rows with equal numbers stay together in a split.
    relations
        Which labels are bounds, int8, shape (n_rows,); None where none is.
    limits
        What answers may not be beyond.
    words
        What labels are called, if they are words.
    weights
        How much each label counts in the calibration and the threshold, shape (n_rows,); None where all count
        the same.
    """

    name: str
    task: str
    y: NDArray[np.float64]
    groups: NDArray[np.int64]
    relations: Relations | None = None
    limits: Limits = NO_LIMITS
    words: Sequence[str] | None = None
    weights: NDArray[np.float64] | None = None

    @property
    def exact_y(self) -> NDArray[np.float64]:
        """The labels with NaN where one is missing or is a bound."""
        return only_exact(self.y, self.relations)

    @property
    def n_classes(self) -> int:
        """The number of classes of a target that has three or more, else 0."""
        return len(self.words or ()) if self.task in CLASS_TASKS else 0

    def select(self, rows: NDArray[np.int64]) -> "LearntLabels":
        """Return the labels of some rows."""
        return replace(
            self,
            y=self.y[rows],
            groups=self.groups[rows],
            relations=None if self.relations is None else self.relations[rows],
            weights=None if self.weights is None else self.weights[rows],
        )
