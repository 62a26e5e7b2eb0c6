"""Evaluations and comparisons as text."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from servier.report.text.text_tables import text_table

if TYPE_CHECKING:
    from servier.evaluation.evaluate import Evaluation

SHOWN_PARTS = 5
UNDEFINED = "undefined: these rows have fewer than two different labels"


def describe_evaluation(evaluation: "Evaluation", columns: Mapping[str, str]) -> str:
    """Return the rows that were scored, and tables of the metrics with their intervals.

    Parameters
    ----------
    evaluation
        The evaluation.
    columns
        The column of the table that each target was compared with.
    """
    counts = evaluation.counts
    lines = [
        f"Scored {counts['scored']} rows: {evaluation.unseen.description}.",
        (
            f"Not scored: {counts['trained_on']} of molecules from training, "
            f"{counts['unreadable']} unreadable, {counts['unlabelled']} without a label."
        ),
    ]
    if "bounds" in counts:
        lines.append(f"{counts['bounds']} of the labels are bounds: they count in the concordance alone.")
    lines += [
        f"The model predicts {target}; it is compared with the column {column}."
        for target, column in columns.items()
        if column != target
    ]
    for target, found in evaluation.targets.items():
        rows = [
            (
                name,
                f"{m['value']:.4f}",
                f"{m['low']:.4f} to {m['high']:.4f}",
                *(f"{b[name]:.4f}" if name in b else "-" for b in found.baselines.values()),
            )
            for name, m in found.metrics.items()
        ]
        quantity = _name(target, found.unit)
        lines += ["", *text_table((quantity, "value", "95 % interval", *found.baselines), rows)]
        if not rows:
            lines.append(UNDEFINED)
        lines += ["", *describe_coverage(found.coverage, found.classes)]
        if found.classes:
            lines += ["", *_describe_confusion(found.confusion, found.classes)]
        lines += ["", *_describe_bins(found.by_similarity)]
        lines += ["", *_describe_domains(found.by_domain)]
        lines += ["", *_describe_importance(found.importance)]
    return "\n".join([*lines, "", _describe_leaks(evaluation.overlap.counts)])


def _name(target: str, unit: str | None) -> str:
    return target if unit is None else f"{target} in {unit}"


def describe_coverage(coverage: Mapping[str, Mapping[str, float]], classes: Sequence[str] = ()) -> list[str]:
    """Return the coverage of conformal sets or intervals.

    Parameters
    ----------
    coverage
        By confidence, as `servier.metrics.measures.measure_coverage` returns it.
    classes
        What the labels are called where there are more than two.
    """
    names = list(dict.fromkeys(name for found in coverage.values() for name in found))
    called = {f"coverage_{label}": f"coverage of {word}" for label, word in enumerate(classes)}
    rows = [
        (level, *(f"{found[name]:.4g}" if name in found else "-" for name in names))
        for level, found in coverage.items()
    ]
    header = (called.get(name, name.replace("_", " of ")) for name in names)
    return text_table(("confidence", *header), rows)


def _describe_confusion(confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> list[str]:
    """Return how many rows of each class, a line each, got which class."""
    rows = [(f"observed {word}", *map(str, counts)) for word, counts in zip(classes, confusion, strict=True)]
    return text_table(("", *(f"predicted {word}" for word in classes)), rows)


def _describe_bins(bins: Sequence[Mapping[str, float]]) -> list[str]:
    """Return a metric by the similarity to the nearest training molecule."""
    name = next((key for found in bins for key in found if key not in ("low", "high", "rows")), "value")
    rows = [
        (f"{m['low']:.1f} to {m['high']:.1f}", f"{m['rows']:.0f}", f"{m[name]:.4f}" if name in m else "-")
        for m in bins
    ]
    return text_table(("nearest similarity", "rows", name), rows)


def _describe_domains(domains: Mapping[str, Mapping[str, float]]) -> list[str]:
    name = next((key for found in domains.values() for key in found if key != "rows"), "value")
    rows = [
        (where, f"{m['rows']:.0f}", f"{m[name]:.4f}" if name in m else "-") for where, m in domains.items()
    ]
    return text_table(("domain", "rows", name), rows)


def _describe_importance(importance: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the features, or tokens, and fragments that a model relies on."""
    best = importance.get("features", ())[:SHOWN_PARTS]
    features = [(row["name"], row["fragment"] or "", f"{row['importance']:.4f}") for row in best]
    lines = [*text_table(("feature", "counts", "importance"), features), ""] if features else []
    shown = importance["fragments"][:SHOWN_PARTS]
    parts: list[tuple[str, ...]] = [
        (row["name"], str(row["molecules"]), f"{row['contribution']:+.3f}") for row in shown
    ]
    header: tuple[str, ...] = ("fragment", "molecules", "mean contribution")
    if any("class" in row for row in shown):
        parts = [(*part, row["class"]) for part, row in zip(parts, shown, strict=True)]
        header = (*header, "to class")
    return [*lines, *text_table(header, parts)]


def _describe_leaks(counts: Mapping[str, int]) -> str:
    if not counts:
        return "No scored molecule, nor a near duplicate of one, was trained on."
    found = ", ".join(f"{n} {kind.replace('_', ' ')}{'s' * (n > 1)}" for kind, n in sorted(counts.items()))
    return f"Overlap with training: {found}; leaks.csv in --output_dir lists them."


def describe_nested(document: Mapping[str, Any]) -> str:
    """Return the mean metrics of repeated training, with their intervals.

    Parameters
    ----------
    document
        What `servier.evaluation.nested_cv.NestedRuns.as_document` returns.
    """
    lines = [f"Trained and tested {len(document['runs'])} times, in folds by {document['split']}."]
    for target, measured in document["metrics"].items():
        rows = [
            (name, f"{m['value']:.4f}", f"{m['low']:.4f} to {m['high']:.4f}") for name, m in measured.items()
        ]
        lines += [
            "",
            *text_table((_name(target, document["units"].get(target)), "mean", "95 % interval"), rows),
        ]
    return "\n".join(lines)


def describe_comparison(document: Mapping[str, Any]) -> str:
    """Return the metrics of two models side by side, their difference, and which is better.

    Parameters
    ----------
    document
        What `servier.evaluation.compare.as_document` returns.
    """
    counts = document["counts"]
    lines = [
        f"Compared on {counts['scored']} rows that neither model was trained on.",
        f"Left out: {counts['seen']} that one of them was trained on, or that its training left out.",
    ]
    for target, measured in document["metrics"].items():
        rows = [
            (
                name, f"{m['first']:.4f}", f"{m['second']:.4f}", f"{m['difference']:+.4f}",
                f"{m['low']:+.4f} to {m['high']:+.4f}", f"{m['p_value']:.3f}", m["better"],
            )
            for name, m in measured.items()
        ]  # fmt: skip
        quantity = _name(target, document["units"].get(target))
        header = (quantity, "first", "second", "difference", "95 % interval", "p value", "better")
        lines += ["", *text_table(header, rows)]
        if not rows:
            lines.append(UNDEFINED)
    return "\n".join(lines)
