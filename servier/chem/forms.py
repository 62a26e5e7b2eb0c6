"""What a SMILES string leaves open of a molecule: its stereoisomers, and its tautomers."""

from functools import cache
from typing import Any

from rdkit import Chem, rdBase

from servier.chem.molecules import canonical_smiles
from servier.chem.spelling import canonical_mol
from servier.chem.standardization import MAX_TAUTOMER_ATOMS, MAX_TRANSFORMS

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


def list_stereoisomers(mol: Mol, limit: int) -> list[str]:
    """Return the stereoisomers that a molecule leaves open.

    Parameters
    ----------
    mol
        The molecule; what is specified of it stays.
    limit
        How many at most; of more a sample, which depends on the molecule alone, is taken.

    Returns
    -------
    Their canonical SMILES, in alphabetical order; that of the molecule itself where nothing is open.
    """
    from rdkit.Chem.EnumerateStereoisomers import (  # which few runs need
        EnumerateStereoisomers,
        StereoEnumerationOptions,
    )

    if not count_open_stereo(mol):
        return [canonical_smiles(mol)]
    options = StereoEnumerationOptions(maxIsomers=limit)
    with rdBase.BlockLogs():
        isomers = EnumerateStereoisomers(canonical_mol(mol), options)
        return sorted({canonical_smiles(isomer) for isomer in isomers})


def list_tautomers(mol: Mol, limit: int) -> list[str]:
    """Return the tautomers of a molecule.

    Parameters
    ----------
    mol
        The molecule. Centres and double bonds that take part in tautomerism lose their stereochemistry.
    limit
        How many at most, found in an order that depends on the molecule alone.

    Returns
    -------
    Their canonical SMILES, in alphabetical order; none for a molecule that is too large.
    """
    if mol.GetNumHeavyAtoms() > MAX_TAUTOMER_ATOMS:
        return []
    with rdBase.BlockLogs():
        return sorted(_enumerator(limit).Enumerate(canonical_mol(mol)).smiles)


@cache
def _enumerator(limit: int) -> Any:
    from rdkit.Chem.MolStandardize import rdMolStandardize

    enumerator = rdMolStandardize.TautomerEnumerator()
    enumerator.SetMaxTautomers(limit)
    enumerator.SetMaxTransforms(MAX_TRANSFORMS)
    return enumerator
