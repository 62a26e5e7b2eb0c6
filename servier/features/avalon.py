"""Avalon fingerprints (paths, rings, feature pairs), counted."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Avalon import pyAvalonTools

from servier.features.base import Featurizer
from servier.molecules import Mol

FEATURES = 0x7FFF
"""The kinds of features that RDKit counts in a molecule. For text its default is a larger set."""


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
        for position, count in self._fingerprint(mol).GetNonzeroElements().items():
            counts[position] = min(count, 65535)
        return counts

    def _fingerprint(self, mol: Mol) -> Any:
        """Return RDKit's counts by way of a mol block, as RDKit does it.

        For its block RDKit lays the molecule out in two dimensions, which takes a third of the time, although
        the fingerprint looks at neither coordinates nor stereo bonds. A block that cannot be read has no
        counts: then RDKit is asked, and raises the error.
        """
        block = Chem.MolToMolBlock(mol, includeStereo=False)
        if "V2000" in block:
            counts = pyAvalonTools.GetAvalonCountFP(block, False, self.fp_size, False, FEATURES)
            if counts.GetTotalVal():
                return counts
        return pyAvalonTools.GetAvalonCountFP(mol, self.fp_size)
