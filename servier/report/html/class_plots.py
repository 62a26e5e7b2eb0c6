"""The plots of a report on a target with classes: each class against all others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from servier.report.html.plots import GREY, N_BINS, draw_axes, draw_plot

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The colours of Okabe and Ito; where classes are more, they take turns with other line styles."""
STYLES = ("-", "--", ":", "-.")
LONGEST = 24

ByClass = Mapping[str, tuple[NDArray[np.bool_], NDArray[np.float64]]]
"""For each class which rows have it, and its probabilities."""


def plot_class_roc(classes: ByClass) -> Markup:
    """Return the receiver operating characteristic of each class."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "false positive rate", "true positive rate")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
        for i, (word, (y, p)) in enumerate(classes.items()):
            false_positives, true_positives, _ = roc_curve(y, p)
            axes.plot(false_positives, true_positives, **_look(i, word))
        _legend(axes)

    return draw_plot("roc", paint)


def plot_class_calibration(classes: ByClass) -> Markup:
    """Return the reliability diagram of each class, in ten bins with equal numbers of rows."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "mean predicted probability", "observed share of the class")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
        for i, (word, (y, p)) in enumerate(classes.items()):
            observed, predicted = calibration_curve(y, p, n_bins=N_BINS, strategy="quantile")
            axes.plot(predicted, observed, marker="o", markersize=4, **_look(i, word))
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
        _legend(axes)

    return draw_plot("calibration", paint)


def _look(i: int, word: str) -> dict[str, Any]:
    """Return the colour, the line and the label of a class, before which matplotlib wants no underscore."""
    shown = word if len(word) <= LONGEST else f"{word[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
    return {
        "color": COLOURS[i % len(COLOURS)],
        "linestyle": STYLES[i // len(COLOURS) % len(STYLES)],
        "label": f" {shown}",
        "gid": f"curve-{i}",
    }


def _legend(axes: Axes) -> None:
    axes.legend(frameon=False, fontsize=8, loc="lower right")
