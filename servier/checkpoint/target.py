"""What a raw score means: one target of a model, and how its raw score becomes an answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LOG, MIRRORED_LOG = "log", "mirrored_log"


@dataclass(frozen=True)
class Target:
    """One target of a model, and how its raw score becomes an answer.

    Parameters
    ----------
    name, task
        The column, and `binary` or `regression`.
    slope, intercept
        A raw score s becomes `slope * s + intercept`: a value, or the log-odds of label 1.
    threshold
        The probability from which on label 1 is predicted; None for regression.
    transform, bound
        `log` where the value is the natural logarithm of the answer; `mirrored_log` where it is the negative
        logarithm of what the answer lacks to the bound; else None.
    conformal
        For each confidence, as a text, what `servier.training.conformal` found: of a regression target half
        the width of the interval, in units of the raw score; of a binary one the highest probability of
        label 1 with which label 0 is possible, and the lowest with which label 1 is.
    """

    name: str
    task: str
    slope: float = 1.0
    intercept: float = 0.0
    threshold: float | None = None
    transform: str | None = None
    bound: float | None = None
    conformal: dict[str, list[float]] = field(default_factory=dict)


CONFIDENCES = (0.8, 0.9, 0.95)


PROBABILITY_DIGITS = 6


MAX_EXPONENT = 500


def to_answers(raw: NDArray[np.float64], targets: Sequence[Target]) -> NDArray[np.float64]:
    """Turn raw scores, shape (n_rows, n_targets), into probabilities and values."""
    answers = raw * [target.slope for target in targets] + [target.intercept for target in targets]
    for i, target in enumerate(targets):
        exponent = np.clip(answers[:, i], -MAX_EXPONENT, MAX_EXPONENT)
        if target.task == "binary":
            answers[:, i] = 1 / (1 + np.exp(-exponent))
        elif target.transform == LOG:
            answers[:, i] = np.exp(exponent)
        elif target.bound is not None:
            answers[:, i] = target.bound - np.exp(-exponent)
    return answers


def round_answers(values: NDArray[np.float64], targets: Sequence[Target]) -> NDArray[np.float64]:
    """Return probabilities with 6 decimals, and values with 7 significant digits."""
    rounded = np.round(values, PROBABILITY_DIGITS)
    for i, target in enumerate(targets):
        if target.task == "regression":
            rounded[:, i] = [float(f"{value:.7g}") for value in values[:, i]]
    return rounded


def intervals(raw: NDArray[np.float64], targets: Sequence[Target], confidence: str) -> NDArray[np.float64]:
    """Return the ends of the conformal intervals, shape (n_rows, n_targets, 2); NaN where there is no table.

    Parameters
    ----------
    raw
        Raw scores, float64, shape (n_rows, n_targets).
    targets
        Their tables are looked up; what is said of binary ones means nothing.
    confidence
        Of the tables: `0.8`, `0.9` or `0.95`.
    """
    widths = np.array([target.conformal.get(confidence, [np.nan])[0] for target in targets])
    return np.stack([to_answers(raw - widths, targets), to_answers(raw + widths, targets)], axis=2)


def in_set(probability: NDArray[np.float64], table: Sequence[float] | None) -> NDArray[np.float64]:
    """Return 1 where label 0, and where label 1, is in the conformal set, else 0, shape (n_rows, 2).

    Without a table nothing is known: NaN.

    Parameters
    ----------
    probability
        Of label 1, float64, shape (n_rows,).
    table
        The highest probability with which label 0 is in it, and the lowest with which label 1 is.
    """
    if table is None:
        return np.full((len(probability), 2), np.nan)
    highest, lowest = table
    return np.stack([probability <= highest, probability >= lowest], axis=1).astype(np.float64)
