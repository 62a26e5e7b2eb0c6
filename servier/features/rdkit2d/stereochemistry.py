"""Spacial score of a molecule.

References
----------
.. [1] A. Krzyzanowski, A. Pahl, M. Grigalunas, H. Waldmann, J. Med. Chem. 2023, 66,
   12739-12750, doi:10.1021/acs.jmedchem.3c00689
"""

import math
from itertools import repeat
from typing import Final

from rdkit import Chem

from servier.features.rdkit2d.molecular_graph import DOUBLE, MolecularGraph

_HYBRIDIZATION_TERMS: Final = {
    Chem.HybridizationType.SP: 1,
    Chem.HybridizationType.SP2: 2,
    Chem.HybridizationType.SP3: 3,
}
_OTHER_HYBRIDIZATION: Final = 4
_COMMON: Final = frozenset({6, 7, 8, 9, 16, 17, 35, 53})
_INVERTING: Final = frozenset({6, 7})
"""Elements that are flat, or turn inside out, with three substituents."""
_TETRAHEDRAL: Final = Chem.StereoType.Atom_Tetrahedral


def spacial_score(graph: MolecularGraph) -> float:
    """Compute the size-normalized spacial score (ref. [1]_ of the module).

    The sum over atoms of the product of a hybridization term, a stereo term, a term for
    non-aromatic rings and the squared number of neighbours, divided by the number of heavy
    atoms. It must be the last value computed from a graph: stereo perception marks the
    graph's copy of the molecule.

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    The score; NaN without heavy atoms.
    """
    heavy = graph.mol.GetNumHeavyAtoms()
    if not heavy:
        return math.nan
    stereo = _stereo_atoms(graph)
    score = 0
    for index, atom in enumerate(graph.atoms):
        term = len(graph.neighbours[index]) ** 2
        term *= _HYBRIDIZATION_TERMS.get(atom.GetHybridization(), _OTHER_HYBRIDIZATION)
        if index in stereo:
            term *= 2
        if graph.ring_counts[index] and not graph.aromatic[index]:
            term *= 2
        score += term
    return score / float(heavy)


def _stereo_atoms(graph: MolecularGraph) -> set[int]:
    """Return the atoms that are possible stereocentres or in a double bond with possible E/Z isomers."""
    mol = graph.mol
    Chem.FindPotentialStereoBonds(mol)
    atoms = _stereocentres(mol) if any(map(_can_be_stereocentre, repeat(graph), range(graph.size))) else set()
    for i, j, code in graph.bonds:
        if code == DOUBLE:
            stereo = mol.GetBondBetweenAtoms(i, j).GetStereo()
            if stereo != Chem.BondStereo.STEREONONE:
                atoms.update((i, j))
    return atoms


def _can_be_stereocentre(graph: MolecularGraph, index: int) -> bool:
    """Say whether an atom may be a stereocentre: False where it surely is none.

    RDKit wants three or more neighbours of the common elements, and a fourth substituent of carbon; nitrogen
    with three only in a ring of three atoms or where rings meet. Other elements may always be stereocentres.
    """
    z = graph.atomic_numbers[index]
    if z not in _COMMON:
        return True
    degree, hydrogens = len(graph.neighbours[index]), graph.hydrogens[index]
    if degree < 3 or hydrogens > 1:
        return False
    if z in _INVERTING and degree + hydrogens == 3:
        rings = graph.ring_counts[index]
        return z == 7 and (rings > 1 or (rings == 1 and 3 in graph.ring_sizes))
    return degree > 4 or not _has_like_ends(graph, index)


def _has_like_ends(graph: MolecularGraph, index: int) -> bool:
    """Say whether two neighbours of an atom have no other neighbours and cannot be told apart."""
    ends = [
        (graph.atom_codes[j], order, graph.isotopes[j], graph.atoms[j].GetAtomMapNum())
        for j, order in graph.neighbours[index]
        if len(graph.neighbours[j]) == 1
    ]
    return len(set(ends)) < len(ends)


def _stereocentres(mol: Chem.Mol) -> set[int]:
    """Return the atoms that can be tetrahedral stereocentres, by the perception that RDKit's score uses."""
    legacy = Chem.GetUseLegacyStereoPerception()
    Chem.SetUseLegacyStereoPerception(False)
    try:
        elements = Chem.FindPotentialStereo(mol)
    finally:
        Chem.SetUseLegacyStereoPerception(legacy)
    return {e.centeredOn for e in map(elements.__getitem__, range(len(elements))) if e.type == _TETRAHEDRAL}
