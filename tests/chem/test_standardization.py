import random

import pytest
from compounds_for_tests import IONS, protonate
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES, WITHOUT_PARENT
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize

from servier.chem.molecules import InvalidMolecule, parse_smiles
from servier.chem.standardization import (
    AS_WRITTEN,
    CHARGES,
    FRAGMENTS,
    GROUPS,
    ISOTOPES,
    METALS,
    TAUTOMER,
    TOO_LARGE,
    Level,
    NoParentError,
    is_settled,
    standardize,
    standardize_text,
)

NO_PARENT = "there is nothing but single atoms, counter-ions or solvents"
DRUGS = [
    "CN1CCC[C@H]1c1cccnc1",
    "CC(C)NCC(O)COc1cccc2ccccc12",
    "OC(=O)Cc1ccccc1Nc1c(Cl)cccc1Cl",
    "CN(C)CCCN1c2ccccc2Sc2ccc(Cl)cc21",
    "NC(=N)c1ccc(OCCCCCOc2ccc(cc2)C(N)=N)cc1",
    "CC(C)(C)NCC(O)c1ccc(O)c(CO)c1",
    "O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
    "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
    "CS(=O)(=O)Nc1ccc(cc1)[N+](=O)[O-]",
    "C[N+](C)(C)CC(O)CC(=O)O",
    "c1ccc2c(c1)nc[nH]2",
    "NS(=O)(=O)c1nnc(NC(C)=O)s1",
]


def form(smiles, level=Level.PARENT):
    """Return the canonical SMILES of the standard form."""
    return Chem.MolToSmiles(standardize(Chem.MolFromSmiles(smiles), level).mol)


@pytest.mark.parametrize("drug", DRUGS)
def test_salts_ions_solvates_and_spellings_are_one_compound(drug):
    """Counter-ions, solvents, protons and the order of atoms make no difference to the parent."""
    expected, chance = form(drug), random.Random(drug)
    mol = Chem.MolFromSmiles(drug)
    for ion in IONS:
        spelt = Chem.MolToSmiles(protonate(mol, chance), doRandom=True)
        parts = [spelt, ion, *chance.choices(IONS, k=chance.randrange(2))]
        chance.shuffle(parts)
        assert form(".".join(parts)) == expected


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("smiles", [*SMILES, *WITHOUT_PARENT, *DRUGS])
def test_standardizing_twice_changes_nothing(smiles, level):
    """The standard form of a standard form is itself, and needs nothing."""
    try:
        once = standardize(Chem.MolFromSmiles(smiles), level).mol
    except NoParentError:
        return
    twice = standardize(Chem.MolFromSmiles(Chem.MolToSmiles(once)), level)
    assert Chem.MolToSmiles(twice.mol) == Chem.MolToSmiles(once)
    assert not {*twice.changes} - {AS_WRITTEN, TOO_LARGE}


@pytest.mark.parametrize(
    "smiles", [*DRUGS, "CC(=O)[O-].[Na+]", "C[NH3+].[Cl-]", "CC(=O)O[Na]", "C[N+](C)(C)C.[Br-]"]
)
def test_the_parent_is_that_of_rdkit_where_it_has_one(smiles):
    """For salts of one larger fragment the form is the charge parent of RDKit."""
    expected = rdMolStandardize.ChargeParent(Chem.MolFromSmiles(smiles))
    assert form(smiles) == Chem.MolToSmiles(expected)


@pytest.mark.parametrize(
    ("smiles", "level", "expected", "changes"),
    [
        ("CCO", "none", "CCO", ()),
        ("CC(=O)[O-].[Na+]", "none", "CC(=O)[O-].[Na+]", ()),
        ("CC(=O)O[Na]", "parent", "CC(=O)O", (METALS, FRAGMENTS, CHARGES)),
        ("CS(C)=O", "parent", "C[S+](C)[O-]", (GROUPS,)),
        ("[13CH3]CO", "parent", "[13CH3]CO", ()),
        ("[13CH3]CO.Cl", "isotope_parent", "CCO", (FRAGMENTS, ISOTOPES)),
        ("[2H]C([2H])([2H])O", "isotope_parent", "CO", (ISOTOPES,)),
        ("Oc1ccccn1", "parent", "Oc1ccccn1", ()),
        ("Oc1ccccn1", "tautomer", "O=c1cccc[nH]1", (TAUTOMER,)),
        ("C[N+](C)(C)CC([O-])=O", "parent", "C[N+](C)(C)CC(=O)O", (CHARGES,)),
        ("C1=CC=C[CH-]1.[Na+]", "parent", "C1C=CC=C1", (FRAGMENTS, CHARGES)),
        ("c1ccc2[cH-]ccc2c1.[Li+]", "parent", "C1=Cc2ccccc2C1", (FRAGMENTS, CHARGES)),
        ("[cH-]1c2ccccc2c2ccccc12.[K+]", "parent", "C1c2ccccc2-c2ccccc12", (FRAGMENTS, CHARGES)),
        ("C[Hg]C", "parent", "C[Hg]C", (AS_WRITTEN,)),
        ("C" * 151, "tautomer", "C" * 151, (TOO_LARGE,)),
        (f"{'C' * 150}c1cccnc1O.Cl", "tautomer", f"{'C' * 150}c1cccnc1O", (FRAGMENTS, TOO_LARGE)),
        ("N[Pt](N)(Cl)Cl", "parent", "N[Pt](N)(Cl)Cl", (AS_WRITTEN,)),
        ("OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(O)=O)c1O.CCCN", "parent", "CCCN", (FRAGMENTS,)),
    ],
)
def test_what_a_level_does(smiles, level, expected, changes):
    """Each level changes what it says, and names it."""
    found = standardize(Chem.MolFromSmiles(smiles), Level(level))
    assert Chem.MolToSmiles(found.mol) == Chem.CanonSmiles(expected)
    assert found.changes == changes


