"""Answers of several models together."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit

from servier.checkpoint.target import Target
from servier.scoring.consensus import average_answers, average_bounds, average_models

JOINED = [
    Target("P1", "binary", threshold=0.5, conformal={"0.9": [0.6, 0.3]}),
    Target("logS", "regression", conformal={"0.9": [1.0]}),
]


def model(name, slope=1.0, width=1.0, levels=("0.9",)):
    """A checkpoint as far as consensus looks at it."""
    targets = [
        Target("P1", "binary", threshold=0.1, conformal={"0.9": [0.0, 1.0]}),
        Target("logS", "regression", slope=slope, conformal={level: [width] for level in levels}),
    ]
    return SimpleNamespace(model_name=name, targets=targets)


def test_model_1_counts_twice():
    """The mean of models 1 and 2 is NumPy's weighted average; that of a single model is its own value."""
    values = np.random.default_rng(0).normal(size=(2, 7, 3))
    models = [model("1"), model("2")]
    np.testing.assert_array_equal(
        average_models(models, values), np.average(values, axis=0, weights=[2.0, 1.0])
    )
    for single in models:
        np.testing.assert_array_equal(average_models([single], values[:1]), values[0])


def test_means_are_rounded_last():
    """Rounding the answers of each model first would give another mean."""
    probabilities = np.array([0.3000004, 0.3000009])
    raw = [np.array([[logit(p), value]]) for p, value in zip(probabilities, (1.0, 1.5), strict=True)]
    found = average_answers([model("1"), model("2", slope=2.0)], JOINED, raw)
    assert found.tolist() == [[0.300001, float(f"{(2 * 1.0 + 3.0) / 3:.7g}")]]


def test_limits_are_means_of_limits():
    """An interval has the rounded means of the models' limits, each in the units of the labels."""
    models = [model("1", width=0.25), model("2", slope=2.0, width=1.0)]
    raw = [np.array([[0.0, 1.0]]), np.array([[0.0, 1.0]])]
    bounds = average_bounds(models, JOINED, raw, np.array([[0.5, 1.0]]), "0.9")
    assert bounds.shape == (1, 2, 2)
    expected = [(2 * 0.75 + 0.0) / 3, (2 * 1.25 + 4.0) / 3]
    assert bounds[0, 1].tolist() == [float(f"{limit:.7g}") for limit in expected]


def test_sets_follow_from_the_mean_probability():
    """The sets are those of the joined target, not of either model."""
    answers = np.array([[0.2, 0.0], [0.3, 0.0], [0.7, 0.0]])
    raw = [np.zeros((3, 2))]
    bounds = average_bounds([model("1")], JOINED, raw, answers, "0.9")
    assert bounds[:, 0].tolist() == [[1, 0], [1, 1], [0, 1]]


def test_rows_without_an_answer_have_no_bounds():
    """A row that one model cannot score has neither set nor interval, although the others score it."""
    answers = np.array([[0.2, 1.0], [np.nan, np.nan]])
    bounds = average_bounds([model("1")], JOINED, [np.zeros((2, 2))], answers, "0.9")
    assert not np.isnan(bounds[0]).any()
    assert np.isnan(bounds[1]).all()


@pytest.mark.parametrize("levels", [(), ("0.8",)])
def test_a_confidence_that_one_model_lacks_is_missing(levels):
    """Where one of the models has no width for a confidence, there is no interval."""
    models = [model("1"), model("2", levels=levels)]
    bounds = average_bounds(models, JOINED, [np.zeros((1, 2))] * 2, np.zeros((1, 2)), "0.9")
    assert np.isnan(bounds[0, 1]).all()
    assert not np.isnan(bounds[0, 0]).any()
