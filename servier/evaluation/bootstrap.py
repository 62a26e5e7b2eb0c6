"""Confidence intervals and comparisons of metrics, by bootstrapping the rows."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.metrics.measures import measure
from servier.metrics.ordered_pairs import Relations, Vector
from servier.metrics.resamples import measure_resamples

CONFIDENCE = 0.95
BATCH_SIZE = 2_000_000
"""So many numbers say which rows are in the resamples that are measured at once."""
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


@dataclass(frozen=True)
class Scores:
    """The predictions of one model for some rows.

    Parameters
    ----------
    values
        float64, shape (n_rows,): probabilities of label 1, or values, or, shape (n_rows, n_classes), of all
        classes; no NaN.
    threshold
        The lowest probability at which label 1 is predicted.
    """

    values: Vector
    threshold: float | None = None


@dataclass(frozen=True)
class Resampling:
    """How rows are resampled.

    Parameters
    ----------
    n
        The number of resamples.
    seed
        The seed of the resampling.
    workers
        The number of threads; the results do not depend on it.
    """

    n: int = 1000
    seed: int = 0
    workers: int = 1


STANDARD = Resampling()


@dataclass(frozen=True)
class Difference:
    """One metric of two models on the same rows.

    Parameters
    ----------
    first, second
        Its values.
    difference, low, high
        Second minus first, and its 95 % interval.
    p_value
        Of the paired bootstrap, two-sided: twice the share of resamples in which the difference has the
        opposite sign.
    """

    first: float
    second: float
    difference: float
    low: float
    high: float
    p_value: float


def bootstrap(
    y: Vector,
    scores: Scores,
    task: str,
    resampling: Resampling = STANDARD,
    relations: Relations | None = None,
) -> dict[str, dict[str, float]]:
    """Return every metric with its 95 % interval, by the percentiles of resamples of the rows.

    Parameters
    ----------
    y, scores
        The labels, float64, shape (n_rows,), and the predictions of the model.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    resampling
        How rows are resampled.
    relations
        Which labels are bounds, as for `servier.metrics.measures.measure`; None where none is.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = measure(y, scores.values, task, scores.threshold, relations)
    samples = _resample(y, [scores], task, resampling, relations) if values else {}
    found = {}
    for name, value in values.items():
        low, high = np.nanquantile(samples[name][:, 0], TAILS)
        found[name] = {"value": value, "low": float(low), "high": float(high)}
    return found


def compare(
    y: Vector,
    first: Scores,
    second: Scores,
    task: str,
    resampling: Resampling = STANDARD,
    relations: Relations | None = None,
) -> dict[str, Difference]:
    """Return every metric of two models on the same rows, and whether they differ.

    Parameters
    ----------
    y, task, resampling, relations
        As for `bootstrap`.
    first, second
        The predictions of the two models.

    References
    ----------
    Davison and Hinkley, Bootstrap Methods and their Application, 1997, equation 4.11.
    """
    measured = [measure(y, scores.values, task, scores.threshold, relations) for scores in (first, second)]
    both = [name for name in measured[0] if name in measured[1]]
    samples = _resample(y, [first, second], task, resampling, relations) if both else {}
    found = {}
    for name in both:
        differences = samples[name][:, 1] - samples[name][:, 0]
        differences = differences[~np.isnan(differences)]
        low, high = np.quantile(differences, TAILS)
        rarer = min(np.sum(differences <= 0), np.sum(differences >= 0))
        found[name] = Difference(
            first=measured[0][name],
            second=measured[1][name],
            difference=measured[1][name] - measured[0][name],
            low=float(low),
            high=float(high),
            p_value=min(1.0, float(2 * (rarer + 1) / (len(differences) + 1))),
        )
    return found


def _resample(
    y: Vector, models: Sequence[Scores], task: str, resampling: Resampling, relations: Relations | None
) -> dict[str, NDArray[np.float64]]:
    """Return for each metric its values on resamples, shape (n_resamples, n_models); NaN where undefined."""
    rng = np.random.default_rng(resampling.seed)
    seeds = rng.integers(0, 2**63, resampling.n)
    size = max(1, BATCH_SIZE // len(y))

    def measure_batch(first: int) -> list[dict[str, Vector]]:
        weights = np.stack([_draw(len(y), seed) for seed in seeds[first : first + size].tolist()])
        return [
            measure_resamples(y, scores.values, task, scores.threshold, weights, relations)
            for scores in models
        ]

    with ThreadPoolExecutor(resampling.workers) as pool:
        batches = list(pool.map(measure_batch, range(0, resampling.n, size)))
    names = dict.fromkeys(name for batch in batches for found in batch for name in found)
    lengths = [min(size, resampling.n - first) for first in range(0, resampling.n, size)]
    return {
        name: np.concatenate(
            [
                np.stack([found.get(name, np.full(length, np.nan)) for found in batch], axis=1)
                for batch, length in zip(batches, lengths, strict=True)
            ]
        )
        for name in names
    }


def _draw(n_rows: int, seed: int) -> Vector:
    """Return how often each row is in one resample."""
    rows = np.random.default_rng(seed).integers(0, n_rows, n_rows)
    return np.bincount(rows, minlength=n_rows).astype(np.float64)
