"""The steps from raw scores to answers, each compared with SciPy, NumPy or Python's own arithmetic."""

from dataclasses import replace
from decimal import Context, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from servier.checkpoint.target import CONFIDENCES, Target
from servier.checkpoint.target_columns import map_answers, map_scores

BINARY = Target("P1", "binary", slope=2.0, intercept=-1.0, threshold=0.4, conformal={"0.9": [0.6, 0.3]})
PLAIN = Target("logS", "regression", slope=3.0, intercept=5.0, conformal={"0.8": [0.5], "0.9": [1.0]})
LOG = Target("CL", "regression", slope=2.0, intercept=1.0, transform="log", conformal={"0.9": [0.5]})
MIRRORED = Target(
    "PPB", "regression", slope=2.0, intercept=1.0, transform="mirrored_log", bound=100.5,
    conformal={"0.9": [0.5]},
)  # fmt: skip
REGRESSIONS = [PLAIN, LOG, MIRRORED]
IDS = ["plain", "log", "mirrored_log"]

raw_scores = st.lists(st.floats(-20, 20), max_size=8).map(lambda values: np.array(values, np.float64))
many = settings(deadline=None, max_examples=50)


def raw_for(target, calibrated):
    """The raw scores that become such calibrated scores."""
    return (np.asarray(calibrated, np.float64) - target.intercept) / target.slope


@pytest.mark.parametrize(
    ("target", "unit"),
    [
        (BINARY, "log-odds of P1 = 1"),
        (PLAIN, "logS"),
        (LOG, "ln(CL)"),
        (MIRRORED, "-ln(100.5 - PPB)"),
        (Target("PPB", "regression", transform="mirrored_log", bound=100.0), "-ln(100 - PPB)"),
        (Target("CL", "regression", unit="mL/min"), "CL in mL/min"),
        (Target("CL", "regression", unit="nM", transform="log"), "ln(CL in nM)"),
    ],
)
def test_units_are_named(target, unit):
    """The unit of a calibrated score says which transform the labels went through."""
    assert target.score_unit == unit


@many
@given(raw_scores, st.floats(-10, 10), st.floats(-10, 10))
def test_calibration_is_a_straight_line(raw, slope, intercept):
    """Calibrated scores are those of NumPy's polynomial of degree 1, and differences lose the intercept."""
    target = Target("P1", "binary", slope, intercept)
    np.testing.assert_allclose(target.calibrate(raw), np.polyval([slope, intercept], raw))
    np.testing.assert_allclose(target.calibrate_difference(raw), np.polyval([slope, 0.0], raw))


def test_a_target_without_calibration_leaves_scores_as_they_are():
    """By default the line has slope 1 and intercept 0, and there is no transform."""
    raw = np.array([-1.5, 0.0, 7.25])
    target = Target("logS", "regression")
    assert target.calibrate(raw).tolist() == raw.tolist()
    assert target.to_answer(raw).tolist() == raw.tolist()


@many
@given(raw_scores)
def test_answers_are_inverse_transforms(raw):
    """Probabilities are SciPy's logistic function; the transform of a value is the calibrated score."""
    np.testing.assert_allclose(BINARY.to_answer(raw), expit(2 * raw - 1), rtol=1e-12)
    np.testing.assert_allclose(PLAIN.to_answer(raw), 3 * raw + 5)
    np.testing.assert_allclose(LOG.to_answer(raw), np.exp(2 * raw + 1))
    np.testing.assert_allclose(MIRRORED.to_answer(raw), 100.5 - 1 / np.exp(2 * raw + 1))


@pytest.mark.parametrize("target", [BINARY, *REGRESSIONS], ids=["binary", *IDS])
def test_a_missing_score_is_a_missing_answer(target):
    """NaN stays NaN in every step, beside rows that have a score; no row has no answer."""
    raw = np.array([np.nan, 0.5])
    answer = target.to_answer(raw)
    for values in (target.calibrate(raw), answer, target.round(answer), target.label(answer)):
        assert np.isnan(values).tolist() == [True, False]
    assert target.to_rounded_answer(np.array([])).shape == (0,)


def test_exponents_are_clipped():
    """Beyond 500 on either side answers stay what they are at 500, so that no score overflows."""
    calibrated = np.array([-1e6, -501.0, -500.0, -499.0, 499.0, 500.0, 501.0, 1e6])
    clipped = np.array([-500.0, -500.0, -500.0, -499.0, 499.0, 500.0, 500.0, 500.0])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = [target.to_answer(raw_for(target, calibrated)) for target in (BINARY, LOG, MIRRORED)]
    np.testing.assert_allclose(found[0], expit(clipped), rtol=1e-12)
    np.testing.assert_allclose(found[1], np.exp(clipped), rtol=1e-12)
    np.testing.assert_allclose(found[2], 100.5 - np.exp(-clipped), rtol=1e-12)


