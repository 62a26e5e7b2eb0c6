"""What a SMILES string leaves open of a molecule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES
from rdkit import Chem, rdBase
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions
from rdkit.Chem.MolStandardize import rdMolStandardize

from servier.chem.forms import count_open_stereo, list_stereoisomers, list_tautomers

OPEN = {
    "CCO": 0,
    "CC(N)C(=O)O": 1,
    "C[C@H](N)C(=O)O": 0,
    "CC=CC": 1,
    "C/C=C/C": 0,
    "CC=CC(N)C(=O)O": 2,
    "C1CCC=CC1": 0,
    "C1CCCC=CCCC1": 1,
    "OCC1OC(O)C(O)C(O)C1O": 5,
    "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O": 1,
    "CC(C)=NO": 0,
    "CCC(C)=NO": 1,
    "CC1CCC(C)CC1": 2,
    "CC[S+]([O-])C": 1,
    "c1ccccc1-c1ccccc1": 0,
}
ANY = st.sampled_from([*SMILES, *OPEN])


@pytest.mark.parametrize("smiles", OPEN)
def test_what_is_open_is_counted(smiles):
    """Centres, and double bonds outside small rings, count where they have no stereochemistry."""
    assert count_open_stereo(Chem.MolFromSmiles(smiles)) == OPEN[smiles]


@given(smiles=ANY, seed=st.integers(1, 10_000))
def test_the_count_is_rdkits_and_of_any_spelling(smiles, seed):
    """RDKit's search for potential stereochemistry in the canonical SMILES is the oracle."""
    mol = Chem.MolFromSmiles(smiles)
    elements = Chem.FindPotentialStereo(Chem.MolFromSmiles(Chem.MolToSmiles(mol)))
    kinds = {Chem.StereoType.Atom_Tetrahedral, Chem.StereoType.Bond_Double}
    expected = [e for e in elements if e.specified == Chem.StereoSpecified.Unspecified and e.type in kinds]
    spelt = Chem.MolFromSmiles(Chem.MolToRandomSmilesVect(mol, 1, randomSeed=seed)[0])
    assert count_open_stereo(spelt) == len(expected)


@pytest.mark.parametrize("smiles", OPEN)
def test_a_molecule_that_is_looked_at_stays_as_it_is(smiles):
    """No property of it changes, so that its features do not either."""
    mol, other = Chem.MolFromSmiles(smiles), Chem.MolFromSmiles(smiles)
    count_open_stereo(mol)
    assert Chem.MolToCXSmiles(mol) == Chem.MolToCXSmiles(other)
    everything = Chem.PropertyPickleOptions.AllProps
    assert mol.ToBinary(everything) == other.ToBinary(everything)


@given(
    smiles=st.sampled_from([*SMILES, *OPEN]), seed=st.integers(1, 10_000), limit=st.sampled_from([1, 3, 8])
)
def test_stereoisomers_are_rdkits_and_of_any_spelling(smiles, seed, limit):
    """RDKit's enumeration of the canonical SMILES is the oracle, also where it is a sample."""
    canonical = Chem.MolFromSmiles(Chem.MolToSmiles(Chem.MolFromSmiles(smiles)))
    options = StereoEnumerationOptions(maxIsomers=limit)
    expected = sorted(Chem.MolToSmiles(isomer) for isomer in EnumerateStereoisomers(canonical, options))
    spelt = Chem.MolFromSmiles(Chem.MolToRandomSmilesVect(canonical, 1, randomSeed=seed)[0])
    assert list_stereoisomers(spelt, limit) == expected
    assert len(expected) <= limit


@given(
    smiles=st.sampled_from([*SMILES, *OPEN]), seed=st.integers(1, 10_000), limit=st.sampled_from([1, 3, 200])
)
def test_tautomers_are_rdkits_and_of_any_spelling(smiles, seed, limit):
    """RDKit's enumeration of the canonical SMILES is the oracle, also where it stops early."""
    canonical = Chem.MolFromSmiles(Chem.MolToSmiles(Chem.MolFromSmiles(smiles)))
    enumerator = rdMolStandardize.TautomerEnumerator()
    enumerator.SetMaxTautomers(limit)
    enumerator.SetMaxTransforms(200)
    with rdBase.BlockLogs():
        expected = sorted(enumerator.Enumerate(canonical).smiles)
    spelt = Chem.MolFromSmiles(Chem.MolToRandomSmilesVect(canonical, 1, randomSeed=seed)[0])
    assert list_tautomers(spelt, limit) == expected
    assert len(expected) <= limit
