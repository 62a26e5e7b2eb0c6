"""Wildman-Crippen atom contributions, remembered by atom environment.

The atom types of Wildman and Crippen [1]_ are SMARTS patterns that look at an atom and its
neighbours, and for oxygen (and the hydrogens on it) at the neighbours of those too. The
contribution of an atom is therefore a function of that environment: it is taken from RDKit
the first time that an environment is met, and from a table afterwards.

References
----------
.. [1] S. A. Wildman, G. M. Crippen, J. Chem. Inf. Comput. Sci. 1999, 39, 868-873,
   doi:10.1021/ci990307l
"""

from collections.abc import Hashable
from typing import Final, NamedTuple

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from servier.features.rdkit2d.molecular_graph import MolecularGraph

_MAX_ENVIRONMENTS: Final = 500_000
_OXYGEN: Final = 8


class _Contribution(NamedTuple):
    """logP and MR of an atom: without and with hydrogens in the graph, and of one hydrogen."""

    logp: float
    mr: float
    full_logp: float
    full_mr: float
    hydrogen_logp: float
    hydrogen_mr: float


class CrippenValues(NamedTuple):
    """Wildman-Crippen values of a molecule.

    Parameters
    ----------
    atom_logp, atom_mr
        Contributions of the atoms of the hydrogen-suppressed graph.
    logp, mr
        Sums over all atoms, hydrogens included.
    """

    atom_logp: list[float]
    atom_mr: list[float]
    logp: float
    mr: float


_contributions: dict[Hashable, _Contribution] = {}


def crippen_values(graph: MolecularGraph) -> CrippenValues:
    """Compute logP and molar refractivity contributions.

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    Atom contributions and molecular sums.
    """
    keys = _environment_keys(graph)
    known = _contributions
    try:
        found = [known[key] for key in keys]
    except KeyError:
        if len(known) > _MAX_ENVIRONMENTS:
            known.clear()
        known.update(zip(keys, _rdkit_contributions(graph), strict=True))
        found = [known[key] for key in keys]
    logps = [c.full_logp for c in found]
    mrs = [c.full_mr for c in found]
    for contribution, hydrogens in zip(found, graph.hydrogens, strict=True):
        if hydrogens:
            logps += [contribution.hydrogen_logp] * hydrogens
            mrs += [contribution.hydrogen_mr] * hydrogens
    return CrippenValues([c.logp for c in found], [c.mr for c in found], sum(logps), sum(mrs))


def _environment_keys(graph: MolecularGraph) -> list[Hashable]:
    codes = graph.atom_codes
    shells = [
        (code, *sorted([codes[j] << 3 | order for j, order in nbrs]))
        for code, nbrs in zip(codes, graph.neighbours, strict=True)
    ]
    return [
        (shell, *sorted([(order, shells[j]) for j, order in nbrs])) if z == _OXYGEN else shell
        for shell, nbrs, z in zip(shells, graph.neighbours, graph.atomic_numbers, strict=True)
    ]


def _rdkit_contributions(graph: MolecularGraph) -> list[_Contribution]:
    contributions = rdMolDescriptors._CalcCrippenContribs  # noqa: SLF001 - as RDKit's Python code does
    bare = contributions(graph.mol)
    hydrogenated = Chem.AddHs(graph.mol)
    full = contributions(hydrogenated)
    on_hydrogen = [(0.0, 0.0)] * graph.size
    for index in range(graph.size, hydrogenated.GetNumAtoms()):
        (bond,) = hydrogenated.GetAtomWithIdx(index).GetBonds()
        on_hydrogen[bond.GetOtherAtomIdx(index)] = full[index]
    return [_Contribution(*(*bare[i], *full[i], *on_hydrogen[i])) for i in range(graph.size)]
