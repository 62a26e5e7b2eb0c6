"""The arrays of a checkpoint, `reference.npz`: the only place where they are written and read."""

import io
import zipfile
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.archive import pack_arrays, unpack_lines
from servier.checkpoint.metadata import COPY
from servier.errors import CheckpointError

REFERENCE = "reference.npz"


@dataclass(frozen=True, kw_only=True)
class ReferenceArrays:
    """What a model was trained on, each molecule once, and what its answers are compared with.

    The fields stand in the order of the file, under the names that the arrays have there.

    Parameters
    ----------
    train_lines
        Where the training molecules stand in the table, int64, shape (n_train,).
    train_identities
        Their hashes, uint64, shape (n_train, 3).
    test_rows
        The numbers of the rows that were held out.
    train_smiles
        Their canonical SMILES, as `pack_lines` packs them; None where the checkpoint has none.
    train_fingerprints
        Their packed Morgan bits, shape (n_train, 256).
    train_y
        Their labels, float32, shape (n_train, n_targets); NaN where missing.
    domain_rows, environments
        For `servier.scoring.applicability_domain.Domain`: which of them the similarity is taken to, and the
        identifiers of all their substructures.
    reference_answers
        The answers for the reference molecules, float64, shape (n_references, n_targets); NaN where there is
        none. None where there are no reference molecules.
    """

    train_lines: NDArray[np.int64]
    train_identities: NDArray[np.uint64]
    test_rows: NDArray[np.int64]
    train_smiles: NDArray[np.uint8] | None = None
    train_fingerprints: NDArray[np.uint8]
    train_y: NDArray[np.float32]
    domain_rows: NDArray[np.int64]
    environments: NDArray[np.uint32]
    reference_answers: NDArray[np.float64] | None = None

    @property
    def smiles(self) -> list[str] | None:
        """The canonical SMILES of the training molecules; None where the checkpoint has none."""
        return None if self.train_smiles is None else unpack_lines(self.train_smiles)


def encode_reference(reference: ReferenceArrays) -> bytes:
    """Return what `reference.npz` holds; equal arrays give equal bytes."""
    found = {field.name: getattr(reference, field.name) for field in fields(reference)}
    return pack_arrays({name: array for name, array in found.items() if array is not None})


def decode_reference(content: bytes, path: str | Path | None = None) -> ReferenceArrays:
    """Read what `reference.npz` holds.

    Parameters
    ----------
    content
        The entry.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        It is not a file of arrays, or lacks one.
    """
    found: dict[str, NDArray[Any]] = {}
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for field in fields(ReferenceArrays):
                if field.name in arrays.files:
                    found[field.name] = arrays[field.name]
                elif field.default is MISSING:
                    raise CheckpointError(f"entry {REFERENCE} lacks {field.name}", path=path, hint=COPY)
    except (ValueError, EOFError, OSError, TypeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"entry {REFERENCE} is damaged", path=path, hint=COPY) from error
    return ReferenceArrays(**found)
