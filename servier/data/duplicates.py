"""Molecules that occur more than once in a labelled table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS
from servier.chem.identity import parent_smiles
from servier.chem.molecules import Mol, canonical_smiles
from servier.data.folds import Indices, group_numbers

IDENTITIES = ("parent", "canonical", "written")
CONFLICTS = ("merge", "drop")


@dataclass(frozen=True)
class Merged:
    """The molecules of a table, each once.

    Parameters
    ----------
    rows
        int64, shape (n_molecules,): the row in which each molecule occurs first, in order.
    y
        float64, shape (n_molecules, n_targets): the labels of each molecule; NaN where it has none.
    duplicates
        The number of rows that were merged into an earlier one.
    conflicts
        The number of molecules with different labels for the same target.
    """

    rows: Indices
    y: NDArray[np.float64]
    duplicates: int
    conflicts: int


def identify(mols: Sequence[Mol], smiles: Sequence[str], identity: str) -> Indices:
    """Assign the same number to rows with the same molecule.

    Parameters
    ----------
    mols, smiles
        The molecules, and the SMILES string of each.
    identity
        When two molecules are the same: `parent`, equal canonical SMILES without salts; `canonical`, equal
        canonical SMILES; `written`, equal strings.

    Returns
    -------
    int64, shape (n_rows,).
    """
    if identity == "written":
        return group_numbers(list(smiles))
    canonical = parent_smiles if identity == "parent" else canonical_smiles
    return group_numbers([canonical(mol) for mol in mols])


def merge_duplicates(
    molecules: Indices, y: NDArray[np.float64], tasks: Sequence[str], conflicts: str = "merge"
) -> Merged:
    """Keep each molecule once, and resolve conflicts between its labels.

    Parameters
    ----------
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    y
        float64, shape (n_rows, n_targets); NaN where a label is missing.
    tasks
        `binary`, `regression`, `multiclass` or `ordinal` for each target.
    conflicts
        How different labels of one molecule are resolved: `merge` takes the majority of a binary or a
        multiclass target (a tie leaves it without a label) and the median of a regression or an ordinal
        target (between two classes it leaves it without a label); `drop` leaves it without one.
    """
    first, group, sizes = np.unique(molecules, return_index=True, return_inverse=True, return_counts=True)[1:]
    resolved = y[first].astype(np.float64)
    n_conflicts = 0
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    for number in np.flatnonzero(sizes > 1):
        labels = y[by_group[number]]
        differs = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in labels.T])
        n_conflicts += bool(differs.any())
        for target, task in enumerate(tasks):
            known = labels[~np.isnan(labels[:, target]), target]
            if len(known):
                resolved[number, target] = (
                    np.nan if differs[target] and conflicts == "drop" else _resolve(known, task)
                )
    order = np.argsort(first)
    return Merged(first[order], resolved[order], len(y) - len(first), n_conflicts)


def _resolve(labels: NDArray[np.float64], task: str) -> float:
    """Return the median, which for a binary target is the majority, or the majority; NaN without one."""
    if task == MULTICLASS:
        found, counts = np.unique(labels, return_counts=True)
        is_most = counts == counts.max()
        return float(found[is_most][0]) if is_most.sum() == 1 else np.nan
    median = float(np.median(labels))
    return median if task == "regression" or median.is_integer() else np.nan
