"""Electrotopological state indices and the surface-area histograms built on atom values.

References
----------
.. [1] L. H. Hall, B. Mohney, L. B. Kier, J. Chem. Inf. Comput. Sci. 1991, 31, 76-82,
   doi:10.1021/ci00001a012
.. [2] P. Labute, J. Mol. Graph. Model. 2000, 18, 464-477, doi:10.1016/S1093-3263(00)00068-1
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from rdkit import Chem

from servier.features.rdkit2d.molecular_graph import FloatArray, MolecularGraph

PEOE_EDGES: Final = np.array(
    [-0.30, -0.25, -0.20, -0.15, -0.10, -0.05, 0.0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30]
)
SMR_EDGES: Final = np.array([1.29, 1.82, 2.24, 2.45, 2.75, 3.05, 3.63, 3.8, 4.0])
SLOGP_EDGES: Final = np.array([-0.4, -0.2, 0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6])
ESTATE_EDGES: Final = np.array([-0.390, 0.290, 0.717, 1.165, 1.540, 1.807, 2.05, 4.69, 9.17, 15.0])
VSA_EDGES: Final = np.array([4.78, 5.00, 5.410, 5.740, 6.00, 6.07, 6.45, 7.00, 11.0])

_UNCONNECTED: Final = 1e6


def _intrinsic_factor(atomic_number: int) -> float:
    """Return 4 / N**2, with N the principal quantum number of the valence shell."""
    shell = 1 + sum(atomic_number > last for last in (2, 10, 18, 36, 54, 86))
    return 4.0 / (shell * shell)


_FACTORS: Final = [_intrinsic_factor(z) for z in range(119)]
_OUTER_ELECTRONS: Final = [Chem.GetPeriodicTable().GetNOuterElecs(z) for z in range(119)]


def estate_indices(graph: MolecularGraph, distances: FloatArray) -> FloatArray:
    """Compute the electrotopological state index of each atom.

    The index is the intrinsic state of the atom plus the sum of its differences from the
    intrinsic states of all others, divided by the squared number of atoms in the shortest
    path between the two (ref. [1]_ of the module).

    Parameters
    ----------
    graph
        The molecule.
    distances
        Topological distances, float64, shape (n_atoms, n_atoms); at least 1e6 between unconnected atoms.

    Returns
    -------
    Index of each atom, float64, shape (n_atoms,).
    """
    intrinsic = np.array(
        [
            (_FACTORS[z] * (_OUTER_ELECTRONS[z] - h) + 1) / len(nbrs) if nbrs else 0.0
            for z, h, nbrs in zip(graph.atomic_numbers, graph.hydrogens, graph.neighbours, strict=True)
        ]
    )
    path_atoms = distances + 1.0
    perturbation = intrinsic - intrinsic[:, None]
    perturbation /= path_atoms * path_atoms
    perturbation[path_atoms >= _UNCONNECTED] = 0.0
    total: FloatArray = perturbation.sum(axis=0) + intrinsic
    return total


def histogram(values: Sequence[float] | FloatArray, edges: FloatArray, weights: FloatArray) -> list[float]:
    """Sum weights by the bin that a value falls into.

    Parameters
    ----------
    values
        Values to put into bins; a bin includes its lower edge, NaN falls into the last bin.
    edges
        Ascending inner edges, float64, shape (n_bins - 1,).
    weights
        Weight of each value, float64, shape (n,).

    Returns
    -------
    Sum of the weights in each of n_bins bins.
    """
    bins = edges.searchsorted(values, side="right")
    sums: list[float] = np.bincount(bins, weights, len(edges) + 1).tolist()
    return sums
