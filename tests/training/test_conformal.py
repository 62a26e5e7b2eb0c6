import numpy as np
import pytest
from crepes import ConformalClassifier, ConformalRegressor

from servier.checkpoint.target import CONFIDENCES, Target
from servier.metrics.measures import measure_coverage
from servier.training.conformal import fit_sets, fit_widths


def with_sets(limits):
    return Target("P1", "binary", conformal=limits)


@pytest.fixture(scope="module")
def scores():
    """Labels, one in five of them 1, and probabilities that know something of them."""
    rng = np.random.default_rng(0)
    y = (rng.random(12000) < 0.2).astype(float)
    p = np.round(1 / (1 + np.exp(-(2.5 * y - 2 + rng.normal(size=12000)))), 6)
    return y, p


@pytest.mark.parametrize("level", CONFIDENCES)
def test_sets_are_those_of_crepes(scores, level):
    """The fitted limits give the very sets of the library, for other molecules too."""
    y, p = scores
    fit, new = slice(0, 2000), slice(2000, None)
    found = with_sets(fit_sets(y[fit], p[fit])).label_set(p[new], str(level))
    alphas = np.stack([p, 1 - p], axis=1)
    classifier = ConformalClassifier()
    classifier.fit(alphas[fit][np.arange(2000), y[fit].astype(int)], bins=y[fit])
    for label in (0, 1):
        expected = classifier.predict_set(
            alphas[new], bins=np.full(10000, label), confidence=level, smoothing=False
        )[:, label]
        assert np.mean(found[:, label] != expected) < 0.001


@pytest.mark.parametrize("level", CONFIDENCES)
def test_either_class_is_covered_as_promised(scores, level):
    """Of new molecules of the rare class, too, the promised fraction has its label in its set."""
    y, p = scores
    target = with_sets(fit_sets(y[:6000], p[:6000]))
    found = measure_coverage(y[6000:], target.label_set(p[6000:], str(level)), "binary")
    for name in ("coverage", "coverage_0", "coverage_1"):
        assert found[name] == pytest.approx(level, abs=0.04)
    sets = ConformalClassifier()
    sets.fit(np.where(y[:6000] == 1, 1 - p[:6000], p[:6000]), bins=y[:6000])
    new = np.stack([p[6000:], 1 - p[6000:]], axis=1)
    both = [
        sets.predict_set(new, bins=np.full(6000, label), confidence=level, smoothing=False)[:, label]
        for label in (0, 1)
    ]
    assert found["single"] == pytest.approx(np.mean(both[0] + both[1] == 1), abs=0.002)


@pytest.mark.parametrize("level", CONFIDENCES)
def test_intervals_are_those_of_crepes(level):
    """The fitted width gives the very interval of the library, and covers new molecules."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=2000)
    labels = raw + 0.5 * rng.standard_t(4, size=2000)
    target = Target("logS", "regression", conformal=fit_widths(labels[:1000], raw[:1000]))
    found = target.interval(raw[1000:], str(level))
    regressor = ConformalRegressor()
    regressor.fit(labels[:1000] - raw[:1000])
    np.testing.assert_allclose(found, regressor.predict_int(raw[1000:], confidence=level))
    covered = measure_coverage(labels[1000:], found, "regression")
    assert covered["coverage"] == pytest.approx(level, abs=0.04)
    assert covered["width"] == pytest.approx(2 * target.conformal[str(level)][0])


def test_few_rows_exclude_nothing():
    """Five rows of a class exclude no label with a confidence of 0.9; ten rows give no interval of 0.95."""
    y = np.array([0.0] * 5 + [1.0] * 5 + [np.nan])
    target = with_sets(fit_sets(y, np.r_[np.linspace(0.1, 0.9, 10), 0.5]))
    assert target.label_set(np.array([0.0, 1.0]), "0.9").all()
    assert "0.95" not in fit_widths(np.arange(10.0), np.zeros(10))


def test_missing_labels_do_not_count(scores):
    """Rows without a label or a score leave the limits as they are."""
    y, p = scores
    more = fit_sets(np.r_[y, np.nan, 1.0], np.r_[p, 0.5, np.nan])
    assert more == fit_sets(y, p)
    assert measure_coverage(np.array([np.nan]), np.ones((1, 2)), "binary") == {}
