"""Avalon fingerprints (paths, rings, feature pairs), counted."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit.Avalon import pyAvalonTools

from servier.features.base import Featurizer
from servier.molecules import Mol


@dataclass(frozen=True)
class AvalonCount(Featurizer):
    """How often each Avalon feature occurs, folded to `fp_size` bins.

    References
    ----------
    Gedeck, Rohde and Bartels, J. Chem. Inf. Model. 2006, 46, 1924, doi:10.1021/ci050413p.
    """

    kind: ClassVar[str] = "avalon_count"
    dtype: ClassVar[str] = "uint16"
    fp_size: int = 1024

    def __len__(self) -> int:
        return self.fp_size

    def __call__(self, mol: Mol) -> NDArray[Any]:
        """Return the counts, uint16, shape (fp_size,)."""
        counts = np.zeros(self.fp_size, np.uint16)
        for position, count in pyAvalonTools.GetAvalonCountFP(mol, self.fp_size).GetNonzeroElements().items():
            counts[position] = min(count, 65535)
        return counts
