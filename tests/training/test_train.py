import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import Descriptors

from servier.data.datasets import Columns, load_dataset
from servier.data.simulation import simulate
from servier.errors import DataError
from servier.evaluation.bootstrap import Resampling
from servier.evaluation.evaluate import evaluate
from servier.scoring.scorer import Scorer
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.train import train

pytestmark = pytest.mark.training

RECIPE = {
    "folds": 3,
    "boosters": [{"fingerprint_gain": 0.2}],
    "repeats": 1,
    "max_rounds": 60,
    "parameters": {"learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 5, "max_bin": 63},
}
NETWORK = {
    "encoder": "none",
    "architecture": {"embedding": 8, "convolution": 8, "width": 8, "dense": 8},
    "epochs": [1, 2],
    "folds": 2,
    "n_smiles": 2,
}
EVERYTHING = Options(preset="fast", test_fraction=0.0)


def write(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """A table with three targets, one of which lacks every third label, and a column of text."""
    simulation = simulate(300, seed=6)
    mols = [Chem.MolFromSmiles(smiles) for smiles in simulation.smiles]
    rows = [
        {
            "smiles": smiles, "P1": label, "logP": round(Descriptors.MolLogP(mol), 3),
            "bromine": "" if i % 3 == 0 else int("Br" in smiles), "remark": "nothing",
        }
        for i, (smiles, label, mol) in enumerate(zip(simulation.smiles, simulation.labels, mols, strict=True))
    ]  # fmt: skip
    return write(tmp_path_factory.mktemp("several") / "several.csv", rows)


def test_targets_trained_together_score_as_alone(several):
    """Of targets without missing labels each gets the very scores that a model of it alone gives."""
    smiles = load_dataset(several).smiles[:50]
    together = train(
        load_dataset(several, Columns(("P1", "logP"))), EVERYTHING, make_recipe(EVERYTHING, RECIPE)
    )
    for position, target in enumerate(("P1", "logP")):
        alone = train(load_dataset(several, Columns((target,))), EVERYTHING, make_recipe(EVERYTHING, RECIPE))
        np.testing.assert_array_equal(
            Scorer([together]).score(smiles).values[:, position], Scorer([alone]).score(smiles).values[:, 0]
        )


@pytest.fixture(scope="module")
def of_several_targets(command, several, tmp_path_factory):
    """Both models of three targets, named one by one or all of a table; what training the second said."""
    folder = tmp_path_factory.mktemp("several")
    named = [word for target in ("P1", "logP", "bromine") for word in ("--target", target)]
    said = ""
    for model, recipe, targets in (("1", RECIPE, named), ("2", NETWORK, ["--target", "all"])):
        (folder / "recipe.yaml").write_text(json.dumps({"model_name": int(model), **recipe}))
        said = command(
            "train", "--dataset", several, *targets, "--model_name", model, "--models_dir", folder,
            "--config", folder / "recipe.yaml", *(["--preset", "fast"] if model == "1" else []),
        ).stderr  # fmt: skip
    return folder, said


def test_all_targets_are_all_columns_with_labels(command, several, of_several_targets):
    """Every column with labels is a target, with metrics of its own; others are left out, and why."""
    folder, said = of_several_targets
    assert "left out: " in said
    assert "column remark: 'nothing' is not a number" in said
    document = json.loads(
        command(
            "evaluate",
            "--dataset",
            several,
            "--model_path",
            folder / "model_2.servier",
            "--resamples",
            20,
            "--json",
        ).stdout
    )
    assert set(document["metrics"]) == {"P1", "logP", "bromine"}
    assert {"auroc", "brier"} <= set(document["metrics"]["bromine"])
    assert {"mae", "r2"} <= set(document["metrics"]["logP"])


def test_all_targets_are_scored_in_one_pass(command, several, of_several_targets, tmp_path):
    """One run of predict-file, of both models, answers all targets, in the order of the table."""
    folder = of_several_targets[0]
    models = ["--model_path", folder / "model_1.servier", "--model_path", folder / "model_2.servier"]
    command("predict-file", several, tmp_path / "out.csv", *models)
    header = (tmp_path / "out.csv").read_text().splitlines()[0].split(",")
    assert header[5:] == [
        "P1_pred", "P1_probability", "logP_pred", "bromine_pred", "bromine_probability", "status", "reason",
    ]  # fmt: skip


def test_a_table_too_small_for_any_split_is_learnt(tmp_path):
    """Trees without a single split are a model: all molecules have the share of label 1."""
    simulation = simulate(24, seed=3)
    rows = [{"smiles": s, "y": i % 2} for i, s in enumerate(simulation.smiles)]
    data = load_dataset(write(tmp_path / "small.csv", rows))
    recipe = RECIPE | {"parameters": RECIPE["parameters"] | {"min_data_in_leaf": 20}}
    checkpoint = train(data, EVERYTHING, make_recipe(EVERYTHING, recipe))
    assert Scorer([checkpoint]).score(data.smiles).values[:, 0] == pytest.approx(0.5, abs=0.05)


def test_missing_labels_teach_nothing(several):
    """What a row without a label says of other targets is learnt; its own target is as if it were absent."""
    data = load_dataset(several, Columns(("bromine",)))
    known = ~np.isnan(data.y[:, 0])
    checkpoint = train(data, EVERYTHING, make_recipe(EVERYTHING, RECIPE))
    assert checkpoint.metadata.dataset.train_rows == known.sum()
    missing = [smiles for smiles, has_label in zip(data.smiles, known, strict=True) if not has_label]
    labels = Scorer([checkpoint]).score(missing).labels()[:, 0]
    assert np.mean(labels == ["Br" in smiles for smiles in missing]) > 0.9


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_rare_classes_are_found_and_calibrated(tmp_path, share):
    """With one label in a hundred rare, probabilities are as rare, and both labels are predicted."""
    simulation = simulate(1200, seed=8)
    weight = np.array([Descriptors.MolWt(Chem.MolFromSmiles(smiles)) for smiles in simulation.smiles])
    labels = (weight > np.quantile(weight, 1 - share)).astype(int)
    path = write(
        tmp_path / "rare.csv",
        [{"smiles": smiles, "y": y} for smiles, y in zip(simulation.smiles, labels, strict=True)],
    )
    data = load_dataset(path)
    options = Options(preset="fast", test_fraction=0.5)
    checkpoint = train(data, options, make_recipe(options, RECIPE))
    predictions = Scorer([checkpoint]).score(data.smiles)
    assert predictions.values.mean() == pytest.approx(share, abs=0.01)
    assert 0 < checkpoint.targets[0].threshold < 1
    tested = evaluate(checkpoint, data, Resampling(50)).targets["y"].metrics
    assert tested["auroc"]["value"] > 0.9
    assert tested["balanced_accuracy"]["value"] > 0.7


def test_duplicates_are_trained_on_once(tmp_path):
    """Salts and repeated rows are one molecule; the checkpoint counts them, and labels in conflict."""
    simulation = simulate(100, seed=9)
    rows = [{"smiles": s, "y": int(y)} for s, y in zip(simulation.smiles, simulation.labels, strict=True)]
    again = [{"smiles": f"{row['smiles']}.Cl", "y": row["y"]} for row in rows[:30]]
    other = [{"smiles": row["smiles"], "y": 1 - row["y"]} for row in rows[90:]]
    path = write(tmp_path / "twice.csv", rows + again + other)
    checkpoint = train(load_dataset(path), EVERYTHING, make_recipe(EVERYTHING, RECIPE))
    found = checkpoint.metadata.dataset
    assert (found.train_rows, found.duplicates, found.conflicts) == (90, 40, 10)
    options = replace(EVERYTHING, same_molecule="canonical", standardization="none")
    apart = train(load_dataset(path), options, make_recipe(options, RECIPE))
    assert apart.metadata.dataset.train_rows == 120


def test_duplicates_are_not_torn_apart(tmp_path):
    """No molecule is both trained on and tested, even by chance and without a ring."""
    smiles = [f"{'C' * n}O" for n in range(1, 41)]
    rows = [{"smiles": s, "y": len(s) % 2} for s in smiles] + [
        {"smiles": f"O{s[:-1]}", "y": len(s) % 2} for s in smiles
    ]
    data = load_dataset(write(tmp_path / "acyclic.csv", rows))
    for split in ("scaffold", "random"):
        options = Options(preset="fast", split=split)
        checkpoint = train(data, options, make_recipe(options, RECIPE))
        tested = {Chem.CanonSmiles(data.smiles[i]) for i in checkpoint.reference.test_rows}
        assert checkpoint.metadata.dataset.train_rows == len(smiles) - len(tested)


def test_a_class_of_few_rows_is_refused(several, tmp_path):
    """Four rows of a class are too few to learn from; the line names the target and the class."""
    rows = list(csv.DictReader(several.open()))
    for i, row in enumerate(rows):
        row["P1"] = int(i >= 4)
    data = load_dataset(write(tmp_path / "rare.csv", rows), Columns(("P1",)))
    with pytest.raises(DataError, match="column P1: 4 of the training rows are labelled 0"):
        train(data, EVERYTHING, make_recipe(EVERYTHING, RECIPE))
