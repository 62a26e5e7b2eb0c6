"""The commands that look for better training."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servier.cli.commands import argument, command, option
from servier.cli.options import (
    FORCE,
    MODELS,
    PRESET,
    SMILES_COLUMN,
    WORKERS,
    TableOptions,
    first,
    worker_processes,
)
from servier.cli.outputs import Inputs, claim_outputs
from servier.cli.settings import ScaleOptions, SplitOptions, training_options

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
    scales: ScaleOptions
    splitting: SplitOptions
    trials: int = field(
        metadata=option(
            decides=False,
            type=click.IntRange(1),
            default=50,
            show_default=True,
            help="How many recipes to try.",
        )
    )
    minutes: float | None = field(
        metadata=option(
            decides=False,
            type=click.FloatRange(0, min_open=True),
            help="Stop after this time in any case.",
        )
    )
    config: str | None = field(
        metadata=option(decides=False, type=click.Path(dir_okay=False), help="A recipe file to start from.")
    )
    output: str = field(
        metadata=option(
            decides=False, default="recipe.yaml", show_default=True, help="The recipe file to write."
        )
    )
    storage: str | None = field(
        metadata=option(decides=False, help="The file that keeps every recipe tried.  [default: OUTPUT.db]")
    )
    force: bool = field(metadata=FORCE)
    workers: int | None = field(metadata=WORKERS)


@command(TuneOptions, extra="train")
def tune(given: TuneOptions) -> None:
    """Search for the training recipe that suits a data set.

    Recipes are compared by cross-validation among the training rows; the rows that train holds out for
    testing are not looked at. Ctrl-C ends the search with the best recipe so far; run the same command again
    to continue, also with more trials or minutes. A recipe file of another search is replaced only with
    --force.

    \b
    Example:
      servier tune --dataset solubility.csv --target logS --minutes 30 --output solubility.yaml
      servier train --dataset solubility.csv --target logS --config solubility.yaml
    """
    data = given.table.load(given.scales)
    from servier.training.tuning import tune as search
    from servier.training.tuning import write_recipe

    options, base = training_options(
        given.model_name, given.preset, given.splitting, given.config, given.workers
    )
    storage = given.storage or _name_storage(given.output)
    inputs = Inputs({"table": data.path, "recipe": given.config}, data=data)
    with claim_outputs(given, [given.output], inputs):
        found = search(data, options, base, storage, given.trials, given.minutes)
        write_recipe(found, options, given.output)
    click.echo(f"Best of {found.trials} recipes: {found.score:.4f}, the first one {found.base_score:.4f}")
    click.echo(f"It is in {given.output}")


def _name_storage(output: str) -> str:
    """Return the file of a search, whose name leaves SQLite room for the one of its own journal."""
    from servier.tables.files import name_beside

    return str(name_beside(Path(output), "", ".db-journal")).removesuffix("-journal")


@dataclass(frozen=True)
class PretrainOptions:
    """The options of `servier pretrain`."""

    library: str = field(metadata=argument(decides=False, metavar="LIBRARY"))
    output: str = field(metadata=argument(decides=False, metavar="ENCODER.zip"))
    work_dir: str | None = field(
        metadata=option(
            decides=False,
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
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            help="A recipe, such as config/pretraining.yaml.",
        )
    )
    minutes: float | None = field(
        metadata=option(
            decides=False,
            type=click.FloatRange(0),
            help="Stop after this time; run the same command again to continue.",
        )
    )
    note: str = field(
        metadata=option(default="", help="A licence note, or whatever else should stand in the file.")
    )
    seed: int | None = field(metadata=option(type=int, help="Seed of all randomness.  [default: 0]"))
    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    force: bool = field(metadata=FORCE)
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


@command(PretrainOptions, extra="train")
def pretrain(given: PretrainOptions) -> None:
    """Train the encoder of model 2 on molecules without labels.

    It learns to tell from a SMILES string what RDKit computes: descriptors and fingerprint bits. train starts
    from such an encoder where its recipe says `encoder: encoder.zip`. To continue an interrupted run, run
    the same command again.

    \b
    Example:
      servier pretrain library.csv.gz encoder.zip --minutes 60
    """
    from servier.pretraining.pretrain import PACKAGES
    from servier.pretraining.pretrain import pretrain as pretrain_encoder

    options, output = given.pretraining_options(), given.output
    files = {"library": given.library, "recipe": given.config}
    with claim_outputs(given, [output], Inputs(files, PACKAGES)) as is_made:
        is_complete = is_made or pretrain_encoder(
            library=given.library,
            output=output,
            work_dir=given.work_dir or f"{output}.work",
            options=options,
            smiles_column=given.smiles_column,
            note=given.note,
            workers=worker_processes(given.workers),
            minutes=given.minutes,
        )
    click.echo(
        f"The encoder is in {output}"
        if is_complete
        else "Not done yet; run the same command again to continue"
    )
