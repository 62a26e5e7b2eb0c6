"""How good predictions are: scikit-learn's metrics, with bootstrap intervals."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics

N_RESAMPLES = 1000
CONFIDENCE = 0.95

Vector = NDArray[np.float64]
Metric = Callable[[Vector, Vector, float], float]

BINARY: dict[str, Metric] = {
    "auroc": lambda y, p, _: metrics.roc_auc_score(y, p),
    "average_precision": lambda y, p, _: metrics.average_precision_score(y, p),
    "balanced_accuracy": lambda y, p, t: metrics.balanced_accuracy_score(y, p >= t),
    "mcc": lambda y, p, t: metrics.matthews_corrcoef(y, p >= t),
    "f1": lambda y, p, t: metrics.f1_score(y, p >= t, zero_division=0),
    "log_loss": lambda y, p, _: metrics.log_loss(y, p),
    "brier": lambda y, p, _: metrics.brier_score_loss(y, p),
}
REGRESSION: dict[str, Metric] = {
    "mae": lambda y, p, _: metrics.mean_absolute_error(y, p),
    "rmse": lambda y, p, _: metrics.root_mean_squared_error(y, p),
    "r2": lambda y, p, _: metrics.r2_score(y, p),
    "spearman": lambda y, p, _: _spearman(y, p),
}


def measure(y: Vector, y_score: Vector, task: str, threshold: float | None) -> dict[str, float]:
    """Return every metric of a task.

    Parameters
    ----------
    y, y_score
        float64, shape (n_rows,): labels, and probabilities of label 1 or values; no NaN.
    task
        `binary` or `regression`.
    threshold
        The probability from which on label 1 is predicted.

    Returns
    -------
    Metrics by name, without those that are undefined: all of fewer than two rows or a single class, and the
    rank correlation of values that are all equal.
    """
    if not _is_measurable(y, task):
        return {}
    cut = 0.5 if threshold is None else threshold
    found = {name: float(metric(y, y_score, cut)) for name, metric in _metrics(task).items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def mean_score(y: NDArray[np.float64], scores: NDArray[np.float64], tasks: Sequence[str]) -> float:
    """Return how good scores are in one number: AUROC of binary targets, R2 of others, mean over targets.

    Targets of fewer than two labels, or of one class, are left out; without any other the number is 0.

    Parameters
    ----------
    y, scores
        float64, shape (n_rows, n_targets): labels and raw scores, NaN where missing.
    tasks
        `binary` or `regression` for each target.
    """
    found = []
    for task, labels, values in zip(tasks, y.T, scores.T, strict=True):
        known = ~np.isnan(labels) & ~np.isnan(values)
        if _is_measurable(labels[known], task):
            metric = metrics.roc_auc_score if task == "binary" else metrics.r2_score
            found.append(metric(labels[known], values[known]))
    return float(np.mean(found)) if found else 0.0


def bootstrap(
    y: Vector, y_score: Vector, task: str, threshold: float | None, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return every metric with its 95 % interval, by the percentiles of 1,000 resamples of the rows.

    Parameters
    ----------
    y, y_score, task, threshold
        As for `measure`.
    seed
        Of the resampling.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = measure(y, y_score, task, threshold)
    if not values:
        return {}
    rng = np.random.default_rng(seed)
    samples: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(N_RESAMPLES):
        rows = rng.integers(0, len(y), len(y))
        for name, value in measure(y[rows], y_score[rows], task, threshold).items():
            samples[name].append(value)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    intervals = {name: np.nanquantile(found, tails) for name, found in samples.items()}
    return {
        name: {"value": value, "low": float(intervals[name][0]), "high": float(intervals[name][1])}
        for name, value in values.items()
    }


def _spearman(y: Vector, y_score: Vector) -> float:
    if np.ptp(y) == 0 or np.ptp(y_score) == 0:
        return math.nan
    return float(stats.spearmanr(y, y_score).statistic)


def _metrics(task: str) -> Mapping[str, Metric]:
    return BINARY if task == "binary" else REGRESSION


def _is_measurable(y: Vector, task: str) -> bool:
    return len(y) > 1 and (task == "regression" or len(np.unique(y)) > 1)
