"""Models that tell stereoisomers apart, and models that do not."""

import csv
import json

import pytest
import yaml
from handed_for_tests import training

LEFT, RIGHT, OPEN = "CC[C@H](N)c1ccccc1", "CC[C@@H](N)c1ccccc1", "CCC(N)c1ccccc1"


def documents(command, paths):
    return {word: json.loads(command("inspect", path, "--json").stdout) for word, path in paths.items()}


def test_handedness_is_learnt_where_stereo_is_used(command, handed_models):
    """A model that uses it knows the labels of test rows; one that ignores it guesses."""
    found = documents(command, handed_models)
    assert found["use"]["metrics"]["test"]["label"]["auroc"] > 0.95
    assert found["ignore"]["metrics"]["held_out"]["label"]["auroc"] < 0.65


def test_stereoisomers_have_other_answers_where_stereo_is_used(command, handed_models):
    """Where it is ignored an isomer and the molecule without stereochemistry have one answer."""
    for word, path in handed_models.items():
        asked = [("predict", smiles, "--model_1_path", path, "--json") for smiles in (LEFT, RIGHT, OPEN)]
        answers = {json.loads(command(*words).stdout)["label_probability"] for words in asked}
        assert len(answers) == {"use": 3, "ignore": 1}[word]


def test_a_model_says_whether_it_uses_stereo(command, handed_models, model_2):
    """In words and in its input; a model that ignores it is what one was before there was a choice."""
    for word, path in {**handed_models, "use ": model_2}.items():
        assert f"stereochemistry: {word.strip()}\n" in command("inspect", path).stdout
    found = documents(command, handed_models)
    assert [spec.get("include_chirality") for spec in found["use"]["input"]["featurizers"]] == [True, None]
    assert "chirality" not in json.dumps(found["ignore"])


