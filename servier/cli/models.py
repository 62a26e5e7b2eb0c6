"""The commands that make models and show them."""

import json
import logging
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servier.cli.commands import argument, command, option
from servier.cli.extras import require_extra
from servier.cli.options import (
    FORCE,
    HTML,
    JSON,
    MODELS,
    PRESET,
    REFERENCE,
    REQUIRE_SIGNATURE,
    WORKERS,
    TableOptions,
    trusted_keys,
)
from servier.cli.outputs import Inputs, claim_outputs
from servier.cli.settings import ScaleOptions, SplitOptions, training_options

if TYPE_CHECKING:
    from servier.checkpoint.file import Checkpoint
    from servier.training.options import Options

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainOptions:
    """The options of `servier train`."""

    table: TableOptions
    model_name: str = field(
        metadata=option(type=MODELS, default="1", show_default=True, help="Model to be trained.")
    )
    models_dir: str = field(
        metadata=option(
            decides=False,
            default="models",
            show_default=True,
            help="Where model_1.servier or model_2.servier goes.",
        )
    )
    model_path: str | None = field(
        metadata=option(decides=False, help="The file to write, instead of one in --models_dir.")
    )
    preset: str | None = field(metadata=PRESET)
    config: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            help="A recipe file, such as config/model_1.yaml.",
        )
    )
    scales: ScaleOptions
    splitting: SplitOptions
    reference: str | None = field(metadata=REFERENCE)
    student: str | None = field(
        metadata=option(
            decides=False,
            metavar="FILE",
            help="Also make a fast student of the model, on molecules that are made from those for training, "
            "and write it to this file; servier distill has more choices.",
        )
    )
    force: bool = field(metadata=FORCE)
    workers: int | None = field(metadata=WORKERS)

    @property
    def path(self) -> Path:
        """The file that the model goes to."""
        return Path(self.model_path or Path(self.models_dir) / f"model_{self.model_name}.servier")


@command(TrainOptions, extra="train")
def train(given: TrainOptions) -> None:
    """Train model from scratch.

    A model that is there already, trained from the same table with the same options, is left as it is; any
    other file of its name is replaced only with --force.

    \b
    Examples:
      servier train --data_dir data --model_name 1
      servier train --data_dir data --model_name 1 --student models/student.servier
      servier train --dataset solubility.csv --target logS --model_name 2
      servier train --dataset clearance.csv --target class --task ordinal --classes low,medium,high
      servier train --dataset chembl.csv --target "Standard Value" --transform pIC50
      servier train --dataset assay.csv --target inhibition --unit % --bounds 0,100
    """
    data = given.table.load(given.scales)
    from servier.checkpoint.file import encode_checkpoint, open_checkpoint
    from servier.report.text import describe_metrics, describe_student
    from servier.tables import write_whole
    from servier.training.recipes import make_recipe
    from servier.training.rows import select_rows
    from servier.training.train import PACKAGES, train_on

    options, changes = training_options(
        given.model_name, given.preset, given.splitting, given.config, given.workers
    )
    recipe = make_recipe(options, changes)
    files = {"table": data.path, "recipe": given.config, "reference": given.reference}
    with claim_outputs(given, [given.path, given.student], Inputs(files, PACKAGES, data)) as is_made:
        if is_made:
            checkpoint, replicates = open_checkpoint(given.path), None
        else:
            rows = select_rows(data, options)
            checkpoint, replicates = (
                train_on(rows, replace(options, reference=given.reference), recipe),
                rows.replicates,
            )
            with write_whole(given.path) as temporary:
                temporary.write_bytes(encode_checkpoint(checkpoint))
            if given.student is not None:
                _write_student(given, options)
    click.echo(describe_metrics(checkpoint, replicates))
    click.echo(f"Model {given.model_name} is in {given.path}")
    if given.student is not None:
        click.echo(f"\n{describe_student(open_checkpoint(given.student))}\nIts student is in {given.student}")


def _write_student(given: TrainOptions, options: "Options") -> None:
    """Make a student of the model that was trained."""
    from servier.bulk.distilling import Lessons, write_student
    from servier.bulk.options import Options as FileOptions
    from servier.training.distillation import StudentOptions

    lessons = Lessons([str(given.path)], file=FileOptions(workers=options.workers))
    how = StudentOptions(given.reference, options.seed, options.workers)
    write_student(lessons, Path(str(given.student)), how, force=given.force)


@dataclass(frozen=True)
class InspectOptions:
    """The options of `servier inspect`."""

    checkpoint: str = field(metadata=argument(decides=False, metavar="CHECKPOINT"))
    verify: bool = field(
        metadata=option(
            decides=False,
            is_flag=True,
            help="Only check whether every part is intact; the exit status is 1 if one is not.",
        )
    )
    require_signature: str | None = field(metadata=REQUIRE_SIGNATURE)
    html: str | None = field(metadata=HTML)
    force: bool = field(metadata=FORCE)
    as_json: bool = field(metadata=JSON)


@command(InspectOptions)
def inspect(given: InspectOptions) -> None:
    """Show what a checkpoint is, how good it is, and whether it is intact.

    \b
    Examples:
      servier inspect models/model_1.servier
      servier inspect models/model_1.servier --html card.html
    """
    from servier.checkpoint.file import open_checkpoint
    from servier.checkpoint.metadata import encode_metadata
    from servier.report.text import describe_checkpoint
    from servier.scoring.verification import require_intact

    if given.html:
        require_extra("train", "inspect --html")
    opened = open_checkpoint(given.checkpoint)
    if (keys := trusted_keys(given.require_signature)) is not None:
        keys.require(opened)
    if given.verify and not _verify(opened, as_json=given.as_json):
        click.get_current_context().exit(1)
    opened = opened.load()
    if not given.verify:
        require_intact(opened)
    if given.html:
        from servier.report.html.card import write_card

        with claim_outputs(given, [given.html], Inputs({"checkpoint": given.checkpoint})) as is_made:
            if not is_made:
                write_card(opened, given.html)
        logger.info("the model card is %s", given.html)
    if not given.verify:
        document = encode_metadata(opened.metadata).decode()
        click.echo(document if given.as_json else describe_checkpoint(opened))


def _verify(checkpoint: "Checkpoint", *, as_json: bool) -> bool:
    """Print what is intact, and return whether all is."""
    from servier.scoring.verification import verify

    checks = verify(checkpoint)
    for check in checks if not as_json else ():
        click.echo(str(check))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    return all(check.problem is None for check in checks)
