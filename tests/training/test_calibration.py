import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, log_loss

from servier.training.calibration import calibrate


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    log_odds = rng.normal(1.5, 1.5, 4000)
    y = (rng.random(4000) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return y, (log_odds - 2) / 3


def test_distorted_scores_are_straightened(scores):
    """The line that distorted the log-odds is found again, and the probabilities are those of the labels."""
    y, raw = scores
    target = calibrate("P1", y, raw)
    assert (target.slope, target.intercept) == (pytest.approx(3, rel=0.1), pytest.approx(2, rel=0.1))
    probability = target.to_answer(raw)
    assert probability.mean() == pytest.approx(y.mean(), abs=0.01)
    assert log_loss(y, probability) < log_loss(y, 1 / (1 + np.exp(-raw)))


def test_threshold_has_the_best_balanced_accuracy(scores):
    """No threshold of a fine grid does better."""
    y, raw = scores
    target = calibrate("P1", y, raw)
    probability = target.to_answer(raw)
    best = max(balanced_accuracy_score(y, probability >= t) for t in np.linspace(0.01, 0.99, 99))
    assert balanced_accuracy_score(y, probability >= target.threshold) >= best - 1e-9


def test_rows_without_label_or_score_do_not_count(scores):
    """Missing labels and rows that were never held out are left out."""
    y, raw = scores
    more_y, more_raw = np.r_[y, np.nan, 1.0], np.r_[raw, 0.0, np.nan]
    assert calibrate("P1", more_y, more_raw) == calibrate("P1", y, raw)


def test_scores_that_know_nothing_are_left_alone():
    """A model worse than chance is not turned round."""
    y = np.array([0.0, 1.0] * 50)
    target = calibrate("P1", y, -y)
    assert (target.slope, target.intercept) == (1.0, 0.0)
    assert calibrate("P1", np.ones(9), np.arange(9.0)).threshold == 0.5


def test_weights_count_as_repeated_rows(scores):
    """Line and threshold are those of a table in which each row stands as often as its weight says."""
    y, raw = (values[:400] for values in scores)
    times = np.random.default_rng(1).integers(1, 5, 400)
    found = calibrate("P1", y, raw, times.astype(float))
    repeated = calibrate("P1", np.repeat(y, times), np.repeat(raw, times))
    assert (found.slope, found.intercept) == pytest.approx((repeated.slope, repeated.intercept), rel=1e-3)
    assert found.threshold == pytest.approx(repeated.threshold, abs=1e-3)
    assert found != calibrate("P1", y, raw)
