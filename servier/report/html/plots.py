"""The plots of a report, as vector graphics, in the colours of Okabe and Ito.

References
----------
Wong, Points of view: color blindness, Nature Methods 2011, 8, 441, doi:10.1038/nmeth.1618.
"""

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from servier.report.html.pages import number
from servier.report.html.vector import embed

BLUE, VERMILION, SKY = "#0072B2", "#D55E00", "#56B4E9"
GREY, INK, RUST = "#6B7280", "#333A45", "#A84300"
WIDTH, HEIGHT = 4.6, 3.5
N_BINS = 10
MANY = 2000

STYLE: dict[Any, Any] = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9.5,
    "grid.color": "#E6E8EC",
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}

BOX = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.0}

Vector = NDArray[np.float64]


def draw_plot(name: str, paint: Callable[[Figure], None], height: float = HEIGHT) -> Markup:
    """Return what a function paints as a vector graphic, whose identifiers begin with its name."""
    with rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="none")
        paint(figure)
        stream = io.StringIO()
        with warnings.catch_warnings():  # text stays text, which the browser has other fonts for
            warnings.filterwarnings("ignore", "Glyph", UserWarning)
            figure.savefig(stream, format="svg", metadata={"Date": None})
    return embed(stream.getvalue(), name)


def draw_axes(figure: Figure, x_label: str, y_label: str) -> Axes:
    """Return the axes of a plot with one panel."""
    axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label, facecolor="none")
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    return axes


def plot_roc(y: Vector, p: Vector, threshold: float) -> Markup:
    """Return the receiver operating characteristic, with the point of the threshold."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "false positive rate", "true positive rate")
        false_positives, true_positives, _ = roc_curve(y, p)
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
        axes.plot(false_positives, true_positives, color=BLUE, gid="curve")
        axes.annotate("chance", (0.62, 0.55), color=GREY)
        point = float(np.mean(p[y == 0] >= threshold)), float(np.mean(p[y == 1] >= threshold))
        _mark(axes, point)

    return draw_plot("roc", paint)


def plot_precision_recall(y: Vector, p: Vector, threshold: float) -> Markup:
    """Return precision against recall, with the point of the threshold."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "recall", "precision")
        precision, recall, _ = precision_recall_curve(y, p, drop_intermediate=True)
        share = float(y.mean())
        axes.axhline(share, color=GREY, linestyle="--", linewidth=1)
        height = -12 if share > 0.5 else 4
        axes.annotate("share of label 1", (0.02, share), (0, height), textcoords="offset points", color=GREY)
        axes.plot(recall, precision, color=BLUE, drawstyle="steps-post", gid="curve")
        is_chosen = p >= threshold
        if is_chosen.any():
            _mark(axes, (float(is_chosen[y == 1].mean()), float(y[is_chosen].mean())))
        axes.set_ylim(0, 1.04)

    return draw_plot("precision-recall", paint)


def _mark(axes: Axes, point: tuple[float, float]) -> None:
    """Mark the stored threshold on a curve."""
    axes.plot(*point, "o", color=VERMILION, markersize=7, markeredgecolor="white", zorder=3)
    side: dict[str, Any] = (
        {"ha": "right", "xytext": (-9, -14)} if point[0] > 0.6 else {"ha": "left", "xytext": (9, -14)}
    )
    axes.annotate("threshold", point, textcoords="offset points", color=RUST, bbox=BOX, **side)


def plot_calibration(y: Vector, p: Vector) -> Markup:
    """Return the reliability diagram, in ten bins with equal numbers of rows."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "mean predicted probability", "observed share of label 1")
        observed, predicted = calibration_curve(y, p, n_bins=N_BINS, strategy="quantile")
        axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1)
        axes.annotate("perfect", (0.53, 0.46), color=GREY)
        axes.plot(predicted, observed, "o-", color=BLUE, markersize=5.5, markeredgecolor="white", gid="curve")
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))

    return draw_plot("calibration", paint)


def plot_histograms(y: Vector, p: Vector, threshold: float) -> Markup:
    """Return the distribution of the predicted probabilities of either class."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "predicted probability of label 1", "share of the class")
        edges = np.linspace(0, 1, 21).tolist()
        looks: list[dict[str, Any]] = [
            {"histtype": "stepfilled", "color": SKY, "alpha": 0.55},
            {"histtype": "step", "color": VERMILION, "linewidth": 1.8},
        ]
        for label, look in enumerate(looks):
            values = p[y == label]
            if len(values):
                weights = np.full(len(values), 1 / len(values))
                axes.hist(values, edges, weights=weights, label=f"label {label} ({len(values):,})", **look)
        axes.axvline(threshold, color=INK, linestyle=":", linewidth=1.4, label=f"threshold {threshold:.3g}")
        axes.set_xlim(0, 1)
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3, fontsize=8.5,
                    columnspacing=1.2, handlelength=1.6)  # fmt: skip

    return draw_plot("histograms", paint)


