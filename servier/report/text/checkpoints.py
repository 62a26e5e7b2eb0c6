"""Checkpoints as text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from servier.checkpoint.classes import ORDINAL
from servier.report.text.evaluations import describe_coverage
from servier.report.text.replicates import describe_replicates
from servier.report.text.text_tables import text_table
from servier.scoring.inputs import SequenceInput, read_input

if TYPE_CHECKING:
    from servier.checkpoint.distillation_facts import DistillationFacts
    from servier.checkpoint.file import Checkpoint
    from servier.checkpoint.metadata import DomainLimits
    from servier.checkpoint.target import Target
    from servier.data.replicates import Replicates


def describe_metrics(checkpoint: "Checkpoint", replicates: "Mapping[str, Replicates] | None" = None) -> str:
    """Return the metrics that training measured, as a table.

    Parameters
    ----------
    checkpoint
        The model.
    replicates
        How far labels of one molecule differ, by target; what can be reached at best stands beside the rest.
    """
    metrics = checkpoint.metadata.metrics
    quantities = {target.name: target.quantity for target in checkpoint.targets}
    lines: list[str] = []
    for target, held_out in metrics.held_out.items():
        test = metrics.test.get(target, {})
        noise = (replicates or {}).get(target)
        best = {} if noise is None else noise.best
        rows = [
            (name, *(f"{found[name]:.4f}" if name in found else "-" for found in (held_out, test, best)))
            for name in held_out
        ]
        quantity = quantities.get(target, target)
        header = (quantity, "validation", "test", "best reachable")
        lines += text_table(header, rows) if best else text_table(header[:3], [row[:3] for row in rows])
        if noise is not None:
            lines.append(describe_replicates(quantity, noise))
    return "\n".join(lines)


def describe_checkpoint(checkpoint: "Checkpoint") -> str:
    """Return what a checkpoint is and how good it is."""
    data = checkpoint.metadata
    rows = data.dataset
    facts = [
        ("checkpoint", checkpoint.path or ""),
        ("digest", checkpoint.digest),
        ("model", data.model_name + (f", preset {data.preset}" if data.preset else "")),
        ("input", describe_input(checkpoint)),
        ("trained on", f"{rows.file}, digest {rows.digest[:16]}"),
        (
            "rows",
            (
                f"{rows.train_rows} to train, {rows.test_rows} to test, {rows.left_out} left out, "
                f"{rows.duplicates} duplicates, {rows.conflicts} molecules with labels in conflict"
                f"{'' if rows.bounds is None else f', {rows.bounds} labels are bounds'}"
            ),
        ),
        (
            "molecules",
            f"standardized: {data.standardization}, stereochemistry: {describe_stereo(checkpoint)}",
        ),
        ("split", data.split.strategy),
        ("domain", describe_domain(data.domain)),
        ("seed", str(data.seed)),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(data.versions.items()))),
        ("intact", "yes: every entry has its digest, and the sentinel molecules get their scores"),
    ]
    if data.distillation is not None:
        facts.append(("student of", describe_teachers(data.distillation)))
    facts += [] if rows.weights is None else [("weights", rows.weights.in_words)]
    if data.reference is not None:
        facts.append(("reference", f"{data.reference.molecules} molecules of {data.reference.file}"))
    facts += [(f"target {target.name}", describe_target(target)) for target in checkpoint.targets]
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {value}" for name, value in facts]
    lines += ["", describe_metrics(checkpoint)]
    if data.distillation is not None:
        lines += ["", describe_fidelity(checkpoint)]
    classes = {target.name: target.classes for target in checkpoint.targets}
    for name, coverage in data.metrics.coverage.items():
        lines += [
            "",
            f"{name}, how often conformal bounds held the truth of held-out rows",
            *describe_coverage(coverage, classes.get(name, ())),
        ]
    return "\n".join(lines)


def describe_fidelity(checkpoint: "Checkpoint") -> str:
    """Return how faithful a student is to its teachers, as a table for each target."""
    found = checkpoint.metadata.distillation
    lines: list[str] = []
    for target, parts in (found.fidelity if found else {}).items():
        rows = [
            (
                part,
                f"{measured['molecules']:.0f}",
                *(
                    f"{measured[name]:.3f}" if name in measured else "-"
                    for name in ("r2", "spearman", "rmse")
                ),
            )
            for part, measured in parts.items()
        ]
        header = (f"{target}, beside the teachers", "molecules", "R2", "Spearman", "RMSE")
        lines += ["", *text_table(header, rows)]
    return "\n".join(lines[1:])


def describe_student(checkpoint: "Checkpoint") -> str:
    """Return the metrics of a student, and how faithful it is."""
    return f"{describe_metrics(checkpoint)}\n\n{describe_fidelity(checkpoint)}"


def describe_teachers(found: "DistillationFacts") -> str:
    """Return what a student was distilled from, in words."""
    names = ", ".join(f"{teacher.file} ({teacher.digest[:16]})" for teacher in found.teachers)
    library = found.library
    origin = "made from training molecules" if library.file is None else f"drawn from {library.file}"
    return f"{names}, on {library.learnt} molecules of {library.drawn} {origin}"


def describe_target(target: "Target") -> str:
    """Return what a target is, in words."""
    label = "label 1" if target.words is None else f"label 1 ({target.words[1]})"
    threshold = "" if target.threshold is None else f", {label} from a probability of {target.threshold:g}"
    transform = ", learnt as a logarithm" if target.transform else ""
    sign = " < " if target.task == ORDINAL else ", "
    named = f": {sign.join(target.classes)}" if target.has_classes else ""
    unit = "" if target.unit is None else f", in {target.unit}"
    limits = "" if target.limits_in_words is None else f", {target.limits_in_words}"
    return f"{target.task}{unit}{threshold}{transform}{limits}{named}"


def describe_domain(domain: "DomainLimits") -> str:
    """Return what is usual among the training molecules, in words."""
    return (
        f"nearest of {domain.molecules} training molecules at least {domain.similarity:.2f} similar, "
        f"at most {100 * domain.unseen:.0f} % of substructures unseen"
    )


def describe_input(checkpoint: "Checkpoint") -> str:
    """Return what a model reads, in words."""
    found = read_input(checkpoint.metadata.input, checkpoint.path)
    if isinstance(found, SequenceInput):
        return f"SMILES, {len(found.vocabulary)} tokens, mean over {found.n_smiles} SMILES of a molecule"
    return " + ".join(featurizer["kind"] for featurizer in found.featurizers)


def describe_stereo(checkpoint: "Checkpoint") -> str:
    """Return whether a model tells stereoisomers apart, in the words of `--stereo`."""
    return str(read_input(checkpoint.metadata.input, checkpoint.path).stereo)
