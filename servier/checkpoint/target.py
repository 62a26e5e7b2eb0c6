"""What a raw score means: how a model's raw score for one target becomes the answer that is written.

Every step is here and nowhere else: calibration, the inverse of the target transform, rounding, the decision
threshold, and the conformal set or interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.documents import OPTIONAL
from servier.checkpoint.rules import UNLIKE, Level, Name, Number, Rule, Share, one_of

LOG, MIRRORED_LOG = "log", "mirrored_log"
CONFIDENCES = (0.8, 0.9, 0.95)
PROBABILITY_DIGITS = 6
SIGNIFICANT_DIGITS = 7
MAX_EXPONENT = 500
LONGEST_UNIT = 80
OF_NUMBERS = ("transform", "unit", "lowest", "highest")
"""Fields that only a regression target has."""

UnitName = Annotated[
    str, Rule(f"a unit of at most {LONGEST_UNIT} characters", lambda name: 0 < len(name) <= LONGEST_UNIT)
]
Vector = NDArray[np.float64]
"""One number for each row, shape (n_rows,); NaN where a row has none."""


@dataclass(frozen=True)
class Target:
    """One target of a model, with the steps from its raw scores to answers.

    Parameters
    ----------
    name, task
        The column, and `binary` or `regression`.
    slope, intercept
        A raw score s becomes the calibrated score `slope * s + intercept`: the log-odds of label 1, or a
        value that may still be a logarithm.
    threshold
        The lowest probability for which label 1 is predicted; None for regression.
    transform, bound
        `log` where the calibrated score is the natural logarithm of the answer; `mirrored_log` where it is
        the negative logarithm of the difference between the bound and the answer; else None.
    conformal
        For each confidence, as a text, the limits fitted by `servier.training.conformal`. For a regression
        target this is half the width of the interval, in units of the raw score. For a binary target these
        are the highest probability of label 1 at which label 0 belongs to the set, and the lowest at which
        label 1 does.
    words
        The words for label 0 and label 1 in the table that the model was trained on; None where labels are
        numbers.
    unit
        The unit of answers, such as `nM`; None where the table did not say it.
    lowest, highest
        What no answer of a regression target is below, and above; None where there is no such bound.
    """

    name: Name
    task: Annotated[str, one_of("binary", "regression")]
    slope: Number = 1.0
    intercept: Number = 0.0
    threshold: Share | None = None
    transform: Annotated[str, one_of(LOG, MIRRORED_LOG)] | None = None
    bound: Number | None = None
    conformal: dict[Level, list[Number]] = field(default_factory=dict)
    words: Annotated[list[Name], UNLIKE] | None = field(default=None, metadata=OPTIONAL)
    unit: UnitName | None = field(default=None, metadata=OPTIONAL)
    lowest: Number | None = field(default=None, metadata=OPTIONAL)
    highest: Number | None = field(default=None, metadata=OPTIONAL)

    def contradiction(self) -> str | None:
        """Return which field does not fit the task or another field, or None."""
        is_binary = self.task == "binary"
        if self.threshold is not None and not is_binary:
            return "threshold is not null, as that of a regression target is"
        for name in OF_NUMBERS if is_binary else ():
            if getattr(self, name) is not None:
                return f"{name} is not null, as that of a binary target is"
        if (self.bound is None) == (self.transform == MIRRORED_LOG):
            return f"bound is not that of the transform {self.transform}"
        if self.words is not None and (len(self.words) != 2 or not is_binary):
            return "words is not a word for each label"
        low, high = self.lowest, self.highest
        if low is not None and high is not None and low >= high:
            return "lowest is not below highest"
        return self._find_wrong_limits()

    def _find_wrong_limits(self) -> str | None:
        """Return the first conformal limits that cannot be, or are narrower than those of less confidence."""
        previous = [0.0, 1.0] if self.task == "binary" else [0.0]
        for level in sorted(self.conformal, key=float):
            limits = self.conformal[level]
            if len(limits) != len(previous):
                return f"conformal[{level!r}] is not {len(previous)} numbers"
            wider = zip(limits, previous, (1, -1), strict=False)
            if not all(sign * (new - old) >= 0 for new, old, sign in wider):
                return f"conformal[{level!r}] is not as wide as that of less confidence"
            if self.task == "binary" and not all(0 <= limit <= 1 for limit in limits):
                return f"conformal[{level!r}] is not made of probabilities"
            previous = limits
        return None

    @property
    def quantity(self) -> str:
        """What answers are, with their unit where it is known: `CL in nM`."""
        return self.name if self.unit is None else f"{self.name} in {self.unit}"

    @property
    def limits_in_words(self) -> str | None:
        """What answers are not beyond, in words; None where there is no bound."""
        low, high = self.lowest, self.highest
        if low is not None and high is not None:
            return f"between {low:g} and {high:g}"
        return f"at least {low:g}" if low is not None else None if high is None else f"at most {high:g}"

    @property
    def score_unit(self) -> str:
        """The unit of calibrated scores, such as `log-odds of P1 = 1` or `ln(CL)`."""
        if self.task == "binary":
            return f"log-odds of {self.name} = 1"
        if self.bound is not None:
            return f"-ln({self.bound:g} - {self.quantity})"
        return f"ln({self.quantity})" if self.transform else self.quantity

    def calibrate(self, raw: Vector) -> Vector:
        """Return calibrated scores: log-odds of label 1, or values on the scale of the target transform."""
        return np.asarray(raw * self.slope + self.intercept)

    def calibrate_difference(self, difference: Vector) -> Vector:
        """Return the differences between calibrated scores that differences between raw scores make."""
        return np.asarray(difference * self.slope)

    def clip(self, answer: Vector) -> Vector:
        """Return values of which none is beyond the bounds of the target."""
        if self.lowest is None and self.highest is None:
            return answer
        return np.clip(answer, self.lowest, self.highest)

    def to_answer(self, raw: Vector) -> Vector:
        """Return probabilities of label 1, or values within the bounds, without rounding."""
        score = self.calibrate(raw)
        exponent = np.clip(score, -MAX_EXPONENT, MAX_EXPONENT)
        if self.task == "binary":
            return np.asarray(1 / (1 + np.exp(-exponent)))
        if self.transform == LOG:
            return self.clip(np.asarray(np.exp(exponent)))
        if self.bound is not None:
            return self.clip(np.asarray(self.bound - np.exp(-exponent)))
        return self.clip(score)

    def round(self, answer: Vector) -> Vector:
        """Return probabilities with 6 decimals, or values with 7 significant digits."""
        if self.task == "binary":
            return np.round(answer, PROBABILITY_DIGITS)
        rounded = np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in answer], np.float64)
        return self.clip(rounded)

    def to_rounded_answer(self, raw: Vector) -> Vector:
        """Return answers as a model on its own writes them."""
        return self.round(self.to_answer(raw))

    @property
    def decision_threshold(self) -> float:
        """The lowest probability for which label 1 is predicted: 0.5 where training chose none."""
        return 0.5 if self.threshold is None else self.threshold

    def label(self, answer: Vector) -> Vector:
        """Return predicted labels: 1 from the threshold on, else 0. Values of a regression target stay."""
        if self.task != "binary":
            return answer
        return np.where(np.isnan(answer), np.nan, answer >= self.decision_threshold)

    def bounds(self, raw: Vector, answer: Vector, confidence: str) -> NDArray[np.float64]:
        """Return conformal sets of a binary target, else intervals, shape (n_rows, 2), without rounding.

        Parameters
        ----------
        raw, answer
            Raw scores, and the rounded answers that belong to them.
        confidence
            As for `label_set` and `interval`.
        """
        if self.task == "binary":
            return self.label_set(answer, confidence)
        return self.interval(raw, confidence)

    def label_set(self, probability: Vector, confidence: str) -> NDArray[np.float64]:
        """Return conformal sets, shape (n_rows, 2): 1 where label 0, and where label 1, belongs to it.

        Parameters
        ----------
        probability
            Of label 1, rounded.
        confidence
            `0.8`, `0.9` or `0.95`; without limits for it all sets are NaN.
        """
        if confidence not in self.conformal:
            return np.full((len(probability), 2), np.nan)
        highest_of_0, lowest_of_1 = self.conformal[confidence]
        is_in_set = np.stack([probability <= highest_of_0, probability >= lowest_of_1], axis=1)
        return np.where(np.isnan(probability)[:, None], np.nan, is_in_set)

    @property
    def half_widths(self) -> dict[str, float]:
        """Half the width of the intervals of a regression target for each confidence, in calibrated units."""
        return {
            level: float(self.calibrate_difference(np.array(half_width)))
            for level, (half_width,) in self.conformal.items()
        }

    def interval(self, raw: Vector, confidence: str) -> NDArray[np.float64]:
        """Return the lower and upper limits of conformal intervals, shape (n_rows, 2), without rounding.

        Parameters
        ----------
        raw
            Raw scores.
        confidence
            `0.8`, `0.9` or `0.95`; without a width for it all limits are NaN.
        """
        (half_width,) = self.conformal.get(confidence, [np.nan])
        return np.stack([self.to_answer(raw - half_width), self.to_answer(raw + half_width)], axis=1)


def map_targets(
    step: Callable[[Target, Vector], Vector], targets: Sequence[Target], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Apply one of the steps to each target's column.

    Parameters
    ----------
    step
        A method of `Target`, such as `Target.to_answer`.
    targets, columns
        The targets, and a column for each, float64, shape (n_rows, n_targets).
    """
    mapped = np.empty(columns.shape)
    for i, (target, column) in enumerate(zip(targets, columns.T, strict=True)):
        mapped[:, i] = step(target, column)
    return mapped
