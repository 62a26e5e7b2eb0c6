import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from rdkit import Chem
from sklearn.metrics import mean_absolute_error, r2_score

from servier.features.physchem import CHEAP

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def test_version(servier):
    """The version is the package's."""
    from servier import __version__

    assert servier("--version").stdout == f"servier, version {__version__}\n"


def test_options_are_spelled_with_underscores_or_hyphens(command, model_1):
    """`--model-1-path` is `--model_1_path`."""
    with_underscores = command("predict", "CCO", "--model_1_path", model_1, "--model_name", 1)
    with_hyphens = command("predict", "CCO", "--model-1-path", model_1, "--model-name", 1)
    assert with_underscores.stdout == with_hyphens.stdout


def test_training_twice_gives_the_same_file(servier, simulated, recipes, models_dir, tmp_path):
    """Model 1 trained again by another process is the same file, byte for byte."""
    servier(
        "train", "--data_dir", simulated.parent, "--model_name", 1, "--config", recipes["1"],
        "--models_dir", tmp_path, "--workers", 2,
    )  # fmt: skip
    assert (tmp_path / "model_1.servier").read_bytes() == (models_dir / "model_1.servier").read_bytes()


@pytest.mark.slow
def test_training_model_2_twice_gives_the_same_scores(servier, simulated, recipes, model_2, tmp_path):
    """Model 2 trained again by another process answers with the same digits."""
    path = tmp_path / "again.servier"
    recipe = ["--config", recipes["2"], "--model_path", path]
    servier("train", "--data_dir", simulated.parent, "--model_name", 2, *recipe)
    for model, out in ((model_2, "a.csv"), (path, "b.csv")):
        servier("predict-file", simulated, tmp_path / out, "--model_path", model)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("options", [(), ("--max_atoms", 25)])
def test_training_from_features_is_training_from_molecules(
    command, simulated, recipes, model_1, tmp_path, options
):
    """The Parquet of featurize trains the model that the table trains, also where it lacks some."""
    features = tmp_path / "f.parquet"
    words = ["featurize", simulated, features, "--preset", "fast", "--workers", 1]
    summary = tmp_path / "summary.json"
    command(*words, *options, "--summary", summary)
    counts = json.loads(summary.read_text())["counts"]
    assert set(counts) == ({"ok", "too_large"} if options else {"ok"})
    command("train", "--dataset", features, "--config", recipes["1"], "--model_path", tmp_path / "m.servier")
    for model, out in ((model_1, "a.csv"), (tmp_path / "m.servier", "b.csv")):
        command("predict-file", simulated, tmp_path / out, "--model_path", model)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_molecule_without_features_trains_no_model(command, simulated, recipes, tmp_path, monkeypatch):
    """Where one cannot be described its line is named: a model would learn from zeros."""
    line, hidden = 7, simulated.read_text().splitlines()[6].split(",")[-1]
    rows = [text.split(",")[-1] for text in simulated.read_text().splitlines()]
    assert rows.count(hidden) == 1

    def fail(mol):
        if Chem.MolToSmiles(mol) == Chem.CanonSmiles(hidden):
            raise RuntimeError("out of range")
        return 0.0

    monkeypatch.setitem(CHEAP, "FormalCharge", fail)
    words = ["--dataset", simulated, "--config", recipes["1"], "--test_fraction", 0]
    said = command("train", *words, "--model_path", tmp_path / "m.servier", status=1).stderr
    assert said.splitlines()[-1] == (
        f"Error: {simulated}, line {line}: no features: physchem: out of range; leave this molecule out"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["1", "2"])
def test_predict_prints_an_answer(servier, command, models_dir, name):
    """One molecule, in words and as JSON, with the same digits."""
    path = models_dir / f"model_{name}.servier"
    arguments = ["predict", ASPIRIN, f"--model_{name}_path", path, "--model_name", name]
    answer = json.loads(servier(*arguments, "--json").stdout)
    assert answer["smile"] == ASPIRIN
    assert answer["status"] == "ok"
    assert f"P1_probability: {answer['P1_probability']}\n" in command(*arguments).stdout


def test_evaluate_scores_only_rows_that_training_held_out(command, simulated, model_1, tmp_path):
    """On its own data set a model is evaluated on its test rows, and the file says what the screen says."""
    finished = command(
        "evaluate",
        "--data_dir",
        simulated.parent,
        "--model_path",
        model_1,
        "--output_dir",
        tmp_path,
        "--resamples",
        200,
    )
    document = json.loads((tmp_path / "metrics.json").read_text())
    assert document["counts"]["scored"] + document["counts"]["trained_on"] == 240
    auroc = document["metrics"]["P1"]["auroc"]
    assert auroc["low"] < auroc["value"] < auroc["high"]
    assert f"{auroc['value']:.4f}" in finished.stdout
    assert set(document["coverage"]["P1"]) == {"0.8", "0.9", "0.95"}
    assert document["coverage"]["P1"]["0.8"]["coverage"] <= document["coverage"]["P1"]["0.95"]["coverage"]
    assert set(document["baselines"]["P1"]) == {"dummy", "1-NN", "linear"}
    assert f"{document['baselines']['P1']['linear']['auroc']:.4f}" in finished.stdout
    card = json.loads(command("inspect", model_1, "--json").stdout)
    assert card["metrics"]["test"]["P1"]["auroc"] == auroc["value"]


