"""The commands that look for better training."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import click

from servier.cli.commands import argument, command, option
from servier.cli.options import (
    MODELS,
    PRESET,
    SMILES_COLUMN,
    WORKERS,
    SplitOptions,
    TableOptions,
    first,
    training_options,
    worker_processes,
)

if TYPE_CHECKING:
    from servier.pretraining.options import PretrainingOptions


@dataclass(frozen=True)
class TuneOptions:
    """The options of `servier tune`."""

    table: TableOptions
    model_name: str = field(
        metadata=option(type=MODELS, default="1", show_default=True, help="Model to be tuned.")
    )
    preset: str | None = field(metadata=PRESET)
    splitting: SplitOptions
    trials: int = field(
        metadata=option(
            type=click.IntRange(1), default=50, show_default=True, help="How many recipes to try."
        )
    )
    minutes: float | None = field(
        metadata=option(type=click.FloatRange(0, min_open=True), help="Stop after this time in any case.")
    )
    config: str | None = field(
        metadata=option(type=click.Path(dir_okay=False), help="A recipe file to start from.")
    )
    output: str = field(
        metadata=option(default="recipe.yaml", show_default=True, help="The recipe file to write.")
    )
    storage: str | None = field(
        metadata=option(help="The file that keeps every recipe tried.  [default: OUTPUT.db]")
    )
    workers: int | None = field(metadata=WORKERS)


@command(TuneOptions)
def tune(given: TuneOptions) -> None:
    """Search for the training recipe that suits a data set.

    Recipes are compared by cross-validation among the training rows; the rows that train holds out for
    testing are not looked at. Ctrl-C ends the search with the best recipe so far; run the same
    command again to continue.

    \b
    Example:
      servier tune --dataset solubility.csv --target logS --minutes 30 --output solubility.yaml
      servier train --dataset solubility.csv --target logS --config solubility.yaml
    """
    data = given.table.load()
    from servier.training.tuning import tune as search
    from servier.training.tuning import write_recipe

    options, base = training_options(
        given.model_name, given.preset, given.splitting, given.config, given.workers
    )
    storage = given.storage or f"{given.output}.db"
    found = search(data, options, base, storage, given.trials, given.minutes)
    write_recipe(found, options, given.output)
    click.echo(f"Best of {found.trials} recipes: {found.score:.4f}, the first one {found.base_score:.4f}")
    click.echo(f"It is in {given.output}")


@dataclass(frozen=True)
class PretrainOptions:
    """The options of `servier pretrain`."""

    library: str = field(metadata=argument(metavar="LIBRARY"))
    output: str = field(metadata=argument(metavar="ENCODER.zip"))
    work_dir: str | None = field(
        metadata=option(
            type=click.Path(file_okay=False),
            help="For computed properties and the state of the training.  [default: ENCODER.zip.work]",
        )
    )
    molecules: int | None = field(
        metadata=option(
            type=click.IntRange(500), help="How many to learn from, drawn at random.  [default: all]"
        )
    )
    epochs: int | None = field(
        metadata=option(type=click.IntRange(1), help="How often each molecule is seen.  [default: 5]")
    )
    config: str | None = field(
        metadata=option(type=click.Path(dir_okay=False), help="A recipe, such as config/pretraining.yaml.")
    )
    minutes: float | None = field(
        metadata=option(
            type=click.FloatRange(0), help="Stop after this time; run the same command again to continue."
        )
    )
    note: str = field(
        metadata=option(default="", help="A licence note, or whatever else should stand in the file.")
    )
    seed: int | None = field(metadata=option(type=int, help="Seed of all randomness.  [default: 0]"))
    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    workers: int | None = field(metadata=WORKERS)

    def pretraining_options(self) -> "PretrainingOptions":
        """Return how to pre-train; what the command line says takes precedence over the recipe file."""
        from servier.pretraining.options import PretrainingOptions
        from servier.training.recipes import read_options

        base = PretrainingOptions()
        base = read_options(self.config, base) if self.config else base
        return replace(
            base,
            molecules=first(self.molecules, default=base.molecules),
            epochs=first(self.epochs, default=base.epochs),
            seed=first(self.seed, default=base.seed),
        )


@command(PretrainOptions)
def pretrain(given: PretrainOptions) -> None:
    """Train the encoder of model 2 on molecules without labels.

    It learns to tell from a SMILES string what RDKit computes: descriptors and fingerprint bits. train starts
    from such an encoder where its recipe says `encoder: encoder.zip`. To continue an interrupted run, run
    the same command again.

    \b
    Example:
      servier pretrain library.csv.gz encoder.zip --minutes 60
    """
    from servier.pretraining.pretrain import pretrain as pretrain_encoder

    is_complete = pretrain_encoder(
        library=given.library,
        output=given.output,
        work_dir=given.work_dir or f"{given.output}.work",
        options=given.pretraining_options(),
        smiles_column=given.smiles_column,
        note=given.note,
        workers=worker_processes(given.workers),
        minutes=given.minutes,
    )
    output = given.output
    click.echo(
        f"The encoder is in {output}"
        if is_complete
        else "Not done yet; run the same command again to continue"
    )
