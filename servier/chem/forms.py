"""What a SMILES string leaves open of a molecule: its stereochemistry."""

from typing import Any

from rdkit import Chem, rdBase

Mol = Any

_COUNTED = (Chem.StereoType.Atom_Tetrahedral, Chem.StereoType.Bond_Double)
_OPEN = (Chem.StereoSpecified.Unspecified, Chem.StereoSpecified.Unknown)


def count_open_stereo(mol: Mol) -> int:
    """Return how many stereo centres and double bonds of a molecule have no stereochemistry, but could.

    Parameters
    ----------
    mol
        A molecule whose stereochemistry was perceived; it is not changed.
    """
    with rdBase.BlockLogs():
        elements = Chem.FindPotentialStereo(Chem.Mol(mol))
    return sum(element.specified in _OPEN and element.type in _COUNTED for element in elements)
