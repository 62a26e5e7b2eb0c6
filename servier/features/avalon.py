"""Avalon fingerprints (paths, rings, feature pairs), counted."""

from dataclasses import dataclass
from typing import Any, ClassVar

from rdkit import Chem
from rdkit.Avalon import pyAvalonTools

from servier.chem.molecules import Mol
from servier.features.base import CountFingerprint

FEATURES = 0x7FFF
"""The kinds of features that RDKit counts in a molecule. For text its default is a larger set."""


@dataclass(frozen=True)
class AvalonCount(CountFingerprint):
    """How often each Avalon feature occurs.

    References
    ----------
    Gedeck, Rohde and Bartels, J. Chem. Inf. Model. 2006, 46, 1924, doi:10.1021/ci050413p.
    """

    kind: ClassVar[str] = "avalon_count"
    fp_size: int = 1024

    def compute(self, mol: Mol) -> dict[int, int]:
        """Return the counts that are not 0, by bin."""
        return self._fingerprint(mol).GetNonzeroElements()  # type: ignore[no-any-return]

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
