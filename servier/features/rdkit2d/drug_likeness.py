"""Fragment counts and the quantitative estimate of drug-likeness (QED).

References
----------
.. [1] G. R. Bickerton, G. V. Paolini, J. Besnard, S. Muresan, A. L. Hopkins, Nat. Chem. 2012,
   4, 90-98, doi:10.1038/nchem.1243
"""

import csv
import math
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from rdkit import RDConfig

from servier.features.rdkit2d.molecular_graph import SINGLE, MolecularGraph
from servier.features.rdkit2d.names import FRAGMENT_NAMES
from servier.features.rdkit2d.substructures import PatternScreen, ScreenedMolecule


class _Patterns(NamedTuple):
    """Screen of all patterns and the positions of those of each use."""

    screen: PatternScreen
    fragments: range
    acceptors: range
    alerts: range


class QedProperties(NamedTuple):
    """The properties that the estimate takes from other descriptors."""

    weight: float
    logp: float
    donors: int
    polar_surface: float
    rotatable_bonds: int


def screen_molecule(graph: MolecularGraph) -> ScreenedMolecule:
    """Screen a molecule against the fragment, acceptor and alert patterns.

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    What `fragment_counts` and `qed` need.
    """
    return _patterns().screen.screen(graph)


def fragment_counts(screened: ScreenedMolecule) -> list[int]:
    """Count the fragments of RDKit's fragment descriptors.

    Parameters
    ----------
    screened
        The molecule.

    Returns
    -------
    85 counts, in the order of `names.FRAGMENT_NAMES`.
    """
    return screened.counts(_patterns().fragments)


def qed(graph: MolecularGraph, screened: ScreenedMolecule, properties: QedProperties) -> float:
    """Compute the weighted quantitative estimate of drug-likeness (ref. [1]_ of the module).

    Parameters
    ----------
    graph
        The molecule.
    screened
        The molecule, screened.
    properties
        Properties computed elsewhere.

    Returns
    -------
    Geometric mean of eight desirabilities with the mean weights of the reference.
    """
    patterns = _patterns()
    values = (
        properties.weight,
        properties.logp,
        sum(screened.counts(patterns.acceptors)),
        properties.donors,
        properties.polar_surface,
        properties.rotatable_bonds,
        _aromatic_cycles(graph),
        screened.matching(patterns.alerts),
    )
    parameters, weights = _desirability_parameters()
    logarithms = [
        weight * math.log(_desirability(value, p))
        for value, p, weight in zip(values, parameters, weights, strict=True)
    ]
    return math.exp(sum(logarithms) / sum(weights))


def _desirability(x: float, parameters: tuple[float, ...]) -> float:
    """Return the asymmetric double sigmoid, scaled to a maximum of one."""
    a, b, c, d, e, f, maximum = parameters
    rise = 1.0 + math.exp(-(x - c + d / 2.0) / e)
    fall = 1.0 + math.exp(-(x - c - d / 2.0) / f)
    return (a + b / rise * (1.0 - 1.0 / fall)) / maximum


def _aromatic_cycles(graph: MolecularGraph) -> int:
    """Count the independent cycles without the aliphatic ring atoms that have an aliphatic neighbour."""
    aromatic = graph.aromatic
    kept = {
        index
        for index, rings in enumerate(graph.ring_counts)
        if rings
        and (aromatic[index] or all(code != SINGLE or aromatic[j] for j, code in graph.neighbours[index]))
    }
    if not kept:
        return 0
    bonds = sum([i in kept and j in kept for i, j, _ in graph.bonds])
    cycles = bonds - len(kept)
    while kept:
        cycles += 1
        reached = [kept.pop()]
        while reached:
            for neighbour, _ in graph.neighbours[reached.pop()]:
                if neighbour in kept:
                    kept.remove(neighbour)
                    reached.append(neighbour)
    return cycles


@cache
def _patterns() -> _Patterns:
    definitions = _fragment_definitions()
    rdkit_qed = _rdkit_qed()
    fragments = [definitions[name] for name in FRAGMENT_NAMES]
    smarts = [*fragments, *rdkit_qed.AcceptorSmarts, *rdkit_qed.StructuralAlertSmarts]
    acceptors = len(fragments)
    alerts = acceptors + len(rdkit_qed.AcceptorSmarts)
    return _Patterns(
        PatternScreen(smarts),
        range(acceptors),
        range(acceptors, alerts),
        range(alerts, len(smarts)),
    )


def _fragment_definitions() -> dict[str, str]:
    """Return the SMARTS of the fragment descriptors by name, from RDKit's data file."""
    path = Path(RDConfig.RDDataDir) / "FragmentDescriptors.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {
            row[0].replace("=", "_").replace("-", "_"): row[2].strip()
            for row in rows
            if row[2:] and not row[0].startswith("#")
        }


@cache
def _desirability_parameters() -> tuple[list[tuple[float, ...]], tuple[float, ...]]:
    rdkit_qed = _rdkit_qed()
    names = rdkit_qed.QEDproperties._fields
    return [tuple(rdkit_qed.adsParameters[n]) for n in names], tuple(rdkit_qed.WEIGHT_MEAN)


def _rdkit_qed() -> Any:
    from rdkit.Chem import QED

    return QED
