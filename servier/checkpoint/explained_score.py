"""Which score of a target is explained: one that raw scores make up by adding, so that parts of it add up."""

from dataclasses import dataclass, replace

import numpy as np

from servier.checkpoint.classes import MULTICLASS, ORDINAL
from servier.checkpoint.target import Scores, Target, Vector


@dataclass(frozen=True)
class ExplainedScore:
    """The score of a target, or of one of its classes, that is explained.

    Parameters
    ----------
    target
        The target.
    label
        Of a multiclass target the class, whose calibrated score is compared with the mean of all classes; of
        an ordinal target the class that is compared with the next lower one, or None for the mean of these
        comparisons. None for other targets.
    """

    target: Target
    label: int | None = None

    @property
    def unit(self) -> str:
        """The unit of the score."""
        if not self.target.has_classes:
            return self.target.score_unit
        name = self.target.name
        if self.label is None:
            return f"log-odds of the next higher {name}, mean over the classes"
        word = self.target.classes[self.label]
        if self.target.task == ORDINAL:
            return f"log-odds of {name} = {word} against {self.target.classes[self.label - 1]}"
        return f"ln(probability of {name} = {word}) - mean over the classes"

    def score(self, raw: Scores) -> Vector:
        """Return the score that raw scores make, shape (n_rows,)."""
        return self._reduce(self.target.calibrate(raw))

    def is_beyond_bounds(self, raw: Scores) -> bool:
        """Return whether the answer is a bound of the target, because the score is beyond it."""
        if self.target.task != "regression":
            return False
        unlimited = replace(self.target, lowest=None, highest=None)
        return bool(np.any(unlimited.to_answer(raw) != self.target.to_answer(raw)))

    def difference(self, raw: Scores) -> Vector:
        """Return the difference that differences between raw scores make."""
        return self._reduce(self.target.calibrate_difference(raw))

    def _reduce(self, calibrated: Scores) -> Vector:
        if not self.target.has_classes:
            return calibrated
        if self.target.task == MULTICLASS:
            return np.asarray(calibrated[..., self.label] - calibrated.mean(axis=-1))
        if self.label is None:
            return np.asarray(calibrated.mean(axis=-1))
        return np.asarray(calibrated[..., self.label - 1])


def explained_scores(target: Target) -> list[ExplainedScore]:
    """Return all scores that matter to a target: one, or of a multiclass target one for each class."""
    if target.task != MULTICLASS:
        return [ExplainedScore(target)]
    return [ExplainedScore(target, label) for label in range(len(target.classes))]
