"""Calibration of raw scores to probabilities, and the decision threshold, fitted on out-of-fold scores."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import ORDINAL, add_up, softmax
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


def calibrate_classes(
    name: str,
    task: str,
    words: Sequence[str],
    y: NDArray[np.float64],
    raw: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> Target:
    """Fit the lines from the raw scores of a target with classes to what probabilities are made of.

    These are one slope (a temperature) for all scores and an intercept for each, of the highest likelihood.
    The scores of a multiclass target go into a softmax; those of an ordinal target become log-odds of a class
    against the next lower one. Where scores do not rise with the labels, the slope is 0, and probabilities
    are the shares of the classes.

    Parameters
    ----------
    name, task, words
        The target and its classes.
    y
        The labels of the training rows, float64, shape (n_rows,); NaN where missing.
    raw
        Out-of-fold raw scores of the same rows, shape (n_rows, n_scores); NaN where there are none.
    weights
        How much each label counts in the likelihood and the shares, shape (n_rows,); None where all count the
        same.

    References
    ----------
    Guo et al., On calibration of modern neural networks, ICML 2017, arXiv:1706.04599. Alexandari et al.,
    Maximum likelihood with bias-corrected calibration, ICML 2020, arXiv:1901.06852. Agresti, Analysis of
    Ordinal Categorical Data, 2010, chapter 4: adjacent-categories logits.
    """
    known = ~np.isnan(y) & ~np.isnan(raw).any(axis=1)
    counts = np.ones(int(known.sum())) if weights is None else weights[known]
    y, raw = y[known], raw[known]
    slope, intercepts = _fit_temperature(y.astype(np.int64), add_up(raw) if task == ORDINAL else raw, counts)
    if task == ORDINAL:
        intercepts = np.diff(intercepts)
    slopes = [slope] * len(intercepts)
    return Target(name, task, words=list(words), slopes=slopes, intercepts=intercepts.tolist())


def _fit_temperature(
    y: NDArray[np.int64], raw: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return a slope for all columns, of which each is a class, and intercepts, of which the mean is 0."""
    from scipy.optimize import minimize

    n_classes = raw.shape[1]
    is_class = y[:, None] == np.arange(n_classes)

    def measure(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the negative log-likelihood with a weak prior, and its gradient."""
        probability = softmax(raw * line[0] + line[1:])
        loss = -(weights * np.log(np.maximum(probability[is_class], np.finfo(np.float64).tiny))).sum()
        error = (probability - is_class) * weights[:, None]
        gradient = np.concatenate([[(error * raw).sum()], error.sum(axis=0)])
        return float(loss + line @ line / (2 * _WEAK_PRIOR)), gradient + line / _WEAK_PRIOR

    start = np.concatenate([[1.0], np.zeros(n_classes)])
    slope, *found = minimize(measure, start, jac=True, method="BFGS").x.tolist()
    intercepts = np.array(found)
    if len(np.unique(y)) < 2 or slope <= 0:
        slope, intercepts = 0.0, np.log((is_class * weights[:, None]).sum(axis=0) + 1.0)
    return slope, intercepts - intercepts.mean()


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
