"""All metrics of `servier.metrics.measures` for many resamples of the rows at once.

Metrics of scikit-learn check their arguments each time, which takes most of the time of a bootstrap. Here a
resample is a row of a matrix that says how often each row of the table is in it, and a metric is a few
operations on the matrix.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from servier.metrics import rankings
from servier.metrics.measures import ALPHA, CONCORDANCE, N_BINS
from servier.metrics.ordered_pairs import Relations, Vector

Found = dict[str, Vector]

EPSILON = float(np.finfo(np.float64).eps)


def measure_resamples(
    y: Vector,
    y_score: Vector,
    task: str,
    threshold: float | None,
    weights: Vector,
    relations: Relations | None = None,
) -> Found:
    """Return every metric of a task on each resample.

    Parameters
    ----------
    y, y_score, task, threshold, relations
        As for `servier.metrics.measures.measure`.
    weights
        How often each row is in each resample, float64 of whole numbers, shape (n_resamples, n_rows).

    Returns
    -------
    Metrics by name, float64, shape (n_resamples,); NaN where one is undefined, and none where all are.
    """
    if relations is not None and relations.any():
        exact = relations == 0
        found = measure_resamples(y[exact], y_score[exact], task, threshold, weights[:, exact])
        return found | {CONCORDANCE: rankings.concordance(weights, y, y_score, relations)}
    is_measurable = weights.sum(axis=1) > 1
    if task != "regression":
        is_measurable &= rankings.vary(weights, y)
    if not is_measurable.any():
        return {}
    measured = weights[is_measurable]
    found = {}
    for name, values in _METRICS[task](measured, y, y_score, 0.5 if threshold is None else threshold).items():
        found[name] = np.full(len(weights), np.nan)
        found[name][is_measurable] = values
    return found


def _measure_binary(weights: Vector, y: Vector, p: Vector, threshold: float) -> Found:
    n = weights.sum(axis=1)
    cells = _count_cells(weights, y, (p >= threshold).astype(np.int64), 2)
    of_label = np.where(y == 1, p, 1 - p)
    return {
        "auroc": rankings.auroc(weights, y, p),
        "average_precision": rankings.average_precision(weights, y, p),
        "balanced_accuracy": _balanced_accuracy(cells),
        "mcc": _mcc(cells),
        "f1": 2 * cells[:, 1, 1] / np.maximum(2 * cells[:, 1, 1] + cells[:, 0, 1] + cells[:, 1, 0], 1),
        "log_loss": weights @ _surprise(of_label) / n,
        "brier": weights @ (y - p) ** 2 / n,
        "calibration_error": rankings.calibration_error(weights, y, p, N_BINS),
        "bedroc": rankings.bedroc(weights, y, p, ALPHA),
        "enrichment_1%": rankings.enrichment(weights, y, p, 0.01),
        "enrichment_5%": rankings.enrichment(weights, y, p, 0.05),
    }


def _measure_values(weights: Vector, y: Vector, y_score: Vector, _: float) -> Found:
    n, errors = weights.sum(axis=1), y_score - y
    squares = weights @ errors**2
    centred = y - y.mean() if len(y) else y
    deviations = centred - (weights @ centred / n)[:, None]
    spread = np.einsum("br,br,br->b", weights, deviations, deviations)
    labels_vary = rankings.vary(weights, y)
    ranks_vary = labels_vary & rankings.vary(weights, y_score)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - squares / spread
    return {
        "mae": weights @ np.abs(errors) / n,
        "rmse": np.sqrt(squares / n),
        "r2": np.where(labels_vary, r2, np.nan),
        "spearman": np.where(ranks_vary, rankings.spearman(weights, y, y_score), np.nan),
        "kendall": np.where(ranks_vary, rankings.kendall(weights, y, y_score), np.nan),
    }


def _measure_classes(weights: Vector, y: Vector, p: Vector, _: float) -> Found:
    return _measure_table(weights, y, p, _count_cells(weights, y, p.argmax(axis=1), p.shape[1]))


def _measure_table(weights: Vector, y: Vector, p: Vector, cells: Vector) -> Found:
    """Return the metrics of classes, of which the confusion tables are known."""
    labels = range(p.shape[1])
    each = [rankings.auroc(weights, (y == label).astype(np.float64), p[:, label]) for label in labels]
    shares = (p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y.astype(np.int64)]
    return {
        "auroc": np.nanmean(each, axis=0),
        "balanced_accuracy": _balanced_accuracy(cells),
        "mcc": _mcc(cells),
        "log_loss": weights @ _surprise(shares) / weights.sum(axis=1),
    }


def _measure_order(weights: Vector, y: Vector, p: Vector, _: float) -> Found:
    cells = _count_cells(weights, y, p.argmax(axis=1), p.shape[1])
    return {"quadratic_kappa": _kappa(cells), **_measure_table(weights, y, p, cells)}


_METRICS: dict[str, Callable[[Vector, Vector, Vector, float], Found]] = {
    "binary": _measure_binary,
    "regression": _measure_values,
    "multiclass": _measure_classes,
    "ordinal": _measure_order,
}


def _surprise(probability: Vector) -> Vector:
    """Return the logarithmic loss of each row, finite where its label had no probability at all."""
    return np.asarray(-np.log(np.clip(probability, EPSILON, 1 - EPSILON)))


def _count_cells(weights: Vector, y: Vector, labels: NDArray[np.int64], n: int) -> Vector:
    """Return confusion tables, shape (n_resamples, n, n), a row for each observed class."""
    is_cell = (y.astype(np.int64) * n + labels)[:, None] == np.arange(n * n)
    return np.asarray((weights @ is_cell.astype(np.float64)).reshape(-1, n, n))


def _balanced_accuracy(cells: Vector) -> Vector:
    """Return the mean share of rows of each class, of those that some rows have, that are found."""
    found, observed = np.diagonal(cells, axis1=1, axis2=2), cells.sum(axis=2)
    recall = found / np.where(observed > 0, observed, np.nan)
    return np.asarray(np.nanmean(recall, axis=1))


def _mcc(cells: Vector) -> Vector:
    """Return the correlation of observed and predicted classes, 0 where either are all the same.

    References
    ----------
    Gorodkin, Comput. Biol. Chem. 2004, 28, 367, doi:10.1016/j.compbiolchem.2004.09.006.
    """
    observed, predicted = cells.sum(axis=2), cells.sum(axis=1)
    n, hits = observed.sum(axis=1), np.trace(cells, axis1=1, axis2=2)
    covariance = hits * n - np.einsum("bc,bc->b", observed, predicted)
    variances = [n**2 - np.einsum("bc,bc->b", counts, counts) for counts in (observed, predicted)]
    is_defined = variances[0] * variances[1] > 0
    return np.where(is_defined, covariance / np.sqrt(np.where(is_defined, variances[0] * variances[1], 1)), 0)


def _kappa(cells: Vector) -> Vector:
    """Return Cohen's kappa with the squared distance of classes as weight, NaN of a single class."""
    n_classes = cells.shape[1]
    observed, predicted, n = cells.sum(axis=2), cells.sum(axis=1), cells.sum(axis=(1, 2))
    squares = (np.arange(n_classes)[:, None] - np.arange(n_classes)) ** 2.0
    by_chance = np.einsum("bi,bj->bij", observed, predicted) / n[:, None, None]
    has_several = ((observed + predicted) > 0).sum(axis=1) > 1
    distance, chance = (np.einsum("bij,ij->b", table, squares) for table in (cells, by_chance))
    return np.where(has_several, 1 - distance / np.where(has_several, chance, 1), np.nan)