def plot_observed(y: Vector, values: Vector) -> Markup:
    """Return predicted against observed values."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "observed", "predicted")
        limits = [min(y.min(), values.min()), max(y.max(), values.max())]
        axes.plot(limits, limits, color=GREY, linestyle="--", linewidth=1)
        _scatter(axes, y, values)

    return draw_plot("observed", paint)


def plot_residuals(y: Vector, values: Vector) -> Markup:
    """Return residuals, observed minus predicted, against predicted values."""

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, "predicted", "residual (observed - predicted)")
        axes.axhline(0, color=GREY, linestyle="--", linewidth=1)
        _scatter(axes, values, y - values)

    return draw_plot("residuals", paint)


def _scatter(axes: Axes, x: Vector, y: Vector) -> None:
    """Draw points, or their density in hexagons if there are very many."""
    if len(x) > MANY:
        axes.hexbin(x, y, gridsize=40, bins="log", mincnt=1, cmap="Blues", linewidths=0.1)
    else:
        axes.plot(x, y, "o", color=BLUE, alpha=0.5, markersize=4, markeredgewidth=0, gid="points")


def plot_headline(name: str, model: Mapping[str, float], baselines: Mapping[str, float]) -> Markup:
    """Return a metric of the model with its interval, above those of the baselines.

    Parameters
    ----------
    name
        The name of the metric.
    model
        `value`, and its interval from `low` to `high`.
    baselines
        The value of each baseline, by name.
    """

    def paint(figure: Figure) -> None:
        axes = draw_axes(figure, name, "")
        labels = ["model", *baselines]
        places = np.arange(len(labels))[::-1]
        error = [[max(0.0, model["value"] - model["low"])], [max(0.0, model["high"] - model["value"])]]
        axes.errorbar([model["value"]], places[:1], xerr=error, fmt="o", color=BLUE, markersize=8, capsize=4)
        axes.plot(list(baselines.values()), places[1:], "D", color=GREY, markersize=6)
        for place, value in zip(places, [model["value"], *baselines.values()], strict=True):
            axes.annotate(number(value, 3), (value, place), (0, 7), textcoords="offset points", ha="center")
        axes.set_yticks(places, labels)
        axes.set_ylim(-0.5, len(labels) - 0.4)
        axes.margins(x=0.12)
        axes.grid(visible=False, axis="y")

    return draw_plot("headline", paint, height=2.5)


def plot_similarity(name: str, bins: Sequence[Mapping[str, float]], key: str) -> Markup:
    """Return a metric, and the number of rows, by the similarity to the nearest training molecule.

    Parameters
    ----------
    name
        The name of the metric, in words.
    bins
        `by_similarity` of `servier.evaluation.evaluate.TargetEvaluation`.
    key
        The key of the metric in these.
    """

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        known = [found for found in bins if key in found]
        middles = [(found["low"] + found["high"]) / 2 for found in known]
        upper.plot(middles, [found[key] for found in known], "o-", color=BLUE, markersize=6, gid="curve")
        for found in bins:
            low, width = found["low"], found["high"] - found["low"]
            lower.bar(low, found["rows"], width, align="edge", color=SKY, edgecolor="white")
            lower.annotate(f"{found['rows']:,.0f}", (low + width / 2, found["rows"]), (0, 2), ha="center",
                           textcoords="offset points", fontsize=8.5)  # fmt: skip
        lower.set_xticks([bins[0]["low"], *(found["high"] for found in bins)])
        lower.margins(y=0.25)
        upper.set(ylabel=name, facecolor="none")
        lower.set(ylabel="rows", xlabel="similarity to the nearest training molecule", facecolor="none")
        upper.grid(visible=True)

    return draw_plot("similarity", paint)
