"""What a checkpoint says that its graphs read: the specification from which an engine is built."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from servier.checkpoint.documents import DocumentError, read_document
from servier.checkpoint.metadata import COPY
from servier.errors import CheckpointError


@dataclass(frozen=True)
class FeatureInput:
    """What model 1 reads.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    """

    kind: ClassVar[str] = "features"
    featurizers: list[dict[str, Any]]


@dataclass(frozen=True)
class SequenceInput:
    """What model 2 reads.

    Parameters
    ----------
    vocabulary
        The tokens that the network knows.
    n_smiles, seed
        How many SMILES strings of a molecule are scored, at least 1: the canonical one and randomized ones,
        and the seed of the latter.
    """

    kind: ClassVar[str] = "smiles"
    vocabulary: list[str]
    n_smiles: int
    seed: int


Input = FeatureInput | SequenceInput


def write_input(value: Input) -> dict[str, Any]:
    """Return the specification that the metadata of a checkpoint holds."""
    return {"kind": value.kind, **asdict(value)}


def read_input(spec: dict[str, Any], path: str | Path | None = None) -> Input:
    """Read what `write_input` returned.

    Parameters
    ----------
    spec
        The specification.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        This version knows no such kind, or a field is missing, unknown or of another type.
    """
    kinds: dict[Any, type[Input]] = {kind.kind: kind for kind in (FeatureInput, SequenceInput)}
    kind = kinds.get(spec.get("kind")) if isinstance(spec.get("kind"), str) else None
    if kind is None:
        hint = "a newer servier may read it"
        raise CheckpointError(f"no engine is called {spec.get('kind')!r}", path=path, hint=hint)
    try:
        found = read_document(kind, spec, "input")
    except DocumentError as error:
        raise CheckpointError(f"its metadata is damaged: {error}", path=path, hint=COPY) from error
    unknown = set(spec) - {"kind", *(field.name for field in fields(kind))}
    if unknown or (isinstance(found, SequenceInput) and found.n_smiles < 1):
        problem = f"input.{min(unknown)} is not known" if unknown else "input.n_smiles is not above 0"
        raise CheckpointError(f"its metadata is damaged: {problem}", path=path, hint=COPY)
    return found
