"""Train-test overlap: test molecules that equal or resemble a training molecule."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.chem.identity import identity_hashes
from servier.chem.molecules import Mol
from servier.chem.similarity import fingerprints, nearest
from servier.data.datasets import Dataset
from servier.tables import write_csv

NEAR = 0.9
EDGES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
KINDS = ("duplicate", "salt_form", "stereoisomer")
"""How a training molecule is related to a test molecule, by the first of the `identity_hashes` they share."""


@dataclass(frozen=True)
class Leak:
    """A test row whose molecule, or a very similar one, was trained on.

    Parameters
    ----------
    line, id, smiles
        The test row.
    kind
        `duplicate`, `salt_form`, `stereoisomer`, or `near_duplicate`: a Tanimoto similarity of at least 0.9.
    train_line
        The line of the training molecule in the table that the model was trained on.
    similarity
        The Tanimoto similarity of the two molecules, by Morgan fingerprints.
    """

    line: int
    id: str
    smiles: str
    kind: str
    train_line: int
    similarity: float


@dataclass(frozen=True)
class Overlap:
    """How similar test rows are to the training molecules.

    Parameters
    ----------
    similarity
        The similarity to the nearest training molecule, float64, shape (n_rows,).
    leaks
        The rows that overlap with training.
    """

    similarity: NDArray[np.float64]
    leaks: list[Leak]

    @property
    def counts(self) -> dict[str, int]:
        """The number of leaks of each kind."""
        return dict(Counter(leak.kind for leak in self.leaks))

    def bins(self) -> list[tuple[float, float, NDArray[np.bool_]]]:
        """Return half-open ranges of similarity, the last one closed, with the rows in each, if any."""
        bins = [
            (low, high, (self.similarity >= low) & (self.similarity < high if high < 1 else True))
            for low, high in pairwise(EDGES)
        ]
        return [found for found in bins if found[2].any()]


def find_leaks(
    checkpoint: Checkpoint, data: Dataset, rows: NDArray[np.int64], mols: Sequence[Mol]
) -> Overlap:
    """Find the test rows that equal or resemble a molecule that a model was trained on.

    Parameters
    ----------
    checkpoint
        The model.
    data, rows
        A table, and the numbers of its test rows.
    mols
        The molecules of these rows.
    """
    reference = checkpoint.reference
    lines = reference.train_lines
    nearest_rows, similarity = nearest(fingerprints(mols), reference.train_fingerprints)
    known = [
        dict(zip(hashes.tolist(), range(len(lines)), strict=True)) for hashes in reference.train_identities.T
    ]
    leaks = []
    for i, (row, mol) in enumerate(zip(rows.tolist(), mols, strict=True)):
        hashes = zip(KINDS, known, identity_hashes(mol), strict=True)
        kind, train_row = next(
            ((kind, trained[hashed]) for kind, trained, hashed in hashes if hashed in trained),
            ("near_duplicate" if similarity[i] >= NEAR else "", nearest_rows[i]),
        )
        if kind:
            where = data.lines[row], data.ids[row], data.smiles[row]
            leaks.append(Leak(*where, kind, int(lines[train_row]), round(float(similarity[i]), 4)))
    return Overlap(similarity, leaks)


def write_leaks(leaks: Sequence[Leak], path: str | Path) -> None:
    """Write leaks as a CSV file, one per line."""
    write_csv(path, [field.name for field in fields(Leak)], map(astuple, leaks))
