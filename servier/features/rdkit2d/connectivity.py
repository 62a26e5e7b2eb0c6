"""Molecular connectivity (chi) and shape (kappa) indices.

References
----------
.. [1] L. H. Hall, L. B. Kier, Rev. Comput. Chem. 1991, 2, 367-422,
   doi:10.1002/9780470125793.ch9
"""

import math
from itertools import chain, combinations
from typing import Final, NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from servier.features.rdkit2d.molecular_graph import FloatArray, MolecularGraph

_OUTER_ELECTRONS: Final = [Chem.GetPeriodicTable().GetNOuterElecs(z) for z in range(119)]
_FIRST_LONG_ROW: Final = 11
_FIRST_LARGE_RING: Final = 5
_ROUNDING: Final = 1e-12
"""Sums over no path at all come out as small as this, instead of zero."""
_INVERSE_ROOTS: Final = [0.0] + [1.0 / math.sqrt(n) for n in range(1, 301)]


class _SmallCycles(NamedTuple):
    """Atoms, in ring order, of the cycles of three and of four atoms."""

    triangles: list[tuple[int, int, int]]
    squares: list[tuple[int, int, int, int]]


class ConnectivityIndices(NamedTuple):
    """Connectivity and shape indices of a molecule.

    Parameters
    ----------
    chi
        Chi0, Chi0n, Chi0v, Chi1, Chi1n, Chi1v, Chi2n, Chi2v, Chi3n, Chi3v, Chi4n, Chi4v.
    hall_kier_alpha
        Sum of the Hall-Kier alpha values.
    kappa
        Shape indices of the orders 1 to 3.
    phi
        Molecular flexibility.
    """

    chi: list[float]
    hall_kier_alpha: float
    kappa: list[float]
    phi: float


def connectivity_indices(graph: MolecularGraph) -> ConnectivityIndices:
    """Compute all chi and kappa indices of a molecule (equations of ref. [1]_ of the module).

    Parameters
    ----------
    graph
        The molecule.

    Returns
    -------
    The indices.
    """
    degrees = [len(nbrs) for nbrs in graph.neighbours]
    chi0 = sum([_INVERSE_ROOTS[d] for d in degrees])
    chi1 = sum([_INVERSE_ROOTS[degrees[i]] * _INVERSE_ROOTS[degrees[j]] for i, j, _ in graph.bonds])
    weights = _inverse_root_deltas(graph)
    if weights is None:
        return _rdkit_indices(graph.mol, chi0, chi1)
    cycles = _small_cycles(graph)
    sums = _path_sums(graph, np.array(weights), cycles).tolist()
    chi = [chi0, *sums[0], chi1, *chain.from_iterable(sums[1:])]
    alpha = rdMolDescriptors.CalcHallKierAlpha(graph.mol)
    heavy = graph.mol.GetNumHeavyAtoms()
    pairs = sum([d * (d - 1) for d in degrees]) // 2
    triples = sum([(degrees[i] - 1) * (degrees[j] - 1) for i, j, _ in graph.bonds])
    counts = (len(graph.bonds), pairs, triples - 2 * len(cycles.triangles))
    kappa = _kappa(counts, heavy, alpha)
    phi = kappa[0] * kappa[1] / heavy if heavy else 0.0
    return ConnectivityIndices(chi, alpha, kappa, phi)


def _inverse_root_deltas(graph: MolecularGraph) -> tuple[list[float], list[float]] | None:
    """Return the inverse square roots of the simple and the valence deltas; None if one is imaginary."""
    simple: list[float] = []
    valence: list[float] = []
    for z, hydrogens in zip(graph.atomic_numbers, graph.hydrogens, strict=True):
        outer = _OUTER_ELECTRONS[z]
        delta = outer - hydrogens
        inner = z - outer - 1
        if delta < 0 or (z >= _FIRST_LONG_ROW and inner <= 0):
            return None
        root = _INVERSE_ROOTS[delta]
        simple.append(root)
        if z < _FIRST_LONG_ROW:
            valence.append(root if z > 1 else 0.0)
        else:
            valence.append(1.0 / math.sqrt(delta / inner) if delta else 0.0)
    return simple, valence


def _small_cycles(graph: MolecularGraph) -> _SmallCycles:
    """List the cycles of three and of four atoms; they need a ring of such a size."""
    triangles: list[tuple[int, int, int]] = []
    squares: list[tuple[int, int, int, int]] = []
    if any(size < _FIRST_LARGE_RING for size in graph.ring_sizes):
        sets = [{j for j, _ in nbrs} for nbrs in graph.neighbours]
        for i, j in combinations([i for i, rings in enumerate(graph.ring_counts) if rings], 2):
            common = sorted(sets[i] & sets[j])
            if i in sets[j]:
                triangles += [(i, j, k) for k in common if k > j]
            squares += [(i, k, j, m) for k, m in combinations(common, 2) if k > i]
    return _SmallCycles(triangles, squares)


