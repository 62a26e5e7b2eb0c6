import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from servier.metrics import BINARY, REGRESSION, bootstrap, measure


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


def test_threshold_decides_the_label_metrics(rows):
    """A threshold above all scores predicts no positive."""
    assert measure(*rows, "binary", 1.1)["balanced_accuracy"] == 0.5


def test_interval_is_scipys(rows):
    """SciPy's percentile bootstrap gives the same interval, within the noise of resampling."""
    y, p = rows
    found = bootstrap(y, p, "binary", 0.5)["auroc"]
    oracle = stats.bootstrap(
        (y, p), roc_auc_score, paired=True, vectorized=False, method="percentile",
        n_resamples=1000, rng=1,
    ).confidence_interval  # fmt: skip
    assert found["value"] == roc_auc_score(y, p)
    assert (found["low"], found["high"]) == (
        pytest.approx(oracle.low, abs=0.01),
        pytest.approx(oracle.high, abs=0.01),
    )


def test_undefined_metrics_are_absent():
    """One class, or one row, measures nothing."""
    assert measure(np.ones(5), np.ones(5), "binary", 0.5) == {}
    assert bootstrap(np.ones(1), np.ones(1), "regression", None) == {}
    constant = bootstrap(np.arange(5.0), np.ones(5), "regression", None)
    assert constant.keys() == REGRESSION.keys() - {"spearman"}
