"""Metrics of the order that scores give to rows, for many resamples of the rows at once.

Everywhere `weights` says how often each row is in each resample: float64 of whole numbers, shape
(n_resamples, n_rows). In each resample is at least one row. Labels and scores have shape (n_rows,), and what
is returned shape (n_resamples,).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.metrics.ordered_pairs import Relations, Vector, count_ordered_pairs


@dataclass(frozen=True)
class Ties:
    """The rows in the order of a value, the lowest first.

    Parameters
    ----------
    order
        The numbers of the rows, int64, shape (n_rows,).
    starts
        Where in this order a value stands for the first time, int64, shape (n_values,).
    place
        Which value each row has, int64, shape (n_rows,).
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    place: NDArray[np.int64]

    def count(self, weights: Vector) -> Vector:
        """Return how many rows have each value, shape (n_resamples, n_values)."""
        return np.add.reduceat(weights[:, self.order], self.starts, axis=1)


def find_ties(values: Vector) -> Ties:
    """Sort rows by a value."""
    order = np.argsort(values, kind="stable")
    distinct, place = np.unique(values, return_inverse=True)
    return Ties(order, np.searchsorted(values[order], distinct), place)


def vary(weights: Vector, values: Vector) -> NDArray[np.bool_]:
    """Say in which resamples not all values are the same."""
    return np.asarray(find_ties(values).count(weights).max(axis=1) < weights.sum(axis=1))


def auroc(weights: Vector, y: Vector, p: Vector) -> Vector:
    """Return the area under the receiver operating characteristic, NaN where all labels are the same.

    References
    ----------
    Hanley and McNeil, Radiology 1982, 143, 29, doi:10.1148/radiology.143.1.7063747.
    """
    ties = find_ties(p)
    positive, negative = ties.count(weights * y), ties.count(weights * (1 - y))
    below = np.cumsum(negative, axis=1) - negative / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(
            np.einsum("bv,bv->b", positive, below) / (positive.sum(axis=1) * negative.sum(axis=1))
        )


def average_precision(weights: Vector, y: Vector, p: Vector) -> Vector:
    """Return the mean of the precision at each score, weighted by how much the recall grows there."""
    ties = find_ties(-p)
    positive, both = ties.count(weights * y), ties.count(weights)
    precision = np.cumsum(positive, axis=1) / np.maximum(np.cumsum(both, axis=1), 1)
    return np.asarray(np.einsum("bv,bv->b", positive, precision) / positive.sum(axis=1))


def bedroc(weights: Vector, y: Vector, p: Vector, alpha: float) -> Vector:
    """Return how early label 1 comes; among equal scores label 0 comes first.

    References
    ----------
    Truchon and Bayly, J. Chem. Inf. Model. 2007, 47, 488, doi:10.1021/ci600426e, equations 18 and 36.
    """
    actives, before, counts = _rank_actives(weights, y, p)
    n = weights.sum(axis=1, keepdims=True)
    rate = alpha / n
    # The ranks of the copies of a row follow each other, so their terms are a geometric series.
    terms = np.exp(-rate * (before + 1)) * np.expm1(-rate * counts) / np.expm1(-rate)
    ratio = actives / n[:, 0]
    denominator = -np.expm1(-alpha) / np.expm1(rate[:, 0]) / n[:, 0]
    found = terms.sum(axis=1) / (actives * denominator)
    best = -np.expm1(-alpha * ratio) / (ratio * -np.expm1(-alpha))
    worst = np.expm1(alpha * ratio) / (ratio * np.expm1(alpha))
    return np.asarray(np.maximum(0.0, (found - worst) / (best - worst)))


def enrichment(weights: Vector, y: Vector, p: Vector, fraction: float) -> Vector:
    """Return how many times as frequent label 1 is among the best `fraction` of the rows as among all."""
    actives, before, counts = _rank_actives(weights, y, p)
    n = weights.sum(axis=1)
    n_best = np.ceil(n * fraction)
    return np.asarray(np.clip(n_best[:, None] - before, 0, counts).sum(axis=1) * n / n_best / actives)


def _rank_actives(weights: Vector, y: Vector, p: Vector) -> tuple[Vector, Vector, Vector]:
    """Return the number of rows with label 1, how many rows come before each, and how often each is there."""
    order = np.lexsort((y, -p))
    counts = weights[:, order]
    before = np.cumsum(counts, axis=1) - counts
    is_active = y[order] == 1
    return counts[:, is_active].sum(axis=1), before[:, is_active], counts[:, is_active]


def calibration_error(weights: Vector, y: Vector, p: Vector, n_bins: int) -> Vector:
    """Return how far probabilities are from frequencies, on average over bins of equally many rows."""
    order = np.argsort(p, kind="stable")
    counts = weights[:, order]
    zeros = np.zeros((len(weights), 1))
    stops = np.concatenate([zeros, np.cumsum(counts, axis=1)], axis=1)
    excess = np.concatenate([zeros, np.cumsum(counts * (y - p)[order], axis=1)], axis=1)
    found = np.empty(len(weights))
    for i, n in enumerate(stops[:, -1].astype(np.int64).tolist()):
        # As `numpy.array_split` divides n rows, of which one that is there several times may be cut.
        sizes = np.full(min(n_bins, n), n // min(n_bins, n))
        sizes[: n % len(sizes)] += 1
        ends = np.concatenate([[0], np.cumsum(sizes)])
        found[i] = np.abs(np.diff(np.interp(ends, stops[i], excess[i]))).sum() / n
    return found


def spearman(weights: Vector, y: Vector, y_score: Vector) -> Vector:
    """Return the correlation of ranks, NaN where labels or scores are all the same."""
    ranked = [_centre_ranks(weights, values) for values in (y, y_score)]
    covariance, *variances = (
        np.einsum("br,br,br->b", weights, a, b)
        for a, b in ((ranked[0], ranked[1]), (ranked[0], ranked[0]), (ranked[1], ranked[1]))
    )
    with np.errstate(invalid="ignore"):
        return np.asarray(covariance / np.sqrt(variances[0] * variances[1]))


def _centre_ranks(weights: Vector, values: Vector) -> Vector:
    """Return the rank of each row less the mean rank; equal values have the mean of their ranks."""
    ties = find_ties(values)
    counts = ties.count(weights)
    ranks = np.cumsum(counts, axis=1) - (counts - 1) / 2
    mean = (weights.sum(axis=1, keepdims=True) + 1) / 2
    return np.asarray((ranks - mean)[:, ties.place])


def kendall(weights: Vector, y: Vector, y_score: Vector) -> Vector:
    """Return tau-b, NaN where labels or scores are all the same.

    References
    ----------
    Kendall, The treatment of ties in ranking problems, Biometrika 1945, 33, 239,
    doi:10.1093/biomet/33.3.239.
    """
    agreeing, pairs = count_ordered_pairs(y, y_score, np.zeros(len(y), np.int8), weights)
    untied = _count_pairs(weights.sum(axis=1)) - _count_pairs(find_ties(y_score).count(weights)).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray((2 * agreeing - pairs) / np.sqrt(pairs * untied))


def _count_pairs(n: Vector) -> Vector:
    return n * (n - 1) / 2


def concordance(weights: Vector, y: Vector, y_score: Vector, relations: Relations) -> Vector:
    """Return the share of pairs in their known order, NaN where there is no pair whose order is known."""
    agreeing, pairs = count_ordered_pairs(y, y_score, relations, weights)
    with np.errstate(invalid="ignore"):
        return np.asarray(agreeing / pairs)
