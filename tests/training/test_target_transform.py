import numpy as np
import pytest
from scipy import stats

from servier.checkpoint.target import Target
from servier.training.target_transform import TargetTransform


@pytest.mark.parametrize(
    ("y", "transform"),
    [
        (np.exp(np.random.default_rng(0).normal(3, 1, 500)), "log"),
        (np.random.default_rng(0).normal(3, 1, 500), None),
        (np.random.default_rng(0).uniform(1, 9, 500), None),
        (np.exp(np.random.default_rng(0).normal(3, 1, 500)) - 5, None),
        (100 - np.exp(np.random.default_rng(0).normal(3, 0.7, 500)), "mirrored_log"),
        (np.r_[np.zeros(490), np.full(10, -99.0)], None),
    ],
    ids=["log-normal", "normal", "uniform", "skewed but not positive", "skewed to the left", "outliers"],
)
def test_only_skewed_targets_are_learnt_as_logarithms(y, transform):
    """A long tail is; what has none, no logarithm, or is as skewed with one, is not."""
    assert TargetTransform.fit(y, "regression").transform == transform


def test_a_log_normal_target_becomes_standard_normal():
    """In its own units a log-normal target has mean 0, width 1 and no skew."""
    y = stats.lognorm(0.8, scale=20).rvs(3000, random_state=0)
    units = TargetTransform.fit(y, "regression").apply(y)
    assert (units.mean(), units.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
    assert abs(stats.skew(units)) < 0.2


@pytest.mark.parametrize(
    ("sign", "shift", "transform"), [(1, 0.0, "log"), (1, -1000.0, None), (-1, 100.0, "mirrored_log")]
)
def test_answers_are_in_the_units_of_the_labels(sign, shift, transform):
    """Scoring inverts the transform, with a logarithm and without."""
    y = sign * stats.lognorm(0.8, scale=20).rvs(300, random_state=0) + shift
    found = TargetTransform.fit(y, "regression")
    assert found.transform == transform
    target = Target("CL", "regression", found.width, found.mean, transform=found.transform, bound=found.bound)
    np.testing.assert_allclose(target.to_answer(found.apply(y)), y)


def test_missing_labels_do_not_count_and_binary_ones_stay():
    """NaN is left out of the fit and stays NaN; 0 and 1 are not transformed."""
    y = np.array([1.0, 3.0, np.nan])
    found = TargetTransform.fit(y, "regression")
    assert (found.mean, found.width) == (2.0, 1.0)
    np.testing.assert_array_equal(found.apply(y), [-1, 1, np.nan])
    np.testing.assert_array_equal(TargetTransform.fit(y > 2, "binary").apply(np.array([0.0, 1.0])), [0, 1])


def test_no_answer_is_kept_below_a_bound():
    """Where true values are above a label no bound above all answers is chosen; below one it may be."""
    y = -np.random.default_rng(0).lognormal(size=500)
    exact, above, below = (np.full(500, relation, np.int8) for relation in (0, 1, -1))
    assert TargetTransform.fit(y, "regression", exact) == TargetTransform.fit(y, "regression")
    assert TargetTransform.fit(y, "regression", below).transform == "mirrored_log"
    assert TargetTransform.fit(y, "regression", above).transform is None
