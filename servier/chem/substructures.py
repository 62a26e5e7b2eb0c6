"""Parts of a molecule: symmetric atoms, the positions of atoms in SMILES, and substructures as SMILES."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase

from servier.chem.molecules import Mol, canonical_smiles
from servier.chem.spelling import augmented_smiles
from servier.chem.tokens import split_tokens

REST = "*"
_ORDER = "_smilesAtomOutputOrder"


def canonical_order(mol: Mol, *, isomeric: bool = True) -> NDArray[np.int64]:
    """Return the atoms in the order of the canonical SMILES, with stereochemistry and isotopes or without."""
    Chem.MolToSmiles(mol, isomericSmiles=isomeric)
    return np.array(mol.GetPropsAsDict(includePrivate=True, includeComputed=True)[_ORDER], np.int64)


def symmetry_classes(mol: Mol) -> NDArray[np.int64]:
    """Return a number for each atom, the same for symmetric atoms."""
    ranks = Chem.CanonicalRankAtoms(mol, breakTies=False)
    return np.unique(np.array(ranks, np.int64), return_inverse=True)[1]


def locate_atoms(mol: Mol, n: int, seed: int) -> list[tuple[str, NDArray[np.int64]]]:
    """Return the `augmented_smiles` of a molecule, each with the position of every atom among its tokens.

    A randomized SMILES that RDKit does not read back as the same canonical SMILES is left out; the canonical
    one never is.

    Parameters
    ----------
    mol, n, seed
        As for `augmented_smiles`.
    """
    first, *others = augmented_smiles(mol, n, seed)
    order = canonical_order(mol)
    written = [(first, np.arange(len(order)))]
    for text in others:
        with rdBase.BlockLogs():
            read = Chem.MolFromSmiles(text)
        if read is not None and read.GetNumAtoms() == len(order) and canonical_smiles(read) == first:
            written.append((text, canonical_order(read)))
    found = []
    for text, own_order in written:
        tokens = split_tokens(text)
        atoms = np.array([i for i, token in enumerate(tokens) if token[0] in "[*" or token.isalpha()])
        places = np.empty(len(order), np.int64)
        places[order] = atoms[own_order]
        found.append((text, places))
    return found


def write_substructure(mol: Mol, atoms: Iterable[int]) -> str:
    """Return some atoms of a molecule as SMILES, with `*` for each atom that they are bonded to.

    Parameters
    ----------
    mol
        The molecule.
    atoms
        Their indices.
    """
    chosen = [mol.GetAtomWithIdx(atom) for atom in set(atoms)]
    bonds = {bond.GetIdx(): bond for atom in chosen for bond in atom.GetBonds()}
    symbols = [REST] * mol.GetNumAtoms()
    for atom in chosen:
        symbols[atom.GetIdx()] = atom.GetSmarts(isomericSmiles=False)
    touched = {atom.GetIdx() for atom in chosen}
    for bond in bonds.values():
        touched |= {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()}
    return str(
        Chem.MolFragmentToSmiles(
            mol,
            sorted(touched),
            bondsToUse=sorted(bonds),
            atomSymbols=symbols,
            isomericSmiles=False,
        )
    )
