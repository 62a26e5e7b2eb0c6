import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from sklearn.metrics import mean_absolute_error, roc_auc_score

from servier.chem.similarity import fingerprints, nearest
from servier.data.simulation import simulate
from servier.evaluation.baselines import Reference, measure_baselines


@pytest.fixture(scope="module")
def mols():
    return [Chem.MolFromSmiles(smiles) for smiles in simulate(200, seed=11).smiles]


def test_nearest_molecules_are_those_of_rdkit(mols):
    """RDKit's fingerprints and similarities say the same, and a molecule is its own nearest."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    fps = [generator.GetFingerprint(mol) for mol in mols]
    rows, similarity = nearest(fingerprints(mols[:40]), fingerprints(mols[40:]))
    for i, (row, found) in enumerate(zip(rows, similarity, strict=True)):
        expected = DataStructs.BulkTanimotoSimilarity(fps[i], fps[40:])
        assert found == max(expected) == expected[row]
    itself, similarity = nearest(fingerprints(mols), fingerprints(mols))
    assert set(similarity) == {1.0}
    assert [Chem.MolToSmiles(mols[i]) for i in itself] == [Chem.MolToSmiles(mol) for mol in mols]


def test_no_molecules_have_no_nearest(mols):
    """Nothing asked, nothing found."""
    rows, similarity = nearest(fingerprints([]), fingerprints(mols))
    assert (len(rows), len(similarity)) == (0, 0)


def test_simple_methods_say_what_they_are_meant_to(mols):
    """The mean ranks nothing; neighbours and a line learn a fragment; missing labels do not count."""
    halogen = Chem.MolFromSmarts("[F,Cl,Br]")
    weight = np.array([mol.GetNumHeavyAtoms() for mol in mols], float)
    y = np.stack([[float(mol.HasSubstructMatch(halogen)) for mol in mols], weight], axis=1)
    y[::7, 1] = np.nan
    train, test = slice(0, 140), slice(140, None)
    reference = Reference(fingerprints(mols[train]), y[train])
    binary, regression = measure_baselines(reference, mols[test], y[test], ["binary", "regression"])
    assert binary["dummy"]["auroc"] == 0.5
    assert binary["linear"]["auroc"] > 0.8
    rows, _ = nearest(reference.fingerprints[:0], reference.fingerprints)
    assert len(rows) == 0
    found = nearest(fingerprints(mols[test]), reference.fingerprints)[0]
    assert binary["1-NN"]["auroc"] == roc_auc_score(y[test, 0], y[train, 0][found])
    known = ~np.isnan(y[test, 1])
    mean = np.nanmean(y[train, 1])
    assert regression["dummy"]["mae"] == pytest.approx(
        mean_absolute_error(y[test, 1][known], np.full(known.sum(), mean))
    )
    assert regression["linear"]["mae"] < regression["dummy"]["mae"]
