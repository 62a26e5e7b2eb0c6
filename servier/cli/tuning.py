"""The commands that look for better training."""

import logging
from dataclasses import asdict
from typing import Any

import click

from servier.cli.options import (
    MODELS,
    dataset_options,
    load_labelled,
    presets,
    smiles_column,
    split_options,
    training_options,
    worker_processes,
    workers,
)

logger = logging.getLogger(__name__)


@click.command()
@dataset_options
@click.option("--model_name", type=MODELS, default="1", show_default=True, help="Model to be tuned.")
@presets
@split_options
@click.option(
    "--trials", type=click.IntRange(1), default=50, show_default=True, help="How many recipes to try."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Stop after this time in any case.")
@click.option("--config", type=click.Path(dir_okay=False), help="A recipe file to start from.")
@click.option("--output", default="recipe.yaml", show_default=True, help="The recipe file to write.")
@click.option("--storage", help="Keeps every recipe tried.  [default: OUTPUT.db]")
@workers
def tune(output: str, storage: str | None, trials: int, minutes: float | None, **given: Any) -> None:
    """Search for the training recipe that suits a data set.

    Recipes are compared by cross-validation among the training rows; the rows that train holds out for
    testing are not looked at. Ctrl-C ends the search with the best recipe so far; the same command goes on.

    \b
    Example:
      servier tune --dataset solubility.csv --target logS --minutes 30 --output solubility.yaml
      servier train --dataset solubility.csv --target logS --config solubility.yaml
    """
    data = load_labelled(given)
    from servier.training.tuning import tune as search
    from servier.training.tuning import write_recipe

    options, base = training_options(given)
    found = search(data, options, base, storage or f"{output}.db", trials, minutes)
    write_recipe(found, options, output)
    click.echo(f"Best of {found.trials} recipes: {found.score:.4f}, the first one {found.base_score:.4f}")
    click.echo(f"It is in {output}")


@click.command()
@click.argument("library", metavar="LIBRARY")
@click.argument("output", metavar="ENCODER.zip")
@click.option(
    "--work_dir",
    type=click.Path(file_okay=False),
    help="For computed properties and the state of the training.  [default: ENCODER.zip.work]",
)
@click.option(
    "--molecules", type=click.IntRange(500), help="How many to learn from, drawn at random.  [default: all]"
)
@click.option("--epochs", type=click.IntRange(1), help="How often each molecule is seen.  [default: 5]")
@click.option("--config", type=click.Path(dir_okay=False), help="A recipe, such as config/pretraining.yaml.")
@click.option("--minutes", type=click.FloatRange(0), help="Stop after this time; the same command goes on.")
@click.option("--note", default="", help="A licence note, or whatever else should stand in the file.")
@click.option("--seed", type=int, help="Seed of all randomness.  [default: 0]")
@smiles_column
@workers
def pretrain(library: str, output: str, work_dir: str | None, minutes: float | None, **given: Any) -> None:
    """Train the encoder of model 2 on molecules without labels.

    It learns to tell from a SMILES string what RDKit computes: descriptors and fingerprint bits. train starts
    from such an encoder where its recipe says `encoder: encoder.zip`. An interrupted run goes on with the
    same command.

    \b
    Example:
      servier pretrain library.csv.gz encoder.zip --minutes 60
    """
    from servier.pretraining.options import PretrainingOptions
    from servier.pretraining.pretrain import pretrain as pretrain_encoder
    from servier.training.recipes import read_fields

    chosen = {key: given[key] for key in ("molecules", "epochs", "seed") if given[key] is not None}
    recipe = read_fields(given["config"], asdict(PretrainingOptions())) if given["config"] else {}
    is_complete = pretrain_encoder(
        library,
        output,
        work_dir or f"{output}.work",
        PretrainingOptions(**(recipe | chosen)),
        given["smiles_column"],
        given["note"],
        worker_processes(given["workers"]),
        minutes,
    )
    click.echo(f"The encoder is in {output}" if is_complete else "Not done yet; the same command goes on")
