"""The commands: options, then one call into the library."""

import logging
import os
import sys
from typing import Any

import click

from servier import __version__
from servier.cli import bulk, distillation, evaluation, models, scoring, signing, tables, tuning
from servier.cli.ending import describe_end, ending_by_signals, pass_on, prepare_standard_streams
from servier.cli.extras import explain_missing
from servier.cli.terminal import escaping
from servier.errors import EndedError, ServierError
from servier.processes.workers import ONE_THREAD


class ServierGroup(click.Group):
    """A group whose errors are one line each, and whose words steer no terminal."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line, if there is somewhere to say what it says."""
        try:
            prepare_standard_streams()
            with escaping():
                return super().main(*args, **extra)
        except ServierError as error:
            _tell(error)
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what the user can mend ends with status 1 and a line.

        That is a `ServierError`, a missing extra, and a file that the system refuses, as for a name too long.
        """
        try:
            with ending_by_signals():
                result = super().invoke(ctx)
                pass_on()
                return result
        except ServierError as error:
            _tell(error)
            ctx.exit(1)
        except OSError as error:
            if error.filename is None:
                raise
            _tell(ServierError(error.strerror or str(error), path=os.fsdecode(error.filename)))
            ctx.exit(1)
        except ModuleNotFoundError as error:
            missing = explain_missing(error)
            if missing is None:
                raise
            _tell(missing)
            ctx.exit(1)
        except (KeyboardInterrupt, EndedError) as end:
            status, line = describe_end(end)
            click.echo(line, err=True)
            ctx.exit(status)


def _tell(error: ServierError) -> None:
    click.echo(f"Error: {error}", err=True)


@click.group(
    cls=ServierGroup,
    help="servier - Property molecule prediction and model management",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "token_normalize_func": lambda name: name.replace("-", "_"),
    },
)
@click.version_option(__version__, prog_name="servier")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr, only warnings and errors.")
def main(quiet: bool) -> None:
    """Set up logging, which goes to stderr, and linear algebra, which rounds by its number of threads."""
    os.environ.update(ONE_THREAD)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("servier").setLevel(logging.WARNING if quiet else logging.INFO)


for command in (
    models.train,
    evaluation.evaluate,
    evaluation.compare,
    models.inspect,
    distillation.distill,
    signing.sign,
    tuning.tune,
    tuning.pretrain,
    scoring.predict,
    scoring.explain,
    bulk.predict_file,
    bulk.merge,
    scoring.serve,
    tables.check,
    bulk.featurize,
    tables.simulate,
):
    main.add_command(command)
