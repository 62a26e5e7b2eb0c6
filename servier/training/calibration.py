"""Calibration of raw scores to probabilities, and the decision threshold, fitted on out-of-fold scores."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import PROBABILITY_DIGITS, Target

_WEAK_PRIOR = 1e3


def calibrate(
    name: str, y: NDArray[np.float64], raw: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> Target:
    """Fit the line from raw scores to log-odds of label 1, and the threshold on their probability.

    Parameters
    ----------
    name
        The name of the target, which is binary.
    y
        The labels of the training rows, float64, shape (n_rows,); NaN where missing.
    raw
        Out-of-fold raw scores of the same rows; NaN where there is none.
    weights
        How much each label counts, shape (n_rows,); None where all count the same.

    Returns
    -------
    The target, with Platt's line and the threshold of the highest balanced accuracy.

    References
    ----------
    Platt, Probabilistic outputs for support vector machines, 1999. Youden, Cancer 1950, 3, 32.
    """
    known = ~np.isnan(y) & ~np.isnan(raw)
    counts = None if weights is None else weights[known]
    target = Target(name, "binary", *_fit_line(y[known], raw[known], counts))
    return replace(target, threshold=_best_threshold(y[known], target.to_answer(raw[known]), counts))


def _fit_line(
    y: NDArray[np.float64], raw: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[float, float]:
    """Return slope and intercept, 1 and 0 where scores do not rise with the labels."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(y)) < 2:
        return 1.0, 0.0
    line = LogisticRegression(C=_WEAK_PRIOR).fit(raw[:, None], y, weights)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)


def _best_threshold(
    y: NDArray[np.float64], probability: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> float:
    from sklearn.metrics import roc_curve

    if len(np.unique(y)) < 2:
        return 0.5
    false_positive, true_positive, thresholds = roc_curve(y, probability, sample_weight=weights)
    best = float(thresholds[np.argmax(true_positive - false_positive)])
    return round(min(best, 1.0), PROBABILITY_DIGITS)