def test_the_default_is_to_ignore_stereo(command, handed, handed_models, recipes, tmp_path):
    """Without the option the same checkpoint is made."""
    command(*training(handed, recipes), "--model_path", tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == handed_models["ignore"].read_bytes()


def test_features_have_the_choice_too(command, handed, handed_models, recipes, tmp_path):
    """A model trained from them is the one trained from the table; those of the other choice are refused."""
    file = tmp_path / "f.parquet"
    command("featurize", handed, file, "--preset", "fast", "--stereo", "use")
    command(*training(file, recipes), "--stereo", "use", "--model_path", tmp_path / "m")
    first, second = documents(command, {"table": handed_models["use"], "file": tmp_path / "m"}).values()
    assert first["sha256"]["model_0.onnx"] == second["sha256"]["model_0.onnx"]
    command("predict-file", file, tmp_path / "scored.csv", "--model_path", handed_models["use"])
    command("predict-file", handed, tmp_path / "table.csv", "--model_path", handed_models["use"])
    assert (tmp_path / "scored.csv").read_bytes() == (tmp_path / "table.csv").read_bytes()
    refused = command(*training(file, recipes), "--model_path", tmp_path / "n", status=1).stderr
    assert "other features (--preset fast --stereo use); featurize again with: --preset fast" in refused
    words = ["predict-file", file, tmp_path / "n.csv", "--model_path", handed_models["ignore"]]
    refused = command(*words, status=1).stderr
    assert "--preset fast --stereo use" in refused


def test_recipes_have_the_choice_too(command, handed, handed_models, recipes, tmp_path):
    """The command line precedes them; another word is refused, and tune writes what it tried."""
    settings = yaml.safe_load(recipes["1"].read_text())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings | {"stereo": "use"}, sort_keys=False))
    own = {"1": recipe}
    command(*training(handed, own), "--model_path", tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == handed_models["use"].read_bytes()
    command(*training(handed, own), "--model_path", tmp_path / "n", "--stereo", "ignore")
    assert (tmp_path / "n").read_bytes() == handed_models["ignore"].read_bytes()
    command("tune", *training(handed, own)[1:], "--trials", 1, "--output", tmp_path / "best.yaml")
    assert yaml.safe_load((tmp_path / "best.yaml").read_text())["stereo"] == "use"
    recipe.write_text(yaml.safe_dump(settings | {"stereo": "yes"}))
    refused = command(*training(handed, own), "--model_path", tmp_path / "o", status=1).stderr
    assert "stereo is 'yes'; known are ignore, use" in refused


def test_model_2_cannot_ignore_stereo(command, handed, recipes, tmp_path):
    """It reads SMILES strings, so what it cannot do is refused, on the command line and in a recipe."""
    words = [*training(handed, recipes, "2"), "--model_name", 2, "--model_path", tmp_path / "m"]
    refused = command(*words, "--stereo", "ignore", status=1).stderr
    assert "model 2 always reads the stereochemistry of SMILES strings; leave out --stereo" in refused
    settings = yaml.safe_load(recipes["2"].read_text()) | {"stereo": "ignore"}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    words[words.index("--config") + 1] = tmp_path / "recipe.yaml"
    assert "leave out --stereo" in command(*words, status=1).stderr


def test_an_explanation_names_the_centre(command, handed_models):
    """The contributions of atoms add up, and the centre of handedness has the largest."""
    said = command("explain", RIGHT, "--model_1_path", handed_models["use"], "--json").stdout
    found = json.loads(said)
    total = sum(atom["contribution"] for atom in found["atoms"])
    assert total == pytest.approx(found["score"] - found["all_atoms_masked"], abs=1e-3)
    assert found["atoms"][0]["contribution"] > 0


def test_folds_of_an_evaluation_use_stereo_as_the_model_does(command, handed, handed_models):
    """Models that are trained anew in its folds learn handedness too."""
    words = ["--dataset", handed, "--target", "label", "--folds", 3, "--split", "random", "--json"]
    for word, path in handed_models.items():
        said = command("evaluate", *words, "--model_path", path).stdout
        found = json.loads(said)["metrics"]["label"]["auroc"]["value"]
        assert (found > 0.75, found < 0.6) == (word == "use", word == "ignore"), found


def test_detail_has_the_same_domain_with_and_without_stereo(command, handed_models):
    """Chiral substructures are not those that the domain was made of: it looks at constitutions."""
    measures = []
    for path in handed_models.values():
        said = command("predict", RIGHT, "--model_1_path", path, "--detail", "--json").stdout
        names = ("nearest_similarity", "unseen_share", "in_domain")
        measures.append([json.loads(said)[name] for name in names])
    assert measures[0] == measures[1]
    assert measures[0][1] == 0


def test_detail_says_what_is_left_open(command, handed, handed_models, model_2, tmp_path):
    """Of the molecule that is scored, where an answer may depend on it; a row without an answer has none."""
    smiles = [LEFT, OPEN, f"{OPEN}.OC(=O)C(O)C(O)C(=O)O", "CC=CC(N)CO", "nonsense"]
    table, features = tmp_path / "in.csv", tmp_path / "in.parquet"
    table.write_text("\n".join(["smiles", *smiles]) + "\n")
    for path in (handed_models["use"], model_2):
        command("predict-file", table, tmp_path / "out.csv", "--model_path", path, "--detail", "--force")
        rows = list(csv.DictReader((tmp_path / "out.csv").open()))
        assert [row["unspecified_stereo"] for row in rows] == ["0", "1", "1", "2", ""]
    command(
        "predict-file", table, tmp_path / "other.csv", "--model_path", handed_models["ignore"], "--detail"
    )
    assert "unspecified_stereo" not in (tmp_path / "other.csv").read_text()
    command("featurize", table, features, "--preset", "fast", "--stereo", "use")
    written = []
    for source in (table, features):
        words = ["--model_path", handed_models["use"], "--detail", "--force"]
        command("predict-file", source, tmp_path / "out.csv", *words)
        written.append((tmp_path / "out.csv").read_bytes())
    assert written[0] == written[1]
