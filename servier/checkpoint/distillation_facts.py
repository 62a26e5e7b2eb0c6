"""What a checkpoint says of the teachers that it was distilled from."""

from dataclasses import dataclass
from typing import Annotated

from servier.checkpoint.rules import NOT_EMPTY, Count, Digest, Name


@dataclass(frozen=True)
class TeacherFacts:
    """A checkpoint whose answers were learnt.

    Parameters
    ----------
    file, model_name, digest
        The name of its file, and what it is.
    """

    file: Name
    model_name: Name
    digest: Digest


@dataclass(frozen=True)
class LibraryFacts:
    """The molecules without labels that the teachers answered for.

    Parameters
    ----------
    file, digest
        The name of their table, None where they were made from training molecules, and a sha256 of those
        SMILES strings that were drawn.
    rows, drawn, learnt
        How many rows it has, how many were drawn, and of how many the answers were learnt.
    """

    file: Name | None
    digest: Digest
    rows: Count
    drawn: Count
    learnt: Count


@dataclass(frozen=True)
class DistillationFacts:
    """What a student learnt, and how faithful it is.

    Parameters
    ----------
    teachers
        The checkpoints whose mean answers it learnt.
    library
        Where its molecules are from.
    fidelity
        For each target, and each part of the molecules of the library that were kept back, the number of
        `molecules`, and how near the student's scores are to the teachers': `r2`, the rank correlation
        `spearman`, and the root mean squared error `rmse` in units of the calibrated score. Parts are `all`,
        `inside domain` and `outside domain` of the training molecules, and fifths by the teachers' answer.
    """

    teachers: Annotated[list[TeacherFacts], NOT_EMPTY]
    library: LibraryFacts
    fidelity: dict[Name, dict[Name, dict[Name, float]]]
