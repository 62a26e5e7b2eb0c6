"""Results in words and small tables, for a terminal."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from servier.auditing import Audit
    from servier.checkpoint import Checkpoint
    from servier.evaluation import Evaluation


SHOWN_ATOMS, SHOWN_SUBSTRUCTURES, SHOWN_PARTS = 12, 8, 5
UNDEFINED = "undefined: these rows have fewer than two different labels"


def describe_answer(answer: Mapping[str, Any]) -> str:
    """Return the answer for one molecule, a line for each value."""
    return "\n".join(f"{name}: {value}" for name, value in answer.items() if name != "smile")


def describe_explanation(document: Mapping[str, Any]) -> str:
    """Return the answer for one molecule and what contributes most to it.

    Parameters
    ----------
    document
        The answer, and what `servier.explaining.as_document` returns.
    """
    name, unit = document["target"], document["unit"]
    shared = document["score"] - document["all_atoms_hidden"]
    lines = [f"{key}: {value}" for key, value in document.items() if key.startswith((f"{name}_", "model_"))]
    lines += [
        "",
        f"score, {unit}: {document['score']:.3f}",
        f"all atoms hidden {document['all_atoms_hidden']:+.3f}, the atoms together {shared:+.3f}",
    ]
    atoms = [
        (str(atom["index"]), atom["symbol"], f"{atom['contribution']:+.3f}")
        for atom in document["atoms"][:SHOWN_ATOMS]
    ]
    lines += ["", *_table(("atom", "symbol", "contribution"), atoms)]
    parts = [
        (part["smiles"], str(part["count"]), f"{part['contribution']:+.3f}")
        for part in document["substructures"][:SHOWN_SUBSTRUCTURES]
    ]
    if parts:
        lines += ["", *_table(("substructure of model 1", "count", "contribution"), parts)]
    return "\n".join(lines)


def describe_evaluation(evaluation: "Evaluation", columns: Mapping[str, str]) -> str:
    """Return which rows were scored and a table of metrics with their intervals.

    Parameters
    ----------
    evaluation
        What was measured.
    columns
        For each target the column of the table that it was compared with.
    """
    counts = evaluation.counts
    lines = [
        f"Scored {counts['scored']} rows: {evaluation.unseen.words}.",
        (
            f"Not scored: {counts['trained_on']} of molecules from training, "
            f"{counts['unreadable']} unreadable, {counts['unlabelled']} without a label."
        ),
    ]
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
        lines += ["", *_table((target, "value", "95 % interval", *found.baselines), rows)]
        if not rows:
            lines.append(UNDEFINED)
        lines += ["", *_describe_coverage(found.coverage)]
        lines += ["", *_describe_bins(found.by_similarity)]
        lines += ["", *_describe_domains(found.by_domain)]
        lines += ["", *_describe_importance(found.importance)]
    return "\n".join([*lines, "", _describe_leaks(evaluation.exposure.counts)])


def _describe_coverage(coverage: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return how often conformal sets or intervals held the truth."""
    names = list(dict.fromkeys(name for found in coverage.values() for name in found))
    rows = [
        (level, *(f"{found[name]:.4g}" if name in found else "-" for name in names))
        for level, found in coverage.items()
    ]
    return _table(("confidence", *(name.replace("_", " of ") for name in names)), rows)


def _describe_bins(bins: Sequence[Mapping[str, float]]) -> list[str]:
    """Return how a score depends on the similarity to the nearest training molecule."""
    name = next((key for found in bins for key in found if key not in ("low", "high", "rows")), "value")
    rows = [
        (f"{m['low']:.1f} to {m['high']:.1f}", f"{m['rows']:.0f}", f"{m[name]:.4f}" if name in m else "-")
        for m in bins
    ]
    return _table(("nearest similarity", "rows", name), rows)


def _describe_domains(domains: Mapping[str, Mapping[str, float]]) -> list[str]:
    name = next((key for found in domains.values() for key in found if key != "rows"), "value")
    rows = [
        (where, f"{m['rows']:.0f}", f"{m[name]:.4f}" if name in m else "-") for where, m in domains.items()
    ]
    return _table(("domain", "rows", name), rows)


