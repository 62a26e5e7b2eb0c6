"""Answers of several models together."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logit

from servier.checkpoint.metadata import ReferenceFacts
from servier.checkpoint.target import Target
from servier.errors import CheckpointError
from servier.scoring.consensus import (
    average_answers,
    average_bounds,
    average_models,
    join_targets,
    open_domains,
    open_ranks,
    require_same_targets,
)

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


def joinable(name="1", digest="a", targets=JOINED):
    """A checkpoint as far as it is looked at before anything is scored."""
    return SimpleNamespace(model_name=name, digest=digest, path=f"{digest}.servier", targets=targets)


def test_joined_targets_have_mean_thresholds_and_limits():
    """Model 1 counts twice in thresholds, which have six decimals, and in limits; calibration is gone."""
    second = [
        Target("P1", "binary", 2.0, 1.0, threshold=0.6, conformal={"0.9": [0.3, 0.6], "0.8": [0.1, 0.2]}),
        Target("logS", "regression", 3.0, conformal={"0.8": [2.0]}),
    ]
    found = join_targets([joinable("1"), joinable("2", "b", second)])
    assert [(target.name, target.task) for target in found] == [("P1", "binary"), ("logS", "regression")]
    assert found[0].threshold == 0.533333
    assert found[0].conformal == {"0.9": [pytest.approx(0.5), pytest.approx(0.4)]}
    assert (found[1].threshold, found[1].conformal) == (None, {})
    assert [(target.slope, target.intercept) for target in found] == [(1.0, 0.0)] * 2


def test_a_single_model_is_joined_with_nothing():
    """Its thresholds and limits stay."""
    assert join_targets([joinable()]) == JOINED


@pytest.mark.parametrize(
    "targets",
    [
        JOINED[:1],
        JOINED[::-1],
        [JOINED[0], Target("logP", "regression")],
        [JOINED[0], Target("logS", "binary")],
    ],
)
def test_other_targets_are_refused(targets):
    """Names, tasks, number and order of the targets must be those of the first model; the other is named."""
    models = [joinable("1", "a"), joinable("2", "b"), joinable("2", "c", targets)]
    with pytest.raises(CheckpointError) as caught:
        join_targets(models)
    problem = "its targets are not those of the other checkpoint; train both on the same targets"
    assert str(caught.value) == f"c.servier: {problem}"


def test_the_same_model_is_refused():
    """A model counts once, wherever in the row it is given again."""
    models = [joinable("1", "a"), joinable("2", "b"), joinable("2", "b")]
    with pytest.raises(CheckpointError) as caught:
        join_targets(models)
    assert str(caught.value) == "b.servier: this model is given twice; name another one"
    with pytest.raises(CheckpointError, match="given twice"):
        join_targets([joinable(), joinable()])


def trained_on(molecules, environments=(1, 2), limits=(0.3, 0.5)):
    """A checkpoint as far as its training molecules go, of which every other one counts."""
    fingerprints = np.repeat(np.array(molecules, np.uint8)[:, None], 256, axis=1)
    reference = SimpleNamespace(
        train_fingerprints=fingerprints,
        domain_rows=np.arange(0, len(molecules), 2),
        environments=np.array(environments, np.uint32),
    )
    return SimpleNamespace(reference=reference, metadata=SimpleNamespace(domain=limits))


def test_equal_domains_are_opened_once(monkeypatch):
    """Models with the same molecules, substructures and limits share a domain; each difference counts."""
    monkeypatch.setattr("servier.scoring.consensus.Domain", lambda *parts: parts)
    models = [
        trained_on([1, 2, 3]), trained_on([1, 9, 3]), trained_on([1, 2, 4]), trained_on([1, 2, 3], (1, 3)),
        trained_on([1, 2, 3], limits=(0.3, 0.6)),
    ]  # fmt: skip
    found = open_domains(models)
    rows = [(fingerprints[:, 0].tolist(), own.tolist(), limits) for fingerprints, own, limits in found]
    assert rows == [
        ([1, 3], [1, 2], (0.3, 0.5)),
        ([1, 4], [1, 2], (0.3, 0.5)),
        ([1, 3], [1, 3], (0.3, 0.5)),
        ([1, 3], [1, 2], (0.3, 0.6)),
    ]


def ranked(name, digest, answers=()):
    reference = None if digest is None else ReferenceFacts("drugs.csv", digest, len(answers))
    return SimpleNamespace(
        model_name=name,
        metadata=SimpleNamespace(reference=reference),
        path="m.servier",
        targets=[Target(f"y{i}", "regression") for i in range(np.array(answers).shape[-1])],
        reference=SimpleNamespace(reference_answers=np.array(answers, np.float64)),
    )


def test_ranks_are_those_of_the_mean():
    """Answers of two models are averaged, rows that one lacks are left out, and each target is sorted."""
    first = ranked("1", "r", [[3.0, 0.0], [0.0, 3.0], [np.nan, 1.0], [1.0, 1.0]])
    second = ranked("2", "r", [[6.0, 0.0], [0.0, 0.0], [1.0, 1.0], [1.0, np.nan]])
    assert open_ranks([first, second]).tolist() == [[0.0, 0.0], [4.0, 2.0]]
    assert open_ranks([second]).tolist() == [[0.0, 0.0], [1.0, 0.0], [6.0, 1.0]]


def test_answers_for_other_molecules_are_refused():
    """There is one answer for each reference molecule and each target."""
    first, second = ranked("1", "r", [[3.0], [1.0]]), ranked("2", "r", [[3.0]])
    second.metadata.reference = first.metadata.reference
    with pytest.raises(CheckpointError, match=r"m\.servier: entry reference\.npz has other answers"):
        open_ranks([first, second])


def test_no_answers_give_no_ranks():
    """Among reference molecules without an answer there is no place."""
    assert open_ranks([ranked("1", "r", [[np.nan], [np.nan]])]) is None


@pytest.mark.parametrize("digests", [("r", "s"), ("r", None), (None, None), (None,)])
def test_without_common_references_there_are_no_ranks(digests):
    """All models must have answered for the same reference molecules."""
    names = ("1", "2")
    assert open_ranks([ranked(name, digest) for name, digest in zip(names, digests, strict=False)]) is None


def test_another_meaning_of_label_1_is_refused_with_its_file():
    """What label 1 is called must be the same in both models, in capitals or not; a model may not say."""

    def named(*words):
        found = model("1")
        found.targets[0] = replace(found.targets[0], words=list(words) or None)
        found.path = f"{words}.servier"
        return found

    for other in (named("inactive", "ACTIVE"), named("none", "active"), named()):
        require_same_targets(named("inactive", "active"), other)
        require_same_targets(other, named("inactive", "active"))
    with pytest.raises(CheckpointError) as caught:
        require_same_targets(named("inactive", "active"), named("Active", "Inactive"))
    assert caught.value.problem == "label 1 of P1 is 'Inactive', and 'active' in the other checkpoint"
    assert caught.value.path == "('Active', 'Inactive').servier"
    assert caught.value.hint == "train both with the same --positive"


def measured(unit=None, lowest=None, highest=None, digest="a"):
    target = Target("y", "regression", unit=unit, lowest=lowest, highest=highest, conformal={"0.9": [1.0]})
    return joinable("1" if digest == "a" else "2", digest, [target])


def test_units_must_be_those_of_the_first_model():
    """Another unit is refused, and so is none beside one: a mean of unlike numbers means nothing."""
    assert join_targets([measured("nM"), measured("nM", digest="b")])[0].unit == "nM"
    for unit, said in (("\u00b5M", "\u00b5M"), (None, "no unit that is known")):
        with pytest.raises(CheckpointError) as caught:
            join_targets([measured("nM"), measured(unit, digest="b")])
        assert caught.value.problem == f"y is answered in {said}, and in nM by the other checkpoint"


def test_a_mean_has_the_widest_bounds():
    """Each model keeps its own; where one has none, neither has the mean, which is within them anyway."""
    joined = join_targets([measured(None, 0.0, 100.0), measured(None, -5.0, 90.0, "b")])[0]
    assert (joined.lowest, joined.highest) == (-5.0, 100.0)
    joined = join_targets([measured(None, 0.0, 100.0), measured(None, 0.0, None, "b")])[0]
    assert (joined.lowest, joined.highest) == (0.0, None)
    models = [measured(None, 0.0, 1.0), measured(None, 0.0, 1.0, "b")]
    raw = [np.array([[-3.0], [0.4], [9.0]]), np.array([[-1.0], [0.4], [8.0]])]
    targets = join_targets(models)
    assert average_answers(models, targets, raw)[:, 0].tolist() == [0.0, 0.4, 1.0]
    bounds = average_bounds(models, targets, raw, np.array([[0.0], [0.4], [1.0]]), "0.9")
    assert bounds[:, 0].tolist() == [[0, 0], [0, 1], [1, 1]]