def test_values_without_a_logarithm_are_not_clipped():
    """A straight line needs no limit."""
    assert PLAIN.to_answer(np.array([-1000.0, 1000.0])).tolist() == [-2995.0, 3005.0]


@many
@given(st.lists(st.floats(0, 1), max_size=8))
def test_probabilities_have_six_decimals(values):
    """A rounded probability is a number with 6 decimals, and no other one is nearer."""
    rounded = BINARY.round(np.array(values, np.float64))
    assert rounded.dtype == np.float64
    assert rounded.tolist() == [float(f"{value:.6f}") for value in rounded.tolist()]
    np.testing.assert_allclose(rounded, values, rtol=0, atol=0.5000001e-6)


@many
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=8))
def test_values_have_seven_significant_digits(values):
    """A rounded value is what Python's format and its decimal arithmetic make of it."""
    rounded = PLAIN.round(np.array(values, np.float64))
    assert rounded.dtype == np.float64
    assert rounded.tolist() == [float(f"{value:.7g}") for value in values]
    assert rounded.tolist() == [float(Context(prec=7).create_decimal(Decimal(value))) for value in values]


def test_rounding_depends_on_the_task():
    """A probability keeps decimals, a value keeps digits."""
    values = np.array([0.00012345678, 0.123456789])
    assert BINARY.round(values).tolist() == [0.000123, 0.123457]
    assert PLAIN.round(values).tolist() == [0.0001234568, 0.1234568]
    assert PLAIN.round(np.array([123456789.0])).tolist() == [123456800.0]


@pytest.mark.parametrize("target", [BINARY, *REGRESSIONS], ids=["binary", *IDS])
def test_answers_are_rounded_last(target):
    """Rounded answers are the answers, rounded; the answers themselves are not."""
    raw = np.array([0.1234567891, -1.2345678912])
    answer = target.to_answer(raw)
    assert target.to_rounded_answer(raw).tolist() == target.round(answer).tolist() != answer.tolist()


@many
@given(st.floats(0, 1), st.lists(st.floats(0, 1), max_size=8))
def test_label_1_begins_at_the_threshold(threshold, probabilities):
    """A probability equal to the threshold gets label 1, the next lower number label 0."""
    target = Target("P1", "binary", threshold=threshold)
    expected = [float(probability >= threshold) for probability in probabilities]
    assert target.label(np.array(probabilities, np.float64)).tolist() == expected
    beside = np.array([np.nextafter(threshold, -1), threshold, np.nextafter(threshold, 2)])
    assert target.label(beside).tolist() == [0, 1, 1]


def test_labels_of_regression_targets_are_their_values():
    """Where there is no threshold, the value itself is predicted."""
    values = np.array([-1.5, 0.0, 2.5])
    assert PLAIN.label(values).tolist() == values.tolist()


def test_without_a_threshold_label_1_begins_at_one_half():
    """A binary target of which training chose no threshold has that of a coin."""
    target = Target("P1", "binary")
    assert target.decision_threshold == 0.5
    assert target.label(np.array([0.0, 0.499999, 0.5, 1.0, np.nan]))[:4].tolist() == [0, 0, 1, 1]
    assert BINARY.decision_threshold == BINARY.threshold == 0.4


def test_bounds_are_sets_or_intervals():
    """A binary target is bounded by the set of its answer, another by the interval of its score."""
    raw, answer = np.array([-1.0, 0.25, np.nan]), np.array([0.2, 0.45, np.nan])
    for target, expected in (
        (BINARY, BINARY.label_set(answer, "0.9")),
        (PLAIN, PLAIN.interval(raw, "0.9")),
        (LOG, LOG.interval(raw, "0.9")),
    ):
        np.testing.assert_array_equal(target.bounds(raw, answer, "0.9"), expected)


@pytest.mark.parametrize("target", [PLAIN, LOG, MIRRORED])
def test_half_widths_are_in_calibrated_units(target):
    """Half the width for each confidence is how far the limits of an interval are from its middle."""
    for level, half_width in target.half_widths.items():
        (limit,) = target.conformal[level]
        difference = target.calibrate(np.array([limit])) - target.calibrate(np.array([0.0]))
        assert half_width == pytest.approx(difference[0])
    assert set(target.half_widths) == set(target.conformal)


