"""Atom pairs and topological torsions, counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator

from servier.chem.molecules import Mol
from servier.chem.substructures import canonical_order
from servier.features.base import GeneratedFingerprint

TRIANGLE = 3


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

    def compute(self, mol: Mol) -> dict[int, int]:
        """Return the counts that are not 0, by bin."""
        order = self._needed_order(mol)
        return super().compute(mol if order is None else Chem.RenumberAtoms(mol, order))

    def occurrences(self, mol: Mol) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Return for each bin the atoms of the paths counted in it."""
        order = self._needed_order(mol)
        if order is None:
            return super().occurrences(mol)
        found = super().occurrences(Chem.RenumberAtoms(mol, order))
        return {
            place: tuple(tuple(order[atom] for atom in atoms) for atoms in paths)
            for place, paths in found.items()
        }

    def _needed_order(self, mol: Mol) -> list[int] | None:
        """Return the atoms in the order of the canonical SMILES, if there is a ring of three atoms.

        A path round such a ring comes back to the atom where it began, and RDKit begins with any of the
        three, so that its counts would depend on how the molecule was written.
        """
        if all(len(ring) != TRIANGLE for ring in mol.GetRingInfo().AtomRings()):
            return None
        order: list[int] = canonical_order(mol, isomeric=self.include_chirality).tolist()
        return order

    @cached_property
    def _generator(self) -> Any:
        return rdFingerprintGenerator.GetTopologicalTorsionGenerator(
            fpSize=self.fp_size, includeChirality=self.include_chirality
        )
