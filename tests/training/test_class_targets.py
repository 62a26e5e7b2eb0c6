"""Calibration and conformal sets of targets with classes, and the labels that learners get of them."""

import numpy as np
import pytest
from crepes import ConformalClassifier
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from servier.checkpoint.target import CONFIDENCES, Target
from servier.data.datasets import Dataset
from servier.metrics.measures import measure_coverage
from servier.training.calibration import calibrate_classes
from servier.training.conformal import fit_class_sets
from servier.training.learnt_labels import LearntLabels
from servier.training.score_labels import code_labels
from servier.training.target_transform import TargetTransform
from servier.training.targets import make_target

WORDS = ["low", "medium", "high"]


@pytest.fixture(scope="module")
def kinds():
    """Labels drawn with the probabilities of a softmax, and its scores, distorted."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6000, 3)) * 2 + [0, 1, -1]
    draws = rng.random(6000)[:, None]
    y = (np.cumsum(softmax(scores, axis=1), axis=1) < draws).sum(axis=1).astype(float)
    return y, (scores - [0, 2, -2]) / 4


@pytest.fixture(scope="module")
def levels():
    """Labels of an order, drawn with the log-odds of neighbouring classes, and these, distorted."""
    rng = np.random.default_rng(1)
    steps = rng.normal(size=(6000, 1)) * 2 + rng.normal(size=(6000, 2)) + [0.5, -0.5]
    p = softmax(np.c_[np.zeros(6000), np.cumsum(steps, axis=1)], axis=1)
    y = (np.cumsum(p, axis=1) < rng.random(6000)[:, None]).sum(axis=1).astype(float)
    return y, (steps - [1, -2]) / 3


def test_distorted_scores_of_classes_are_straightened(kinds):
    """Temperature and biases that distorted the scores are found again, and make the best probabilities."""
    y, raw = kinds
    target = calibrate_classes("kind", "multiclass", WORDS, y, raw)
    assert target.slopes == pytest.approx([4] * 3, rel=0.08)
    assert target.intercepts == pytest.approx([0, 2, -2], abs=0.15)
    assert sum(target.intercepts) == pytest.approx(0, abs=1e-9)
    probability = target.to_answer(raw)
    np.testing.assert_allclose(probability.mean(axis=0), np.bincount(y.astype(int)) / len(y), atol=0.005)
    free = LogisticRegression(C=1e3, max_iter=1000).fit(raw, y)  # a line of all scores for each class
    assert log_loss(y, probability) == pytest.approx(log_loss(y, free.predict_proba(raw)), abs=0.002)
    assert log_loss(y, probability) < log_loss(y, softmax(raw, axis=1)) - 0.1


def test_distorted_scores_of_an_order_are_straightened(levels):
    """Temperature and biases are found again, and probabilities are as frequent as they say."""
    y, raw = levels
    target = calibrate_classes("level", "ordinal", WORDS, y, raw)
    assert target.slopes == pytest.approx([3] * 2, rel=0.08)
    assert target.intercepts == pytest.approx([1, -2], abs=0.15)
    probability = target.to_answer(raw)
    np.testing.assert_allclose(probability.mean(axis=0), np.bincount(y.astype(int)) / len(y), atol=0.005)
    free = LogisticRegression(C=1e3, max_iter=1000).fit(raw, y)
    assert log_loss(y, probability) == pytest.approx(log_loss(y, free.predict_proba(raw)), abs=0.002)


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
def test_scores_that_know_nothing_give_the_shares(task):
    """Scores that fall where labels rise are not turned round: every row gets the shares of the classes."""
    y = np.repeat([0.0, 1, 2], [60, 30, 10])
    raw = -np.eye(3)[y.astype(int)] if task == "multiclass" else -np.stack([y, y], axis=1)
    target = calibrate_classes("y", task, WORDS, y, raw)
    assert set(target.slopes) == {0.0}
    np.testing.assert_allclose(target.to_answer(raw), np.tile([0.6, 0.3, 0.1], (100, 1)), atol=0.02)


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
def test_rows_of_classes_without_label_or_score_do_not_count(task, kinds):
    """Missing labels and rows that were never held out are left out."""
    y, raw = kinds
    raw = raw if task == "multiclass" else raw[:, :2]
    more_y = np.r_[y, np.nan, 1.0]
    more_raw = np.vstack([raw, np.zeros((1, raw.shape[1])), np.full((1, raw.shape[1]), np.nan)])
    expected = calibrate_classes("y", task, WORDS, y, raw)
    assert calibrate_classes("y", task, WORDS, more_y, more_raw) == expected


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
@pytest.mark.parametrize("sign", [1, -1], ids=["rising", "falling"])
def test_weights_of_classes_count_as_repeated_rows(task, sign, kinds):
    """Lines are those of a table in which each row stands as often as its weight says, shares too."""
    y, raw = kinds[0][:400], sign * kinds[1][:400, : 3 if task == "multiclass" else 2]
    raw = raw if task == "multiclass" or sign < 0 else np.c_[y, y] + raw
    times = np.random.default_rng(1).integers(1, 4, 400) * np.where(y == 2, 3, 1)
    found = calibrate_classes("y", task, WORDS, y, raw, times.astype(float))
    again = calibrate_classes("y", task, WORDS, np.repeat(y, times), np.repeat(raw, times, axis=0))
    assert found.slopes == pytest.approx(again.slopes, abs=1e-4)
    assert found.intercepts == pytest.approx(again.intercepts, abs=1e-4)
    plain = calibrate_classes("y", task, WORDS, y, raw)
    assert np.abs(np.subtract(found.intercepts, plain.intercepts)).max() > 0.1
    assert calibrate_classes("y", task, WORDS, y, raw, np.ones(400)) == plain


@pytest.mark.parametrize("level", CONFIDENCES)
def test_sets_of_classes_are_those_of_crepes(kinds, level):
    """The fitted limits give the very sets of the library, and cover each class of new rows as promised."""
    y, raw = kinds
    p = np.round(softmax(raw * 4 + [0, 2, -2], axis=1), 6)
    fit, new = slice(0, 3000), slice(3000, None)
    limits = fit_class_sets(y[fit], p[fit])
    found = Target("kind", "multiclass", words=WORDS, conformal=limits).label_set(p[new], str(level))
    classifier = ConformalClassifier()
    classifier.fit((1 - p[fit])[np.arange(3000), y[fit].astype(int)], bins=y[fit])
    for label in range(3):
        expected = classifier.predict_set(
            1 - p[new], bins=np.full(3000, label), confidence=level, smoothing=False
        )[:, label]
        assert np.mean(found[:, label] != expected) < 0.001
    covered = measure_coverage(y[new], found, "multiclass")
    for name in ("coverage", "coverage_0", "coverage_1", "coverage_2"):
        assert covered[name] == pytest.approx(level, abs=0.04)


@pytest.mark.parametrize("level", CONFIDENCES)
def test_sets_in_an_order_cover_what_they_promise(levels, level):
    """At least, for gaps are filled."""
    y, raw = levels
    labels = LearntLabels("level", "ordinal", y[:3000], np.arange(3000), words=WORDS)
    target = make_target(labels, TargetTransform(), raw[:3000])
    answer = target.to_rounded_answer(raw[3000:])
    covered = measure_coverage(y[3000:], target.bounds(raw[3000:], answer, str(level)), "ordinal")
    assert all(covered[f"coverage_{label}"] > level - 0.04 for label in range(3))


def test_a_class_without_rows_is_always_possible():
    """Nothing excludes it."""
    limits = fit_class_sets(np.array([0.0, 1] * 20), np.tile([0.5, 0.4, 0.1], (40, 1)))
    assert [own[2] for own in limits.values()] == [0.0] * 3


def dataset(tasks, words):
    """A table without rows, of targets a, b, ..."""
    names = list("abcd")[: len(tasks)]
    y = np.zeros((0, len(tasks)))
    return Dataset("t.csv", [], [], [], names, tasks, y, None, words=words)


def test_learners_get_binary_questions():
    """One class against the others, or a class or a higher one; other targets and missing labels stay."""
    data = dataset(["regression", "multiclass", "ordinal"], {"b": WORDS, "c": WORDS})
    labels = np.array([[0.5, 0, 0], [1.5, 1, 1], [2.5, 2, 2], [np.nan] * 3])
    found = code_labels(labels, data)
    missing = [np.nan] * 6
    np.testing.assert_array_equal(
        found.y,
        [[0.5, 1, 0, 0, 0, 0], [1.5, 0, 1, 0, 1, 0], [2.5, 0, 0, 1, 1, 1], missing],
    )
    assert found.tasks == ["regression", *["binary"] * 5]
    assert found.targets == [0, 1, 1, 1, 2, 2]
    assert found.places == [0, slice(1, 4), slice(4, 6)]


def test_questions_weigh_what_their_target_does():
    """Each has the weights and the bounds of the target that it is a part of; without any, it has none."""
    data = dataset(["regression", "multiclass", "ordinal"], {"b": WORDS, "c": WORDS})
    labels = np.array([[0.5, 0, 0], [1.5, 1, 1], [2.5, 2, np.nan]])
    weights = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 0.0]])
    bounds = np.array([[1, 0, 0], [0, 0, 0], [-1, 0, 0]], np.int8)
    found = code_labels(labels, data, bounds, weights)
    np.testing.assert_array_equal(found.weights, [[1, 2, 2, 2, 3, 3], [4, 5, 5, 5, 6, 6], [7, 8, 8, 8, 0, 0]])
    np.testing.assert_array_equal(found.relations[:, 0], bounds[:, 0])
    assert not found.relations[:, 1:].any()
    assert code_labels(labels, data).weights is None


def test_targets_without_classes_stay_as_they_are():
    """The very labels, and the very tasks."""
    labels = np.array([[0.0, 3.5], [np.nan, 1.0]])
    found = code_labels(labels, dataset(["binary", "regression"], {}))
    np.testing.assert_array_equal(found.y, labels)
    assert (found.tasks, found.targets, found.places) == (["binary", "regression"], [0, 1], [0, 1])