def test_evaluate_leaves_out_molecules_that_training_saw(command, simulated, model_1, tmp_path):
    """On another table, rows whose molecule was trained on do not count, however they are written."""
    rows = [line.split(",") for line in simulated.read_text().splitlines()[1:]]
    respelled = [
        f"{label},{Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=1)[0]}.Cl"
        for label, _, smiles in rows
    ]
    table = tmp_path / "other.csv"
    table.write_text("P1,smiles\n" + "\n".join([*respelled, *["0,CCO", "1,CCN", "0,CCC"] * 10]) + "\n")
    document = json.loads(
        command("evaluate", "--dataset", table, "--model_path", model_1, "--resamples", 20, "--json").stdout
    )
    trained = json.loads(command("inspect", model_1, "--json").stdout)["dataset"]["train_rows"]
    assert document["counts"] == {
        "scored": 270 - trained, "trained_on": trained, "unreadable": 0, "unlabelled": 0,
    }  # fmt: skip


def test_regression_on_any_table(command, recipes, tmp_path):
    """Another target column, a split column and odd rows: a model of values is trained and used."""
    from servier.data.simulation import simulate

    rows = [
        f"{len(smiles) / 3},{smiles},{'test' if i % 5 == 0 else 'train'}"
        for i, smiles in enumerate(simulate(150, 1).smiles)
    ]
    table = tmp_path / "t.csv"
    table.write_text("size,Drug,fold\n" + "\n".join([*rows, "1.5,nope,train", ",CCO,train"]) + "\n")
    path = tmp_path / "m.servier"
    trained = command(
        "train", "--dataset", table, "--target", "size", "--split_column", "fold", "--config", recipes["1"],
        "--model_path", path,
    )  # fmt: skip
    assert "120 molecules for training, 30 rows for testing, 2 left out" in trained.stderr
    assert "line 152: left out: syntax error" in trained.stderr
    tested = rows[::5]
    library, scored = tmp_path / "tested.smi", tmp_path / "scored.csv"
    library.write_text("".join(f"{row.split(',')[1]}\n" for row in tested))
    command("predict-file", library, scored, "--model_path", path)
    with scored.open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert "size_probability" not in answers[0]
    y = np.array([float(row.split(",")[0]) for row in tested])
    predicted = np.array([float(answer["size_pred"]) for answer in answers])
    measured = json.loads(command("inspect", path, "--json").stdout)["metrics"]["test"]["size"]
    assert measured["mae"] == pytest.approx(mean_absolute_error(y, predicted), abs=1e-5)
    assert measured["r2"] == pytest.approx(r2_score(y, predicted), abs=1e-5)
    trained = [float(row.split(",")[0]) for i, row in enumerate(rows) if i % 5]
    assert measured["mae"] < 0.5 * np.mean(np.abs(y - np.mean(trained)))


def test_inspect_shows_the_card(servier, model_2):
    """The card says what the model is and that it is intact."""
    said = servier("inspect", model_2).stdout
    for words in ("model       2", "intact      yes", "target P1   binary", "auroc"):
        assert words in said


def test_simulate_says_what_is_achievable(servier, tmp_path):
    """The best AUROC is printed, and the rows are there."""
    said = servier("simulate", tmp_path / "s.csv", "--rows", 50).stdout
    assert "Best achievable AUROC: 0." in said
    assert (tmp_path / "s.csv").read_text().count("\n") == 51


def test_training_says_what_it_takes_the_target_for(command, simulated, recipes, tmp_path):
    """Training says the task and the molecules; a place that cannot be written is refused before that."""
    train = ["train", "--data_dir", simulated.parent, "--config", recipes["1"], "--model_path"]
    said = command(*train, tmp_path / "m.servier").stderr
    assert "target P1: binary" in said
    assert "molecules for training" in said
    said = command(*train, simulated / "m.servier", status=1).stderr
    assert "cannot write here" in said
    assert "molecules for training" not in said


def test_evaluate_names_another_column_and_refuses_other_labels(command, model_1, tmp_path):
    """A column of another name is compared with by name; labels that are not 0 and 1 are refused."""
    rows = "".join(f"{i % 2},{i + 0.5},{'C' * (i + 1)}O\n" for i in range(30))
    table = tmp_path / "t.csv"
    table.write_text("active,value,smiles\n" + rows + ",,CCN\n")
    arguments = ["evaluate", "--dataset", table, "--model_path", model_1, "--resamples", 20]
    said = command(*arguments, "--target", "active").stdout
    assert "The model predicts P1; it is compared with the column active." in said
    assert "0 unreadable, 1 without a label" in said
    refused = command(*arguments, "--target", "value", status=1).stderr
    assert "label 0.5 in a binary target" in refused


@pytest.mark.process
def test_nothing_is_collected_in_the_home_folder(model_1, tmp_path):
    """Scoring leaves no file behind in the user's home."""
    command = [sys.executable, "-m", "servier", "predict", "CCO", "--model_1_path", model_1]
    subprocess.run(command, env=os.environ | {"HOME": str(tmp_path)}, check=True, capture_output=True)
    assert not list(tmp_path.rglob("*"))
