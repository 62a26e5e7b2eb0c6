"""Morgan fingerprints (circular substructures), counted."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from rdkit.Chem import rdFingerprintGenerator

from servier.features.base import GeneratedFingerprint


@dataclass(frozen=True)
class MorganCount(GeneratedFingerprint):
    """How often each circular substructure occurs.

    References
    ----------
    Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742, doi:10.1021/ci100050t.
    """

    kind: ClassVar[str] = "morgan_count"
    constitution_only: ClassVar[bool] = True
    radius: int = 2

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetMorganGenerator(radius=self.radius, fpSize=self.fp_size)
