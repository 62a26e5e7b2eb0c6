"""Extended reduced graphs: pairs of pharmacophore points at each distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdReducedGraphs

from servier.chem.molecules import Mol
from servier.features.base import Featurizer

N_PROPERTIES = 6
N_PAIRS = N_PROPERTIES * (N_PROPERTIES + 1) // 2


@dataclass(frozen=True)
class ErG(Featurizer):
    """The ErG fingerprint: fuzzy counts of feature pairs up to `max_path` bonds apart.

    References
    ----------
    Stiefl et al., J. Chem. Inf. Model. 2006, 46, 208, doi:10.1021/ci050457y.
    """

    kind: ClassVar[str] = "erg"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"fuzz": (0, 1), "max_path": (1, 100)}
    fuzz: float = 0.3
    max_path: int = 15

    def __len__(self) -> int:
        return N_PAIRS * self.max_path

    def compute(self, mol: Mol) -> NDArray[Any]:
        """Return the fuzzy counts, float64, shape (21 * max_path,)."""
        # Otherwise RDKit would reuse a distance matrix of another graph, cached by an earlier descriptor.
        mol.ClearComputedProps(includeRings=False)
        values = rdReducedGraphs.GetErGFingerprint(mol, fuzzIncrement=self.fuzz, maxPath=self.max_path)
        return np.asarray(values)