def _path_sums(graph: MolecularGraph, weights: FloatArray, cycles: _SmallCycles) -> FloatArray:
    """Sum, over the paths of 0 to 4 bonds, the products of the weights of their atoms.

    A path of 3 (4) bonds is an edge (a pair of adjacent edges) with one more edge at either end. Those
    further edges can meet in cycles of three and four atoms. RDKit counts such a cycle as one path, with
    each atom once, and a triangle with one edge attached as one too, with the atom of the attachment twice;
    other closed walks do not count.

    Parameters
    ----------
    graph, cycles
        The molecule and its small cycles.
    weights
        float64, shape (n_sets, n_atoms): several sets of weights.

    Returns
    -------
    float64, shape (5, n_sets).
    """
    squares = weights * weights
    around = weights @ graph.adjacency
    ends = weights * around
    together = np.concatenate([squares, ends, ends * ends, ends * weights]) @ graph.adjacency
    squares_near, ends_near, squared_ends_near, weighted_ends_near = together.reshape(4, *weights.shape)
    beyond = ends_near - ends  # over the neighbours of a centre: their weights times those beyond
    beyond_squares = squared_ends_near - 2.0 * weights * weighted_ends_near + squares * squares_near
    sums = np.concatenate(
        [
            weights,
            0.5 * ends,
            0.5 * weights * (around * around - squares_near),
            0.5 * (ends * ends_near + squares * squares_near) - ends * ends,
            0.5 * weights * (beyond * beyond - beyond_squares),
        ]
    )
    totals: FloatArray = sums.sum(axis=1).reshape(5, -1)
    if cycles.triangles or cycles.squares:
        for column, (of_atom, of_neighbours) in enumerate(
            zip(weights.tolist(), around.tolist(), strict=True)
        ):
            three, four = _closed_walks(of_atom, of_neighbours, cycles)
            totals[3, column] += three
            totals[4, column] += four
    totals[np.abs(totals) < _ROUNDING] = 0.0
    return totals


def _closed_walks(weights: list[float], around: list[float], cycles: _SmallCycles) -> tuple[float, float]:
    """Return what cycles of three and four atoms add to the sums over the paths of 3 and of 4 bonds."""
    three = four = 0.0
    for triangle in cycles.triangles:
        a, b, c = (weights[i] for i in triangle)
        three += a * b * c * (1.0 - a - b - c)
        four -= a * b * c * (a * b + a * c + b * c)
        outside = [around[i] - a - b - c + weights[i] for i in triangle]
        four -= a * b * c * (a * outside[0] + b * outside[1] + c * outside[2])
    for square in cycles.squares:
        a, b, c, d = (weights[i] for i in square)
        four += a * b * c * d * (1.0 - a - b - c - d)
    return three, four


def _kappa(counts: tuple[int, int, int], heavy: int, alpha: float) -> list[float]:
    size = heavy + alpha
    numerators = (
        size * (size - 1.0) ** 2,
        (size - 1.0) * (size - 2.0) ** 2,
        (size - (1.0 if heavy % 2 else 2.0)) * (size - 3.0) ** 2,
    )
    denominators = [(count + alpha) ** 2 for count in counts]
    return [n / d if d else 0.0 for n, d in zip(numerators, denominators, strict=True)]


def _rdkit_indices(mol: Chem.Mol, chi0: float, chi1: float) -> ConnectivityIndices:
    chi = [
        chi0,
        rdMolDescriptors.CalcChi0n(mol),
        rdMolDescriptors.CalcChi0v(mol),
        chi1,
        rdMolDescriptors.CalcChi1n(mol),
        rdMolDescriptors.CalcChi1v(mol),
    ]
    for order in (2, 3, 4):
        chi += [
            rdMolDescriptors.CalcChiNn(mol, order),
            rdMolDescriptors.CalcChiNv(mol, order),
        ]
    kappa = [
        rdMolDescriptors.CalcKappa1(mol),
        rdMolDescriptors.CalcKappa2(mol),
        rdMolDescriptors.CalcKappa3(mol),
    ]
    alpha = rdMolDescriptors.CalcHallKierAlpha(mol)
    return ConnectivityIndices(chi, alpha, kappa, rdMolDescriptors.CalcPhi(mol))
