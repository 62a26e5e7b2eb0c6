"""Morgan fingerprints (circular substructures), counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from servier.chem.molecules import Mol
from servier.features.base import GeneratedFingerprint

RADIUS = 2

Environments = dict[int, int]
"""How often each circular substructure of a molecule occurs, by its 32-bit identifier."""


@dataclass(frozen=True)
class MorganCount(GeneratedFingerprint):
    """How often each circular substructure occurs.

    References
    ----------
    Rogers and Hahn, J. Chem. Inf. Model. 2010, 50, 742, doi:10.1021/ci100050t.
    """

    kind: ClassVar[str] = "morgan_count"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {**GeneratedFingerprint.limits, "radius": (0, 10)}
    radius: int = RADIUS

    @property
    def constitution_only(self) -> bool:
        """Whether stereoisomers have the same counts."""
        return not self.include_chirality

    def compute(self, mol: Mol) -> Environments:
        """Return the counts that are not 0, before folding."""
        counts: Environments = self._generator.GetSparseCountFingerprint(mol).GetNonzeroElements()
        return counts

    def write(
        self, computed: Sequence[Environments], X: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Fold counts into rows of a matrix of zeros."""
        sizes = [len(counts) for counts in computed]
        bins = np.fromiter(chain.from_iterable(computed), np.int64, sum(sizes)) % self.fp_size
        values = chain.from_iterable(counts.values() for counts in computed)
        np.add.at(X, (np.repeat(rows, sizes), bins), np.fromiter(values, np.float32, sum(sizes)))

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetMorganGenerator(
            radius=self.radius, fpSize=self.fp_size, includeChirality=self.include_chirality
        )
