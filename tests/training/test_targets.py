"""Calibration and conformal limits that training fits on out-of-fold scores."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import recall_score, roc_auc_score, roc_curve

from servier.checkpoint.target import CONFIDENCES
from servier.data.datasets import Columns, load_dataset
from servier.data.simulation import simulate, write_simulation
from servier.training.learnt_labels import LearntLabels
from servier.training.options import Options
from servier.training.rows import select_rows
from servier.training.target_transform import TargetTransform
from servier.training.targets import make_target, measure_held_out

PLAIN = TargetTransform(0.0, 1.0)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "dataset_single.csv"
    write_simulation(simulate(1500, seed=4), path)
    return select_rows(load_dataset(path, Columns()), Options(test_fraction=0.0))


@pytest.fixture(scope="module")
def raw(rows):
    """Raw scores that know something of the labels, and that are overconfident."""
    noise = np.random.default_rng(0).normal(size=len(rows.y))
    return 6 * (rows.y[:, 0] - 0.5 + noise)


def test_calibration_and_coverage_hold_for_rows_that_did_not_fit_them(rows, raw):
    """Exchangeable rows are covered as promised, and probabilities are frequencies; raw scores are not."""
    found = measure_held_out(rows.labels_of(0), PLAIN, raw, seed=0)
    assert found.metrics["calibration_error"] < 0.05
    assert found.metrics["auroc"] == pytest.approx(roc_auc_score(rows.y[:, 0], raw), abs=0.005)
    for level in CONFIDENCES:
        for name in ("coverage", "coverage_0", "coverage_1"):
            assert found.coverage[str(level)][name] == pytest.approx(level, abs=0.04)


def answers_and_target(y, raw):
    """The calibrated probabilities, rounded as answers are, and the target that gives them."""
    target = make_target(LearntLabels("P1", "binary", y, np.arange(len(y))), PLAIN, raw)
    return np.round(1 / (1 + np.exp(-(target.slope * raw + target.intercept))), 6), target


def youden(y, p, threshold):
    """Youden's J, by scikit-learn: sensitivity plus specificity minus 1."""
    return recall_score(y, p >= threshold) + recall_score(y, p >= threshold, pos_label=0) - 1


def best_youden(y, p):
    """The largest Youden's J on scikit-learn's ROC curve."""
    false_positive, true_positive, _ = roc_curve(y, p)
    return (true_positive - false_positive).max()


def test_the_threshold_maximizes_youdens_j(rows, raw):
    """No threshold on scikit-learn's ROC curve is better, but for a row that rounding moves."""
    y = rows.y[:, 0]
    p, target = answers_and_target(y, raw)
    best = best_youden(y, p)
    assert youden(y, p, target.threshold) == pytest.approx(best, abs=2.1 / np.sum(y == 1))
    assert youden(y, p, target.threshold + 0.1) < best - 0.02


def test_noise_is_not_flattered(rows):
    """Scores that know nothing look good only on the rows that the threshold was fitted to."""
    y, noise = rows.y[:, 0], np.random.default_rng(1).normal(size=len(rows.y))
    p, target = answers_and_target(y, noise)
    honest = measure_held_out(rows.labels_of(0), PLAIN, noise, seed=0).metrics
    assert youden(y, p, target.threshold) == pytest.approx(best_youden(y, p), abs=2.1 / np.sum(y == 1))
    assert youden(y, p, target.threshold) > 0
    assert honest["balanced_accuracy"] == pytest.approx(0.5, abs=0.02)


def test_intervals_hold_for_rows_that_did_not_fit_them(rows):
    """The intervals of a regression target, in its own units, cover rows without a part in their width."""
    rng = np.random.default_rng(2)
    raw = rng.normal(size=len(rows.y))
    transform = TargetTransform(10.0, 3.0)
    y = 10 + 3 * (raw + rng.standard_t(5, size=len(raw)))
    numbers = replace(rows, y=y[:, None], data=replace(rows.data, tasks=["regression"]))
    found = measure_held_out(numbers.labels_of(0), transform, raw, seed=0)
    assert found.metrics["mae"] == pytest.approx(np.abs(y - (10 + 3 * raw)).mean(), rel=1e-6)
    for level in CONFIDENCES:
        assert found.coverage[str(level)]["coverage"] == pytest.approx(level, abs=0.03)


def test_rows_without_a_score_are_left_out(rows, raw):
    """Rows that were never held out count nowhere, whatever their labels are."""
    scored = np.where(np.arange(len(raw)) < 700, raw, np.nan)
    other = rows.y.copy()
    other[700:] = 1 - other[700:]
    first, second = (
        measure_held_out(found.labels_of(0), PLAIN, scored, seed=0)
        for found in (rows, replace(rows, y=other))
    )
    assert first == second


def test_one_scaffold_is_torn_apart(rows, raw):
    """Where all held-out rows share one scaffold they are measured all the same."""
    alike = replace(rows, groups=np.zeros(len(raw), np.int64))
    found = measure_held_out(alike.labels_of(0), PLAIN, raw, seed=0).metrics["auroc"]
    assert found == pytest.approx(roc_auc_score(rows.y[:, 0], raw), abs=0.005)
