"""Topological information indices: Balaban J, Bertz complexity, characteristic polynomial.

References
----------
.. [1] A. T. Balaban, Chem. Phys. Lett. 1982, 89, 399-404, doi:10.1016/0009-2614(82)80009-2
.. [2] S. H. Bertz, J. Am. Chem. Soc. 1981, 103, 3599-3601, doi:10.1021/ja00402a071
.. [3] D. Bonchev, N. Trinajstić, J. Chem. Phys. 1977, 67, 4517-4533, doi:10.1063/1.434593
"""

import math
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from servier.features.rdkit2d.molecular_graph import SINGLE, FloatArray, MolecularGraph

MAX_SPECTRAL_SIZE: Final = 64
"""Largest graph whose polynomial is sought from its eigenvalues."""

_MAX_ROUNDING: Final = 0.01
_NEAREST_ATOMS: Final = 100
_DISTANCE_STEPS: Final = 1e4


def balaban_j(graph: MolecularGraph, weighted_distances: FloatArray) -> float:
    """Compute the average distance sum connectivity J (ref. [1]_ of the module).

    Parameters
    ----------
    graph
        The molecule.
    weighted_distances
        Shortest path lengths with bonds of length 1 / (bond order), float64, shape (n_atoms, n_atoms).

    Returns
    -------
    J; zero if the cyclomatic number is -1.
    """
    sums = weighted_distances.sum(axis=0).tolist()
    cyclomatic = len(graph.bonds) - graph.size + 1
    if cyclomatic == -1:
        return 0.0
    total = sum([1.0 / math.sqrt(sums[i] * sums[j]) for i, j, _ in graph.bonds])
    return len(graph.bonds) / (cyclomatic + 1.0) * total


def bertz_ct(graph: MolecularGraph, weighted_distances: FloatArray) -> float:
    """Compute the complexity index of Bertz (ref. [2]_ of the module).

    The information content of the connections (pairs of adjacent bonds and multiple bonds,
    classed by the symmetry of their atoms) plus that of the elements. Atoms are alike if
    their sorted distances to their nearest hundred atoms agree to four decimals.

    Parameters
    ----------
    graph
        The molecule.
    weighted_distances
        Shortest path lengths with bonds of length 1 / (bond order), float64, shape (n_atoms, n_atoms).

    Returns
    -------
    The index in bits; zero for a single atom.
    """
    if graph.size == 1:
        return 0.0
    classes = _symmetry_classes(weighted_distances)
    connections = _connections(graph, classes)
    total = sum(connections)
    elements = Counter(graph.atomic_numbers).values()
    return graph.size * _entropy(elements, graph.size) + total * (
        _entropy(connections, total) + math.log(total) / math.log(2.0)
    )


def _symmetry_classes(weighted_distances: FloatArray) -> list[int]:
    nearest = np.sort(weighted_distances, axis=1)[:, :_NEAREST_ATOMS]
    keys = np.rint(nearest * _DISTANCE_STEPS)
    numbers: dict[bytes, int] = {}
    return [numbers.setdefault(row.tobytes(), len(numbers)) for row in keys]


def _connections(graph: MolecularGraph, classes: list[int]) -> list[float]:
    """Return the number of connections of each class, scaled by 4 as the bond codes are doubled orders."""
    size = graph.size
    counts: dict[int, int] = {}
    for i, j, code in graph.bonds:
        if code != SINGLE:
            low, high = sorted((classes[i], classes[j]))
            key = -1 - (low * size + high)
            counts[key] = counts.get(key, 0) + code * (code - SINGLE)
    for centre, nbrs in enumerate(graph.neighbours):
        degree = len(nbrs)
        if degree == 1:
            continue
        ends = [(classes[j], code) for j, code in nbrs]
        base = classes[centre] * size
        for k in range(1, degree):
            first, code = ends[k]
            for second, other in ends[:k]:
                low, high = (first, second) if first < second else (second, first)
                key = (base + low) * size + high
                counts[key] = counts.get(key, 0) + 2 * code * other
    return [count / 8.0 for count in counts.values()] or [1.0]


def _entropy(counts: Iterable[float], total: float) -> float:
    """Return the Shannon entropy in bits of counts that add up to a total."""
    return -sum([p * math.log(p) for p in [c / total for c in counts]]) / math.log(2.0)


def polynomial_information(adjacency: FloatArray, eigenvalues: FloatArray | None) -> tuple[float, float]:
    """Compute the information content of the characteristic polynomial's coefficients.

    Parameters
    ----------
    adjacency
        The adjacency matrix of zeros and ones, float64, shape (n_atoms, n_atoms).
    eigenvalues
        Its eigenvalues, float64, shape (n_atoms,), if they are known: they give the coefficients faster.

    Returns
    -------
    The information content per unit of the sum of the coefficients, and in all (equations 7 and 6 of
    ref. [3]_ of the module).
    """
    coefficients = None if eigenvalues is None else _rounded_polynomial(eigenvalues)
    if coefficients is None:
        coefficients = np.abs(faddeev_polynomial(adjacency))
    total = float(coefficients.sum())
    fractions = coefficients[coefficients != 0.0] / total
    mean = -float((fractions * np.log(fractions)).sum()) / math.log(2.0)
    return mean, total * mean


def _rounded_polynomial(eigenvalues: FloatArray) -> FloatArray | None:
    """Return the absolute coefficients, which are integers, by interpolation on the unit circle.

    None if the values are not near enough to integers to be sure of them.
    """
    points, transform = _interpolation(len(eigenvalues))
    values = np.multiply.reduce(points - eigenvalues, axis=1)
    coefficients = transform @ values.view(np.float64)
    rounded = np.rint(coefficients)
    if not np.abs(coefficients - rounded).max() < _MAX_ROUNDING:
        return None
    absolute: FloatArray = np.abs(rounded)
    return absolute


@cache
def _interpolation(degree: int) -> tuple[npt.NDArray[np.complex128], FloatArray]:
    """Return points on the upper half of the unit circle, and the matrix from values to coefficients.

    The matrix, of shape (degree + 1, 2 * points), is the inverse discrete Fourier transform
    of the real and imaginary parts of a polynomial with real coefficients at the points.
    """
    number = degree + 1
    half = np.arange(number // 2 + 1)
    angles = (2.0 * math.pi / number) * half
    weights = np.where((half == 0) | (2 * half == number), 1.0, 2.0) / number
    phases = np.outer(np.arange(number), angles)
    transform = np.stack([weights * np.cos(phases), weights * np.sin(phases)], axis=-1)
    return np.exp(1j * angles)[:, None], transform.reshape(number, -1)


def faddeev_polynomial(adjacency: FloatArray) -> FloatArray:
    """Compute the characteristic polynomial as RDKit does, by the method of Le Verrier, Faddeev and Frame.

    From about a hundred atoms on the coefficients outgrow float64, and what is left depends on how products
    of matrices are rounded. So they are computed by the library that RDKit's code calls, in the same steps:
    the values are RDKit's bit for bit where both have the same number of threads.

    Parameters
    ----------
    adjacency
        The adjacency matrix of zeros and ones, float64, shape (n_atoms, n_atoms).

    Returns
    -------
    The coefficients, float64, shape (n_atoms + 1,).
    """
    size = len(adjacency)
    coefficients = np.ones(size + 1)
    power = adjacency
    for n in range(1, size + 1):
        coefficient = 1.0 / n * power.trace()
        coefficients[n] = -coefficient
        shifted = power.copy()
        shifted.flat[:: size + 1] -= coefficient
        power = adjacency.dot(shifted)
    return coefficients
