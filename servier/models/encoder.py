"""The file of a pre-trained encoder: its weights and their origin."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.archive import pack, pack_arrays
from servier.checkpoint.arrays import SUFFIX, read_array
from servier.checkpoint.documents import parse_json, read_document
from servier.checkpoint.rules import NOT_EMPTY, UNLIKE, Name, one_of
from servier.checkpoint.unpacking import Archive
from servier.errors import RecipeError
from servier.models.architecture import make_architecture

FORMAT = "servier encoder"
SHIPPED = "smiles_encoder.zip"
METADATA, WEIGHTS = "encoder.json", "weights.npz"


@dataclass(frozen=True)
class _Facts:
    """What must be known of an encoder."""

    format: Annotated[str, one_of(FORMAT)]
    architecture: dict[str, Any]
    vocabulary: Annotated[list[Name], NOT_EMPTY, UNLIKE]
    library: dict[str, Any]
    versions: dict[Name, Name]


@dataclass(frozen=True)
class EncoderWeights:
    """A pre-trained encoder.

    Parameters
    ----------
    metadata
        The format, the `architecture`, the `vocabulary`, and the origin of the weights.
    weights
        The weights in Keras's order; float16 in the file, float32 here.
    """

    metadata: dict[str, Any]
    weights: list[NDArray[np.float32]]

    @property
    def vocabulary(self) -> list[str]:
        """The tokens that it knows."""
        return list(self.metadata["vocabulary"])


def encode_encoder(metadata: dict[str, Any], weights: Sequence[NDArray[np.float32]]) -> bytes:
    """Return the bytes of an encoder file."""
    arrays = {f"{i:02d}": array.astype(np.float16) for i, array in enumerate(weights)}
    text = json.dumps({"format": FORMAT, **metadata}, indent=1).encode()
    return pack({METADATA: text, WEIGHTS: pack_arrays(arrays)})


def read_encoder(path: str | Path | None = None) -> EncoderWeights:
    """Read an encoder file.

    Parameters
    ----------
    path
        The file; None for the encoder that comes with servier.

    Raises
    ------
    RecipeError
        The file is absent or not an encoder.
    """
    if path is None:
        return _shipped()
    try:
        return _decode(Path(path).read_bytes())
    except OSError as error:
        raise RecipeError(f"cannot read this encoder: {error.strerror}", path=path) from error
    except RecipeError as error:
        raise RecipeError(error.problem, path=path, hint=error.hint) from error
    except (ValueError, RecursionError) as error:
        hint = "make one with: servier pretrain"
        raise RecipeError("this is not an encoder, or it is damaged", path=path, hint=hint) from error


@cache
def _shipped() -> EncoderWeights:
    return _decode(files("servier.models").joinpath(SHIPPED).read_bytes())


def _decode(content: bytes) -> EncoderWeights:
    archive = Archive(io.BytesIO(content))
    metadata = parse_json(archive.read(METADATA))
    facts = read_document(_Facts, metadata)
    make_architecture(facts.architecture)
    arrays = Archive(io.BytesIO(archive.read(WEIGHTS)))
    names = sorted(name.removesuffix(SUFFIX) for name in arrays.names)
    weights = [read_array(arrays, name, np.dtype("<f2")).astype(np.float32) for name in names]
    if not all(np.isfinite(array).all() for array in weights):
        raise ValueError(WEIGHTS)
    return EncoderWeights(metadata, weights)
