"""Hydrogen bond acceptors and rotatable bonds.

The definitions are those of RDKit: the acceptors are adapted from A. Gobbi, D. Poppinger,
Biotechnol. Bioeng. 1998, 61, 47-54, and the rotatable bonds are the strict ones, which leave
out amide-like bonds and those to trihalomethyl and tert-butyl groups.
"""

from typing import Final

from servier.features.rdkit2d.molecular_graph import DOUBLE, SINGLE, TRIPLE, MolecularGraph

_CARBON: Final = 6
_NITROGEN: Final = 7
_OXYGEN: Final = 8
_FLUORINE: Final = 9
_PHOSPHORUS: Final = 15
_SULFUR: Final = 16
_CHLORINE: Final = 17
_BROMINE: Final = 35
_CHALCOGENS: Final = frozenset({_OXYGEN, _SULFUR})
_ACCEPTING: Final = frozenset({_NITROGEN, _OXYGEN, _SULFUR})
_UNSATURATING: Final = frozenset({_NITROGEN, _OXYGEN, _PHOSPHORUS, _SULFUR})
_AMIDE_DEGREE: Final = 3
_BULKY: Final = 3
_METHYL_HYDROGENS: Final = 3
_DIVALENT: Final = 2
_TRIVALENT: Final = 3


def hydrogen_bond_acceptors(graph: MolecularGraph) -> int:
    """Count the hydrogen bond acceptors.

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    How many acceptor atoms there are.
    """
    numbers = graph.atomic_numbers
    return sum([_is_acceptor(graph, i) for i, z in enumerate(numbers) if z in _ACCEPTING])


def _is_acceptor(graph: MolecularGraph, index: int) -> bool:
    z, charge = graph.atomic_numbers[index], graph.charges[index]
    hydrogens, valence = graph.hydrogens[index], graph.valences[index]
    if graph.aromatic[index]:
        return charge == 0 and hydrogens == 0 and len(graph.neighbours[index]) == _DIVALENT
    if z == _NITROGEN:
        return valence == _TRIVALENT and not any(
            code == SINGLE and _has_double_bond(graph, j, exocyclic=True)
            for j, code in graph.neighbours[index]
        )
    if charge == -1:
        return True
    if valence != _DIVALENT or hydrogens > 1:
        return False
    return hydrogens == 0 or any(
        code == SINGLE and not _has_double_bond(graph, j, exocyclic=False)
        for j, code in graph.neighbours[index]
    )


def _has_double_bond(graph: MolecularGraph, index: int, *, exocyclic: bool) -> bool:
    """Say whether an atom has a double bond (outside rings) to aliphatic N, O, P or S."""
    return any(
        code == DOUBLE
        and graph.atomic_numbers[j] in _UNSATURATING
        and not graph.aromatic[j]
        and not (exocyclic and _in_ring(graph, index, j, code))
        for j, code in graph.neighbours[index]
    )


def _in_ring(graph: MolecularGraph, i: int, j: int, code: int) -> bool:
    return ((i, j, code) if i < j else (j, i, code)) in graph.ring_bonds


def rotatable_bonds(graph: MolecularGraph) -> int:
    """Count the rotatable bonds by the strict definition.

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    How many rotatable bonds there are.
    """
    neighbours, ring_bonds = graph.neighbours, graph.ring_bonds
    number = 0
    for bond in graph.bonds:
        i, j, code = bond
        if (
            code == SINGLE
            and len(neighbours[i]) > 1
            and len(neighbours[j]) > 1
            and bond not in ring_bonds
            and not _is_linear_or_bulky(graph, i)
            and not _is_linear_or_bulky(graph, j)
        ):
            number += not (_is_amide_like(graph, i) and _is_amide_like(graph, j))
    return number


def _is_linear_or_bulky(graph: MolecularGraph, index: int) -> bool:
    """Say whether an atom has a triple bond, or is the carbon of CX3 (X = F, Cl, Br or CH3)."""
    nbrs = graph.neighbours[index]
    if len(nbrs) == 2:
        return nbrs[0][1] == TRIPLE or nbrs[1][1] == TRIPLE
    if any(code == TRIPLE for _, code in nbrs):
        return True
    if len(nbrs) <= _BULKY or graph.atomic_numbers[index] != _CARBON:
        return False
    ends = [
        graph.atomic_numbers[j]
        for j, code in nbrs
        if code == SINGLE
        and not graph.aromatic[j]
        and len(graph.neighbours[j]) == 1
        and (graph.atomic_numbers[j] != _CARBON or graph.hydrogens[j] == _METHYL_HYDROGENS)
    ]
    return any(ends.count(z) >= _BULKY for z in (_FLUORINE, _CHLORINE, _BROMINE, _CARBON))


def _is_amide_like(graph: MolecularGraph, index: int) -> bool:
    """Say whether an atom is on either side of an acyclic bond like the C-N bond of an amide."""
    z = graph.atomic_numbers[index]
    if z == _CARBON:
        return _is_acyl(graph, index) and any(
            code == SINGLE and _is_amide_hetero(graph, j) and not _in_ring(graph, index, j, code)
            for j, code in graph.neighbours[index]
        )
    return _is_amide_hetero(graph, index) and any(
        code == SINGLE and _is_acyl(graph, j) and not _in_ring(graph, index, j, code)
        for j, code in graph.neighbours[index]
    )


def _is_acyl(graph: MolecularGraph, index: int) -> bool:
    nbrs = graph.neighbours[index]
    return (
        graph.atomic_numbers[index] == _CARBON
        and len(nbrs) == _AMIDE_DEGREE
        and not graph.aromatic[index]
        and any(
            code == DOUBLE and graph.atomic_numbers[j] in _ACCEPTING and not graph.aromatic[j]
            for j, code in nbrs
        )
    )


def _is_amide_hetero(graph: MolecularGraph, index: int) -> bool:
    z = graph.atomic_numbers[index]
    if z == _NITROGEN:
        return True
    if z not in _CHALCOGENS or graph.aromatic[index]:
        return False
    return z == _OXYGEN or len(graph.neighbours[index]) > 1
