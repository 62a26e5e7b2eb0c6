"""Verification of a checkpoint: whether each part of it is intact.

Scoring verifies what it reads, with the same functions. This verifies all that any command may read.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from servier.checkpoint.file import GRAPH_SUFFIX, Checkpoint
from servier.checkpoint.graph_check import check_graph
from servier.checkpoint.metadata import COPY
from servier.checkpoint.native import native_names, require_native, split_gains
from servier.checkpoint.reference import REFERENCE
from servier.checkpoint.target import CONFIDENCES
from servier.errors import CheckpointError
from servier.scoring.engines import FeatureEngine, build_engine
from servier.scoring.scorer import Scorer
from servier.scoring.sentinels import find_other_scores, name_sentinels


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
    """Compare every entry of a checkpoint with its digest, read it, and score the sentinel molecules anew.

    Parameters
    ----------
    checkpoint
        The checkpoint; to open it, its metadata had to be readable.

    Returns
    -------
    A check for each entry and for each sentinel molecule; where all of them pass, and still the model cannot
    answer, one more.
    """
    checks = [*_check_entries(checkpoint), *_check_sentinels(checkpoint)]
    if all(check.problem is None for check in checks):
        problem = _problem_of(partial(_read_all, checkpoint))
        checks += [Check("answers", problem)] if problem else []
    return checks


def require_intact(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint of which a part is not intact.

    Raises
    ------
    CheckpointError
        It is damaged, or does not reproduce the sentinels' scores here.
    """
    Scorer([checkpoint])
    for check in verify(checkpoint):
        if check.problem is not None:
            raise CheckpointError(f"{check.name}: {check.problem}", path=checkpoint.path, hint=COPY)


def _check_entries(checkpoint: Checkpoint) -> Iterator[Check]:
    needed = [name for name in native_names(checkpoint) if name not in set(checkpoint.entries)]
    for name in checkpoint.entries:
        yield Check(f"entry {name}", _problem_of(partial(_read_entry, checkpoint, name)))
    for name in needed:
        yield Check(f"entry {name}", "it is missing")


def _read_entry(checkpoint: Checkpoint, name: str) -> object:
    """Read an entry, which compares it with its digest, and what is in it."""
    content = checkpoint.entries[name]
    if name == REFERENCE:
        return checkpoint.reference
    if name in native_names(checkpoint):
        return require_native(checkpoint, name)
    return check_graph(content, name) if name.endswith(GRAPH_SUFFIX) else content


def _check_sentinels(checkpoint: Checkpoint) -> Iterator[Check]:
    try:
        for smiles, problem in find_other_scores(checkpoint, build_engine(checkpoint)):
            yield Check(f"sentinel {smiles}", problem)
    except CheckpointError as error:
        for smiles in name_sentinels(checkpoint):
            yield Check(f"sentinel {smiles}", f"cannot be scored: {error.problem}")


def _read_all(checkpoint: Checkpoint) -> None:
    """Do what any command does before it answers."""
    (engine,) = Scorer([checkpoint], confidences=[str(level) for level in CONFIDENCES]).engines
    if isinstance(engine, FeatureEngine):
        for target in range(len(checkpoint.targets)):
            split_gains(checkpoint, target, len(engine.features))


def _problem_of(read: Callable[[], object]) -> str | None:
    try:
        read()
    except CheckpointError as error:
        return error.problem
    return None
