"""Concordance: how many pairs of rows scores put in the right order, counted without looking at each pair."""

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Relations = NDArray[np.int8]
Integers = NDArray[np.int64]


def concordance(y: Vector, y_score: Vector, relations: Relations) -> float:
    """Return the share of pairs, of those whose true order is known, that scores order in the same way.

    The order of two values that differ is known, and that of a bound and of what lies on its other side. A
    tie of scores counts half. Without such pairs the share is NaN.

    Parameters
    ----------
    y, y_score, relations
        As for `servier.metrics.measures.measure`.

    References
    ----------
    Harrell et al., JAMA 1982, 247, 2543, doi:10.1001/jama.1982.03320430047030.
    """
    agreeing, pairs = count_ordered_pairs(y, y_score, relations, np.ones((1, len(y))))
    return float(agreeing[0] / pairs[0]) if pairs[0] else math.nan


def count_ordered_pairs(
    y: Vector, y_score: Vector, relations: Relations, weights: Vector
) -> tuple[Vector, Vector]:
    """Count the pairs that scores order as they are known to be, and all whose order is known.

    Parameters
    ----------
    y, y_score, relations
        As for `concordance`.
    weights
        How often each row is there, float64, shape (n_resamples, n_rows).

    Returns
    -------
    Both counts, float64, shape (n_resamples,); a tie of scores counts half.

    References
    ----------
    Claude and Navarro, The wavelet matrix, SPIRE 2012, doi:10.1007/978-3-642-34109-0_18.
    """
    place = 4 * np.unique(y, return_inverse=True)[1]
    highest = np.where(relations == 1, place.max(initial=0) + 4, place + 1 + relations)
    lowest = np.where(relations == -1, -1, place + 1 + relations)
    order = np.argsort(highest, kind="stable")
    n_below = np.searchsorted(highest[order], lowest)
    ranks = np.unique(y_score, return_inverse=True)[1]
    counts = np.ascontiguousarray(weights.T)
    lower, not_higher = _add_lower(ranks[order], counts[order], n_below, [ranks, ranks + 1])
    below = _cumulate(counts[order])[n_below]
    return np.einsum("rb,rb->b", lower + not_higher, counts) / 2, np.einsum("rb,rb->b", below, counts)


def _add_lower(ranks: Integers, counts: Vector, n_first: Integers, limits: list[Integers]) -> list[Vector]:
    """Add up the counts of those of the first so many rows whose rank is below a limit, for several limits.

    Ranks are sorted by one bit after the other, the highest first, and the ranges of the first ones follow.

    Parameters
    ----------
    ranks, counts
        Of the rows, shapes (n_rows,) and (n_rows, n_resamples).
    n_first, limits
        Of each question, shape (n_questions,).

    Returns
    -------
    For each of `limits` the sums, shape (n_questions, n_resamples).
    """
    sums = [np.zeros((len(n_first), counts.shape[1])) for _ in limits]
    ranges = [(np.zeros_like(n_first), n_first) for _ in limits]
    for bit in reversed(range(max(int(limit.max(initial=0)) for limit in limits).bit_length())):
        is_set = ((ranks >> bit) & 1).astype(bool)
        n_unset = np.concatenate([[0], np.cumsum(~is_set)])
        unset, is_last = np.flatnonzero(~is_set), bit == 0
        total = _cumulate(counts[unset])
        for i, limit in enumerate(limits):
            start, end = ranges[i]
            first, last = n_unset[start], n_unset[end]
            goes_on = ((limit >> bit) & 1).astype(bool)
            sums[i][goes_on] += total[last[goes_on]] - total[first[goes_on]]
            if not is_last:
                n_all = n_unset[-1]
                ranges[i] = (
                    np.where(goes_on, n_all + start - first, first),
                    np.where(goes_on, n_all + end - last, last),
                )
        rows = np.concatenate([unset, np.flatnonzero(is_set)])
        ranks, counts = ranks[rows], counts[rows]
    return sums


def _cumulate(counts: Vector) -> Vector:
    """Return how many stand before each row, and before the end, shape (n_rows + 1, n_resamples)."""
    return np.concatenate([np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0)])
