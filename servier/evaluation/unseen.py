"""The rows of a table that a model was not trained on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.chem.identity import identity_hashes
from servier.chem.molecules import InvalidMolecule, Mol
from servier.data.datasets import Dataset
from servier.errors import DataError


@dataclass(frozen=True)
class Unseen:
    """The rows of a table that a model was not trained on.

    Parameters
    ----------
    rows
        The numbers of the rows, int64.
    description
        Which rows these are, in words.
    n_trained_on
        The number of rows that the model was trained on.
    trained_on
        The lines of these in the table, unless it is the table that the model was trained on.
    """

    rows: NDArray[np.int64]
    description: str
    n_trained_on: int
    trained_on: list[int]


def find_unseen(checkpoint: Checkpoint, data: Dataset, mols: Sequence[Mol | InvalidMolecule]) -> Unseen:
    """Find the rows that a model was not trained on.

    Parameters
    ----------
    checkpoint, data
        As for `evaluate`.
    mols
        The molecules of the table.
    """
    dataset, reference = checkpoint.metadata.dataset, checkpoint.reference
    if data.digest == dataset.digest:
        words = "the rows that training held out"
        return Unseen(reference.test_rows, words, dataset.train_rows, [])
    parents = set(reference.train_identities[:, 1].tolist())
    is_seen = np.array(
        [not isinstance(mol, InvalidMolecule) and identity_hashes(mol)[1] in parents for mol in mols]
    )
    description = "all rows except those with a molecule that the model was trained on"
    lines = [data.lines[i] for i in np.flatnonzero(is_seen)]
    return Unseen(np.flatnonzero(~is_seen), description, len(lines), lines)


def require_scored(data: Dataset, rows: NDArray[np.int64], scored: NDArray[np.int64]) -> None:
    """Refuse rows that say nothing about a model.

    Parameters
    ----------
    data
        The table.
    rows
        The numbers of the rows that the model was not trained on.
    scored
        Those of them that were scored.

    Raises
    ------
    DataError
        None was scored, or none of those that were has a label.
    """
    if not len(scored):
        problem = f"none of the {len(rows)} rows to score has a readable molecule"
        hint = "check the SMILES column, or name it with --smiles_column"
        raise DataError(problem, path=data.path, hint=hint)
    if np.isnan(data.y[scored]).all():
        problem = f"none of the {len(scored)} rows that were scored has a label"
        raise DataError(
            problem, path=data.path, hint="labels are needed on rows that the model was not trained on"
        )
