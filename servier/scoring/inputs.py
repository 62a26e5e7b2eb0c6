"""What a checkpoint says that its graphs read: the specification from which an engine is built."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar

from servier.checkpoint.documents import DocumentError, join, read_document, show
from servier.checkpoint.file import Checkpoint
from servier.checkpoint.metadata import COPY
from servier.checkpoint.rules import NOT_EMPTY, UNLIKE, Name, Rule, Seed
from servier.chem.levels import Stereo
from servier.errors import CheckpointError
from servier.features.feature_set import FeatureSet
from servier.features.registry import stereo_of

MAX_SMILES = 1000


@dataclass(frozen=True)
class FeatureInput:
    """What model 1 reads.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    """

    kind: ClassVar[str] = "features"
    featurizers: Annotated[list[dict[str, Any]], NOT_EMPTY]

    @property
    def stereo(self) -> Stereo:
        """Whether fingerprints tell stereoisomers apart."""
        return stereo_of(self.featurizers)

    @property
    def reads_stereo(self) -> bool:
        """Whether scores depend on stereochemistry, or on whether it is given."""
        return FeatureSet(self.featurizers).reads_stereo


@dataclass(frozen=True)
class SequenceInput:
    """What model 2 reads.

    Parameters
    ----------
    vocabulary
        The tokens that the network knows.
    n_smiles, seed
        How many SMILES strings of a molecule are scored, 1 to 1,000: the canonical one and randomized ones,
        and the seed of the latter.
    """

    kind: ClassVar[str] = "smiles"
    vocabulary: Annotated[list[Name], UNLIKE]
    n_smiles: Annotated[int, Rule("above 0", (0).__lt__), Rule(f"at most {MAX_SMILES}", MAX_SMILES.__ge__)]
    seed: Seed

    @property
    def stereo(self) -> Stereo:
        """Whether strings of stereoisomers differ: always."""
        return Stereo.USE

    @property
    def reads_stereo(self) -> bool:
        """Whether scores depend on stereochemistry: always."""
        return True


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
    name = spec.get("kind")
    kind = kinds.get(name) if isinstance(name, str) else None
    if kind is None:
        hint = "a newer servier may read such an input.kind"
        raise CheckpointError(f"no engine is called {show(name)}", path=path, hint=hint)
    try:
        found = read_document(kind, spec, "input")
    except DocumentError as error:
        raise CheckpointError(f"its metadata is damaged: {error}", path=path, hint=COPY) from error
    unknown = set(spec) - {"kind", *(field.name for field in fields(kind))}
    if unknown:
        problem = f"{join('input', min(unknown))} is not known"
        raise CheckpointError(f"its metadata is damaged: {problem}", path=path, hint=COPY)
    return found


def any_reads_stereo(checkpoints: Iterable[Checkpoint]) -> bool:
    """Say whether the answers of some model depend on stereochemistry, or on whether it is given."""
    return any(read_input(model.metadata.input, model.path).reads_stereo for model in checkpoints)
