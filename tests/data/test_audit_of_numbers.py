"""What check finds in measured values: units, bounds, limits of detection, cliffs, a series, replicates."""

import csv
import json

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from servier.data.audit import check
from servier.data.datasets import Columns
from servier.data.labels import suspect_limits
from servier.data.simulation import simulate
from servier.data.structure_activity import MAX_COMPARED, find_cliffs, suspect_series

LEFT, RIGHT = "C[C@H](N)C(=O)Nc1ccc(Cl)cc1CCO", "C[C@@H](N)C(=O)Nc1ccc(Cl)cc1CCO"


def mols(*smiles):
    return [Chem.MolFromSmiles(text) for text in smiles]


def cliffs(y, unit, *smiles):
    """The pairs of molecules that are cliffs of one target."""
    return [(c.first, c.second) for c in find_cliffs(mols(*smiles), [np.array(y, float)], [unit])]


@pytest.mark.parametrize(
    ("y", "unit", "is_cliff"),
    [
        ([1, 100, 5], "nM", True),
        ([1, 99, 5], "nM", False),
        ([0.5, 60, 5], "mg/L", True),
        ([7, 9, 5], "-log10(M)", True),
        ([7, 8.9, 5], "-log10(M)", False),
        ([2, 0, 5], "log10(nM)", True),
        ([0, 1, 0], None, True),
        ([0, 0, 1], None, False),
        ([0, 100, 50], "%", True),
        ([np.nan, 100, 5], "nM", False),
        ([0, 900, 5], "nM", True),
    ],
)
def test_like_molecules_with_unlike_values_are_cliffs(y, unit, is_cliff):
    """A hundredfold between enantiomers, another class, two standard deviations; phenol is like neither."""
    assert cliffs(y, unit, LEFT, RIGHT, "Oc1ccccc1") == ([(0, 1), (1, 0)] if is_cliff else [])


def test_cliffs_are_those_of_rdkits_similarities():
    """Pairs are compared by RDKit's own Tanimoto similarity; of each molecule the furthest label counts."""
    simulation = simulate(150, seed=5)
    found = mols(*simulation.smiles)
    y = np.random.default_rng(0).uniform(4, 9, len(found))
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    bits = [generator.GetFingerprint(mol) for mol in found]
    expected = {}
    for i, own in enumerate(bits):
        similar = np.array(DataStructs.BulkTanimotoSimilarity(own, bits))
        away = np.where(similar >= 0.56, np.abs(y - y[i]), 0)
        if away.max() >= 2:
            expected[i] = int(away.argmax())
    assert {c.first: c.second for c in find_cliffs(found, [y], ["-log10(M)"])} == expected
    assert len(expected) > 20


def test_of_a_large_table_the_first_molecules_are_compared(monkeypatch):
    """All pairs of a million molecules would take days."""
    assert MAX_COMPARED == 20_000
    monkeypatch.setattr("servier.data.structure_activity.MAX_COMPARED", 2)
    assert cliffs([1, 1, 1000], "nM", "CCO", LEFT, RIGHT) == []
    assert find_cliffs([], [], []) == []


def test_a_series_is_found():
    """More than half of the molecules have one scaffold; chains have none, and few are no series."""
    series, others = [f"c1ccc(CNC{'C' * i})cc1" for i in range(15)], [f"{'C' * i}O" for i in range(1, 15)]
    (said,) = suspect_series(mols(*series, *others))
    assert said.startswith(
        "15 of 29 molecules have the scaffold c1ccccc1: a model of them says little of other"
    )
    assert suspect_series(mols(*series[:14], *others)) == []
    assert suspect_series(mols(*series)) == []
    assert suspect_series(mols(*others * 3)) == []


RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("y", "said"),
    [
        (
            np.r_[RANDOM.lognormal(5, 1, 90), np.full(10, 1e4)],
            "10 of 100 labels are 10000, the highest: of a limit",
        ),
        (
            np.r_[RANDOM.normal(size=90), np.full(10, -9.0)],
            "10 of 100 labels are -9, the lowest: of a limit of det",
        ),
        (np.r_[RANDOM.normal(size=90), np.full(10, 0.0)], None),
        (np.r_[RANDOM.normal(size=96), np.full(4, 9.0)], None),
        (np.round(RANDOM.normal(size=5000), 1), None),
        (np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 20), None),
        (np.repeat([0.0, 1.0], [10, 90]), None),
        (np.r_[RANDOM.normal(size=990), np.full(10, 9.0)], None),
        (np.full(9, np.nan), None),
    ],
    ids=["highest", "lowest", "inside", "few", "rounded", "steps", "classes", "a hundredth", "none"],
)
def test_repeated_extreme_values_look_like_limits(y, said):
    """Of measured values the extremes are the rarest; where one of them is frequent, it may be a bound."""
    found = suspect_limits({"y": y})
    assert len(found) == (said is not None)
    assert all(text.startswith(f"y: {said}") for text in found)


