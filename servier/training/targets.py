"""Targets with calibration and conformal limits, fitted on out-of-fold scores, and how well these hold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.checkpoint.target import CONFIDENCES, Target
from servier.data.bounds import Relations, only_exact
from servier.data.folds import split_folds
from servier.data.wishes import NO_LIMITS, Limits
from servier.metrics.measures import measure, measure_coverage
from servier.training.calibration import calibrate, calibrate_classes
from servier.training.censored import fit_censored_widths, fit_line
from servier.training.conformal import fit_class_sets, fit_sets, fit_widths
from servier.training.rows import TrainingRows
from servier.training.target_transform import TargetTransform

N_PARTS = 5


@dataclass(frozen=True)
class HeldOutMetrics:
    """How good the answers of one target are for rows that were held out.

    Parameters
    ----------
    metrics
        By name, as `servier.metrics.measures.measure` returns them.
    coverage
        By confidence, as `servier.metrics.measures.measure_coverage` returns it.
    """

    metrics: dict[str, float]
    coverage: dict[str, dict[str, float]]


def make_target(
    name: str,
    transform: TargetTransform,
    task: str,
    y: NDArray[np.float64],
    raw: NDArray[np.float64],
    relations: Relations | None = None,
    limits: Limits = NO_LIMITS,
    words: Sequence[str] | None = None,
    weights: NDArray[np.float64] | None = None,
) -> Target:
    """Fit the calibration, the threshold and the conformal limits of one target.

    Parameters
    ----------
    name, transform, task
        The target, and the transform of its labels in training.
    y, raw
        Labels, float64, shape (n_rows,), and out-of-fold raw scores, of a target with classes shape (n_rows,
        n_scores); NaN where missing.
    relations
        Which labels are bounds, int8, shape (n_rows,); None where none is.
    limits
        What answers may not be beyond.
    words
        What its labels are called, if they are words.
    weights
        How much each label counts in the calibration and the threshold, shape (n_rows,); None where all count
        the same. Conformal limits hold for molecules, each of which counts once.
    """
    words = None if words is None else list(words)
    if task == "binary":
        target = replace(calibrate(name, y, raw, weights), words=words)
        return replace(target, conformal=fit_sets(y, target.to_rounded_answer(raw)))
    if task != "regression":
        target = calibrate_classes(name, task, words or [], y, raw, weights)
        return replace(target, conformal=fit_class_sets(y, target.to_rounded_answer(raw)))
    return _make_value_target(name, transform, transform.apply(y), raw, relations, limits, weights)


def _make_value_target(
    name: str,
    transform: TargetTransform,
    labels: NDArray[np.float64],
    raw: NDArray[np.float64],
    relations: Relations | None,
    limits: Limits,
    weights: NDArray[np.float64] | None,
) -> Target:
    """Return a regression target, whose labels are given on the scale of the transform."""
    target = Target(
        name,
        "regression",
        slope=transform.width,
        intercept=transform.mean,
        transform=transform.transform,
        bound=transform.bound,
        lowest=limits[0],
        highest=limits[1],
    )
    if relations is None:
        return replace(target, conformal=fit_widths(labels, raw))
    line = fit_line(labels, raw, relations, weights)
    return replace(
        target,
        slope=transform.width * line.slope,
        intercept=transform.mean + transform.width * line.intercept,
        conformal=fit_censored_widths(line.to_scores(labels), raw, relations),
    )


def measure_held_out(
    rows: TrainingRows, i: int, transform: TargetTransform, raw: NDArray[np.float64], seed: int
) -> HeldOutMetrics:
    """Measure the answers for out-of-fold rows by cross-validation of the calibration.

    The rows are split into five folds that keep groups together, unless all rows belong to one group. Each
    fold is answered with the calibration, threshold and conformal limits fitted on the other four. The
    coverage is that of labels that are no bounds. Metrics and coverage are without weights.

    Parameters
    ----------
    rows, i
        The training rows, and the position of the target.
    transform, raw
        As for `make_target`.
    seed
        Of the split.
    """
    name, task = rows.data.targets[i], rows.data.tasks[i]
    words = rows.data.words.get(name)
    limits = rows.data.limits.get(name, NO_LIMITS)
    known = np.flatnonzero(~np.isnan(rows.y[:, i]) & ~np.isnan(raw.reshape(len(raw), -1)).any(axis=1))
    y, raw, groups = rows.y[known, i], raw[known], rows.groups[known]
    relations = rows.relations_of(i)
    relations = None if relations is None else relations[known]
    weights = None if rows.weights is None else rows.weights[known, i]
    if len(np.unique(groups)) < 2:
        groups = known
    n_classes = len(rows.data.labels_of(i))
    shape = (len(y), n_classes) if task in CLASS_TASKS else (len(y),)
    values, thresholds = np.full(shape, np.nan), np.full(len(y), np.nan)
    bounds = {str(level): np.full((len(y), max(2, n_classes)), np.nan) for level in CONFIDENCES}
    for fitted, part in split_folds(y, task, groups, N_PARTS, seed):
        of_fitted = None if relations is None else relations[fitted]
        counts = None if weights is None else weights[fitted]
        target = make_target(name, transform, task, y[fitted], raw[fitted], of_fitted, limits, words, counts)
        values[part] = target.to_rounded_answer(raw[part])
        thresholds[part] = np.nan if target.threshold is None else target.threshold
        for level, found in bounds.items():
            found[part] = target.bounds(raw[part], values[part], level)
    return HeldOutMetrics(
        metrics=measure(y, values, task, thresholds if task == "binary" else None, relations),
        coverage={
            level: measure_coverage(only_exact(y, relations), found, task) for level, found in bounds.items()
        },
    )
