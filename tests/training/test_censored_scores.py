"""The line from scores to values, and the widths of intervals, where some labels are bounds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from servier.checkpoint.target import CONFIDENCES
from servier.training.censored import Line, fit_censored_widths, fit_line, impute_bounds
from servier.training.conformal import fit_widths
from servier.training.learnt_labels import LearntLabels
from servier.training.target_transform import TargetTransform
from servier.training.targets import make_target


@pytest.fixture(scope="module")
def cut_off():
    """Scores, the values that they stand for, and the labels of these: cut off at -1 and at 2."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=3000)
    truth = 0.3 + 1.5 * raw + rng.normal(0, 0.5, 3000)
    relations = np.where(truth < -1, -1, np.where(truth > 2, 1, 0)).astype(np.int8)
    return raw, truth, np.clip(truth, -1, 2), relations


def test_the_line_is_that_of_least_squares_without_bounds():
    """NumPy fits the same one."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=200)
    labels = 2 - 0.1 * raw**2 + 3 * raw + rng.normal(size=200)
    line = fit_line(np.append(labels, np.nan), np.append(raw, 0.0), np.zeros(201, np.int8))
    assert (line.slope, line.intercept) == pytest.approx(tuple(np.polyfit(raw, labels, 1)), rel=1e-4)


def test_the_line_goes_on_beyond_the_limits(cut_off):
    """It is that of the values before they were cut off; taking limits for values flattens it."""
    raw, _, labels, relations = cut_off
    line = fit_line(labels, raw, relations)
    assert (line.slope, line.intercept) == (pytest.approx(1.5, abs=0.05), pytest.approx(0.3, abs=0.05))
    assert fit_line(labels, raw, np.zeros(3000, np.int8)).slope < 1.2


def test_the_line_has_the_highest_likelihood(cut_off):
    """By SciPy's normal distribution, no line beside it explains values and bounds as well."""
    raw, _, labels, relations = (values[:200] for values in cut_off)
    line = fit_line(labels, raw, relations)

    def likelihood(slope, intercept, width):
        units = (labels - intercept - slope * raw) / width
        of_exact, of_upper = stats.norm.logpdf(units) - np.log(width), stats.norm.logcdf(units)
        kinds = [relations == 0, relations == -1]
        return np.select(kinds, [of_exact, of_upper], stats.norm.logsf(units)).sum()

    def best(slope, intercept):
        return max(likelihood(slope, intercept, width) for width in np.linspace(0.3, 0.8, 501))

    found = best(line.slope, line.intercept)
    for slope, intercept in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert best(line.slope + slope, line.intercept + intercept) < found


def test_scores_that_fall_with_the_labels_are_left_as_they_are(cut_off):
    """Nobody is helped by the opposite of what a model says."""
    raw, _, labels, relations = cut_off
    assert fit_line(labels, -raw, relations) == Line()


def test_answers_are_values_on_the_line_with_an_interval_around(cut_off):
    """A target of bounds answers for rows beyond the limits too; without bounds it is as it always was."""
    raw, truth, labels, relations = cut_off
    transform = TargetTransform(10.0, 3.0)
    groups = np.arange(len(raw))
    bounded = LearntLabels("P1", "regression", 10 + 3 * labels, groups, relations)
    target = make_target(bounded, transform, raw)
    answers = target.to_answer(raw)
    np.testing.assert_allclose(answers, 10 + 3 * (0.3 + 1.5 * raw), atol=0.4)
    beyond = relations != 0
    assert np.abs(answers - 10 - 3 * truth)[beyond].mean() < 3 * 0.45
    limits = target.interval(raw, "0.9")
    np.testing.assert_allclose(limits.mean(axis=1), answers)
    exact = make_target(LearntLabels("P1", "regression", 10 + 3 * truth, groups), transform, raw)
    assert (exact.slope, exact.intercept) == (3.0, 10.0)
    assert exact.conformal == fit_widths(transform.apply(10 + 3 * truth), raw)
    assert replace(exact, slope=0, intercept=0, conformal={}) == replace(
        target, slope=0, intercept=0, conformal={}
    )


def test_widths_without_bounds_are_those_of_split_conformal_prediction():
    """Relations that are all exact change nothing, up to the rounding of how values are held."""
    rng = np.random.default_rng(3)
    raw, labels = rng.normal(size=(2, 300))
    found, plain = fit_censored_widths(labels, raw, np.zeros(300, np.int8)), fit_widths(labels, raw)
    assert found.keys() == plain.keys()
    np.testing.assert_allclose(list(found.values()), list(plain.values()))
    assert "0.95" not in fit_censored_widths(np.arange(10.0), np.zeros(10), np.zeros(10, np.int8))


def test_values_beyond_bounds_are_those_that_were_cut_off():
    """Of normal labels, cut off on both sides, what is put in their place has the mean of the truth."""
    rng = np.random.default_rng(4)
    truth = rng.normal(3.0, 2.0, 4000)
    labels = np.clip(truth, 1.5, 5.0)
    relations = np.where(truth < 1.5, -1, np.where(truth > 5.0, 1, 0)).astype(np.int8)
    values = impute_bounds(labels, relations)
    exact = relations == 0
    np.testing.assert_array_equal(values[exact], np.repeat(labels[exact, None], 9, axis=1))
    for relation in (-1, 1):
        cut = relations == relation
        assert np.all(relation * (values[cut] - labels[cut, None]) > 0)
        assert np.mean(values[cut]) == pytest.approx(truth[cut].mean(), abs=0.15)
        assert np.median(values[cut]) == pytest.approx(np.median(truth[cut]), abs=0.15)


@pytest.mark.parametrize("level", CONFIDENCES)
def test_intervals_hold_the_truth_beyond_bounds(level):
    """Scores stop at the limit of the measurement, as those of a one-sided loss do; the values do not."""
    rng = np.random.default_rng(5)
    expected = rng.normal(size=6000)
    truth, raw = expected + 0.4 * rng.normal(size=6000), np.maximum(expected, -0.7)
    relations = np.where(truth < -0.7, -1, 0).astype(np.int8)
    labels = np.maximum(truth, -0.7)
    (width,) = fit_censored_widths(labels[:3000], raw[:3000], relations[:3000])[str(level)]
    covered = np.abs(truth - raw)[3000:] <= width
    assert covered.mean() == pytest.approx(level, abs=0.03)


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([-1, 0, 1])),
        min_size=1,
        max_size=12,
    )
)
def test_few_rows_and_equal_ones_give_finite_answers(rows):
    """Whatever is held out of a small table: the line rises, and no width is infinite or undefined."""
    labels, raw, relations = np.array(rows, float).T
    signs = relations.astype(np.int8)
    line = fit_line(labels, raw, signs)
    assert 0 < line.slope < np.inf
    assert np.isfinite(line.intercept)
    widths = fit_censored_widths(line.to_scores(labels), raw, signs)
    assert all(np.isfinite(width) for found in widths.values() for width in found)


def test_weights_count_as_repeated_rows(cut_off):
    """The line is that of a table in which each row stands as often as its weight says."""
    raw, _, labels, relations = (values[:300] for values in cut_off)
    times = np.random.default_rng(1).integers(1, 5, 300)
    found = fit_line(labels, raw, relations, times.astype(float))
    every = np.repeat(np.arange(300), times)
    repeated = fit_line(labels[every], raw[every], relations[every])
    assert (found.slope, found.intercept) == pytest.approx((repeated.slope, repeated.intercept), rel=1e-4)
