"""The ways to write a molecule as SMILES: randomized ones, for training and for means over them."""

from typing import Any

from rdkit import Chem, rdBase

from servier.chem.molecules import canonical_smiles

Mol = Any


def augmented_smiles(mol: Mol, n: int, seed: int) -> list[str]:
    """Return `n` SMILES of a molecule: the canonical one first, then randomized ones.

    The randomized ones depend only on the molecule and the seed, so that a score averaged over them depends
    neither on how the input was written nor on the molecules around it.

    References
    ----------
    Bjerrum, arXiv:1703.07076: SMILES enumeration as data augmentation.
    """
    first = canonical_smiles(mol)
    if n == 1:
        return [first]
    return [first, *random_smiles(_read_back(first, mol), n - 1, seed)]


def canonical_mol(mol: Mol) -> Mol:
    """Return the molecule with its atoms in the order of its canonical SMILES, if that can be read back."""
    return _read_back(canonical_smiles(mol), mol)


def _read_back(smiles: str, mol: Mol) -> Mol:
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles) or mol


def random_smiles(mol: Mol, n: int, seed: int) -> list[str]:
    """Return `n` randomized SMILES of a molecule, which depend on the order of its atoms and the seed."""
    # RDKit treats a seed below 1 as no seed.
    return list(Chem.MolToRandomSmilesVect(mol, n, randomSeed=seed + 1))
