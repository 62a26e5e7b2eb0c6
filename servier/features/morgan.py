"""Morgan fingerprints (circular substructures), counted."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from servier.features.base import Featurizer
from servier.molecules import Mol


@dataclass(frozen=True)
class MorganCount(Featurizer):
    """How often each circular substructure occurs, folded to `fp_size` bins.

    References
    ----------
    Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742, doi:10.1021/ci100050t.
    """

    kind: ClassVar[str] = "morgan_count"
    dtype: ClassVar[str] = "uint16"
    radius: int = 2
    fp_size: int = 2048

    def __len__(self) -> int:
        return self.fp_size

    def __call__(self, mol: Mol) -> NDArray[Any]:
        """Return the counts, uint32, shape (fp_size,)."""
        return self._generator.GetCountFingerprintAsNumPy(mol)  # type: ignore[no-any-return]

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetMorganGenerator(radius=self.radius, fpSize=self.fp_size)
