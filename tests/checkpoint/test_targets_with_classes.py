from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special

from servier.checkpoint.classes import without_gaps
from servier.checkpoint.documents import DocumentError, read_document, write_document
from servier.checkpoint.target import Target

WORDS = ["low", "medium", "high", "very high"]
MULTICLASS = Target(
    "kind", "multiclass", words=WORDS, slopes=[2.0] * 4, intercepts=[-1.0, 0.5, 0.0, 0.5],
    conformal={"0.8": [0.4, 0.3, 0.3, 0.2], "0.9": [0.2, 0.3, 0.1, 0.0]},
)  # fmt: skip
ORDINAL = Target(
    "level", "ordinal", words=WORDS, slopes=[1.0, 2.0, 3.0], intercepts=[0.0, -1.0, 0.5],
    conformal={"0.9": [0.3, 0.5, 0.3, 0.3]},
)  # fmt: skip
BOTH = [MULTICLASS, ORDINAL]
IDS = ["multiclass", "ordinal"]

tables = st.integers(0, 6).flatmap(lambda n: arrays(np.float64, (n, 4), elements=st.floats(-30, 30)))


def of(target, raw):
    """As many columns as the target has raw scores."""
    return raw[:, : target.n_scores]


@given(tables)
def test_probabilities_of_classes_are_the_softmax(raw):
    """SciPy's softmax of the calibrated scores."""
    expected = special.softmax(raw * 2 + [-1.0, 0.5, 0.0, 0.5], axis=1)
    np.testing.assert_allclose(MULTICLASS.to_answer(raw), expected, rtol=1e-9, atol=1e-300)


@given(tables)
def test_probabilities_in_an_order_have_the_log_odds_of_neighbours(raw):
    """Each class against the next lower one; they are never negative and add up to 1."""
    scores = of(ORDINAL, raw) / 4
    found = ORDINAL.to_answer(scores)
    assert np.all(found >= 0)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    odds = np.log(found[:, 1:]) - np.log(found[:, :-1])
    np.testing.assert_allclose(odds, scores * [1, 2, 3] + [0, -1, 0.5], atol=1e-9)


@pytest.mark.parametrize("target", BOTH, ids=IDS)
def test_a_row_without_scores_has_no_answer(target):
    """NaN stays NaN, beside rows that have scores; no rows have no answers."""
    raw = of(target, np.array([[np.nan] * 4, [0.5, -1.0, 2.0, 0.0]]))
    answer = target.to_rounded_answer(raw)
    assert np.isnan(answer).tolist() == [[True] * 4, [False] * 4]
    assert np.isnan(target.label(answer)).tolist() == [True, False]
    assert np.isnan(target.bounds(raw, answer, "0.9")).tolist() == [[True] * 4, [False] * 4]
    assert target.to_answer(raw[:0]).shape == (0, 4)
    assert np.isnan(target.rank(answer))[0]


@pytest.mark.parametrize("target", BOTH, ids=IDS)
@given(raw=tables)
def test_answers_do_not_depend_on_other_rows(target, raw):
    """A row gets the same bytes alone and among others."""
    raw = of(target, raw)
    alone = [target.to_rounded_answer(row[None])[0] for row in raw]
    assert [row.tobytes() for row in target.to_rounded_answer(raw)] == [row.tobytes() for row in alone]


@pytest.mark.parametrize("target", BOTH, ids=IDS)
def test_scores_beyond_all_bounds_still_have_answers(target):
    """The largest numbers of single precision give probabilities, and nothing overflows."""
    raw = of(target, np.array([[3e38, -3e38, 3e38, -3e38], [-3e38] * 4]))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = target.to_answer(raw)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_the_most_probable_class_is_predicted():
    """Of equal ones the first."""
    answer = np.array([[0.1, 0.2, 0.6, 0.1], [0.4, 0.1, 0.1, 0.4]])
    assert MULTICLASS.label(answer).tolist() == [2, 0]
    assert [MULTICLASS.label_names[int(label)] for label in MULTICLASS.label(answer)] == ["high", "low"]


def test_classes_that_are_numbers_are_written_as_numbers():
    """Whole numbers stay numbers, and words that look like others stay words."""
    assert Target("y", "ordinal", words=["-1", "0", "10"]).label_names[2] == 10
    assert Target("y", "ordinal", words=["1", "2", "3+"]).label_names[1] == "2"
    assert Target("y", "ordinal", words=["01", "02", "10"]).label_names == ["01", "02", "10"]


def test_classes_in_an_order_have_a_mean():
    """The mean of their numbers, or of their places from 0 on; classes without an order have none."""
    answer = np.array([[0.5, 0.0, 0.0, 0.5]])
    assert ORDINAL.rank(answer).tolist() == [1.5]
    assert Target("y", "ordinal", words=["1", "2", "3", "10"]).rank(answer).tolist() == [5.5]
    assert np.isnan(MULTICLASS.rank(answer)).all()


