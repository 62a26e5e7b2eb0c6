import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from servier.evaluation.bootstrap import Resampling, Scores, bootstrap, compare
from servier.metrics.ordered_pairs import concordance

pytestmark = pytest.mark.seconds


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    y = (rng.random(300) < 0.3).astype(float)
    good = Scores(np.clip(0.3 * y + rng.random(300) * 0.7, 0, 1), 0.5)
    poor = Scores(np.clip(0.1 * y + rng.random(300) * 0.9, 0, 1), 0.5)
    return y, good, poor


@pytest.fixture(scope="module")
def intervals(rows):
    y, good, _ = rows
    return bootstrap(y, good, "binary")


def test_interval_is_scipys(rows, intervals):
    """SciPy's percentile bootstrap gives the same interval, within the noise of resampling."""
    y, good, _ = rows
    found = intervals["auroc"]
    oracle = stats.bootstrap(
        (y, good.values), roc_auc_score, paired=True, vectorized=False, method="percentile",
        n_resamples=1000, rng=1,
    ).confidence_interval  # fmt: skip
    assert found["value"] == roc_auc_score(y, good.values)
    assert (found["low"], found["high"]) == (
        pytest.approx(oracle.low, abs=0.01),
        pytest.approx(oracle.high, abs=0.01),
    )


@pytest.mark.process
def test_intervals_do_not_depend_on_the_number_of_processes(rows, intervals):
    """Two processes give the very numbers of one."""
    y, good, _ = rows
    assert bootstrap(y, good, "binary", Resampling(workers=2)) == intervals


def test_a_model_does_not_differ_from_itself(rows):
    """No difference, no interval, p = 1."""
    y, good, _ = rows
    found = compare(y, good, good, "binary", Resampling(50))
    assert all((m.difference, m.low, m.high, m.p_value) == (0, 0, 0, 1) for m in found.values())


def test_a_better_model_is_found_better(rows):
    """The difference is that of the values, lies in its interval, and is certain; so it is the other way."""
    y, good, poor = rows
    few = Resampling(200)
    found, reverse = compare(y, poor, good, "binary", few), compare(y, good, poor, "binary", few)
    auroc = found["auroc"]
    assert auroc.difference == roc_auc_score(y, good.values) - roc_auc_score(y, poor.values)
    assert 0 < auroc.low < auroc.difference < auroc.high
    assert auroc.p_value < 0.01
    assert reverse["auroc"].difference == -auroc.difference
    assert reverse["auroc"].p_value == auroc.p_value


def test_equally_good_models_seldom_differ():
    """Of 40 pairs of models that differ by chance alone few have p below 0.05."""
    rng = np.random.default_rng(5)
    n_found = 0
    for _ in range(40):
        y = rng.normal(size=60)
        a, b = (Scores(y + rng.normal(size=60)) for _ in range(2))
        n_found += compare(y, a, b, "regression", Resampling(100))["mae"].p_value < 0.05
    assert n_found <= 7


def test_nothing_to_measure_is_no_error():
    """One row, or one class, has no metrics."""
    assert bootstrap(np.ones(1), Scores(np.ones(1)), "regression") == {}
    assert compare(np.ones(5), Scores(np.ones(5)), Scores(np.ones(5)), "binary") == {}


def test_bounds_are_resampled_with_their_rows():
    """Every metric has an interval; errors are those of the values alone."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=200)
    good, poor = Scores(y + rng.normal(0, 0.3, 200)), Scores(y + rng.normal(0, 2, 200))
    relations = np.where(np.arange(200) < 60, np.where(y < 0, -1, 1), 0).astype(np.int8)
    few = Resampling(60)
    found = bootstrap(y, good, "regression", few, relations)
    assert {"mae", "concordance"} < found.keys()
    assert all(m["low"] <= m["value"] <= m["high"] for m in found.values())
    alone = bootstrap(y[60:], Scores(good.values[60:]), "regression", few)
    assert found["mae"]["value"] == alone["mae"]["value"]
    better = compare(y, poor, good, "regression", few, relations)["concordance"]
    assert (better.first, better.second) == (
        concordance(y, poor.values, relations), concordance(y, good.values, relations),
    )  # fmt: skip
    assert better.low > 0