def test_a_threshold_of_zero_is_a_threshold():
    """With a threshold of 0 every probability gets label 1."""
    assert Target("P1", "binary", threshold=0.0).label(np.array([0.0, 0.3])).tolist() == [1, 1]


def test_limits_belong_to_the_sets():
    """Label 0 is possible up to its limit, label 1 from its limit on, both inclusive."""
    probability = np.array(
        [np.nextafter(0.3, 0), 0.3, 0.45, 0.6, np.nextafter(0.6, 1)],
    )
    found = BINARY.label_set(probability, "0.9")
    assert found.dtype == np.float64
    assert found.tolist() == [[1, 0], [1, 1], [1, 1], [1, 1], [0, 1]]


def test_a_set_can_be_empty():
    """Between two limits that exclude both labels there is neither."""
    target = Target("P1", "binary", conformal={"0.8": [0.2, 0.7]})
    probability = np.array([0.2, 0.5, 0.7])
    assert target.label_set(probability, "0.8").tolist() == [[1, 0], [0, 0], [0, 1]]


@many
@given(st.floats(0, 1), st.floats(0, 1), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_sets_are_monotone(highest_of_0, lowest_of_1, probabilities):
    """A higher probability never brings label 0 into the set, nor takes label 1 out of it."""
    target = Target("P1", "binary", conformal={"0.95": [highest_of_0, lowest_of_1]})
    found = target.label_set(np.sort(np.array(probabilities)), "0.95")
    assert set(found.ravel().tolist()) <= {0.0, 1.0}
    assert np.all(np.diff(found[:, 0]) <= 0)
    assert np.all(np.diff(found[:, 1]) >= 0)


def test_unknown_sets_are_missing():
    """Without limits for a confidence, or without a probability, nothing is known of either label."""
    unknown = BINARY.label_set(np.array([0.1, 0.9, 0.5]), "0.8")
    assert unknown.shape == (3, 2)
    assert np.isnan(unknown).all()
    assert np.isnan(BINARY.label_set(np.array([np.nan, 0.5]), "0.9")).tolist() == [[True] * 2, [False] * 2]
    assert BINARY.label_set(np.array([]), "0.9").shape == (0, 2)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (PLAIN, [5 - 3.0, 5 + 3.0]),
        (LOG, [np.exp(0.0), np.exp(2.0)]),
        (MIRRORED, [100.5 - np.exp(0.0), 100.5 - np.exp(-2.0)]),
    ],
    ids=IDS,
)
def test_widths_are_in_units_of_the_raw_score(target, expected):
    """Around a raw score of 0 the limits are the answers for minus and plus half the width."""
    np.testing.assert_allclose(target.interval(np.array([0.0]), "0.9"), [expected])


@pytest.mark.parametrize("target", REGRESSIONS, ids=IDS)
@many
@given(raw=raw_scores, widths=st.tuples(st.floats(0, 5), st.floats(0, 5)).map(sorted))
def test_intervals_are_monotone(target, raw, widths):
    """An answer lies in its interval, a wider one contains the narrower, and limits rise with the score."""
    conformal = {str(level): [width] for level, width in zip(CONFIDENCES, widths, strict=False)}
    narrow, wide = (
        Target(
            target.name, target.task, target.slope, target.intercept,
            transform=target.transform, bound=target.bound, conformal=conformal,
        ).interval(np.sort(raw), level)
        for level in conformal
    )  # fmt: skip
    answer = target.to_answer(np.sort(raw))
    assert narrow.shape == (len(raw), 2)
    assert np.all((wide[:, 0] <= narrow[:, 0]) & (narrow[:, 0] <= answer))
    assert np.all((answer <= narrow[:, 1]) & (narrow[:, 1] <= wide[:, 1]))
    assert np.all(np.diff(wide, axis=0) >= 0)


def test_intervals_stay_where_labels_can_be():
    """The limits of a logarithm are positive, those of a mirrored one are below the bound."""
    raw = np.array([-5.0, 0.0, 5.0])
    assert np.all(LOG.interval(raw, "0.9") > 0)
    assert np.all(MIRRORED.interval(raw, "0.9") < 100.5)


def test_unknown_intervals_are_missing():
    """Without a width for a confidence, or without a score, the limits are NaN."""
    unknown = LOG.interval(np.array([0.0, 1.0, 2.0]), "0.8")
    assert unknown.shape == (3, 2)
    assert np.isnan(unknown).all()
    assert np.isnan(LOG.interval(np.array([np.nan, 0.0]), "0.9")).tolist() == [[True] * 2, [False] * 2]


