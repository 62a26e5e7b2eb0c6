"""Other ways to write the compound that a SMILES string stands for."""

import re

from rdkit import Chem, rdBase

IONS = [
    "Cl", "[Cl-]", "Br", "[Br-]", "[I-]", "[Na+]", "[K+]", "[Li+]", "[Ca+2]", "[Mg+2]", "[Zn+2]", "[NH4+]",
    "O", "OS(O)(=O)=O", "OP(O)(O)=O", "CS(O)(=O)=O", "CC(O)=O", "OC(=O)C(F)(F)F", "OC(=O)C=CC(O)=O",
    "OC(=O)CC(O)(CC(O)=O)C(O)=O", "OC(C(O)C(O)=O)C(O)=O", "OC=O", "OC(=O)c1ccccc1",
    "Cc1ccc(cc1)S(O)(=O)=O", "OC(=O)CCC(O)=O", "OC(=O)C(O)=O", "NCCO", "OCC(N)(CO)CO", "CCN(CC)CC",
    "C[N+](C)(C)CCO", "CNCC(O)C(O)C(O)C(O)CO", "F[P-](F)(F)(F)(F)F", "[O-][N+](=O)O", "CO", "CCO",
    "CC(C)O", "CC#N", "CN(C)C=O", "CS(C)=O", "Cc1ccccc1", "C1CCOC1", "ClCCl", "CCOC(C)=O",
]  # fmt: skip
"""Counter-ions and solvents."""


def protonate(mol, chance):
    """Return a molecule with protons added to amines, and taken from acids, at random."""
    editable = Chem.RWMol(mol)
    basic = mol.GetSubstructMatches(Chem.MolFromSmarts("[NX3;!$(N-[#6]=[#7,#8,#16]);!$(N-a);!$(NS(=O)=O)]"))
    acid = mol.GetSubstructMatches(Chem.MolFromSmarts("[OX2H][CX3,SX4,PX4]=O"))
    for (index, *_), charge in [*((match, 1) for match in basic), *((match, -1) for match in acid)]:
        atom = editable.GetAtomWithIdx(index)
        if chance.random() < 0.6 and not atom.GetFormalCharge():
            hydrogens = atom.GetTotalNumHs() + charge
            atom.SetFormalCharge(charge)
            atom.SetNoImplicit(True)
            atom.SetNumExplicitHs(hydrogens)
    Chem.SanitizeMol(editable)
    return editable.GetMol()


def number_atoms(smiles, chance):
    """Return a string in which atoms in brackets have map numbers."""
    return re.sub(r"\[([^]:]+)\]", lambda found: f"[{found[1]}:{chance.randrange(1, 99)}]", smiles)


def other_form(smiles, chance):
    """Return another spelling of a molecule, protonated in other places, numbered, beside other fragments."""
    with rdBase.BlockLogs():
        mol = protonate(Chem.MolFromSmiles(smiles), chance)
        spelt = Chem.MolToSmiles(
            mol, doRandom=True, kekuleSmiles=chance.random() < 0.2, allBondsExplicit=chance.random() < 0.1
        )
    if chance.random() < 0.5:
        spelt = number_atoms(spelt, chance)
    parts = [spelt, *chance.sample(IONS, chance.randrange(3))]
    chance.shuffle(parts)
    return ".".join(parts)
