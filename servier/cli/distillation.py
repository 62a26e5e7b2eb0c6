"""The command that makes a student of one or more models."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from servier.cli.commands import argument, command, option
from servier.cli.dialects import DialectOptions
from servier.cli.options import FORCE, REFERENCE, SMILES_COLUMN, WORKERS, worker_processes
from servier.cli.outputs import Inputs, claim_outputs


@dataclass(frozen=True)
class DistillOptions:
    """The options of `servier distill`."""

    teachers: tuple[str, ...] = field(metadata=argument(metavar="TEACHER...", nargs=-1, required=True))
    library: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(exists=True, dir_okay=False),
            help="A table of molecules without labels, such as those that will be scored.  [default: "
            "molecules are made from those that the teachers were trained on]",
        )
    )
    output: str = field(
        metadata=option(decides=False, required=True, metavar="FILE", help="Where the student goes.")
    )
    rows: int | None = field(
        metadata=option(
            type=click.IntRange(200),
            help="How many molecules of the library are drawn, or made, for the teachers to answer.  "
            "[default: 30000; 20 are made for each training molecule at most]",
        )
    )
    smiles_column: str | None = field(metadata=SMILES_COLUMN)
    text: DialectOptions
    reference: str | None = field(metadata=REFERENCE)
    seed: int = field(
        metadata=option(type=click.IntRange(0), default=0, show_default=True, help="Seed of all randomness.")
    )
    force: bool = field(metadata=FORCE)
    workers: int | None = field(metadata=WORKERS)


@command(DistillOptions, extra="train")
def distill(given: DistillOptions) -> None:
    """Make a fast student of slow models.

    TEACHER... are one or more checkpoints that were trained on the same rows. They answer for molecules
    without labels, and a student learns what they answered, from features that cost little. It is a
    checkpoint like any other, answers nearly as its teachers do, and says how faithful it is.
    To continue an interrupted run, run the same command again.

    \b
    Examples:
      servier distill models/model_1.servier --output student.servier
      servier distill models/model_1.servier models/model_2.servier --library library.csv.gz \\
        --output student.servier
      servier predict-file library.csv.gz scored.csv.gz --model_path student.servier
    """
    from servier.bulk.distilling import Lessons, write_student
    from servier.bulk.options import Options
    from servier.checkpoint.file import open_checkpoint
    from servier.report.text import describe_student
    from servier.training.distillation import PACKAGES, StudentOptions

    workers, output = worker_processes(given.workers), Path(given.output)
    files: dict[str, str | None] = {f"teacher {i}": path for i, path in enumerate(given.teachers, start=1)}
    files |= {"library": given.library, "reference": given.reference}
    with claim_outputs(given, [output], Inputs(files, PACKAGES)) as is_made:
        if is_made:
            student = open_checkpoint(output)
        else:
            through = Options(
                smiles_column=given.smiles_column, dialect=given.text.dialect(), workers=workers
            )
            lessons = Lessons(given.teachers, given.library, given.rows, through)
            options = StudentOptions(given.reference, given.seed, workers)
            student = write_student(lessons, output, options, force=given.force)
    click.echo(describe_student(student))
    click.echo(f"The student is in {output}")
