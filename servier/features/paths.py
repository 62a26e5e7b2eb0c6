"""Atom pairs and topological torsions, counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from rdkit.Chem import rdFingerprintGenerator

from servier.features.base import GeneratedFingerprint


@dataclass(frozen=True)
class AtomPairCount(GeneratedFingerprint):
    """How often each pair of atom types occurs at each distance up to `max_distance` bonds.

    References
    ----------
    Carhart, Smith and Venkataraghavan, J. Chem. Inf. Comput. Sci. 1985, 25, 64, doi:10.1021/ci00046a002.
    """

    kind: ClassVar[str] = "atom_pair_count"
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **GeneratedFingerprint.limits,
        "max_distance": (1, 30),
    }
    fp_size: int = 1024
    max_distance: int = 6

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetAtomPairGenerator(
            maxDistance=self.max_distance, fpSize=self.fp_size, includeChirality=self.include_chirality
        )


@dataclass(frozen=True)
class TorsionCount(GeneratedFingerprint):
    """How often each path of four bonded atom types occurs.

    References
    ----------
    Nilakantan et al., J. Chem. Inf. Comput. Sci. 1987, 27, 82, doi:10.1021/ci00054a008.
    """

    kind: ClassVar[str] = "torsion_count"
    fp_size: int = 1024

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetTopologicalTorsionGenerator(
            fpSize=self.fp_size, includeChirality=self.include_chirality
        )
