"""Verification of a checkpoint: whether each part of it is intact."""

from collections.abc import Iterator
from dataclasses import dataclass

from servier.checkpoint.file import Checkpoint
from servier.errors import CheckpointError
from servier.scoring.engines import build_engine
from servier.scoring.scorer import SENTINEL_TOLERANCE, sentinel_errors


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Parameters
    ----------
    name
        What was checked.
    problem
        What is wrong, or None.
    """

    name: str
    problem: str | None = None

    def __str__(self) -> str:
        return f"pass  {self.name}" if self.problem is None else f"fail  {self.name}: {self.problem}"


def verify(checkpoint: Checkpoint) -> list[Check]:
    """Compare every entry of a checkpoint with its digest, and score the sentinel molecules anew.

    Parameters
    ----------
    checkpoint
        The checkpoint; to open it, its metadata had to be readable.

    Returns
    -------
    A check for each entry and for each sentinel molecule.
    """
    return [*_check_entries(checkpoint), *_check_sentinels(checkpoint)]


def _check_entries(checkpoint: Checkpoint) -> Iterator[Check]:
    for name in checkpoint.entries:
        try:
            checkpoint.entries[name]  # reading an entry compares it with its digest
        except CheckpointError as error:
            yield Check(f"entry {name}", error.problem)
        else:
            yield Check(f"entry {name}")


def _check_sentinels(checkpoint: Checkpoint) -> Iterator[Check]:
    names = [f"sentinel {sentinel.smiles}" for sentinel in checkpoint.metadata.sentinels]
    try:
        engine = build_engine(checkpoint)
    except CheckpointError as error:
        yield from (Check(name, f"cannot be scored: {error.problem}") for name in names)
        return
    errors = sentinel_errors(checkpoint, engine)
    for name, difference in zip(names, errors.tolist(), strict=True):
        is_equal = difference <= SENTINEL_TOLERANCE
        yield Check(
            name, None if is_equal else f"its score differs by {difference:.2g} from that of training"
        )
