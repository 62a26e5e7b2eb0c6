import pickle

import numpy as np
import pytest
from molecules_for_tests import SMILES
from rdkit import Chem
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors, rdReducedGraphs

from servier.chem.molecules import InvalidMolecule, parse_all
from servier.errors import RecipeError
from servier.features.base import LIMIT, to_float32
from servier.features.feature_set import FeatureSet
from servier.features.physchem import CHEAP
from servier.features.registry import FEATURIZERS, PRESETS, build

MOLS = [Chem.MolFromSmiles(smiles) for smiles in SMILES]


@pytest.mark.parametrize("mol", MOLS, ids=SMILES)
def test_morgan_counts_are_rdkits(mol):
    """RDKit's sparse counts, folded, are the oracle."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=512)
    expected = np.zeros(512)
    for position, count in generator.GetCountFingerprint(mol).GetNonzeroElements().items():
        expected[position] = count
    assert build({"kind": "morgan_count", "radius": 2, "fp_size": 512})(mol).tolist() == expected.tolist()


@pytest.mark.parametrize("mol", MOLS, ids=SMILES)
def test_pair_and_torsion_counts_are_rdkits(mol):
    """RDKit's older functions, which hash as its generators do, are the oracle."""
    pairs = rdMolDescriptors.GetHashedAtomPairFingerprint(mol, nBits=1024, minLength=1, maxLength=6)
    torsions = rdMolDescriptors.GetHashedTopologicalTorsionFingerprint(mol, nBits=1024)
    for kind, counts in (("atom_pair_count", pairs), ("torsion_count", torsions)):
        assert build({"kind": kind})(mol).tolist() == [counts[i] for i in range(1024)]


@pytest.mark.parametrize("mol", MOLS, ids=SMILES)
def test_erg_is_rdkits(mol):
    """The vector is RDKit's for a molecule that was just read."""
    fresh = Chem.MolFromSmiles(Chem.MolToSmiles(mol))
    expected = list(rdReducedGraphs.GetErGFingerprint(fresh))
    assert build({"kind": "erg"}).compute(Chem.MolFromSmiles(Chem.MolToSmiles(mol))).tolist() == expected


@pytest.mark.parametrize("smiles", SMILES)
def test_erg_is_the_same_after_other_descriptors(smiles):
    """What RDKit has cached in a molecule does not change the answer."""
    fresh, used = Chem.MolFromSmiles(smiles), Chem.MolFromSmiles(smiles)
    build({"kind": "descriptors_2d"})(used)
    assert build({"kind": "erg"})(used).tolist() == build({"kind": "erg"})(fresh).tolist()


@pytest.mark.parametrize("mol", MOLS, ids=SMILES)
def test_descriptors_are_rdkits(mol):
    """Every descriptor has RDKit's value, under RDKit's name."""
    expected = Descriptors.CalcMolDescriptors(mol, missingVal=np.nan)
    featurizer = build({"kind": "descriptors_2d"})
    assert featurizer.column_names() == list(expected)
    np.testing.assert_allclose(
        to_float32(featurizer(mol)), to_float32(np.array(list(expected.values()))), rtol=1e-6
    )


@pytest.mark.parametrize("name", [name for name in CHEAP if name != "FormalCharge"])
def test_cheap_descriptors_are_rdkits(name):
    """A cheap descriptor is the one that RDKit calls by its name."""
    oracle = dict(Descriptors.descList)
    for mol in MOLS:
        ours = build({"kind": "physchem"}).compute(mol)[list(CHEAP).index(name)]
        if name in oracle:
            assert ours == oracle[name](mol), Chem.MolToSmiles(mol)


def test_undefined_values_become_finite():
    """A model never sees NaN or infinity."""
    assert to_float32(np.array([np.nan, np.inf, -np.inf, 1e30, 2.5])).tolist() == [
        0,
        LIMIT,
        -LIMIT,
        LIMIT,
        2.5,
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_feature_set_puts_blocks_side_by_side(preset):
    """The matrix is the blocks in order, and names and kinds of columns go with them."""
    features = FeatureSet(PRESETS[preset])
    X = features(MOLS[:5]).X
    expected = [np.concatenate([block(mol) for block in features.featurizers]) for mol in MOLS[:5]]
    np.testing.assert_array_equal(X, to_float32(np.array(expected)))
    assert len(features) == len(features.column_names()) == X.shape[1]
    counts = sum(len(block) for block in features.featurizers if block.is_count)
    assert features.is_count.sum() == counts > 0
    kinds = [block.kind for block in features.featurizers for _ in range(len(block))]
    assert features.kinds.tolist() == kinds


@pytest.mark.parametrize("preset", PRESETS)
def test_features_do_not_depend_on_neighbours(preset):
    """A molecule has the same features alone, among others, and after a trip through pickle."""
    features = FeatureSet(PRESETS[preset])
    together = features(MOLS).X
    copy = pickle.loads(pickle.dumps(features))
    alone = np.concatenate([copy([mol]).X for mol in MOLS])
    np.testing.assert_array_equal(together, alone)


def test_problems_keep_their_places():
    """A row without a molecule is zeros and its problem."""
    features = FeatureSet(PRESETS["fast"])(parse_all(["CCO", "nope", ""]))
    assert [None if p is None else p.status for p in features.problems] == [None, "invalid", "empty"]
    assert features.X[0].any()
    assert not features.X[1:].any()


def test_a_featurizer_that_fails_costs_one_row(monkeypatch):
    """An exception inside RDKit is a problem of that molecule alone."""
    features = FeatureSet([{"kind": "erg"}])

    def fail_for_ethanol(mol, **_):
        if mol.GetNumAtoms() == 3:
            raise RuntimeError("no luck\nat all")
        return np.ones(315)

    monkeypatch.setattr(rdReducedGraphs, "GetErGFingerprint", fail_for_ethanol)
    found = features(parse_all(["C", "CCO", "CC"]))
    assert found.problems[1] == InvalidMolecule("invalid", "erg: no luck at all")
    assert [found.problems[0], found.problems[2]] == [None, None]
    assert found.X.any(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize("kind", FEATURIZERS)
def test_specification_builds_the_same_featurizer(kind):
    """What a checkpoint stores is enough to build it again."""
    featurizer = build({"kind": kind})
    assert build(featurizer.spec()) == featurizer


@pytest.mark.parametrize("spec", [{"kind": "magic"}, {}, {"kind": "erg", "colour": 1}])
def test_unknown_featurizer_is_refused(spec):
    """A kind or a parameter that does not exist is an error."""
    with pytest.raises(RecipeError):
        FeatureSet([spec])
