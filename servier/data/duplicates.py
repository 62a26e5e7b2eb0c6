"""Molecules that occur more than once in a labelled table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from servier.chem.identity import parent_smiles
from servier.chem.molecules import Mol, canonical_smiles
from servier.chem.units import Scale
from servier.data.bounds import EXACT, Relations
from servier.data.bounds import resolve as resolve_bounds
from servier.data.folds import Indices, group_numbers
from servier.data.replicates import RULES, resolve

IDENTITIES = ("parent", "canonical", "written")
CONFLICTS = (*RULES, "merge")
"""What labels of one molecule become that differ; `merge` is another name of `median`."""


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
    relations
        Which labels are bounds, int8, in the shape of `y`; None where none is.
    weights
        How much each label counts, float64, in the shape of `y`: the sum over the rows that it comes from.
    """

    rows: Indices
    y: NDArray[np.float64]
    duplicates: int
    conflicts: int
    relations: Relations | None = None
    weights: NDArray[np.float64] | None = None


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
    molecules: Indices,
    y: NDArray[np.float64],
    tasks: Sequence[str],
    conflicts: str = "merge",
    relations: Relations | None = None,
    scales: Sequence[Scale] = (),
    weights: NDArray[np.float64] | None = None,
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
        How different labels of one molecule are resolved: `drop` leaves it without one; others as for
        `servier.data.replicates.resolve`, where `merge` is the median.
    relations
        Which labels are bounds, int8, as `y`, or None; resolved by `servier.data.bounds.resolve`.
    scales
        Of the labels of each target; linear where none are given.
    weights
        How much each row counts, above 0, shape (n_rows,), or None: one of weight 2 is as good as two rows.
    """
    first, group, sizes = np.unique(molecules, return_index=True, return_inverse=True, return_counts=True)[1:]
    y, scales = np.asarray(y, np.float64), scales or [Scale.LINEAR] * len(tasks)
    is_bound = np.zeros(y.shape, np.int8) if relations is None else relations
    resolved, kept, n_conflicts = y[first], is_bound[first], 0
    for number, rows in _find_repeated(group, sizes):
        differs = False
        for target, task in enumerate(tasks):
            if not len(known := rows[~np.isnan(y[rows, target])]):
                continue
            rule = partial(resolve, task=task, rule=conflicts, scale=scales[target])
            counts = None if weights is None else weights[known]
            found = resolve_bounds(y[known, target], is_bound[known, target], rule, counts)
            if found.differs and conflicts == "drop":
                found = replace(found, label=np.nan, relation=EXACT)
            resolved[number, target], kept[number, target] = found.label, found.relation
            differs |= found.differs
        n_conflicts += differs
    order = np.argsort(first)
    bounds = kept[order] if kept.any() else None
    summed = _sum_weights(weights, y, group, order)
    return Merged(first[order], resolved[order], len(y) - len(first), n_conflicts, bounds, summed)


def _find_repeated(group: Indices, sizes: Indices) -> Iterator[tuple[int, Indices]]:
    """Yield the number and the rows of each group that has several."""
    by_group = np.split(np.argsort(group, kind="stable"), np.cumsum(sizes)[:-1])
    for number in np.flatnonzero(sizes > 1).tolist():
        yield number, by_group[number]


def _sum_weights(
    weights: NDArray[np.float64] | None, y: NDArray[np.float64], group: Indices, order: Indices
) -> NDArray[np.float64] | None:
    """Return the weight of each label of each group: the sum over the rows that have it."""
    if weights is None:
        return None
    known = ~np.isnan(y)
    sums = np.stack([np.bincount(group, weights * has_label) for has_label in known.T], axis=1)
    return np.asarray(sums[order], np.float64)
