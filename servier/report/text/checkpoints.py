"""Checkpoints as text."""

from typing import TYPE_CHECKING

from servier.checkpoint.classes import ORDINAL
from servier.report.text.evaluations import describe_coverage
from servier.report.text.text_tables import text_table
from servier.scoring.inputs import SequenceInput, read_input

if TYPE_CHECKING:
    from servier.checkpoint.file import Checkpoint
    from servier.checkpoint.metadata import DomainLimits


def describe_metrics(checkpoint: "Checkpoint") -> str:
    """Return the metrics that training measured, as a table."""
    metrics = checkpoint.metadata.metrics
    lines: list[str] = []
    for target, held_out in metrics.held_out.items():
        test = metrics.test.get(target, {})
        rows = [
            (name, f"{held_out[name]:.4f}", f"{test[name]:.4f}" if name in test else "-") for name in held_out
        ]
        lines += text_table((target, "validation", "test"), rows)
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
            ),
        ),
        ("split", data.split.strategy),
        ("domain", describe_domain(data.domain)),
        ("seed", str(data.seed)),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(data.versions.items()))),
        ("intact", "yes: every entry has its digest, and the sentinel molecules get their scores"),
    ]
    if data.reference is not None:
        facts.append(("reference", f"{data.reference.molecules} molecules of {data.reference.file}"))
    for target in checkpoint.targets:
        label = "label 1" if target.words is None else f"label 1 ({target.words[1]})"
        threshold = (
            "" if target.threshold is None else f", {label} from a probability of {target.threshold:g}"
        )
        transform = ", learnt as a logarithm" if target.transform else ""
        sign = " < " if target.task == ORDINAL else ", "
        named = f": {sign.join(target.classes)}" if target.has_classes else ""
        facts.append((f"target {target.name}", f"{target.task}{threshold}{transform}{named}"))
    width = max(len(name) for name, _ in facts)
    lines = [f"{name:<{width}}  {value}" for name, value in facts]
    lines += ["", describe_metrics(checkpoint)]
    classes = {target.name: target.classes for target in checkpoint.targets}
    for name, coverage in data.metrics.coverage.items():
        lines += [
            "",
            f"{name}, how often conformal bounds held the truth of held-out rows",
            *describe_coverage(coverage, classes.get(name, ())),
        ]
    return "\n".join(lines)


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
