"""Atom and bond tables of a molecule, read from RDKit once and shared by all descriptors."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from rdkit import Chem

FloatArray = npt.NDArray[np.float64]

MAX_ATOMS: Final = 300
"""Largest molecule for which substructure counts cannot reach RDKit's match limit."""

_PLANAR_NEIGHBORS: Final = 3

SINGLE: Final = 2
AROMATIC: Final = 3
DOUBLE: Final = 4
TRIPLE: Final = 6
BOND_CODES: Final = frozenset({SINGLE, AROMATIC, DOUBLE, TRIPLE})
"""Supported bond orders, doubled so that the aromatic one is an integer."""


@dataclass(slots=True)
class MolecularGraph:
    """Hydrogen-suppressed molecular graph with its atom and bond tables.

    Attributes
    ----------
    mol : rdkit.Chem.Mol
        Private copy of the molecule; descriptor code may cache properties on it.
    atoms : list of rdkit.Chem.Atom
        The atoms in index order.
    atomic_numbers, charges, hydrogens, valences, isotopes, ring_counts : list of int
        Per atom: Z, formal charge, total hydrogens, total valence, isotope (0 if
        unspecified) and number of rings the atom is in.
    aromatic : list of bool
        Aromaticity of each atom.
    atom_codes : list of int
        One number below 2**28 per atom for its Z, aromaticity, hydrogens, degree and charge.
    bonds : list of tuple of (int, int, int)
        Atom indices (i < j) and doubled bond order of each bond.
    neighbors : list of list of tuple of (int, int)
        For each atom, (neighbor, doubled bond order) in index order.
    ring_sizes : list of int
        Number of atoms in each ring of the (symmetrized) smallest set.
    ring_bonds : set of tuple of (int, int, int)
        The bonds that are in rings.
    orders : ndarray of float64, shape (n_atoms, n_atoms)
        Bond orders; zero where there is no bond.
    adjacency : ndarray of float64, shape (n_atoms, n_atoms)
        One where there is a bond, zero elsewhere.
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
    neighbors: list[list[tuple[int, int]]]
    ring_sizes: list[int]
    ring_bonds: set[tuple[int, int, int]]
    orders: FloatArray
    adjacency: FloatArray

    @property
    def size(self) -> int:
        """Number of atoms."""
        return len(self.atoms)


def build_graph(mol: Chem.Mol) -> MolecularGraph | None:
    """Read the tables of a molecule.

    Parameters
    ----------
    mol : rdkit.Chem.Mol
        Sanitized molecule; it is not changed.

    Returns
    -------
    MolecularGraph or None
        None for the molecules that the shared tables do not describe: no atoms or more
        than `MAX_ATOMS`, hydrogen atoms in the graph, property caches not computed, bonds that
        are not single, double, triple or aromatic, or aromatic rings in a Kekulé form.
    """
    size = mol.GetNumAtoms()
    if not 0 < size <= MAX_ATOMS or mol.NeedsUpdatePropertyCache():
        return None
    work = Chem.Mol(mol)
    atoms = [work.GetAtomWithIdx(i) for i in range(size)]
    atomic_numbers = [a.GetAtomicNum() for a in atoms]
    if 1 in atomic_numbers:
        return None
    aromatic = [a.GetIsAromatic() for a in atoms]
    orders: FloatArray = Chem.GetAdjacencyMatrix(work, useBO=True)
    tables = _bond_tables(work, orders, aromatic)
    if tables is None:
        return None
    rings = work.GetRingInfo().AtomRings()
    ring_bonds = _ring_bonds(rings, tables[0]) if rings else set()
    ring_counts = [0] * size
    for ring in rings:
        for index in ring:
            ring_counts[index] += 1
    charges = [a.GetFormalCharge() for a in atoms]
    hydrogens = [a.GetTotalNumHs() for a in atoms]
    if not all(aromatic[i] for i, rings_of in enumerate(ring_counts) if rings_of):
        planar = [len(n) + h <= _PLANAR_NEIGHBORS for n, h in zip(tables[1], hydrogens, strict=True)]
        if _has_planar_ring(rings, planar, aromatic) and not _is_perceived(work, aromatic):
            return None
    codes = [
        z | a << 7 | h << 8 | len(n) << 14 | (c + 64) << 20
        for z, a, h, n, c in zip(atomic_numbers, aromatic, hydrogens, tables[1], charges, strict=True)
    ]
    return MolecularGraph(
        mol=work,
        atoms=atoms,
        atomic_numbers=atomic_numbers,
        aromatic=aromatic,
        charges=charges,
        hydrogens=hydrogens,
        valences=[a.GetTotalValence() for a in atoms],
        isotopes=[a.GetIsotope() for a in atoms],
        ring_counts=ring_counts,
        atom_codes=codes,
        bonds=tables[0],
        neighbors=tables[1],
        ring_sizes=[len(ring) for ring in rings],
        ring_bonds=ring_bonds,
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
    neighbors: list[list[tuple[int, int]]] = [[] for _ in aromatic]
    for i, j, code in zip(rows.tolist(), columns.tolist(), map(int, codes), strict=True):
        neighbors[i].append((j, code))
        if i < j:
            bonds.append((i, j, code))
            both_aromatic = aromatic[i] and aromatic[j]
            if code == AROMATIC and not both_aromatic:
                return None
            if both_aromatic and code > AROMATIC and _is_flagged(mol, i, j):
                return None
    return bonds, neighbors


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


def _has_planar_ring(rings: tuple[tuple[int, ...], ...], planar: list[bool], aromatic: list[bool]) -> bool:
    """Whether a ring that is not aromatic could be so by the numbers of its atoms' neighbors."""
    return any(
        all([planar[i] for i in ring]) and not all([aromatic[i] for i in ring])  # noqa: C419
        for ring in rings
    )


def _is_perceived(mol: Chem.Mol, aromatic: list[bool]) -> bool:
    """Whether sanitizing again, as some of RDKit's descriptors do, leaves aromaticity as it is."""
    sanitized = Chem.Mol(mol)
    Chem.SanitizeMol(sanitized)
    return [atom.GetIsAromatic() for atom in sanitized.GetAtoms()] == aromatic


def _is_flagged(mol: Chem.Mol, i: int, j: int) -> bool:
    """Whether a bond is flagged as aromatic (although it has another order, in a Kekulé form)."""
    flag: bool = mol.GetBondBetweenAtoms(i, j).GetIsAromatic()
    return flag
