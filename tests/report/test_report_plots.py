"""The curves of the plots are those of scikit-learn."""

import re
import warnings

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from servier.report.html import plots
from servier.report.html.class_plots import plot_class_calibration, plot_class_roc


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(5)
    y = (rng.random(60) < 0.4).astype(float)
    return y, np.clip(0.3 * y + rng.random(60) * 0.7, 0, 1)


def drawn(svg, name):
    """The corners of the curve in a plot, shape (n, 2); y upwards."""
    path = re.search(rf'<g id="{name}-curve">\s*<path d="([^"]+)"', svg)[1]
    return np.array(re.findall(r"[ML] (\S+) (\S+)", path), float) * [1, -1]


def assert_same(points, x, y):
    """The points are at these coordinates, but for the scales of the axes."""
    for found, expected in zip(points.T, (x, y), strict=True):
        scale, shift = np.polyfit(expected, found, 1)
        assert scale > 0
        np.testing.assert_allclose(found, scale * expected + shift, atol=1e-3)


def test_roc_is_that_of_scikit_learn(scored):
    """The corners are those of roc_curve, and the area is the AUROC."""
    points = drawn(plots.plot_roc(*scored, 0.5), "roc")
    x, y, _ = roc_curve(*scored)
    assert_same(points, x, y)
    points = (points - points[0]) / (points[-1] - points[0])
    assert auc(*points.T) == pytest.approx(roc_auc_score(*scored), abs=1e-5)


def test_precision_and_recall_are_those_of_scikit_learn(scored):
    """The corners are the steps of precision_recall_curve, and the area is the average precision."""
    points = drawn(plots.plot_precision_recall(*scored, 0.5), "precision-recall")
    precision, recall, _ = precision_recall_curve(*scored, drop_intermediate=True)
    x, y = np.repeat(recall, 2)[1:], np.repeat(precision, 2)[:-1]
    assert_same(points, x, y)
    assert auc(x, y) == pytest.approx(average_precision_score(*scored))


def test_calibration_is_that_of_scikit_learn(scored):
    """The corners are those of calibration_curve with ten bins of equally many rows."""
    observed, predicted = calibration_curve(*scored, n_bins=10, strategy="quantile")
    assert_same(drawn(plots.plot_calibration(*scored), "calibration"), predicted, observed)


@pytest.mark.parametrize("n", [1, 3, 50, 5000])
def test_values_of_any_number_of_rows_are_drawn(n):
    """One row, few and very many make a plot of values, and it stays small."""
    rng = np.random.default_rng(n)
    y = rng.normal(size=n)
    for svg in (plots.plot_observed(y, y + 0.1), plots.plot_residuals(y, y + 0.1)):
        assert svg.startswith("<svg viewBox=")
        assert len(svg) < 1_000_000


def test_equal_rows_make_equal_plots(scored):
    """A plot has no date and no random name."""
    assert plots.plot_roc(*scored, 0.5) == plots.plot_roc(*scored, 0.5)


def test_words_in_any_script_are_drawn_without_a_warning(scored):
    """They stay text, which a browser has fonts for; the plot's own font need not have them."""
    y, p = scored
    words = {"\u9ad8": (y == 1, p), "\u4f4e": (y == 0, 1 - p)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawings = [plot_class_roc(words), plot_class_calibration(words)]
    assert all(word in drawing for word in words for drawing in drawings)
