"""All two-dimensional descriptors of RDKit; what computes them is loaded where a model reads them."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray
from rdkit import rdBase

from servier.chem.molecules import Mol
from servier.features.base import Featurizer


@dataclass(frozen=True)
class Descriptors2D(Featurizer):
    """The descriptors of `rdkit.Chem.Descriptors`, by its names and in its order.

    A value that RDKit leaves undefined, such as a partial charge of an element without parameters, is 0. The
    few that grow without limit with the size of the molecule are clipped at 1e9.
    """

    kind: ClassVar[str] = "descriptors_2d"

    @property
    def reads_stereo(self) -> bool:
        """Always: stereo centres are counted, and so are those that are left open."""
        return True

    def __len__(self) -> int:
        return len(self.column_names())

    def compute(self, mol: Mol) -> NDArray[Any]:
        """Return RDKit's values, float64; NaN where there is none."""
        from servier.features.rdkit2d import calculate_descriptors

        with rdBase.BlockLogs():
            return calculate_descriptors(mol)

    def column_names(self) -> list[str]:
        """Return RDKit's names of the descriptors."""
        from servier.features.rdkit2d import DESCRIPTOR_NAMES

        return list(DESCRIPTOR_NAMES)
