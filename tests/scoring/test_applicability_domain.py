"""The applicability domain, and percentiles among reference molecules."""

import csv

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from servier.checkpoint.file import open_checkpoint
from servier.chem.similarity import fingerprints, pick_distant
from servier.data.simulation import simulate
from servier.scoring.applicability_domain import Domain, DomainMeasures, find_environments, fit_domain
from servier.scoring.consensus import open_ranks
from servier.scoring.predictions import rank_among

MORGAN = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
OUTSIDERS = ["[Fe+2]", "C" * 60, "OC[C@H]1OC(O)[C@H](O)[C@@H](O)[C@@H]1O", "B1OBOBO1", "N.[Na+].[Cl-]"]


@pytest.fixture(scope="module")
def mols():
    return [Chem.MolFromSmiles(smiles) for smiles in simulate(300, 5).smiles]


@pytest.fixture(scope="module")
def domain(mols):
    known = fingerprints(mols)
    fitted = fit_domain(known, mols, 0)
    return Domain(known[fitted.rows], fitted.environments, fitted.limits)


def test_similarity_is_rdkits(mols, domain):
    """The nearest similarity is the highest of RDKit's Tanimoto similarities."""
    known = [MORGAN.GetFingerprint(mol) for mol in mols]
    others = [Chem.MolFromSmiles(smiles) for smiles in simulate(50, 6).smiles + OUTSIDERS]
    expected = [max(DataStructs.BulkTanimotoSimilarity(MORGAN.GetFingerprint(mol), known)) for mol in others]
    np.testing.assert_allclose(domain(find_environments(others)).similarity, expected, atol=1e-6)


def test_unseen_substructures_are_counted(mols, domain):
    """The unseen fraction is that of RDKit's unfolded substructures that no training molecule has."""
    known = set().union(*(MORGAN.GetSparseFingerprint(mol).GetOnBits() for mol in mols))
    for smiles in simulate(20, 6).smiles + OUTSIDERS:
        mol = Chem.MolFromSmiles(smiles)
        own = set(MORGAN.GetSparseFingerprint(mol).GetOnBits())
        found = domain(find_environments([mol]))
        assert found.unseen[0] == pytest.approx(len(own - known) / len(own))


def test_new_molecules_of_the_same_kind_are_inside(mols, domain):
    """Of new molecules of the same kind nine in ten are inside; sugar, metal and boron are not."""
    new = [Chem.MolFromSmiles(smiles) for smiles in simulate(300, 7).smiles]
    assert domain(find_environments(new)).is_inside.mean() > 0.85
    outsiders = [Chem.MolFromSmiles(smiles) for smiles in OUTSIDERS]
    assert not domain(find_environments(outsiders)).is_inside.any()


def test_a_training_molecule_is_not_its_own_neighbour(mols):
    """The limit is below 1 although each training molecule is among those it is compared with."""
    doubled = [*mols[:40], *mols[:40]]
    assert fit_domain(fingerprints(doubled), doubled, 0).limits.similarity == 1
    assert fit_domain(fingerprints(mols), mols, 0).limits.similarity < 1


def test_large_molecules_share_more_than_a_byte_holds(mols):
    """A molecule with more than 255 substructures is exactly like itself."""
    rng = np.random.default_rng(0)
    large = Chem.MolFromSmiles("".join(rng.choice(["C", "N", "O", "S", "C(F)", "C(Cl)", "C(Br)"], 400)))
    known = fingerprints([*mols, large])
    fitted = fit_domain(known, [*mols, large], 0)
    found = Domain(known, fitted.environments, fitted.limits)(find_environments([large]))
    assert len(find_environments([large])[0]) > 255
    assert found.similarity[0] == 1
    assert found.unseen[0] == 0


def test_distant_molecules_are_picked():
    """Of molecules that are there twice none is picked twice, and the same seed picks the same."""
    rng = np.random.default_rng(0)
    bits = rng.random((600, 2048)) < 0.02
    known = np.packbits(np.concatenate([bits, bits]), axis=1)
    rows = pick_distant(known, 600, 0)
    assert len(np.unique(known[rows], axis=0)) == 600
    np.testing.assert_array_equal(rows, pick_distant(known, 600, 0))


