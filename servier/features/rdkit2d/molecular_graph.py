"""Atom and bond tables of a molecule, read from RDKit once and shared by all descriptors."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

FloatArray = npt.NDArray[np.float64]

MAX_ATOMS: Final = 300
"""Largest molecule for which substructure counts cannot reach RDKit's match limit."""

_PLANAR_SUBSTITUENTS: Final = 3

SINGLE: Final = 2
AROMATIC: Final = 3
DOUBLE: Final = 4
TRIPLE: Final = 6
BOND_CODES: Final = frozenset({SINGLE, AROMATIC, DOUBLE, TRIPLE})
"""Supported bond orders, doubled so that the aromatic one is an integer."""


@dataclass(slots=True)
class MolecularGraph:
    """A molecule without its hydrogen atoms, as tables of atoms and bonds.

    Parameters
    ----------
    mol
        A copy of the molecule; descriptors may cache properties on it.
    atoms
        The atoms in index order.
    atomic_numbers, charges, hydrogens, valences, isotopes, ring_counts
        Per atom: Z, formal charge, total hydrogens, total valence, isotope (0 if
        unspecified) and number of rings the atom is in.
    aromatic
        Aromaticity of each atom.
    atom_codes
        One number below 2**28 per atom for its Z, aromaticity, hydrogens, degree and charge.
    bonds
        Atom indices (i < j) and doubled bond order of each bond.
    neighbours
        For each atom, (neighbour, doubled bond order) in index order.
    ring_sizes
        Number of atoms in each ring of the (symmetrized) smallest set.
    ring_bonds
        The bonds that are in rings.
    orders
        Bond orders, float64, shape (n_atoms, n_atoms); zero where there is no bond.
    adjacency
        One where there is a bond, zero elsewhere, float64, shape (n_atoms, n_atoms).
    """

    mol: Chem.Mol
    atoms: list[Chem.Atom]
    atomic_numbers: list[int]
    aromatic: list[bool]
    charges: list[int]
    hydrogens: list[int]
    valences: list[int]
    isotopes: list[int]
    ring_counts: list[int]
    atom_codes: list[int]
    bonds: list[tuple[int, int, int]]
    neighbours: list[list[tuple[int, int]]]
    ring_sizes: list[int]
    ring_bonds: set[tuple[int, int, int]]
    orders: FloatArray
    adjacency: FloatArray

    @property
    def size(self) -> int:
        """The number of atoms."""
        return len(self.atoms)


def build_graph(mol: Chem.Mol) -> MolecularGraph | None:
    """Read the tables of a molecule.

    Parameters
    ----------
    mol
        Sanitized molecule; it is not changed.

    Returns
    -------
    The tables; None for the molecules that they do not describe: no atoms or more than `MAX_ATOMS`, hydrogen
    atoms in the graph, property caches not computed, bonds that are not single, double, triple or aromatic,
    or aromatic rings in a Kekulé form.
    """
    if not 0 < mol.GetNumAtoms() <= MAX_ATOMS or mol.NeedsUpdatePropertyCache():
        return None
    work = Chem.Mol(mol)
    atoms = [work.GetAtomWithIdx(i) for i in range(work.GetNumAtoms())]
    atomic_numbers = [a.GetAtomicNum() for a in atoms]
    if 1 in atomic_numbers:
        return None
    aromatic = [a.GetIsAromatic() for a in atoms]
    orders: FloatArray = Chem.GetAdjacencyMatrix(work, useBO=True)
    tables = _bond_tables(work, orders, aromatic)
    if tables is None:
        return None
    bonds, neighbours = tables
    hydrogens, charges = [a.GetTotalNumHs() for a in atoms], [a.GetFormalCharge() for a in atoms]
    rings = work.GetRingInfo().AtomRings()
    if _has_planar_ring(rings, neighbours, hydrogens, aromatic) and not _is_perceived(work, aromatic):
        return None
    return MolecularGraph(
        mol=work,
        atoms=atoms,
        atomic_numbers=atomic_numbers,
        aromatic=aromatic,
        charges=charges,
        hydrogens=hydrogens,
        valences=[a.GetTotalValence() for a in atoms],
        isotopes=[a.GetIsotope() for a in atoms],
        ring_counts=_count_rings(rings, len(atoms)),
        atom_codes=_atom_codes(atomic_numbers, aromatic, hydrogens, neighbours, charges),
        bonds=bonds,
        neighbours=neighbours,
        ring_sizes=[len(ring) for ring in rings],
        ring_bonds=_ring_bonds(rings, bonds) if rings else set(),
        orders=orders,
        adjacency=(orders != 0.0).astype(np.float64),
    )


