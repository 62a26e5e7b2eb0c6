"""Extreme eigenvalues of Burden matrices (BCUT2D).

References
----------
.. [1] F. R. Burden, J. Chem. Inf. Comput. Sci. 1989, 29, 225-227, doi:10.1021/ci00063a011
.. [2] R. S. Pearlman, K. M. Smith, Perspect. Drug Discov. Des. 1998, 9, 339-353,
   doi:10.1023/A:1027232610247
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from servier.features.rdkit2d.molecular_graph import (
    AROMATIC,
    DOUBLE,
    SINGLE,
    TRIPLE,
    FloatArray,
    MolecularGraph,
)

_UNBONDED: Final = 0.001
_INVERSE_ROOTS: Final = np.full(TRIPLE + 1, np.nan)
for _code in (SINGLE, AROMATIC, DOUBLE, TRIPLE):
    _INVERSE_ROOTS[_code] = (_code / 2.0) ** -0.5
_INVERSE_ROOTS[0] = _UNBONDED


def spectra(
    graph: MolecularGraph, diagonals: Sequence[Sequence[float]], adjacency: FloatArray | None
) -> FloatArray:
    """Compute the eigenvalues of Burden matrices, and of the adjacency matrix with them.

    Off the diagonal a Burden matrix has the inverse square root of the bond order for bonded
    atoms and 0.001 for others.

    Parameters
    ----------
    graph
        The molecule.
    diagonals
        Properties of the atoms, on the diagonals of k Burden matrices.
    adjacency
        A further symmetric matrix to solve in the same call, float64, shape (n_atoms, n_atoms), or None.

    Returns
    -------
    Eigenvalues in ascending order, float64, shape (k, n_atoms), or (k + 1, n_atoms) with the further matrix.
    """
    size = graph.size
    matrices = np.empty((len(diagonals) + (adjacency is not None), size, size))
    if diagonals:
        matrices[:] = _INVERSE_ROOTS[(2.0 * graph.orders).astype(np.intp)]
        flat = matrices.reshape(len(matrices), -1)
        flat[: len(diagonals), :: size + 1] = diagonals
    if adjacency is not None:
        matrices[-1] = adjacency
    return np.asarray(np.linalg.eigvalsh(matrices), dtype=np.float64)
