"""The commands that write tables."""

import logging

import click

from servier.cli.options import smiles_column, worker_processes, workers

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
    from servier.features import PRESETS
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
    from servier.simulation import simulate as make_simulation
    from servier.simulation import write_simulation

    simulation = make_simulation(rows, seed)
    write_simulation(simulation, output)
    click.echo(f"{rows} simulated molecules, {simulation.labels.mean():.1%} with P1 = 1, are in {output}")
    click.echo(f"Best achievable AUROC: {simulation.best_auroc:.4f}")
