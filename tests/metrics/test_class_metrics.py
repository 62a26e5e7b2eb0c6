import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from servier.evaluation.bootstrap import Resampling, Scores, bootstrap, compare
from servier.evaluation.confusion import count_confusions
from servier.metrics.measures import (
    LOWER_IS_BETTER,
    MULTICLASS,
    ORDINAL,
    macro_auroc,
    measure,
    measure_coverage,
)


def table(labels):
    """Probabilities that know something of the labels, with 6 decimals."""
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(len(labels), 4)) + 1.5 * np.eye(4)[labels.astype(int)]
    return np.round(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 6)


@pytest.fixture
def rows():
    """Labels of four classes, the last of them rare, and probabilities."""
    y = np.random.default_rng(1).choice(4, 300, p=[0.4, 0.3, 0.25, 0.05]).astype(float)
    return y, table(y)


def test_metrics_of_classes_are_those_of_scikit_learn(rows):
    """All of them, for classes with and without an order."""
    y, p = rows
    shares, labels = p / p.sum(axis=1, keepdims=True), p.argmax(axis=1)
    expected = {
        "auroc": sklearn_metrics.roc_auc_score(y, shares, multi_class="ovr", average="macro"),
        "balanced_accuracy": sklearn_metrics.balanced_accuracy_score(y, labels),
        "mcc": sklearn_metrics.matthews_corrcoef(y, labels),
        "log_loss": sklearn_metrics.log_loss(y, shares),
    }
    assert measure(y, p, "multiclass", None) == pytest.approx(expected)
    kappa = sklearn_metrics.cohen_kappa_score(y, labels, weights="quadratic")
    assert measure(y, p, "ordinal", None) == pytest.approx({"quadratic_kappa": kappa, **expected})


def test_classes_that_no_row_has_do_not_count(rows):
    """Metrics of fewer classes are those of them alone, and distances between classes stay what they are."""
    y, p = rows
    chosen = y != 1
    y, p = y[chosen], p[chosen]
    found = measure(y, p, "ordinal", None)
    each = [sklearn_metrics.roc_auc_score(y == label, p[:, label]) for label in (0, 2, 3)]
    assert found["auroc"] == pytest.approx(np.mean(each))
    recall = sklearn_metrics.recall_score(y, p.argmax(axis=1), labels=[0, 2, 3], average="macro")
    assert found["balanced_accuracy"] == pytest.approx(recall)
    weights = (np.arange(4)[:, None] - np.arange(4)) ** 2
    observed = np.array(count_confusions(y, p.argmax(axis=1), 4))
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / len(y)
    assert found["quadratic_kappa"] == pytest.approx(
        1 - (weights * observed).sum() / (weights * expected).sum()
    )


@pytest.mark.parametrize("name", ORDINAL)
def test_every_metric_of_classes_says_which_way_is_better(name, rows):
    """A model that knows more has the lower value where lower is better, and the higher one elsewhere."""
    y, p = rows
    worse, better = (measure(y, 0.1 + 0.6 * q, "ordinal", None)[name] for q in (np.roll(p, 1, 0), p))
    assert better < worse if name in LOWER_IS_BETTER else better > worse
    assert set(MULTICLASS) < set(ORDINAL)


def test_a_single_class_has_no_metrics():
    """Nor has a single row; two classes have."""
    p = np.full((3, 3), 1 / 3)
    assert measure(np.ones(3), p, "multiclass", None) == {}
    assert measure(np.ones(1), p[:1], "ordinal", None) == {}
    assert measure(np.array([0.0, 1, 1]), p, "ordinal", None)["auroc"] == 0.5


def test_a_hit_by_certain_mistake_stays_finite():
    """Log loss of a class that got no probability at all is large, but a number."""
    p = np.array([[1.0, 0, 0], [0, 1, 0], [0, 1, 0]])
    assert 1 < measure(np.array([0.0, 1, 2]), p, "multiclass", None)["log_loss"] < 100


def test_macro_auroc_of_two_classes_is_that_of_one(rows):
    """With two columns of which one is the rest of the other."""
    y, p = rows
    y = (y > 0).astype(float)
    both = np.stack([1 - p[:, 1], p[:, 1]], axis=1)
    assert macro_auroc(y, both) == pytest.approx(sklearn_metrics.roc_auc_score(y, p[:, 1]))


def test_intervals_of_classes_hold_the_value(rows):
    """The bootstrap of every metric has it inside, and does not depend on the number of processes."""
    y, p = rows
    found = bootstrap(y, Scores(p), "ordinal", Resampling(60, 0))
    assert found.keys() == ORDINAL.keys()
    assert all(values["low"] < values["value"] < values["high"] for values in found.values())


def test_models_of_classes_are_compared(rows):
    """One that knows more is found to be better, by every metric."""
    y, p = rows
    found = compare(y, Scores(np.roll(p, 1, axis=0)), Scores(p), "ordinal", Resampling(60, 0))
    assert all((d.difference < 0) == (name in LOWER_IS_BETTER) for name, d in found.items())
    assert all(d.p_value < 0.05 for d in found.values())


def test_coverage_of_each_class_is_counted():
    """Sets of several classes cover what belongs to them."""
    sets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 1], [np.nan] * 3])
    found = measure_coverage(np.array([0.0, 2, 1, 2, 0]), sets, "multiclass")
    assert found == {
        "coverage": 0.5, "coverage_0": 1.0, "coverage_1": 0.0, "coverage_2": 0.5, "single": 0.5,
    }  # fmt: skip


def test_confusions_have_a_row_and_a_column_for_each_class():
    """Also for those that nobody has."""
    assert count_confusions(np.array([0.0, 2, 2]), np.array([0.0, 2, 0]), 3) == [
        [1, 0, 0],
        [0, 0, 0],
        [1, 0, 1],
    ]
    assert count_confusions(np.array([]), np.array([]), 3) == [[0] * 3] * 3