def _describe_importance(importance: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Return the features, or tokens, and fragments that a model goes by."""
    best = importance.get("features", ())[:SHOWN_PARTS]
    features = [(row["name"], row["fragment"] or "", f"{row['importance']:.4f}") for row in best]
    lines = [*_table(("feature", "counts", "importance"), features), ""] if features else []
    parts = [
        (row["name"], str(row["molecules"]), f"{row['contribution']:+.3f}")
        for row in importance["fragments"][:SHOWN_PARTS]
    ]
    return [*lines, *_table(("fragment", "molecules", "mean contribution"), parts)]


def _describe_leaks(counts: Mapping[str, int]) -> str:
    if not counts:
        return "No molecule, nor a near twin, was trained on."
    found = ", ".join(f"{n} {kind.replace('_', ' ')}{'s' * (n > 1)}" for kind, n in sorted(counts.items()))
    return f"Too near to training: {found}; --output_dir lists them in leaks.csv."


def describe_nested(document: Mapping[str, Any]) -> str:
    """Return the mean metrics of repeated training, with their intervals.

    Parameters
    ----------
    document
        What `servier.training.nested.NestedRuns.as_document` returns.
    """
    lines = [f"Trained and tested {len(document['runs'])} times, in folds by {document['split']}."]
    for target, measured in document["metrics"].items():
        rows = [
            (name, f"{m['value']:.4f}", f"{m['low']:.4f} to {m['high']:.4f}") for name, m in measured.items()
        ]
        lines += ["", *_table((target, "mean", "95 % interval"), rows)]
    return "\n".join(lines)


def describe_comparison(document: Mapping[str, Any]) -> str:
    """Return the metrics of two models side by side, their difference, and which is better.

    Parameters
    ----------
    document
        What `servier.comparison.as_document` returns.
    """
    counts = document["counts"]
    lines = [
        f"Compared on {counts['scored']} rows that neither model was trained on.",
        f"Left out: {counts['seen']} that one of them was trained on.",
    ]
    for target, measured in document["metrics"].items():
        rows = [
            (
                name, f"{m['first']:.4f}", f"{m['second']:.4f}", f"{m['difference']:+.4f}",
                f"{m['low']:+.4f} to {m['high']:+.4f}", f"{m['p_value']:.3f}", m["better"],
            )
            for name, m in measured.items()
        ]  # fmt: skip
        header = (target, "first", "second", "difference", "95 % interval", "p value", "better")
        lines += ["", *_table(header, rows)]
        if not rows:
            lines.append(UNDEFINED)
    return "\n".join(lines)


def describe_metrics(checkpoint: "Checkpoint") -> str:
    """Return the metrics that training measured, as a table."""
    measured = checkpoint.metadata["metrics"]
    lines: list[str] = []
    for target in measured["held_out"]:
        held_out, test = measured["held_out"][target], measured["test"].get(target, {})
        rows = [
            (name, f"{held_out[name]:.4f}", f"{test[name]:.4f}" if name in test else "-") for name in held_out
        ]
        lines += _table((target, "validation", "test"), rows)
    return "\n".join(lines)


def describe_checkpoint(checkpoint: "Checkpoint") -> str:
    """Return what a checkpoint is and how good it is."""
    data = checkpoint.metadata
    rows = data["dataset"]
    facts = [
        ("checkpoint", checkpoint.path or ""),
        ("digest", checkpoint.digest),
        ("model", data["model_name"] + (f", preset {data['preset']}" if data["preset"] else "")),
        ("input", describe_input(data["input"])),
        ("trained on", f"{rows['file']}, digest {rows['digest'][:16]}"),
        (
            "rows",
            (
                f"{rows['train_rows']} to train, {rows['test_rows']} to test, {rows['left_out']} left out, "
                f"{rows['duplicates']} duplicates, {rows['conflicts']} molecules with labels in conflict"
            ),
        ),
        ("split", data["split"]["strategy"]),
        ("domain", _describe_domain(data["domain"])),
        ("seed", str(data["seed"])),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(data["versions"].items()))),
        ("intact", "yes: every member has its digest, and the sentinel molecules get their scores"),
    ]
    if "reference" in data:
        facts.append(
            ("reference", f"{data['reference']['molecules']} molecules of {data['reference']['file']}")
        )
    for target in checkpoint.targets:
        threshold = (
            "" if target.threshold is None else f", label 1 from a probability of {target.threshold:g}"
        )
        scale = ", learnt as a logarithm" if target.transform else ""
        facts.append((f"target {target.name}", f"{target.task}{threshold}{scale}"))
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {value}" for name, value in facts]
    lines += ["", describe_metrics(checkpoint)]
    for target, coverage in data["metrics"]["coverage"].items():
        lines += [
            "",
            f"{target}, how often conformal bounds held the truth of held-out rows",
            *_describe_coverage(coverage),
        ]
    return "\n".join(lines)


def describe_audit(audit: "Audit") -> str:
    """Return which problems a table has, how its labels are distributed, and what to look at."""
    lines = [f"{audit.path}: {len(audit.findings)} rows"]
    lines += ["", *_table(("problem", "rows"), [(name, str(n)) for name, n in audit.counts.items()])]
    if not audit.counts:
        lines[1:] = ["No row has a problem."]
    for columns in dict.fromkeys(tuple(found) for found in audit.labels.values()):
        rows = [
            (target, *(f"{value:.4g}" for value in found.values()))
            for target, found in audit.labels.items()
            if tuple(found) == columns
        ]
        lines += ["", *_table(("target", *(name.replace("_", " ") for name in columns)), rows)]
    return "\n".join([*lines, *(f"\nLook at {text}" for text in audit.warnings)])


def _describe_domain(domain: Mapping[str, Any]) -> str:
    return (
        f"nearest of {domain['molecules']} training molecules at least {domain['similarity']:.2f} similar, "
        f"at most {100 * domain['unseen']:.0f} % of substructures unseen"
    )


def describe_input(spec: Mapping[str, Any]) -> str:
    """Return what a model reads, in words."""
    if spec["kind"] == "smiles":
        return f"SMILES, {len(spec['vocabulary'])} tokens, mean over {spec['views']} ways to write a molecule"
    return " + ".join(featurizer["kind"] for featurizer in spec["featurizers"])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
