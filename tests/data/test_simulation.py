import csv

import numpy as np
import pytest
from rdkit import Chem
from sklearn.metrics import roc_auc_score

from servier.data.censored_simulation import DETECTED, NOISE, simulate_censored, true_value
from servier.data.simulation import expected_auroc, simulate, true_probability, write_simulation
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


def test_a_censored_table_hides_what_is_beyond_its_limits(tmp_path):
    """A label is a bound exactly where the value, which stands in a column of its own, is beyond a limit."""
    made = simulate_censored(80, seed=2)
    write_simulation(made, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    low, high = DETECTED
    for row in rows:
        value = float(row["P1_value"])
        expected = f"<{low:g}" if value < low else f">{high:g}" if value > high else row["P1_value"]
        assert row["P1"] == expected
    assert 0.1 < np.mean([row["P1"].startswith("<") for row in rows]) < 0.4
    assert any(row["P1"].startswith(">") for row in rows)
    assert [row["smiles"] for row in rows] == simulate(80, seed=2).smiles


def test_the_rule_of_a_censored_table_is_the_best_model():
    """Values differ from the rule by the stated noise, so that its error is the stated one."""
    made = simulate_censored(120, seed=5)
    assert made.expected.tolist() == [true_value(Chem.MolFromSmiles(smiles)) for smiles in made.smiles]
    errors = made.values - made.expected
    assert np.std(errors) == pytest.approx(NOISE, rel=0.2)
    assert np.abs(errors).mean() == pytest.approx(made.best_mae, rel=0.2)
