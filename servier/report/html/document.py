"""Reports of an evaluation, a page for each target."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import answer_places
from servier.checkpoint.versions import installed_versions
from servier.data.datasets import Dataset
from servier.evaluation.bootstrap import Resampling
from servier.evaluation.evaluate import HEADLINE, Evaluation
from servier.report.html import plots
from servier.report.html.card import describe_training
from servier.report.html.class_plots import plot_class_calibration, plot_class_roc
from servier.report.html.mistakes import describe_mistake, draw_mistakes, find_mistakes
from servier.report.html.pages import metric_name, percent, write_page

PACKAGES = ("rdkit", "numpy", "onnxruntime", "scikit-learn")

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """An evaluation and its origin.

    Parameters
    ----------
    checkpoint, data
        The model, and the table.
    evaluation
        The evaluation.
    resampling
        How rows were resampled for the intervals.
    command
        The command line.
    """

    checkpoint: Checkpoint
    data: Dataset
    evaluation: Evaluation
    resampling: Resampling
    command: str


def write_reports(source: Source, folder: str | Path) -> list[Path]:
    """Write a report for each target, and return the files.

    They are `report.html` for a single target. For several they are `report_TARGET.html`, and `report.html`
    is an overview that leads to them.

    Parameters
    ----------
    source
        The evaluation.
    folder
        The folder of the files.
    """
    targets = source.checkpoint.targets
    names = name_reports([target.name for target in targets])
    pages = [target.name for target in targets] if len(targets) > 1 else []
    siblings = list(zip(pages, names, strict=True)) if pages else []
    for i, name in enumerate(names):
        write_page("report", Path(folder) / name, siblings=siblings, **_describe(source, i))
    paths = [Path(folder) / name for name in names]
    if siblings:
        found = [_summarize(source, target) for target in targets]
        paths.insert(0, Path(folder) / "report.html")
        write_page("overview", paths[0], siblings=siblings, found=found, **_describe_run(source))
    return paths


def name_pages(targets: Sequence[str]) -> list[str]:
    """Return the file names of all pages of an evaluation, that of `report.html` first."""
    return ["report.html", *(name_reports(targets) if len(targets) > 1 else [])]


def name_reports(targets: Sequence[str]) -> list[str]:
    """Return the file name of each target's report; what does not suit a file name becomes `_`."""
    if len(targets) == 1:
        return ["report.html"]
    names: list[str] = []
    for i, target in enumerate(targets, start=1):
        name = f"report_{re.sub(r'[^A-Za-z0-9_-]', '_', target)}"
        taken = {known.lower() for known in names}
        names.append(f"{name}_{i}.html" if f"{name}.html".lower() in taken else f"{name}.html")
    return names


def _describe_run(source: Source) -> dict[str, Any]:
    """Return the content that all pages of an evaluation share."""
    checkpoint, data = source.checkpoint, source.data
    return {
        "model_name": checkpoint.model_name,
        "table": Path(data.path).name,
        "unseen": source.evaluation.unseen.description,
        "counts": source.evaluation.counts,
        "leaks": source.evaluation.overlap.counts,
        "command": source.command,
        "origins": {
            "table": Path(data.path).name,
            "table digest": data.digest,
            "checkpoint": Path(checkpoint.path or "").name,
            "checkpoint digest": checkpoint.digest,
            "bootstrap": f"{source.resampling.n} resamples, seed {source.resampling.seed}",
            "evaluated with": ", ".join(
                f"{name} {found}" for name, found in installed_versions(*PACKAGES).items()
            ),
        },
        "training": describe_training(checkpoint),
    }


def _summarize(source: Source, target: Target) -> dict[str, Any]:
    """Return a target's headline figure."""
    found = source.evaluation.targets[target.name]
    key = HEADLINE[target.task]
    rivals = {name: measured[key] for name, measured in found.baselines.items() if key in measured}
    return {"target": target, "metric": key, "headline": found.metrics.get(key), "rivals": rivals}


def _describe(source: Source, i: int) -> dict[str, Any]:
    """Return the content of the page of one target."""
    target, evaluation = source.checkpoint.targets[i], source.evaluation
    y = source.data.exact_y[evaluation.rows, i]
    known = ~np.isnan(y)
    y, values = y[known], evaluation.values[known, answer_places(source.checkpoint.targets)[i]]
    found, summary = evaluation.targets[target.name], _summarize(source, target)
    wrong = find_mistakes(y, values, target)
    answers = [
        (*describe_mistake(y[row], values[row], target), float(evaluation.overlap.similarity[known][row]))
        for row in wrong
    ]
    mistakes = draw_mistakes(source.data, evaluation.rows[known][wrong].tolist(), answers)
    return {
        **_describe_run(source),
        **summary,
        "column": source.data.targets[i],
        "n_rows": len(y),
        "tiles": _count_rows(target, y, evaluation.counts),
        "evaluated": found,
        "pictures": _draw(target, y, values) | _draw_context(found.by_similarity, summary),
        "confusion": found.confusion if len(y) else None,
        "labels": target.classes or ["0", "1"],
        "mistakes": mistakes,
    }


def _count_rows(target: Target, y: Vector, counts: Mapping[str, int]) -> dict[str, str]:
    """Return how many rows were scored, and why others were not."""
    tiles = {"scored": f"{len(y):,}"}
    if target.task == "binary":
        tiles |= {"share of label 1": percent(float(y.mean()) if len(y) else None)}
    reasons = {"trained_on": "left out, trained on", "unreadable": "unreadable", "unlabelled": "unlabelled"}
    if "bounds" in counts:
        reasons["bounds"] = "bounds, only ordered"
    return tiles | {words: f"{counts[reason]:,}" for reason, words in reasons.items()}


def _draw(target: Target, y: Vector, values: Vector) -> dict[str, Markup]:
    """Return the plots that the labels and predictions allow."""
    if not len(y):
        return {}
    if target.task == "regression":
        return {"observed": plots.plot_observed(y, values), "residuals": plots.plot_residuals(y, values)}
    if target.has_classes:
        return _draw_classes(target, y, values)
    threshold = target.decision_threshold
    drawn = {"histograms": plots.plot_histograms(y, values, threshold)}
    if len(np.unique(y)) > 1:
        drawn |= {
            "roc": plots.plot_roc(y, values, threshold),
            "precision_recall": plots.plot_precision_recall(y, values, threshold),
            "calibration": plots.plot_calibration(y, values),
        }
    return drawn


def _draw_classes(target: Target, y: Vector, values: Vector) -> dict[str, Markup]:
    """Return the plots of a target with classes, of those that some rows have, but not all."""
    present = {
        word: (y == label, values[:, label])
        for label, word in enumerate(target.classes)
        if 0 < np.sum(y == label) < len(y)
    }
    if not present:
        return {}
    return {"roc": plot_class_roc(present), "calibration": plot_class_calibration(present)}


def _draw_context(bins: Sequence[Mapping[str, float]], summary: Mapping[str, Any]) -> dict[str, Markup]:
    """Return the plots of the headline metric: beside the baselines, and by similarity."""
    key, drawn = summary["metric"], {}
    if summary["headline"]:
        drawn["headline"] = plots.plot_headline(metric_name(key), summary["headline"], summary["rivals"])
    if any(key in found for found in bins):
        drawn["similarity"] = plots.plot_similarity(metric_name(key), bins, key)
    return drawn