def test_the_mean_rises_with_the_order_whatever_classes_are_called():
    """Where 1 is the highest class, the best rows are those of 1: numbers that do not rise are names."""
    answer = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7]])
    for words in (["3", "2", "1"], ["1", "3", "2"], ["a", "b", "c"]):
        np.testing.assert_allclose(Target("y", "ordinal", words=words).rank(answer), [0.4, 1.6])
    np.testing.assert_allclose(Target("y", "ordinal", words=["-1", "0", "5"]).rank(answer), [-0.2, 3.4])


def test_a_class_belongs_to_the_set_from_its_limit_on():
    """Inclusive, each with its own; without limits for a confidence nothing is known."""
    answer = np.array([[0.2, 0.3, 0.1, 0.4], [0.19, 0.29, 0.5, 0.02]])
    assert MULTICLASS.label_set(answer, "0.9").tolist() == [[1, 1, 1, 1], [0, 0, 1, 1]]
    assert np.isnan(MULTICLASS.label_set(answer, "0.95")).all()
    assert MULTICLASS.bounds(answer, answer, "0.8").tolist() == [[0, 1, 0, 1], [0, 0, 1, 0]]


def test_sets_in_an_order_have_no_gaps():
    """What lies between two classes of a set belongs to it."""
    answer = np.array([[0.4, 0.1, 0.2, 0.3], [0.1, 0.1, 0.7, 0.1], [0.25, 0.25, 0.25, 0.25]])
    assert ORDINAL.label_set(answer, "0.9").tolist() == [[1, 1, 1, 1], [0, 0, 1, 0], [0, 0, 0, 0]]


@given(arrays(np.bool_, (3, 5)))
def test_sets_without_gaps_hold_all_that_they_held(belongs):
    """Nothing is lost, and each is one run of classes."""
    found = without_gaps(belongs)
    assert np.all(found >= belongs)
    for row in found:
        places = np.flatnonzero(row)
        assert len(places) == 0 or np.array_equal(places, np.arange(places[0], places[-1] + 1))


@pytest.mark.parametrize("target", BOTH, ids=IDS)
def test_scores_can_be_had_back_from_probabilities(target):
    """What gives the same probabilities again; of a multiclass target scores are so up to a constant."""
    calibrated = np.random.default_rng(0).normal(size=(40, target.n_scores))
    plain = replace(target, slopes=[1.0] * target.n_scores, intercepts=[0.0] * target.n_scores)
    found = plain.from_answer(plain.to_answer(calibrated))
    np.testing.assert_allclose(plain.to_answer(found), plain.to_answer(calibrated), atol=1e-9)
    if target.task == "multiclass":
        calibrated -= calibrated.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, calibrated, atol=1e-9)


@pytest.mark.parametrize("target", BOTH, ids=IDS)
def test_targets_with_classes_are_written_and_read(target):
    """A document of them gives them back."""
    assert read_document(Target, write_document(target)) == target


def test_other_targets_say_nothing_of_classes():
    """The documents of binary targets and of values are what they were before there were classes."""
    for task in ("binary", "regression"):
        document = write_document(Target("y", task))
        assert not document.keys() & {"slopes", "intercepts", "words"}


@pytest.mark.parametrize(
    ("task", "changes", "problem"),
    [
        ("multiclass", {"words": ["a", "b"]}, "words is not a word for each of 3 to 50 classes"),
        ("multiclass", {"words": [str(i) for i in range(51)]}, "words is not a word for each"),
        ("multiclass", {"words": None}, "words is not"),
        ("multiclass", {"words": ["a", "b", "b", "c"]}, "words is not free of repetitions"),
        ("multiclass", {"slopes": [1.0] * 3}, "slopes is not a number for each raw score"),
        ("ordinal", {"intercepts": [1.0] * 4}, "intercepts is not a number for each raw score"),
        ("multiclass", {"threshold": 0.5}, "threshold is not null, as that of a multiclass target is"),
        ("ordinal", {"transform": "log"}, "transform is not null, as that of an ordinal target is"),
        ("ordinal", {"conformal": {"0.9": [0.1, 0.2]}}, "conformal['0.9'] is not 4 numbers"),
        ("ordinal", {"conformal": {"0.9": [0.1, 0.2, 0.3, 1.5]}}, "conformal['0.9'] is not as wide"),
        ("ordinal", {"conformal": {"0.9": [0.1, 0.2, 0.3, -0.5]}}, "conformal['0.9'] is not made of"),
        (
            "multiclass",
            {"conformal": {"0.8": [0.1] * 4, "0.9": [0.1, 0.1, 0.2, 0.1]}},
            "conformal['0.9'] is not as wide as that of less confidence",
        ),
        ("binary", {}, "words is not a word for each label"),
        ("regression", {"words": None, "slopes": [1.0]}, "slopes is not a number for each raw score"),
    ],
)
def test_what_classes_cannot_be_is_refused(task, changes, problem):
    """The message names the field."""
    document = {**write_document(Target("y", task)), "words": WORDS, **changes}
    with pytest.raises(DocumentError) as refused:
        read_document(Target, document)
    assert str(refused.value).startswith(problem)