@pytest.mark.parametrize(
    "smiles",
    [
        *WITHOUT_PARENT,
        "Cl",
        "O",
        "[Fe+3]",
        "O=[N+]([O-])O.[Na+]",
        "OS(=O)(=O)O",
        "[Cl-].[Ca+2].[Cl-]",
        "[Mg+2].[O-]S(=O)(=O)[O-]",
        "[NH4+].[Cl-].O",
        "[U]",
        "[Xe]",
    ],
)
def test_a_counter_ion_alone_has_no_parent(smiles):
    """Where nothing but counter-ions or atoms is there, there is no molecule to score."""
    with pytest.raises(NoParentError):
        standardize(Chem.MolFromSmiles(smiles), Level.PARENT)
    found = parse_smiles(smiles, level=Level.PARENT)
    assert (found.status, found.reason) == ("invalid", NO_PARENT)


@pytest.mark.parametrize("smiles", ["Cc1ccccc1", "CC(=O)O", "CC(=O)[O-].[Na+]", "OC(=O)CCC(O)=O"])
def test_a_solvent_alone_is_a_molecule(smiles):
    """An organic solvent or counter-ion is the parent where there is nothing else."""
    assert "C" in form(smiles)


def test_of_equal_fragments_the_first_in_the_alphabet_is_the_parent():
    """The order of fragments makes no difference."""
    assert form("c1ccncn1.c1cnccn1") == form("c1cnccn1.c1ccncn1") == "c1cnccn1"


@given(data=st.data())
def test_the_text_tells_what_rdkit_does(data):
    """Where the text of a salt tells its parent, it tells that of the full procedure."""
    drug = data.draw(st.sampled_from(DRUGS + SMILES))
    chance = data.draw(st.randoms(use_true_random=False))
    with rdBase.BlockLogs():
        mol = protonate(Chem.MolFromSmiles(drug), chance)
        parts = [Chem.MolToSmiles(mol, doRandom=True, kekuleSmiles=chance.random() < 0.5)]
        parts += chance.choices(IONS, k=chance.randrange(3))
        chance.shuffle(parts)
        smiles = ".".join(parts)
        told = standardize_text(smiles, Level.PARENT)
        if told is None:
            return
        read, changes = Chem.MolFromSmiles(told[0]), told[1]
        if not is_settled(read, told[0]):
            return
        found = standardize(Chem.MolFromSmiles(smiles), Level.PARENT)
    assert Chem.MolToSmiles(read) == Chem.MolToSmiles(found.mol)
    assert changes == found.changes


ANIONS = [
    "C[N-]{}", "[NH-]{}", "[S-]{}", "[O-]{}", "C[N-]C(=O){}", "C[N-]S(=O)(=O){}", "[O-]C(=O){}",
    "[S-]C(=S){}",
    "[N-]=C(C){}", "O=C([O-])N(C){}", "c1c[n-]c({})n1", "[O-]c1ccc({})cc1", "[N-]1C=CC=C1{}",
]  # fmt: skip
NEIGHBOURS = [
    "[N+](=O)[O-]", "[N+](C)(C)C", "[N+](C)(C)[O-]", "[n+]1ccccc1", "c1cccc[n+]1[O-]", "[NH+](C)C", "[NH2+]C",
    "[S+](C)C", "[S+](C)[O-]", "S(C)=O", "S(=O)(=O)[O-]", "[P+](C)(C)C", "N=[N+]=[N-]", "C=[N+]=[N-]",
    "C=[N+](C)C", "C(N)=[NH2+]", "[N+]#N", "[N+]#[C-]",
]  # fmt: skip


@pytest.mark.parametrize("neighbour", NEIGHBOURS)
@pytest.mark.parametrize("anion", ANIONS)
def test_charges_beside_each_other_are_left_to_rdkit(anion, neighbour):
    """A charge that a neighbour holds is not taken away, however the molecule is written."""
    smiles = anion.format(neighbour)
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
        if mol is None:
            return
        for text in {smiles, *Chem.MolToRandomSmilesVect(mol, 12, randomSeed=7)}:
            found = parse_smiles(text, level=Level.PARENT)
            if isinstance(found, InvalidMolecule):
                assert found.reason == NO_PARENT
            else:
                expected = standardize(Chem.MolFromSmiles(text), Level.PARENT).mol
                assert Chem.MolToSmiles(found) == Chem.MolToSmiles(expected)


def test_a_double_bond_behind_nested_branches_is_seen():
    """A charge that the rest of a ring can carry is left to RDKit, whatever stands before the double bond."""
    smiles = "C[N+](Cc1c(cc(cc1F)F)F)=c1[nH]c(C)cc([nH]1)=NC"
    found = parse_smiles(smiles, level=Level.PARENT)
    expected = standardize(Chem.MolFromSmiles(smiles), Level.PARENT).mol
    assert Chem.MolToSmiles(found) == Chem.MolToSmiles(expected)


@pytest.mark.parametrize(
    "smiles", ["C[NH+](C)C", "C[NH+](C)C.[Cl-]", "CC(=O)[O-].[Na+]", "C[n+]1ccccc1.[I-]", "CCO"]
)
def test_common_salts_need_no_more_than_their_text(smiles):
    """What most salts of libraries look like is told from the text."""
    assert standardize_text(smiles, Level.PARENT) is not None
