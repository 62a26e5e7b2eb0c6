"""The training molecules that are most like a molecule, with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.archive import unpack_lines
from servier.checkpoint.file import Checkpoint
from servier.chem.molecules import Mol
from servier.chem.similarity import PackedBits, fingerprints


@dataclass(frozen=True)
class Neighbour:
    """A training molecule, beside another molecule.

    Parameters
    ----------
    smiles
        Its canonical SMILES.
    similarity
        Tanimoto similarity of the Morgan fingerprints.
    labels
        Those that it was trained with, by target.
    """

    smiles: str
    similarity: float
    labels: dict[str, float]


def find_neighbours(checkpoints: Sequence[Checkpoint], mol: Mol, n: int) -> list[Neighbour]:
    """Return the training molecules that are most like a molecule, the nearest first.

    Parameters
    ----------
    checkpoints
        The models; what several were trained on counts once.
    mol
        The molecule.
    n
        How many at most; none of a checkpoint that does not hold its training molecules.
    """
    query = fingerprints([mol])[0]
    found: dict[str, Neighbour] = {}
    for checkpoint in checkpoints:
        arrays = checkpoint.reference
        if "train_smiles" not in arrays:
            continue
        smiles = unpack_lines(arrays["train_smiles"])
        similarity = _compare(query, arrays["train_fingerprints"])
        for row in np.argsort(-similarity, kind="stable")[:n].tolist():
            y = zip(checkpoint.targets, arrays["train_y"][row].tolist(), strict=True)
            labels = {target.name: value for target, value in y if not np.isnan(value)}
            found.setdefault(smiles[row], Neighbour(smiles[row], float(similarity[row]), labels))
    return sorted(found.values(), key=lambda relative: -relative.similarity)[:n]


def _compare(query: NDArray[np.uint8], known: PackedBits) -> NDArray[np.float64]:
    """Return the Tanimoto similarity of one fingerprint, packed, to others."""
    shared = np.bitwise_count(known & query).sum(axis=1, dtype=np.int64)
    either = np.bitwise_count(known | query).sum(axis=1, dtype=np.int64)
    return np.asarray(shared / np.maximum(either, 1))
