import numpy as np
import pytest
from sklearn.metrics import r2_score

from servier.metrics import (
    BINARY,
    LOWER_IS_BETTER,
    REGRESSION,
    calibration_error,
    enrichment,
    mean_score,
    measure,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.3).astype(float)
    return y, np.clip(0.3 * y + rng.random(300) * 0.7, 0, 1)


def test_metrics_of_a_perfect_model():
    """Right answers get the best value of every metric."""
    y = np.array([0.0, 1, 1, 0])
    perfect = measure(y, y, "binary", 0.5)
    assert perfect.keys() == BINARY.keys()
    assert {perfect[name] for name in ("auroc", "average_precision", "balanced_accuracy", "mcc", "f1")} == {1}
    assert perfect["brier"] == 0
    values = measure(y, y, "regression", None)
    assert values.keys() == REGRESSION.keys()
    assert (values["mae"], values["rmse"], values["r2"]) == (0, 0, 1)


@pytest.mark.parametrize("name", [*BINARY, *REGRESSION])
def test_every_metric_says_which_way_is_better(name, rows):
    """A model that knows more has the lower value where lower is better, and the higher one elsewhere."""
    y = rows[0]
    task = "binary" if name in BINARY else "regression"
    noise = np.random.default_rng(1).random(len(y))
    worse, better = (measure(y, scores, task, 0.5)[name] for scores in (noise, 0.1 + 0.8 * y))
    assert better < worse if name in LOWER_IS_BETTER else better > worse


def test_threshold_decides_the_label_metrics(rows):
    """A threshold above all scores predicts no positive."""
    assert measure(*rows, "binary", 1.1)["balanced_accuracy"] == 0.5


def test_calibration_error_is_the_distance_from_frequencies(rows):
    """Probabilities that are right have next to none; shifted ones have the shift."""
    rng = np.random.default_rng(1)
    p = rng.uniform(0.2, 0.8, 20000)
    y = (rng.random(len(p)) < p).astype(float)
    assert calibration_error(y, p) < 0.02
    assert calibration_error(y, p + 0.15) == pytest.approx(0.15, abs=0.02)
    assert calibration_error(*rows) <= 1


def test_enrichment_is_the_share_of_hits_at_the_top():
    """Counted by hand; equal scores are no reason to come first."""
    y = np.array([1.0] * 10 + [0.0] * 90)
    assert enrichment(y, np.linspace(1, 0, 100), 0.05) == 10
    assert enrichment(y, np.linspace(0, 1, 100), 0.05) == 0
    assert enrichment(y, np.ones(100), 0.05) == 0
    assert enrichment(y, np.where(np.arange(100) % 2 == 0, 1.0, 0.0), 0.05) == 0


def test_early_recognition_is_between_worst_and_best(rows):
    """BEDROC is 1 where all positives come first, 0 where they come last, and in between else."""
    y, p = rows
    assert measure(y, y, "binary", 0.5)["bedroc"] == pytest.approx(1)
    assert measure(y, 1 - y, "binary", 0.5)["bedroc"] == pytest.approx(0, abs=1e-6)
    assert 0.3 < measure(y, p, "binary", 0.5)["bedroc"] < 1


def test_undefined_metrics_are_absent():
    """One class, or one row, measures nothing."""
    assert measure(np.ones(5), np.ones(5), "binary", 0.5) == {}
    assert measure(np.ones(1), np.ones(1), "regression", None) == {}
    constant = measure(np.arange(5.0), np.ones(5), "regression", None)
    assert constant.keys() == REGRESSION.keys() - {"spearman", "kendall"}
    labels = measure(np.ones(5), np.arange(5.0), "regression", None)
    assert labels.keys() == REGRESSION.keys() - {"spearman", "kendall", "r2"}
    assert measure(np.ones(5), np.ones(5), "regression", None) == {"mae": 0, "rmse": 0}


def test_targets_that_do_not_vary_have_no_part_in_the_mean():
    """The mean is over those of which something is known: no R2 of 1 where labels are all equal."""
    y = np.array([[0, 5, 1.0], [1, 5, 2], [0, 5, 4], [1, 5, np.nan]])
    scores = np.array([[0.1, 5, 1], [0.9, 5, 2], [0.2, 5, 4], [0.8, 5, 0]])
    assert mean_score(y, scores, ["binary", "regression", "regression"]) == 1
    halved = mean_score(y, scores / 2, ["regression"] * 3)
    known = [(y[:, 0], scores[:, 0] / 2), (y[:3, 2], scores[:3, 2] / 2)]
    assert halved == pytest.approx(np.mean([r2_score(*pair) for pair in known]))
    assert mean_score(y[:, [1]], scores[:, [1]], ["regression"]) == 0
