"""Targets with calibration and conformal limits, fitted on out-of-fold scores, and how well these hold."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import CONFIDENCES, Target
from servier.data.folds import split_folds
from servier.metrics.measures import measure, measure_coverage
from servier.training.calibration import calibrate, calibrate_classes
from servier.training.censored import fit_censored_widths, fit_line
from servier.training.conformal import fit_class_sets, fit_sets, fit_widths
from servier.training.learnt_labels import LearntLabels
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


def make_target(labels: LearntLabels, transform: TargetTransform, raw: NDArray[np.float64]) -> Target:
    """Fit the calibration, the threshold and the conformal limits of one target.

    Parameters
    ----------
    labels
        The labels. Weights count in the calibration and the threshold; conformal limits hold for molecules,
        each of which counts once.
    transform
        The transform of the labels in training.
    raw
        Out-of-fold raw scores, float64, shape (n_rows,), of a target with classes shape (n_rows, n_scores);
        NaN where missing.
    """
    words = None if labels.words is None else list(labels.words)
    if labels.task == "binary":
        target = replace(calibrate(labels.name, labels.y, raw, labels.weights), words=words)
        return replace(target, conformal=fit_sets(labels.y, target.to_rounded_answer(raw)))
    if labels.task != "regression":
        target = calibrate_classes(labels.name, labels.task, words or [], labels.y, raw, labels.weights)
        return replace(target, conformal=fit_class_sets(labels.y, target.to_rounded_answer(raw)))
    return _make_value_target(labels, transform, raw)


def _make_value_target(labels: LearntLabels, transform: TargetTransform, raw: NDArray[np.float64]) -> Target:
    """Return a regression target."""
    target = Target(
        labels.name,
        "regression",
        slope=transform.width,
        intercept=transform.mean,
        transform=transform.transform,
        bound=transform.bound,
        lowest=labels.limits[0],
        highest=labels.limits[1],
    )
    y = transform.apply(labels.y)
    if labels.relations is None:
        return replace(target, conformal=fit_widths(y, raw))
    line = fit_line(y, raw, labels.relations, labels.weights)
    return replace(
        target,
        slope=transform.width * line.slope,
        intercept=transform.mean + transform.width * line.intercept,
        conformal=fit_censored_widths(line.to_scores(y), raw, labels.relations),
    )


def measure_held_out(
    labels: LearntLabels, transform: TargetTransform, raw: NDArray[np.float64], seed: int
) -> HeldOutMetrics:
    """Measure the answers for out-of-fold rows by cross-validation of the calibration.

    The rows are split into five folds that keep groups together, unless all rows belong to one group. Each
    fold is answered with the calibration, threshold and conformal limits fitted on the other four. The
    coverage is that of labels that are no bounds. Metrics and coverage are without weights.

    Parameters
    ----------
    labels, transform, raw
        As for `make_target`.
    seed
        Of the split.
    """
    known = np.flatnonzero(~np.isnan(labels.y) & ~np.isnan(raw.reshape(len(raw), -1)).any(axis=1))
    labels, raw = labels.select(known), raw[known]
    y, task, n_classes = labels.y, labels.task, labels.n_classes
    groups = known if len(np.unique(labels.groups)) < 2 else labels.groups
    values, thresholds = (
        np.full((len(y), n_classes) if n_classes else len(y), np.nan),
        np.full(len(y), np.nan),
    )
    bounds = {str(level): np.full((len(y), max(2, n_classes)), np.nan) for level in CONFIDENCES}
    for fitted, part in split_folds(y, task, groups, N_PARTS, seed):
        target = make_target(labels.select(fitted), transform, raw[fitted])
        values[part] = target.to_rounded_answer(raw[part])
        thresholds[part] = np.nan if target.threshold is None else target.threshold
        for level, found in bounds.items():
            found[part] = target.bounds(raw[part], values[part], level)
    return HeldOutMetrics(
        metrics=measure(y, values, task, thresholds if task == "binary" else None, labels.relations),
        coverage={level: measure_coverage(labels.exact_y, found, task) for level, found in bounds.items()},
    )
