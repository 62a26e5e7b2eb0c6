"""What makes molecules the same, or alike: hashes of them and of what is left of them, and scaffolds."""

import hashlib
from typing import Any

from rdkit import Chem, rdBase

from servier.chem.molecules import canonical_smiles

Mol = Any


def parent_smiles(mol: Mol) -> str:
    """Return the canonical SMILES of the largest fragment: the molecule without its salts.

    Of fragments with equally many heavy atoms the one first in alphabetical order is taken, so that the
    answer does not depend on how the SMILES was written.
    """
    fragments = Chem.MolToSmiles(mol).split(".")
    if len(fragments) == 1:
        return str(fragments[0])
    with rdBase.BlockLogs():
        parsed = [(Chem.MolFromSmiles(text), text) for text in fragments]
    sizes = [(-mol.GetNumHeavyAtoms(), text) for mol, text in parsed if mol is not None]
    return str(min(sizes)[1]) if sizes else ".".join(fragments)


def identity_hashes(mol: Mol) -> tuple[int, int, int]:
    """Return 64-bit hashes of a molecule, of it without salts, and of that without stereochemistry.

    They do not depend on how the SMILES was written.
    """
    parent = parent_smiles(mol)
    with rdBase.BlockLogs():
        read = Chem.MolFromSmiles(parent)
    flat = parent if read is None else Chem.MolToSmiles(read, isomericSmiles=False)
    whole, salt_free, flat_hash = (_hash(text) for text in (canonical_smiles(mol), parent, flat))
    return whole, salt_free, flat_hash


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")


def scaffold_smiles(mol: Mol) -> str:
    """Return the Bemis-Murcko scaffold of a molecule, empty for a molecule without rings.

    References
    ----------
    Bemis and Murcko, J. Med. Chem. 1996, 39, 2887, doi:10.1021/jm9602928.
    """
    from rdkit.Chem.Scaffolds import MurckoScaffold  # which loads much that scoring does not need

    return str(MurckoScaffold.MurckoScaffoldSmiles(mol=mol, includeChirality=False))