def test_each_column_belongs_to_its_target():
    """A step is applied to each column with its own target, whatever the layout in memory."""
    calibrated = np.array([[logit(0.25), 1.0, 0.0], [logit(0.5), 2.0, 2.0]])
    targets = [BINARY, PLAIN, LOG]
    raw = np.stack(
        [raw_for(target, column) for target, column in zip(targets, calibrated.T, strict=True)], axis=1
    )
    expected = [[0.25, 1.0, 1.0], [0.5, 2.0, np.exp(2.0)]]
    for scores in (raw, np.asfortranarray(raw)):
        np.testing.assert_allclose(map_scores(Target.to_answer, targets, scores), expected)
    assert map_answers(Target.label, targets, np.array(expected))[:, 0].tolist() == [0, 1]
    assert map_scores(Target.to_answer, targets, np.empty((0, 3))).shape == (0, 3)


def test_every_column_has_a_target():
    """As many columns as targets, or there is an error."""
    with pytest.raises(ValueError, match="2 columns for targets that have 1"):
        map_scores(Target.to_answer, [BINARY], np.zeros((2, 2)))


@many
@given(raw_scores, st.sampled_from(REGRESSIONS), st.floats(-20, 20), st.floats(0.001, 20))
def test_no_answer_is_beyond_its_bounds(raw, target, low, width):
    """Answers, rounded ones, and limits of intervals are those of NumPy's clip, also for a single bound."""
    for lowest, highest in ((low, low + width), (low, None), (None, low)):
        bounded = replace(target, lowest=lowest, highest=highest)
        expected = np.clip(target.to_answer(raw), lowest, highest)
        np.testing.assert_array_equal(bounded.to_answer(raw), expected)
        for found in (bounded.to_rounded_answer(raw), bounded.interval(raw, "0.9"), bounded.round(expected)):
            assert not (found < (-np.inf if lowest is None else lowest)).any()
            assert not (found > (np.inf if highest is None else highest)).any()


def test_rounding_does_not_lead_beyond_a_bound():
    """Seven digits of a bound with more of them may lie beyond it; what has no answer stays without one."""
    target = Target("y", "regression", lowest=0.12345674, highest=0.98765436)
    assert target.round(np.array([0.12345674, 0.98765436])).tolist() == [0.12345674, 0.98765436]
    assert np.isnan(target.round(np.array([np.nan]))[0])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, None), ({"lowest": 0.0}, "at least 0"), ({"highest": 1.5}, "at most 1.5"),
        ({"lowest": 0.0, "highest": 100.0}, "between 0 and 100"),
    ],
)  # fmt: skip
def test_bounds_are_said_in_words(fields, said):
    """As they stand on the card of a model."""
    assert Target("y", "regression", **fields).limits_in_words == said


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        (Target("y", "binary", unit="nM"), "unit is not null, as that of a binary target is"),
        (Target("y", "binary", lowest=0.0), "lowest is not null, as that of a binary target is"),
        (Target("y", "regression", lowest=1.0, highest=1.0), "lowest is not below highest"),
        (Target("y", "regression", lowest=0.0, highest=1.0, unit="%"), None),
    ],
)
def test_units_and_bounds_that_cannot_be(target, problem):
    """Classes have neither, and one bound is below the other."""
    assert target.contradiction() == problem


@given(raw_scores)
@many
@pytest.mark.parametrize("target", [BINARY, *REGRESSIONS], ids=["binary", *IDS])
def test_scores_can_be_had_back_from_answers(target, scores):
    """The calibrated score of which an answer was made, by SciPy's logit for a probability."""
    answer = target.to_answer(scores / 8)
    np.testing.assert_allclose(target.from_answer(answer), target.calibrate(scores / 8), atol=1e-6)
    if target is BINARY:
        np.testing.assert_allclose(target.from_answer(answer), logit(answer), atol=1e-6)


def test_scores_of_certain_answers_are_finite():
    """Rounded probabilities of 0 and 1 are half a unit of the sixth decimal from it."""
    expected = logit([0.5e-6, 1 - 0.5e-6])
    np.testing.assert_allclose(BINARY.from_answer(np.array([0.0, 1.0])), expected)
    assert np.isfinite(LOG.from_answer(np.array([0.0]))).all()
    assert np.isfinite(MIRRORED.from_answer(np.array([100.5]))).all()
