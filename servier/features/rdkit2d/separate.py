"""The values of RDKit's own descriptor functions, one after another.

Nearly all the time of a large molecule goes into a polynomial that RDKit computes for each of two
descriptors; here it is computed once.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from rdkit import Chem, rdBase

from servier.features.rdkit2d.information import faddeev_polynomial
from servier.features.rdkit2d.molecular_graph import FloatArray
from servier.features.rdkit2d.names import DESCRIPTOR_NAMES


def separate_values(mol: Chem.Mol) -> FloatArray:
    """Compute the 2D descriptors of a molecule with RDKit's functions.

    Parameters
    ----------
    mol
        The molecule; it is not changed.

    Returns
    -------
    Values in the order of `DESCRIPTOR_NAMES`, float64, shape (217,); NaN where RDKit fails.
    """
    work = Chem.Mol(mol)
    values = np.full(len(DESCRIPTOR_NAMES), np.nan)
    information = _Information()
    shared = {"AvgIpc": information.mean, "Ipc": information.total}
    with rdBase.BlockLogs(), np.errstate(all="ignore"):
        for position, (name, function) in enumerate(_rdkit_functions().items()):
            try:
                values[position] = shared.get(name, function)(work)
            except Exception:  # noqa: BLE001 - RDKit raises many kinds, also from C++
                values[position] = np.nan
    return values


@cache
def _rdkit_functions() -> dict[str, Callable[[Chem.Mol], float]]:
    from rdkit.Chem import Descriptors

    functions = dict(Descriptors.descList)
    return {name: functions[name] for name in DESCRIPTOR_NAMES}


class _Information:
    """RDKit's `AvgIpc` and `Ipc` of one molecule, which differ in the last step only."""

    def __init__(self) -> None:
        self._coefficients: FloatArray | None = None

    def mean(self, mol: Chem.Mol) -> float:
        """Return the value of `AvgIpc`."""
        from rdkit.ML.InfoTheory import entropy

        return float(entropy.InfoEntropy(self._find(mol)))  # type: ignore[attr-defined]

    def total(self, mol: Chem.Mol) -> float:
        """Return the value of `Ipc`."""
        # The sum of Python, not of NumPy: it is rounded as RDKit rounds it.
        return float(sum(self._find(mol)) * self.mean(mol))

    def _find(self, mol: Chem.Mol) -> FloatArray:
        if self._coefficients is None:
            distances = Chem.GetDistanceMatrix(mol, False)
            mol._adjMat = distances  # noqa: SLF001 - where RDKit's functions for other descriptors look for it
            adjacency = np.equal(distances, 1).astype(np.float64)
            self._coefficients = np.abs(faddeev_polynomial(adjacency))
        return self._coefficients
