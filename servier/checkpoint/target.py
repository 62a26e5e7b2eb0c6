"""What a raw score means: how a model's raw scores for one target become the answer that is written.

Every step is here and nowhere else: calibration, the inverse of the target transform, rounding, the decision
threshold, and the conformal set or interval. The arithmetic of classes is in `servier.checkpoint.classes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import (
    MULTICLASS,
    ORDINAL,
    add_up,
    are_numbers,
    most_probable,
    number_classes,
    softmax,
    without_gaps,
)
from servier.checkpoint.documents import OPTIONAL
from servier.checkpoint.rules import UNLIKE, Level, Name, Number, Rule, Share, one_of
from servier.checkpoint.target_checks import LOG, MIRRORED_LOG, find_contradiction

CONFIDENCES = (0.8, 0.9, 0.95)
PROBABILITY_DIGITS = 6
SIGNIFICANT_DIGITS = 7
MAX_EXPONENT = 500
TINY = float(np.exp(-MAX_EXPONENT))
LONGEST_UNIT = 80

UnitName = Annotated[
    str, Rule(f"a unit of at most {LONGEST_UNIT} characters", lambda name: 0 < len(name) <= LONGEST_UNIT)
]
Vector = NDArray[np.float64]
"""One number for each row, shape (n_rows,); NaN where a row has none."""
Scores = NDArray[np.float64]
"""A vector; of a target with classes, shape (n_rows, n_scores) or, of probabilities, (n_rows, n_classes)."""


@dataclass(frozen=True)
class Target:
    """One target of a model, with the steps from its raw scores to answers.

    Parameters
    ----------
    name, task
        The column, and `binary`, `regression`, `multiclass` or `ordinal`. A target with classes, which are
        the labels 0, 1, 2, ..., has several raw scores: a multiclass target one for each class, an ordinal
        target one for each class but the lowest, of this class or a higher one.
    slope, intercept
        A raw score s becomes the calibrated score `slope * s + intercept`: the log-odds of label 1, or a
        value that may still be a logarithm.
    threshold
        The lowest probability for which label 1 is predicted; None unless the target is binary.
    transform, bound
        `log` where the calibrated score is the natural logarithm of the answer; `mirrored_log` where it is
        the negative logarithm of the difference between the bound and the answer; else None.
    conformal
        For each confidence, as a text, the limits fitted by `servier.training.conformal`. For a regression
        target this is half the width of the interval, in units of the raw score. For a binary target these
        are the highest probability of label 1 at which label 0 belongs to the set, and the lowest at which
        label 1 does. For a target with classes this is the lowest probability of each class at which it
        belongs to the set.
    words
        What the labels 0, 1, ... are called in the table that the model was trained on; None where labels
        are numbers. A target with classes always has them, an ordinal target the lowest first.
    slopes, intercepts
        Of a target with classes, what slope and intercept are for each raw score. The softmax of the
        calibrated scores of a multiclass target are its probabilities; those of an ordinal target are
        log-odds of a class against the next lower one.
    unit
        The unit of answers, such as `nM`; None where the table did not say it.
    lowest, highest
        What no answer of a regression target is below, and above; None where there is no such bound.
    """

    name: Name
    task: Annotated[str, one_of("binary", "regression", MULTICLASS, ORDINAL)]
    slope: Number = 1.0
    intercept: Number = 0.0
    threshold: Share | None = None
    transform: Annotated[str, one_of(LOG, MIRRORED_LOG)] | None = None
    bound: Number | None = None
    conformal: dict[Level, list[Number]] = field(default_factory=dict)
    words: Annotated[list[Name], UNLIKE] | None = field(default=None, metadata=OPTIONAL)
    slopes: list[Number] | None = field(default=None, metadata=OPTIONAL)
    intercepts: list[Number] | None = field(default=None, metadata=OPTIONAL)
    unit: UnitName | None = field(default=None, metadata=OPTIONAL)
    lowest: Number | None = field(default=None, metadata=OPTIONAL)
    highest: Number | None = field(default=None, metadata=OPTIONAL)

    def contradiction(self) -> str | None:
        """Return which field does not fit the task or another field, or None."""
        return find_contradiction(self)

    @property
    def has_classes(self) -> bool:
        """Whether the target has three classes or more, and so several raw scores."""
        return self.task in (MULTICLASS, ORDINAL)

    @property
    def classes(self) -> list[str]:
        """The words of the classes, in the order of the labels; empty unless the target has classes."""
        return list(self.words or ()) if self.has_classes else []

    @property
    def n_scores(self) -> int:
        """How many raw scores the target has in the graph."""
        return max(1, len(self.classes) - (self.task == ORDINAL))

    @property
    def n_answers(self) -> int:
        """How many numbers its answer has: a probability for each class, or one probability or value."""
        return len(self.classes) or 1

    @property
    def n_limits(self) -> int:
        """How many numbers a set or an interval has."""
        return len(self.classes) or 2

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

    def calibrate(self, raw: Scores) -> Scores:
        """Return calibrated scores: log-odds of label 1, values on the scale of the target transform, ..."""
        intercept = self.intercept if self.intercepts is None else np.array(self.intercepts)
        return np.asarray(self.calibrate_difference(raw) + intercept)

    def calibrate_difference(self, difference: Scores) -> Scores:
        """Return the differences between calibrated scores that differences between raw scores make."""
        return np.asarray(difference * (self.slope if self.slopes is None else np.array(self.slopes)))

    def clip(self, answer: Vector) -> Vector:
        """Return values of which none is beyond the bounds of the target."""
        if self.lowest is None and self.highest is None:
            return answer
        return np.clip(answer, self.lowest, self.highest)

    def to_answer(self, raw: Scores) -> Scores:
        """Return probabilities of label 1 or of classes, or values within the bounds, without rounding."""
        score = self.calibrate(raw)
        if self.has_classes:
            return softmax(add_up(score) if self.task == ORDINAL else score)
        exponent = np.clip(score, -MAX_EXPONENT, MAX_EXPONENT)
        if self.task == "binary":
            return np.asarray(1 / (1 + np.exp(-exponent)))
        if self.transform == LOG:
            return self.clip(np.asarray(np.exp(exponent)))
        if self.bound is not None:
            return self.clip(np.asarray(self.bound - np.exp(-exponent)))
        return self.clip(score)

    def from_answer(self, answer: Scores) -> Scores:
        """Return calibrated scores from which `to_answer` makes an answer.

        Probabilities that are rounded to 0 or 1 count as half a unit of their last decimal away from it. Of a
        multiclass target, whose scores have no zero of their own, the mean of the scores is 0.
        """
        least = 0.5 * 10.0**-PROBABILITY_DIGITS
        if self.task == "regression":
            if self.transform == LOG:
                return np.asarray(np.log(np.maximum(answer, TINY)))
            return answer if self.bound is None else -np.log(np.maximum(self.bound - answer, TINY))
        likely = np.log(np.clip(answer, least, 1 - least))
        if self.task == "binary":
            return np.asarray(likely - np.log1p(-np.clip(answer, least, 1 - least)))
        if self.task == ORDINAL:
            return np.diff(likely, axis=1)
        return np.asarray(likely - likely.mean(axis=1, keepdims=True))

    def round(self, answer: Scores) -> Scores:
        """Return probabilities with 6 decimals, or values with 7 significant digits."""
        if self.task != "regression":
            return np.round(answer, PROBABILITY_DIGITS)
        rounded = np.array([float(f"{value:.{SIGNIFICANT_DIGITS}g}") for value in answer], np.float64)
        return self.clip(rounded)

    def to_rounded_answer(self, raw: Scores) -> Scores:
        """Return answers as a model on its own writes them."""
        return self.round(self.to_answer(raw))

    @property
    def decision_threshold(self) -> float:
        """The lowest probability for which label 1 is predicted: 0.5 where training chose none."""
        return 0.5 if self.threshold is None else self.threshold

    def label(self, answer: Scores) -> Vector:
        """Return predicted labels: 1 from the threshold on, else 0, or the most probable class.

        Values of a regression target stay.
        """
        if self.has_classes:
            return most_probable(answer)
        if self.task != "binary":
            return answer
        return np.where(np.isnan(answer), np.nan, answer >= self.decision_threshold)

    @property
    def label_names(self) -> Sequence[str | int]:
        """How labels are written: 0 and 1, or the words of the classes, which may be whole numbers."""
        if not self.has_classes:
            return (0, 1)
        return [int(word) for word in self.classes] if are_numbers(self.classes) else self.classes

    def rank(self, answer: Scores) -> Vector:
        """Return the numbers by which rows are ranked: answers, or of an ordinal target its mean class.

        The classes of a multiclass target have no order, so all its numbers are NaN.
        """
        if self.task == MULTICLASS:
            return np.full(len(answer), np.nan)
        if self.task != ORDINAL:
            return answer
        mean = (answer * number_classes(self.classes)).sum(axis=1)
        return np.asarray(np.round(mean, PROBABILITY_DIGITS))

    def bounds(self, raw: Scores, answer: Scores, confidence: str) -> NDArray[np.float64]:
        """Return conformal sets, or intervals of a regression target, shape (n_rows, 2), without rounding.

        Of a target with classes the sets have a column for each of them.

        Parameters
        ----------
        raw, answer
            Raw scores, and the rounded answers that belong to them.
        confidence
            As for `label_set` and `interval`.
        """
        if self.task == "regression":
            return self.interval(raw, confidence)
        return self.label_set(answer, confidence)

    def label_set(self, probability: Scores, confidence: str) -> NDArray[np.float64]:
        """Return conformal sets, shape (n_rows, n_labels): 1 where label 0, label 1, ... belongs to it.

        Parameters
        ----------
        probability
            Of label 1, or of each class, rounded.
        confidence
            `0.8`, `0.9` or `0.95`; without limits for it all sets are NaN.
        """
        if confidence not in self.conformal:
            return np.full((len(probability), self.n_limits), np.nan)
        if self.has_classes:
            belongs = probability >= np.array(self.conformal[confidence])
            belongs = without_gaps(belongs) if self.task == ORDINAL else belongs
            return np.where(np.isnan(probability), np.nan, belongs)
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