def test_references_without_an_answer_of_one_model_are_left_out(servier, simulated, recipes, tmp_path):
    """Where one of two models has no answer, percentiles are among the other reference molecules."""
    checkpoints = []
    for i in range(2):
        model = tmp_path / f"{i}.servier"
        servier("train", "--dataset", simulated, "--config", recipes["1"], "--model_path", model,
                "--reference", simulated, "--seed", i, "--workers", 1)  # fmt: skip
        checkpoints.append(open_checkpoint(model))
    answers = [checkpoint.reference.reference_answers for checkpoint in checkpoints]
    answers[0][3] = np.nan
    expected = np.sort(np.delete((answers[0] + answers[1]) / 2, 3, axis=0), axis=0)
    np.testing.assert_allclose(open_ranks(checkpoints), expected)


def test_several_models_must_agree():
    """A molecule is inside the domain of several models where it is inside that of each."""
    first = DomainMeasures(np.array([0.5, 0.9]), np.array([0.1, 0.0]), np.array([1.0, 1.0]))
    second = DomainMeasures(np.array([0.7, 0.2]), np.array([0.2, 0.6]), np.array([1.0, 0.0]))
    joined = DomainMeasures.join([first, second])
    assert joined.similarity.tolist() == [0.5, 0.2]
    assert joined.unseen.tolist() == [0.2, 0.6]
    assert joined.is_inside.tolist() == [1, 0]


def test_percentiles_are_mid_ranks():
    """A percentile counts the lower references, and half of the equal ones."""
    found = rank_among(np.array([[0.0], [2.0], [9.0], [np.nan]]), np.array([[1.0], [2.0], [2.0], [3.0]]))
    np.testing.assert_array_equal(found[:, 0], [0, 50, 100, np.nan])


@pytest.mark.parametrize("name", ["model_1", "model_2", "consensus"])
def test_detail_has_the_applicability_domain(name, servier, model_1, model_2, simulated, tmp_path):
    """predict-file --detail finds training molecules at similarity 1, and a metal complex outside."""
    paths = {"model_1": [model_1], "model_2": [model_2], "consensus": [model_1, model_2]}[name]
    smiles = [row["smiles"] for row in csv.DictReader(simulated.open())][:200]
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("\n".join(["smiles", *smiles, "C[Hg]C", "nonsense"]) + "\n")
    models = [part for path in paths for part in ("--model_path", path)]
    servier("predict-file", table, out, *models, "--detail", "--workers", 1)
    rows = list(csv.DictReader(out.open()))
    added = list(rows[0])[list(rows[0]).index("nearest_similarity") :]
    assert added == [
        "nearest_similarity", "unseen_share", "in_domain", "scored_smiles", "standardization",
        *([] if name == "model_1" else ["unspecified_stereo"]), "status", "reason",
    ]  # fmt: skip
    assert sum(row["nearest_similarity"] == "1.0" for row in rows) > 100
    assert [row["in_domain"] for row in rows[-2:]] == ["0", ""]


def test_percentiles_among_reference_molecules(servier, simulated, recipes, tmp_path):
    """A molecule's percentile is its rank among the reference molecules, scored by the same model."""
    model, table, out = tmp_path / "m.servier", tmp_path / "in.csv", tmp_path / "out.csv"
    smiles = [row["smiles"] for row in csv.DictReader(simulated.open())][:60]
    table.write_text("\n".join(["name,smiles", *(f"x,{text}" for text in smiles), "bad,nonsense"]) + "\n")
    train = ["train", "--dataset", simulated, "--config", recipes["1"], "--model_path", model]
    servier(*train, "--reference", table, "--workers", 1)
    servier("predict-file", table, out, "--model_path", model, "--detail", "--workers", 1)
    rows = list(csv.DictReader(out.open()))
    scores = [float(row["P1_probability"]) for row in rows[:-1]]
    expected = [100 * (np.sum(np.less(scores, s)) + np.sum(np.equal(scores, s)) / 2) / 60 for s in scores]
    assert [float(row["P1_percentile"]) for row in rows[:-1]] == pytest.approx(expected, abs=0.051)
    assert rows[-1]["P1_percentile"] == ""
    assert "60 molecules of in.csv" in servier("inspect", model).stdout
    table.write_text("smiles\nnonsense\n")
    said = servier(*train, "--reference", table, "--force", status=1).stderr
    assert "no molecule can be read" in said
