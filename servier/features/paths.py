"""Atom pairs and topological torsions, counted."""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from rdkit.Chem import rdFingerprintGenerator

from servier.features.base import CountFingerprint
from servier.molecules import Mol


@dataclass(frozen=True)
class _PathCount(CountFingerprint):
    fp_size: int = 1024

    def compute(self, mol: Mol) -> dict[int, int]:
        """Return the counts that are not 0, by bin."""
        return self._generator.GetCountFingerprint(mol).GetNonzeroElements()  # type: ignore[no-any-return]

    @property
    @abstractmethod
    def _generator(self) -> Any: ...


@dataclass(frozen=True)
class AtomPairCount(_PathCount):
    """How often each two kinds of atoms occur at each distance up to `max_distance` bonds.

    References
    ----------
    Carhart, Smith and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1985, 25, 64, doi:10.1021/ci00046a002.
    """

    kind: ClassVar[str] = "atom_pair_count"
    max_distance: int = 6

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetAtomPairGenerator(maxDistance=self.max_distance, fpSize=self.fp_size)


@dataclass(frozen=True)
class TorsionCount(_PathCount):
    """How often each chain of four kinds of atoms occurs.

    References
    ----------
    Nilakantan et al., J. Chem. Inf. Comput. Sci. 1987, 27, 82, doi:10.1021/ci00054a008.
    """

    kind: ClassVar[str] = "torsion_count"

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetTopologicalTorsionGenerator(fpSize=self.fp_size)
