import numpy as np
import pytest
from rdkit import Chem
from sklearn.metrics import roc_auc_score

from servier.data.simulation import expected_auroc, simulate, true_probability
from servier.errors import DataError


@pytest.fixture(scope="module")
def simulation():
    return simulate(400, seed=5)


def test_molecules_are_distinct_and_readable(simulation):
    """Every SMILES is canonical, and none comes twice."""
    assert len(set(simulation.smiles)) == 400
    assert [Chem.CanonSmiles(smiles) for smiles in simulation.smiles] == simulation.smiles


def test_probability_follows_the_structure(simulation):
    """The stated probability is that of the rule, read from the SMILES again."""
    expected = [true_probability(Chem.MolFromSmiles(smiles)) for smiles in simulation.smiles]
    assert simulation.probability.tolist() == expected


def test_same_seed_same_rows(simulation):
    """The seed decides everything."""
    again, other = simulate(400, seed=5), simulate(400, seed=6)
    assert (again.smiles, again.labels.tolist()) == (simulation.smiles, simulation.labels.tolist())
    assert other.smiles != simulation.smiles


def test_best_auroc_is_what_scikit_learn_measures_on_average():
    """Drawing labels again and again, the mean AUROC of the true probability is the stated one."""
    rng = np.random.default_rng(0)
    probability = rng.choice([0.1, 0.4, 0.7, 0.95], 500)
    measured = [roc_auc_score(rng.random(500) < probability, probability) for _ in range(400)]
    assert expected_auroc(probability) == pytest.approx(np.mean(measured), abs=0.003)


def test_more_molecules_than_there_are_is_one_clear_error(monkeypatch):
    """The error says how many there are."""
    monkeypatch.setattr("servier.data.simulation.AMINES", ("CCN", "CN"))
    with pytest.raises(DataError, match=r"give only \d+ molecules"):
        simulate(100_000, seed=0)
