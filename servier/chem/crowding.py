"""Molecules whose atoms have more neighbours than chemistry: RDKit takes minutes for them, or loses count."""

from typing import Any

Mol = Any

NEIGHBOURS = 4
"""So many paths of three bonds are accepted as there would be if each atom had so many neighbours."""
PATHS_PER_BOND = 30
"""So many are accepted for each bond that a molecule has, twice as many as an icosahedron has."""
MAX_VALENCE = 32
"""Twice what any atom has; RDKit counts to 127, and then goes on with negative numbers."""


def find_crowding(mol: Mol, max_bonds: int) -> str | None:
    """Return why a molecule is too crowded, or None.

    Parameters
    ----------
    mol
        The molecule, which need not be sanitized.
    max_bonds
        So many bonds are accepted.
    """
    if max((atom.GetDegree() for atom in mol.GetAtoms()), default=0) <= NEIGHBOURS:
        return None
    valence = max(sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds()) for atom in mol.GetAtoms())
    if valence > MAX_VALENCE:
        return f"an atom of valence {valence:g}, the limit is {MAX_VALENCE}"
    max_paths = min((NEIGHBOURS - 1) ** 2 * max_bonds, PATHS_PER_BOND * mol.GetNumBonds())
    n_paths = _count_paths(mol)
    return f"{n_paths} paths of three bonds, the limit is {max_paths}" if n_paths > max_paths else None


def _count_paths(mol: Mol) -> int:
    """Return the number of paths of three bonds, in which a ring of three atoms counts three times."""
    degrees = [atom.GetDegree() - 1 for atom in mol.GetAtoms()]
    return sum(degrees[bond.GetBeginAtomIdx()] * degrees[bond.GetEndAtomIdx()] for bond in mol.GetBonds())