@pytest.fixture
def measured(tmp_path):
    """A table as ChEMBL writes it, with two units, bounds, replicates, and two enantiomers on a cliff."""
    simulation = simulate(40, seed=12)
    rng = np.random.default_rng(2)
    rows = [(LEFT, "=", 3.0, "nM"), (RIGHT, "=", 900.0, "nM")]
    for i, smiles in enumerate(simulation.smiles):
        value = float(rng.lognormal(5, 0.5))
        rows.append((smiles, "'>'" if i % 10 == 0 else "'='", value, "nM"))
        if i < 12:
            rows.append((smiles, "'='", value * 1.3 / 1000, "uM"))
    path = tmp_path / "measured.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerow(["Smiles", "Standard Relation", "Standard Value", "Standard Units"])
        writer.writerows(rows)
    return path


def test_command_says_it_all(command, measured, tmp_path):
    """Units and bounds are warnings, a cliff is in its rows, replicates say what can be reached."""
    out = tmp_path / "found.csv"
    said = command("check", measured, out, "--target", "Standard Value").stdout
    assert "Standard Value: labels are in several units, 42 in nM, 12 in µM; train learns nM" in said
    assert "Standard Value in nM: 10 molecules have several labels, 0 of them equal ones only" in said
    assert "The best that a model can reach on single measurements: mae" in said
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["problems"], rows[1]["problems"]) == ("cliff", "cliff")
    assert rows[0]["details"] == "Standard Value: 3 and 900, though line 3 is 1.00 similar"
    document = json.loads(command("check", measured, "--target", "Standard Value", "--json").stdout)
    assert document["units"] == {"Standard Value": "nM"}
    assert document["replicates"]["Standard Value"]["molecules"] == 10
    assert document["problems"]["conflict"] == 20
    assert document["labels"]["Standard Value"]["bounds"] == 4


def test_what_train_refuses_is_said(command, measured):
    """Units that cannot become one, with the line, and the conversion that is asked for instead."""
    measured.write_text(measured.read_text().replace('"uM"', '"%"', 1))
    said = command("check", measured, "--target", "Standard Value").stdout
    assert (
        "Standard Value: train refuses it: line 5: the label is in %, and that of line 2 in nM; neither"
        in said
    )
    measured.write_text(measured.read_text().replace('"%"', '"uM"'))
    audit = check(measured, Columns(("Standard Value",)))
    assert audit.counts["cliff"] == 2
    assert "conflict" in audit.counts


@pytest.mark.training
def test_train_prints_the_best_beside_what_it_reaches(command, recipes, measured, tmp_path):
    """A column of the table of metrics, and a sentence; merging by another rule changes the model."""
    table = ["--dataset", measured, "--target", "Standard Value", "--config", recipes["1"], "--workers", 1]
    said = command("train", *table, "--model_path", tmp_path / "a.servier").stdout
    assert "Standard Value in nM  validation  test" in said
    header, mae = said.splitlines()[:2]
    assert header.endswith("best reachable")
    assert float(mae.split()[-1]) > 0
    digests = {
        rule: command("train", *table, "--replicates", rule, "--model_path", tmp_path / f"{rule}.servier")
        and (tmp_path / f"{rule}.servier").read_bytes()
        for rule in ("median", "mean", "geometric", "worst", "drop", "merge")
    }
    assert digests["median"] == digests["merge"] == (tmp_path / "a.servier").read_bytes()
    assert len(set(digests.values())) >= 4
    again = command(
        "evaluate", *table[:4], "--model_path", tmp_path / "worst.servier", "--folds", 2, "--json"
    )
    assert json.loads(again.stdout)["metrics"]


@pytest.mark.training
def test_a_geometric_mean_needs_values_above_0(command, recipes, tmp_path):
    """The first label that has no logarithm is named; on a logarithmic scale any will do."""
    smiles = simulate(40, seed=1).smiles
    path = tmp_path / "t.csv"
    path.write_text("smiles,y\n" + "".join(f"{text},{i - 3}\n" for i, text in enumerate(smiles)))
    train = [
        "train",
        "--dataset",
        path,
        "--replicates",
        "geometric",
        "--config",
        recipes["1"],
        "--model_path",
    ]
    refused = command(*train, tmp_path / "m.servier", status=1).stderr
    assert (
        "line 2, column y: the geometric mean needs labels above 0, and this is -3; choose --replicates"
        in refused
    )
    command(*train, tmp_path / "m.servier", "--unit", "pIC50")
