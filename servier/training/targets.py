"""From raw scores of held-out rows to targets that know how sure they are, and how true that is."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import CONFIDENCES, Target, in_set, intervals, round_answers, to_answers
from servier.data.folds import split_folds
from servier.metrics import measure, measure_coverage
from servier.training.calibration import calibrate
from servier.training.conformal import fit_sets, fit_widths
from servier.training.rows import TrainingRows
from servier.training.target_transform import TargetTransform

N_PARTS = 5


def make_target(
    name: str, scale: TargetTransform, task: str, y: NDArray[np.float64], raw: NDArray[np.float64]
) -> Target:
    """Fit calibration, threshold and conformal tables of one target.

    Parameters
    ----------
    name, task, scale
        The target, and the units that it was learnt in.
    y, raw
        Labels, and raw scores by models that had not seen the row, float64, shape (n_rows,); NaN where
        missing.
    """
    if task == "binary":
        target = calibrate(name, y, raw)
        return replace(target, conformal=fit_sets(y, _answer(raw, target)))
    return Target(
        name,
        task,
        slope=scale.width,
        intercept=scale.mean,
        transform=scale.transform,
        bound=scale.bound,
        conformal=fit_widths(scale.apply(y), raw),
    )


def measure_held_out(
    rows: TrainingRows, i: int, scale: TargetTransform, raw: NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """Measure answers for held-out rows, each calibrated on others than itself.

    The rows are cut into five parts that tear no group apart, unless they are all of one; each is answered
    with calibration, threshold and conformal tables that were fitted on the other four.

    Parameters
    ----------
    rows, i
        The training rows, and the position of the target.
    scale, raw
        As for `make_target`.
    seed
        Decides how the rows are cut.

    Returns
    -------
    `metrics` by name, and `coverage` by confidence, as `servier.metrics.measure_coverage` returns it.
    """
    name, task = rows.data.targets[i], rows.data.tasks[i]
    known = np.flatnonzero(~np.isnan(rows.y[:, i]) & ~np.isnan(raw))
    y, raw, groups = rows.y[known, i], raw[known], rows.groups[known]
    if len(np.unique(groups)) < 2:
        groups = known
    values, thresholds = np.full(len(y), np.nan), np.full(len(y), np.nan)
    bounds = {str(level): np.full((len(y), 2), np.nan) for level in CONFIDENCES}
    for fitted, part in split_folds(y, task, groups, N_PARTS, seed):
        target = make_target(name, scale, task, y[fitted], raw[fitted])
        values[part] = _answer(raw[part], target)
        thresholds[part] = np.nan if target.threshold is None else target.threshold
        for level, found in bounds.items():
            found[part] = _bound(raw[part], values[part], target, level)
    return {
        "metrics": measure(y, values, task, thresholds if task == "binary" else None),
        "coverage": {level: measure_coverage(y, found, task) for level, found in bounds.items()},
    }


def _answer(raw: NDArray[np.float64], target: Target) -> NDArray[np.float64]:
    return round_answers(to_answers(raw[:, None], [target]), [target])[:, 0]


def _bound(
    raw: NDArray[np.float64], values: NDArray[np.float64], target: Target, level: str
) -> NDArray[np.float64]:
    if target.task == "binary":
        return in_set(values, target.conformal.get(level))
    return intervals(raw[:, None], [target], level)[:, 0]
