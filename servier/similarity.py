"""How alike molecules are: Tanimoto similarity of Morgan fingerprints."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import DataStructs
from rdkit.Chem import rdFingerprintGenerator

from servier.molecules import Mol

FP_SIZE = 2048
RADIUS = 2

PackedBits = NDArray[np.uint8]
"""Fingerprints of molecules, eight bits to a byte, shape (n_mols, 256)."""


def fingerprints(mols: Sequence[Mol]) -> PackedBits:
    """Return the Morgan fingerprint bits of molecules, packed.

    References
    ----------
    Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742, doi:10.1021/ci100050t.
    """
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=FP_SIZE)
    bits = [generator.GetFingerprintAsNumPy(mol) for mol in mols]
    return np.packbits(np.array(bits, np.uint8).reshape(-1, FP_SIZE), axis=1)


def nearest(queries: PackedBits, references: PackedBits) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each molecule which of others is most like it, and how much.

    Parameters
    ----------
    queries, references
        Molecules, and those among which the nearest is looked for: at least one.

    Returns
    -------
    The row of the nearest reference, the first one of several, int64, and the Tanimoto similarity, float64,
    both of shape (n_queries,).
    """
    known = unpack_vectors(references)
    rows, similarity = np.zeros(len(queries), np.int64), np.zeros(len(queries))
    for i, query in enumerate(unpack_vectors(queries)):
        found = DataStructs.BulkTanimotoSimilarity(query, known)
        rows[i] = np.argmax(found)
        similarity[i] = found[rows[i]]
    return rows, similarity


def unpack_vectors(packed: PackedBits) -> list[DataStructs.ExplicitBitVect]:
    """Return fingerprints as RDKit knows them."""
    digits = np.unpackbits(packed, axis=1) + ord("0")
    return [DataStructs.CreateFromBitString(row.tobytes().decode()) for row in digits]
