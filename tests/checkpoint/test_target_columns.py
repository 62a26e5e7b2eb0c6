import numpy as np
import pytest

from servier.checkpoint.explained_score import ExplainedScore, explained_scores
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import (
    answer_places,
    count_answers,
    count_scores,
    map_answers,
    map_scores,
    score_places,
)

WORDS = ["low", "medium", "high"]
BINARY, VALUE = Target("P1", "binary", 2.0, 1.0), Target("CL", "regression", 3.0, -1.0, transform="log")
KIND = Target("kind", "multiclass", words=WORDS, slopes=[2.0] * 3, intercepts=[0.0, 1.0, -1.0])
LEVEL = Target("level", "ordinal", words=WORDS, slopes=[1.0, 3.0], intercepts=[0.5, -0.5])
TARGETS = [BINARY, KIND, VALUE, LEVEL]


def test_each_target_has_its_columns():
    """One for a target without classes; of raw scores and answers a slice with them."""
    assert score_places(TARGETS) == [0, slice(1, 4), 4, slice(5, 7)]
    assert answer_places(TARGETS) == [0, slice(1, 4), 4, slice(5, 8)]
    assert (count_scores(TARGETS), count_answers(TARGETS)) == (7, 8)


def test_steps_are_applied_to_each_target():
    """The same as one target after the other."""
    raw = np.random.default_rng(0).normal(size=(5, 7))
    answers = map_scores(Target.to_answer, TARGETS, raw)
    expected = [t.to_answer(raw[:, place]) for t, place in zip(TARGETS, score_places(TARGETS), strict=True)]
    np.testing.assert_array_equal(answers, np.column_stack(expected))
    labels = map_answers(Target.label, TARGETS, answers)
    assert labels.shape == (5, 4)
    assert labels[:, 1].tolist() == answers[:, 1:4].argmax(axis=1).tolist()


@pytest.mark.parametrize(("step", "n"), [(map_scores, 6), (map_scores, 8), (map_answers, 7)])
def test_columns_that_belong_to_no_target_are_refused(step, n):
    """Too many and too few."""
    with pytest.raises(ValueError, match=f"{n} columns"):
        step(Target.round, TARGETS, np.zeros((2, n)))


def test_what_is_explained_adds_up():
    """Differences of raw scores make differences of the explained score, for every target and class."""
    first, second = np.random.default_rng(0).normal(size=(2, 4, 7))
    for target, place in zip(TARGETS, score_places(TARGETS), strict=True):
        for explained in [*explained_scores(target), *(ExplainedScore(LEVEL, i) for i in (1, 2))]:
            own = score_places(TARGETS)[3] if explained.target is LEVEL else place
            difference = explained.score(first[:, own]) - explained.score(second[:, own])
            np.testing.assert_allclose(explained.difference(first[:, own] - second[:, own]), difference)


def test_explained_scores_of_classes_are_logarithms_of_probabilities():
    """Of a class its logarithm minus the mean of all; in an order log-odds."""
    raw = np.array([[0.3, -0.2, 1.0], [0.0, 2.0, 0.5]])
    logarithm = np.log(KIND.to_answer(raw))
    for label, explained in enumerate(explained_scores(KIND)):
        np.testing.assert_allclose(explained.score(raw), logarithm[:, label] - logarithm.mean(axis=1))
    steps = np.array([[1.0, -0.5], [0.2, 2.0]])
    odds = np.diff(np.log(LEVEL.to_answer(steps)), axis=1)
    np.testing.assert_allclose(ExplainedScore(LEVEL, 1).score(steps), odds[:, 0])
    np.testing.assert_allclose(ExplainedScore(LEVEL, 2).score(steps), odds[:, 1])
    np.testing.assert_allclose(ExplainedScore(LEVEL).score(steps), odds.mean(axis=1))


def test_explained_scores_have_units():
    """Which say the class."""
    assert [found.unit for found in explained_scores(KIND)] == [
        f"ln(probability of kind = {word}) - mean over the classes" for word in WORDS
    ]
    assert ExplainedScore(LEVEL, 2).unit == "log-odds of level = high against medium"
    assert ExplainedScore(LEVEL).unit == "log-odds of the next higher level, mean over the classes"
    assert ExplainedScore(BINARY).unit == BINARY.score_unit