def _bond_tables(
    mol: Chem.Mol, orders: FloatArray, aromatic: list[bool]
) -> tuple[list[tuple[int, int, int]], list[list[tuple[int, int]]]] | None:
    rows, columns = orders.nonzero()
    if len(rows) != 2 * mol.GetNumBonds():  # zero-order or one-sided (dative) bonds
        return None
    codes = (2.0 * orders[rows, columns]).tolist()
    if not BOND_CODES.issuperset(codes):
        return None
    bonds: list[tuple[int, int, int]] = []
    neighbours: list[list[tuple[int, int]]] = [[] for _ in aromatic]
    for i, j, code in zip(rows.tolist(), columns.tolist(), map(int, codes), strict=True):
        neighbours[i].append((j, code))
        if i < j:
            bonds.append((i, j, code))
            both_aromatic = aromatic[i] and aromatic[j]
            if code == AROMATIC and not both_aromatic:
                return None
            if both_aromatic and code > AROMATIC and _is_flagged(mol, i, j):
                return None
    return bonds, neighbours


def _atom_codes(
    atomic_numbers: list[int],
    aromatic: list[bool],
    hydrogens: list[int],
    neighbours: list[list[tuple[int, int]]],
    charges: list[int],
) -> list[int]:
    return [
        z | a << 7 | h << 8 | len(n) << 14 | (c + 64) << 20
        for z, a, h, n, c in zip(atomic_numbers, aromatic, hydrogens, neighbours, charges, strict=True)
    ]


def _count_rings(rings: tuple[tuple[int, ...], ...], size: int) -> list[int]:
    """Return for each atom how many rings it is in."""
    counts = [0] * size
    for ring in rings:
        for index in ring:
            counts[index] += 1
    return counts


def _ring_bonds(
    rings: tuple[tuple[int, ...], ...], bonds: list[tuple[int, int, int]]
) -> set[tuple[int, int, int]]:
    pairs = set()
    for ring in rings:
        last = ring[-1]
        for index in ring:
            pairs.add((index, last) if index < last else (last, index))
            last = index
    return {bond for bond in bonds if bond[:2] in pairs}


def _has_planar_ring(
    rings: tuple[tuple[int, ...], ...],
    neighbours: list[list[tuple[int, int]]],
    hydrogens: list[int],
    aromatic: list[bool],
) -> bool:
    """Say whether a ring that is not aromatic could be so by how many substituents its atoms have."""
    return any(
        # lists, for generators would take longer than what they hold
        not all([aromatic[i] for i in ring])  # noqa: C419 - see above
        and all([len(neighbours[i]) + hydrogens[i] <= _PLANAR_SUBSTITUENTS for i in ring])  # noqa: C419 - see above
        for ring in rings
    )


def _is_perceived(mol: Chem.Mol, aromatic: list[bool]) -> bool:
    """Say whether sanitizing again, as some of RDKit's descriptors do, leaves aromaticity as it is."""
    sanitized = Chem.Mol(mol)
    Chem.SanitizeMol(sanitized)
    return [atom.GetIsAromatic() for atom in sanitized.GetAtoms()] == aromatic


def _is_flagged(mol: Chem.Mol, i: int, j: int) -> bool:
    """Say whether a bond is flagged as aromatic (although it has another order, in a Kekulé form)."""
    flag: bool = mol.GetBondBetweenAtoms(i, j).GetIsAromatic()
    return flag
