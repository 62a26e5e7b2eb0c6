"""Descriptors that take little time compared with parsing the SMILES string."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from servier.chem.molecules import Mol
from servier.features.base import Featurizer

CHEAP: dict[str, Callable[[Mol], float]] = {
    "MolWt": rdMolDescriptors._CalcMolWt,  # noqa: SLF001 - RDKit's Descriptors.MolWt is this function under a public name
    "HeavyAtomCount": rdMolDescriptors.CalcNumHeavyAtoms,
    "FractionCSP3": rdMolDescriptors.CalcFractionCSP3,
    "NHOHCount": rdMolDescriptors.CalcNumLipinskiHBD,
    "NOCount": rdMolDescriptors.CalcNumLipinskiHBA,
    "RingCount": rdMolDescriptors.CalcNumRings,
    "NumHeterocycles": rdMolDescriptors.CalcNumHeterocycles,
    "NumSpiroAtoms": rdMolDescriptors.CalcNumSpiroAtoms,
    "NumBridgeheadAtoms": rdMolDescriptors.CalcNumBridgeheadAtoms,
    "FormalCharge": Chem.GetFormalCharge,
}


@dataclass(frozen=True)
class Physchem(Featurizer):
    """Sizes, counts and indices that RDKit computes in a few microseconds each."""

    kind: ClassVar[str] = "physchem"

    @property
    def constitution_only(self) -> bool:
        """Always: there is none that needs more."""
        return True

    def __len__(self) -> int:
        return len(CHEAP)

    def compute(self, mol: Mol) -> list[float]:
        """Return the values in the order of `CHEAP`."""
        return [calculate(mol) for calculate in CHEAP.values()]

    def column_names(self) -> list[str]:
        """Return RDKit's names of the descriptors."""
        return list(CHEAP)
