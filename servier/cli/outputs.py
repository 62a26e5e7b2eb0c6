"""The files that commands write: claimed for the time of the command, never put in the place of others."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from servier.cli.commands import deciding_values

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from servier.data.datasets import Dataset

    class WritingOptions(DataclassInstance, Protocol):
        """The options of a command that writes files."""

        @property
        def force(self) -> bool:
            """Whether files of another origin are replaced."""


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inputs:
    """What a command reads.

    Parameters
    ----------
    files
        Files by what they are to the command, such as `table`; `-` for stdin, None where one was not given.
    packages
        Those whose versions decide the output, beside servier.
    data
        The table among the files, where it has been read already.
    """

    files: Mapping[str, str | Path | None]
    packages: Sequence[str] = ("rdkit",)
    data: "Dataset | None" = None


@contextmanager
def claim_outputs(
    given: "WritingOptions", outputs: Sequence[str | Path | None], inputs: Inputs
) -> Iterator[bool]:
    """Claim the files that a command will write; say whether all are there, made from the same.

    Parameters
    ----------
    given
        The options of the command.
    outputs
        The files; None where one is not asked for.
    inputs
        What the command reads.

    Raises
    ------
    DataError
        A file of another origin is in the way and --force was not given, another run writes one, an output
        is one of the inputs, or the table has changed since it was read.
    """
    from servier.tables import claim_output, refuse_input

    targets = [Path(output) for output in outputs if output is not None]
    for target, source in product(targets, inputs.files.values()):
        if source is not None:
            refuse_input(target, Path(source))
    identity = identify(given, inputs) if targets else {}
    if inputs.data is not None and targets:
        inputs.data.require_unchanged()
    with ExitStack() as stack:
        claims = [
            stack.enter_context(claim_output(target, lambda: identity, force=given.force))
            for target in targets
        ]
        is_made = bool(claims) and not given.force and all(claim.made is not None for claim in claims)
        for target in targets if is_made else ():
            logger.info("%s is there already, made from the same inputs and options", target)
        yield is_made


def identify(given: "DataclassInstance", inputs: Inputs) -> dict[str, Any] | None:
    """Return what decides the outputs of the command that is running; None where it reads stdin."""
    from servier.checkpoint.versions import installed_versions
    from servier.tables import STANDARD_STREAM
    from servier.tables.claims import digest_file

    if STANDARD_STREAM in map(str, inputs.files.values()):
        return None
    files = {name: None if path is None else digest_file(Path(path)) for name, path in inputs.files.items()}
    return {
        "command": click.get_current_context().info_name,
        "sha256 of": files,
        "option": deciding_values(given),
        "version": installed_versions(*inputs.packages),
    }
