"""The commands that write tables."""

import json
import logging
from typing import Any

import click

from servier.cli.options import (
    as_json,
    id_column,
    same_molecule,
    smiles_column,
    targets,
    worker_processes,
    workers,
)

logger = logging.getLogger(__name__)


@click.command()
@click.argument("input", metavar="INPUT")
@click.argument("output", metavar="OUTPUT.parquet")
@click.option(
    "--preset",
    type=click.Choice(["fast", "accurate"]),
    default="accurate",
    show_default=True,
    help="Which features.",
)
@smiles_column
@workers
def featurize(input: str, output: str, preset: str, smiles_column: str | None, workers: int | None) -> None:  # noqa: A002
    """Compute the features of every molecule of a file.

    OUTPUT.parquet has all columns of INPUT, a status, and the features; train takes it with --dataset.

    \b
    Example:
      servier featurize data/dataset_single.csv results/features.parquet
    """
    from servier.features.registry import PRESETS
    from servier.features.store import write_features
    from servier.progress import ProgressReport

    report = ProgressReport()
    try:
        counts = write_features(
            input, output, PRESETS[preset], smiles_column, worker_processes(workers), report
        )
    finally:
        report.close()
    logger.info("%s", ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no rows")


@click.command()
@click.argument("input", metavar="DATA")
@click.argument("output", metavar="[OUTPUT.csv]", required=False)
@targets
@smiles_column
@id_column
@same_molecule
@as_json
def check(input: str, output: str | None, as_json: bool, **given: Any) -> None:  # noqa: A002
    """Look for what is wrong with a labelled table, before anyone trains on it.

    Finds rows that are unreadable, unlabelled, duplicates, in conflict, mixtures, metal compounds or very
    large, and targets whose missing labels may have been filled in. OUTPUT.csv says for each row what was
    found in it.

    \b
    Examples:
      servier check data/dataset_single.csv
      servier check solubility.csv findings.csv --target logS
    """
    from servier.data.audit import as_document, write_findings
    from servier.data.audit import check as check_table
    from servier.data.datasets import Columns
    from servier.report.text import describe_audit

    columns = Columns(given["targets"], given["smiles_column"], given["id_column"])
    audit = check_table(input, columns, given["same_molecule"] or "parent")
    if output:
        write_findings(audit, output)
    click.echo(json.dumps(as_document(audit), indent=1) if as_json else describe_audit(audit))


@click.command()
@click.argument("output", metavar="OUTPUT.csv")
@click.option("--rows", type=click.IntRange(20), default=3000, show_default=True, help="Number of molecules.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all randomness.")
def simulate(output: str, rows: int, seed: int) -> None:
    """Write a simulated, labelled data set.

    The molecules are made from building blocks, and P1 follows a known rule with noise; so the best AUROC
    that any model can reach is known. The labels mean nothing in chemistry.

    \b
    Example:
      servier simulate data/dataset_single.csv --rows 3000 --seed 1
    """
    from servier.data.simulation import simulate as make_simulation
    from servier.data.simulation import write_simulation

    simulation = make_simulation(rows, seed)
    write_simulation(simulation, output)
    click.echo(f"{rows} simulated molecules, {simulation.labels.mean():.1%} with P1 = 1, are in {output}")
    click.echo(f"Best achievable AUROC: {simulation.best_auroc:.4f}")
