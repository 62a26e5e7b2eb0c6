"""The templates of pages, and the format of the numbers in them."""

import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from servier import __version__
from servier.tables import write_whole

UNDEFINED = "-"
TINY = 1e-12
METRICS = {
    "auroc": "AUROC",
    "average_precision": "Average precision",
    "balanced_accuracy": "Balanced accuracy",
    "mcc": "Matthews correlation",
    "f1": "F1 score",
    "log_loss": "Log loss",
    "quadratic_kappa": "Quadratic-weighted kappa",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
    "bedroc": "BEDROC (alpha 20)",
    "enrichment_1%": "Enrichment in the top 1 %",
    "enrichment_5%": "Enrichment in the top 5 %",
    "mae": "Mean absolute error",
    "rmse": "Root mean squared error",
    "r2": "R\N{SUPERSCRIPT TWO}",
    "spearman": "Spearman correlation",
    "kendall": "Kendall correlation",
    "concordance": "Concordance, with bounds",
}


def write_page(template: str, path: str | Path, **content: Any) -> None:
    """Write a page, whole or not at all; `template` and `content` as for `render_page`."""
    page = render_page(template, **content)
    with write_whole(path) as temporary:
        temporary.write_bytes(page)


def render_page(template: str, **content: Any) -> bytes:
    """Return one page.

    Parameters
    ----------
    template
        Name of the template, without its suffix.
    content
        The content of the template; text is escaped.
    """
    return _environment().get_template(f"{template}.html.j2").render(content).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("servier.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "percent": percent, "words": words, "metric": metric_name}
    environment.globals["version"] = __version__
    return environment


def number(value: float | None, decimals: int = 4) -> str:
    """Return a number with four decimals, or fewer if it is large; a dash if it is undefined."""
    if value is None or not math.isfinite(value):
        return UNDEFINED
    size = abs(value)
    if TINY < size < 0.001:
        return f"{value:.2g}"
    digits = decimals if size < 10 else 2 if size < 1000 else 0
    return f"{value:,.{digits}f}"


def percent(share: float | None) -> str:
    """Return a share in percent; a dash if it is undefined."""
    return UNDEFINED if share is None or not math.isfinite(share) else f"{100 * share:.1f} %"


def words(name: str) -> str:
    """Return an identifier in words."""
    return name.replace("_", " ")


def metric_name(name: str) -> str:
    """Return the usual name of a metric."""
    return METRICS.get(name, words(name))
