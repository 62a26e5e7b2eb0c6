"""Counter-ions and solvents that are no parent beside another organic fragment.

RDKit's `FragmentRemover` knows the inorganic ones, solvents and a few small acids; these are the acids and
bases with which drugs form salts that it lacks.

References
----------
Stahl and Wermuth (eds.), Handbook of Pharmaceutical Salts, 2nd edition, Wiley 2011.
"""

from functools import cache
from typing import Any

from rdkit import Chem

Mol = Any

CARBON = 6

_SALT_FORMERS = """
adipic acid           OC(=O)CCCCC(=O)O
arginine              NC(CCCNC(=N)N)C(=O)O
ascorbic acid         OCC(O)C1OC(=O)C(O)=C1O
aspartic acid         NC(CC(=O)O)C(=O)O
benzenesulfonic acid  OS(=O)(=O)c1ccccc1
benzoic acid          OC(=O)c1ccccc1
betaine               C[N+](C)(C)CC(=O)O
camphorsulfonic acid  CC1(C)C2CCC1(CS(=O)(=O)O)C(=O)C2
carbonic acid         OC(=O)O
choline               C[N+](C)(C)CCO
citric acid           OC(=O)CC(O)(CC(=O)O)C(=O)O
cyclamic acid         OS(=O)(=O)NC1CCCCC1
dicyclohexylamine     C1CCC(CC1)NC1CCCCC1
diethanolamine        OCCNCCO
diethylamine          CCNCC
dimethylamine         CNC
edisylic acid         OS(=O)(=O)CCS(=O)(=O)O
dodecylsulfuric acid  CCCCCCCCCCCCOS(=O)(=O)O
ethanesulfonic acid   CCS(=O)(=O)O
ethanolamine          NCCO
ethylenediamine       NCCN
fumaric acid          OC(=O)C=CC(=O)O
galactaric acid       OC(=O)C(O)C(O)C(O)C(O)C(=O)O
gentisic acid         OC(=O)c1cc(O)ccc1O
gluceptic acid        OCC(O)C(O)C(O)C(O)C(O)C(=O)O
gluconic acid         OCC(O)C(O)C(O)C(O)C(=O)O
glucuronic acid       OC1OC(C(O)C(O)C1O)C(=O)O
glutamic acid         NC(CCC(=O)O)C(=O)O
glutaric acid         OC(=O)CCCC(=O)O
glycine               NCC(=O)O
glycolic acid         OCC(=O)O
hexafluorophosphoric  F[P-](F)(F)(F)(F)F
hippuric acid         OC(=O)CNC(=O)c1ccccc1
histidine             NC(Cc1c[nH]cn1)C(=O)O
hydroxyethylpyrrolidine OCCN1CCCC1
isethionic acid       OCCS(=O)(=O)O
lactic acid           CC(O)C(=O)O
lactobionic acid      OCC(O)C(OC1OC(CO)C(O)C(O)C1O)C(O)C(O)C(=O)O
lysine                NCCCCC(N)C(=O)O
malic acid            OC(=O)CC(O)C(=O)O
malonic acid          OC(=O)CC(=O)O
mandelic acid         OC(=O)C(O)c1ccccc1
meglumine             CNCC(O)C(O)C(O)C(O)CO
methylsulfuric acid   COS(=O)(=O)O
naphthalenedisulfonic OS(=O)(=O)c1cccc2c1cccc2S(=O)(=O)O
naphthalenesulfonic   OS(=O)(=O)c1ccc2ccccc2c1
nicotinic acid        OC(=O)c1cccnc1
orotic acid           OC(=O)c1cc(=O)[nH]c(=O)[nH]1
oxalic acid           OC(=O)C(=O)O
pamoic acid           OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(=O)O)c1O
perchloric acid       OCl(=O)(=O)=O
picric acid           Oc1c(cc(cc1[N+](=O)[O-])[N+](=O)[O-])[N+](=O)[O-]
piperazine            C1CNCCN1
pivalic acid          CC(C)(C)C(=O)O
propionic acid        CCC(=O)O
pyridine              c1ccncc1
saccharin             O=C1NS(=O)(=O)c2ccccc12
salicylic acid        OC(=O)c1ccccc1O
sebacic acid          OC(=O)CCCCCCCCC(=O)O
succinic acid         OC(=O)CCC(=O)O
sulfamic acid         NS(=O)(=O)O
sulfosalicylic acid   OC(=O)c1cc(ccc1O)S(=O)(=O)O
tartaric acid         OC(=O)C(O)C(O)C(=O)O
tert-butylamine       CC(C)(C)N
tetrafluoroboric      F[B-](F)(F)F
thiocyanic acid       SC#N
toluenesulfonic acid  Cc1ccc(cc1)S(=O)(=O)O
triethanolamine       OCCN(CCO)CCO
triethylamine         CCN(CC)CC
tromethamine          NC(CO)(CO)CO
xinafoic acid         OC(=O)c1ccc2ccccc2c1O
"""


@cache
def _known() -> tuple[Any, frozenset[str]]:
    from rdkit.Chem.MolStandardize import rdMolStandardize  # which few molecules need

    smiles = [line.rsplit(maxsplit=1)[1] for line in _SALT_FORMERS.strip().splitlines()]
    flat = (Chem.MolToSmiles(Chem.MolFromSmiles(text), isomericSmiles=False) for text in smiles)
    return rdMolStandardize.FragmentRemover("", False), frozenset(flat)


def is_counter_ion(mol: Mol) -> bool:
    """Say whether a neutralized fragment is one of the known counter-ions and solvents.

    So is anything of one atom that is no carbon. Stereochemistry and isotope labels make no difference.
    """
    if mol.GetNumAtoms() == 1 and mol.GetAtomWithIdx(0).GetAtomicNum() != CARBON:
        return True
    remover, known = _known()
    if remover.remove(mol).GetNumAtoms() == 0:
        return True
    return Chem.MolToSmiles(mol, isomericSmiles=False) in known
