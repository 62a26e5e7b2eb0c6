"""Whether fingerprints tell stereoisomers apart."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from molecules_for_tests import SMILES
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors

from servier.chem.levels import Level, Stereo
from servier.chem.molecules import parse_all
from servier.errors import RecipeError
from servier.features.computing import compute_features
from servier.features.feature_set import FeatureSet
from servier.features.registry import PRESETS, build, choose_features, stereo_of

STEREOISOMERS = [
    ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"),
    ("C/C=C/C(=O)O", "C/C=C\\C(=O)O"),
    ("OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O", "OC[C@H]1OC(O)[C@@H](O)[C@@H](O)[C@@H]1O"),
    ("CC(C)[S@@](=O)c1ccccc1", "CC(C)[S@](=O)c1ccccc1"),
    ("O=C1CC[C@H]2[C@H]3Cc4cccc(O)c4[C@@]2(CCN3C)C1", "O=C1CC[C@@H]2[C@@H]3Cc4cccc(O)c4[C@]2(CCN3C)C1"),
]
TRIANGLES = [
    "CC1CC1", "CC(C)NC[C@H](COc1ccccc1)OC(=O)C1CC1", "N[C@@H]1C[C@H]1c1ccccc1", "C[C@@H]1C[NH]1",
    "FC1CC1(Cl)C", "C1CC1C1CO1", "CN1[C@H]2CC(O)C[C@@H]1[C@H]1O[C@@H]21", "C1C2CC12", "C12C3C1C23",
]  # fmt: skip
"""Molecules with rings of three atoms."""
RICH = [*SMILES, *(smiles for pair in STEREOISOMERS for smiles in pair)]


def spell(smiles, seed):
    """Another spelling of a molecule."""
    return Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)[0]


@given(smiles=st.sampled_from(RICH), seed=st.integers(1, 10_000))
def test_chiral_counts_are_rdkits(smiles, seed):
    """RDKit's generator of the Morgan counts, and its older functions for the others, are the oracle."""
    mol = Chem.MolFromSmiles(spell(smiles, seed))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048, includeChirality=True)
    pairs, torsions = (
        rdMolDescriptors.GetHashedAtomPairFingerprint(
            mol, nBits=1024, minLength=1, maxLength=6, includeChirality=True
        ),
        rdMolDescriptors.GetHashedTopologicalTorsionFingerprint(mol, nBits=1024, includeChirality=True),
    )
    oracles = {
        "morgan_count": generator.GetCountFingerprint(mol),
        "atom_pair_count": pairs,
        "torsion_count": torsions,
    }
    for kind, counts in oracles.items():
        found = build({"kind": kind, "include_chirality": True})(mol)
        assert found.tolist() == [counts[i] for i in range(len(found))], kind


@pytest.mark.parametrize("preset", PRESETS)
def test_stereoisomers_differ_only_where_stereo_is_used(preset):
    """Their counts differ with `use`, and are equal with `ignore`."""
    for stereo in Stereo:
        features = FeatureSet(choose_features(preset, stereo))
        counts = features.is_count
        for pair in STEREOISOMERS:
            first, second = features(parse_all(pair, level=Level.PARENT)).X[:, counts]
            assert (first != second).any() == (stereo is Stereo.USE), pair


def test_the_descriptors_see_what_is_left_open():
    """Those of stereoisomers are equal, but for an open centre, which is counted."""
    features = FeatureSet([{"kind": "descriptors_2d"}])
    left, right, flat = features(parse_all(["C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O"])).X
    assert (left == right).all()
    assert np.array(features.column_names())[left != flat].tolist() == ["NumUnspecifiedAtomStereoCenters"]
    assert features.reads_stereo


@pytest.mark.parametrize("level", [Level.NONE, Level.PARENT])
@pytest.mark.parametrize("stereo", Stereo)
@given(smiles=st.sampled_from([*RICH, *TRIANGLES]), seed=st.integers(1, 10_000))
def test_counts_do_not_depend_on_the_spelling(stereo, level, smiles, seed):
    """Any way to write a molecule gives the counts that its canonical SMILES has."""
    specs = [spec for spec in choose_features("accurate", stereo) if spec["kind"].endswith("_count")]
    features = FeatureSet(specs)
    canonical = Chem.MolToSmiles(Chem.MolFromSmiles(smiles))
    X = features(parse_all([spell(smiles, seed), canonical], level=level)).X
    assert (X[0] == X[1]).all()


@pytest.mark.parametrize("stereo", Stereo)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.usefixtures("one_process")
def test_bulk_features_are_those_of_molecules_that_are_read_whole(preset, stereo):
    """No more is left out of the reading than the features can do without."""
    specs = choose_features(preset, stereo)
    expected = FeatureSet(specs)(parse_all(RICH, level=Level.PARENT))
    np.testing.assert_array_equal(compute_features(RICH, specs, 1, Level.PARENT).X, expected.X)
    assert FeatureSet(specs).constitution_only == ((preset, stereo) == ("fast", Stereo.IGNORE))


@pytest.mark.parametrize("stereo", Stereo)
@pytest.mark.parametrize("preset", PRESETS)
def test_features_say_whether_stereo_is_used(preset, stereo):
    """The specification says so, and where stereo is ignored it is the one of before there was a choice."""
    features = FeatureSet(choose_features(preset, stereo))
    assert stereo_of(features.specs) is stereo
    assert FeatureSet(features.specs).specs == features.specs
    assert ("include_chirality" in str(features.specs)) == (stereo is Stereo.USE)
    assert features.reads_stereo == ((preset, stereo) != ("fast", Stereo.IGNORE))
    is_known = stereo is Stereo.IGNORE
    assert features.counts_environments is is_known  # chiral substructures are not those of the domain


@pytest.mark.parametrize("value", [1, "yes", None])
def test_chirality_is_there_or_not(value):
    """Nothing else can be said of it."""
    with pytest.raises(RecipeError, match="include_chirality of morgan_count is"):
        build({"kind": "morgan_count", "include_chirality": value})


@pytest.mark.parametrize("chirality", [False, True])
@pytest.mark.parametrize("smiles", TRIANGLES)
def test_torsions_of_small_rings_are_those_of_the_canonical_smiles(smiles, chirality):
    """RDKit's count depends there on where a path begins; what is explained is what is counted."""
    torsions = build({"kind": "torsion_count", "include_chirality": chirality})
    canonical = Chem.MolFromSmiles(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=chirality))
    expected = rdMolDescriptors.GetHashedTopologicalTorsionFingerprint(
        canonical, nBits=1024, includeChirality=chirality
    )
    mol = Chem.MolFromSmiles(spell(smiles, 3))
    assert torsions(mol).tolist() == [expected[i] for i in range(1024)]
    found = torsions.occurrences(mol)
    assert {place: len(paths) for place, paths in found.items()} == torsions.compute(mol)
    for path in (path for paths in found.values() for path in paths):
        assert all(mol.GetBondBetweenAtoms(*pair) for pair in pairwise(path))
