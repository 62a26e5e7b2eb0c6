import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import r2_score

from servier.metrics.measures import (
    BINARY,
    LOWER_IS_BETTER,
    REGRESSION,
    calibration_error,
    concordance,
    enrichment,
    mean_score,
    measure,
    one_sided,
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


def known_order(first, second):
    """Whether the true value of a row is known to be below that of another."""
    (y, _, relation), (other, _, of_other) = first, second
    highest = np.inf if relation == 1 else y
    lowest = -np.inf if of_other == -1 else other
    return highest < lowest or (highest == lowest and (relation != 0 or of_other != 0))


ROWS = st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from([-1, 0, 1]))


@given(st.lists(ROWS, max_size=25))
def test_concordance_counts_the_pairs_whose_order_is_known(rows):
    """Each pair by itself: the right order counts one, a tie of the scores one half."""
    pairs = [(a[1], b[1]) for a in rows for b in rows if a is not b and known_order(a, b)]
    y, scores, relations = np.array(rows, float).reshape(-1, 3).T
    found = concordance(y, scores, relations.astype(np.int8))
    expected = np.mean([(a < b) + (a == b) / 2 for a, b in pairs]) if pairs else np.nan
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_concordance_of_values_is_scipys():
    """Without bounds it is Somers' D on another scale."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 30, 400).astype(float)
    scores = np.round(y + rng.normal(0, 9, 400))
    found = concordance(y, scores, np.zeros(400, np.int8))
    assert found == pytest.approx((stats.somersd(y, scores).statistic + 1) / 2)


def test_bounds_count_in_the_concordance_alone():
    """Other metrics are those of the values; without bounds there is no concordance."""
    rng = np.random.default_rng(0)
    y, scores = rng.normal(size=(2, 60))
    relations = np.where(np.arange(60) < 20, rng.choice([-1, 1], 60), 0).astype(np.int8)
    found = measure(y, scores, "regression", None, relations)
    assert found.pop("concordance") == concordance(y, scores, relations)
    assert found == measure(y[20:], scores[20:], "regression", None)
    assert measure(y, scores, "regression", None, np.zeros(60, np.int8)).keys() == REGRESSION.keys()


def test_a_satisfied_bound_is_no_error():
    """The error is that of the value on the wrong side of the bound alone; R2 has the errors of all rows."""
    y, scores = np.array([1.0, 1, 1, 1, 3]), np.array([2.0, 0, 2, 0, 3.5])
    relations = np.array([1, 1, -1, -1, 0], np.int8)
    assert one_sided(y, scores, relations).tolist() == [0, -1, 1, 0, 0.5]
    expected = 1 - (1 + 1 + 0.25) / np.sum((y - y.mean()) ** 2)
    column = relations[:, None]
    assert mean_score(y[:, None], scores[:, None], ["regression"], column) == pytest.approx(expected)


def test_weights_count_as_repeated_rows():
    """AUROC and R2 are those of a table in which each row stands as often as its weight says."""
    rng = np.random.default_rng(0)
    y = np.stack([rng.integers(0, 2, 50), rng.normal(size=50)], axis=1)
    y[:5, 0] = np.nan
    scores, times = y + rng.normal(0, 1, (50, 2)), rng.integers(1, 5, 50)
    scores[:5, 0] = 0
    tasks, weights = ["binary", "regression"], np.repeat(times[:, None], 2, axis=1).astype(float)
    every = np.repeat(np.arange(50), times)
    found = mean_score(y, scores, tasks, None, weights)
    assert found == pytest.approx(mean_score(y[every], scores[every], tasks))
    assert found != pytest.approx(mean_score(y, scores, tasks))
