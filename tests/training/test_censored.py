"""Tables with bounds, from the table to models, their metrics, and their pages."""

import csv
import json

import numpy as np
import pytest

from servier.checkpoint.file import open_checkpoint
from servier.chem.molecules import parse_smiles
from servier.scoring.neighbours import find_neighbours

pytestmark = pytest.mark.training

FEW = ["--resamples", 20, "--workers", 1]


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write(path, rows):
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def censored(command, once, recipes):
    """A simulated table with bounds, and both models of it; the folder, where the table is `t.csv`."""

    def fill(folder):
        command("simulate", folder / "t.csv", "--rows", 300, "--seed", 3, "--censored")
        for model, recipe in recipes.items():
            command(
                "train", "--dataset", folder / "t.csv", "--model_name", model, "--config", recipe,
                "--models_dir", folder, "--workers", 1,
            )  # fmt: skip

    return once("censored", fill)


@pytest.fixture(scope="module")
def evaluated(command, once, censored):
    """The evaluation of model 1; the folder."""

    def fill(folder):
        model = ["--dataset", censored / "t.csv", "--model_path", censored / "model_1.servier"]
        command("evaluate", *model, "--output_dir", folder, *FEW)

    return once("censored_evaluated", fill)


@pytest.mark.parametrize("model", ["1", "2"])
def test_bounds_are_counted_and_kept(command, censored, model):
    """The checkpoint has the relation of each training label as the table does, and `inspect` counts them."""
    path = censored / f"model_{model}.servier"
    checkpoint, rows = open_checkpoint(path), read(censored / "t.csv")
    arrays = checkpoint.reference
    expected = [{"<": -1, ">": 1}.get(rows[line - 2]["P1"][0], 0) for line in arrays.train_lines]
    assert arrays.train_relations[:, 0].tolist() == expected
    n_bounds = checkpoint.metadata.dataset.bounds
    assert n_bounds == sum(map(abs, expected)) > 50
    said = command("inspect", path).stdout
    assert f"{n_bounds} labels are bounds" in said
    metrics = checkpoint.metadata.metrics
    assert {"mae", "concordance"} <= metrics.held_out["P1"].keys() & metrics.test["P1"].keys()


def test_values_and_bounds_are_measured_apart(evaluated, censored):
    """Errors are those of values alone, which are fewer; the concordance has an interval as they have."""
    document = json.loads((evaluated / "metrics.json").read_text())
    checkpoint = open_checkpoint(censored / "model_1.servier")
    rows = read(censored / "t.csv")
    labels = [rows[i]["P1"] for i in checkpoint.reference.test_rows]
    n_exact = sum(not label.startswith(("<", ">")) for label in labels)
    counts = document["counts"]
    assert (counts["scored"], counts["bounds"]) == (len(labels), len(labels) - n_exact)
    assert sum(part["rows"] for part in document["by_similarity"]["P1"]) == n_exact
    found = document["metrics"]["P1"]
    assert 0.5 < found["concordance"]["low"] <= found["concordance"]["value"] <= found["concordance"]["high"]
    tested = checkpoint.metadata.metrics.test["P1"]
    assert {name: found[name]["value"] for name in found} == pytest.approx(tested)
    page = (evaluated / "report.html").read_text()
    assert "Concordance, with bounds" in page
    assert "bounds, only ordered" in page


def test_models_are_compared_by_concordance_too(command, censored):
    """Both models order the pairs whose order is known."""
    paths = [censored / f"model_{model}.servier" for model in "12"]
    said = command("compare", *paths, "--dataset", censored / "t.csv", *FEW, "--json").stdout
    assert {"mae", "concordance"} <= json.loads(said)["metrics"]["P1"].keys()


def test_training_is_repeated_with_bounds(command, censored):
    """Nested folds learn the bounds of their rows, and measure those of the others."""
    model = ["--dataset", censored / "t.csv", "--model_path", censored / "model_1.servier"]
    said = command("evaluate", *model, "--folds", 2, "--workers", 1, "--json").stdout
    document = json.loads(said)
    assert all(run["P1"]["concordance"] > 0.5 for run in document["runs"])


def test_recipes_are_compared_with_bounds(command, censored, recipes, tmp_path):
    """A search scores held-out rows by the loss that they are learnt by."""
    said = command(
        "tune", "--dataset", censored / "t.csv", "--preset", "fast", "--trials", 1, "--config", recipes["1"],
        "--output", tmp_path / "r.yaml", "--workers", 1,
    ).stdout  # fmt: skip
    assert float(said.split(":")[1].split(",")[0]) > 0.4


def test_neighbours_show_which_labels_are_bounds(censored):
    """A training molecule is its own nearest neighbour, with the label and the sign of the table."""
    checkpoint, rows = open_checkpoint(censored / "model_1.servier"), read(censored / "t.csv")
    train = [rows[line - 2] for line in checkpoint.reference.train_lines]
    bound = next(row for row in train if row["P1"].startswith("<"))
    exact = next(row for row in train if not row["P1"].startswith(("<", ">")))
    for row, relations in ((bound, {"P1": "<"}), (exact, {})):
        (nearest,) = find_neighbours([checkpoint], parse_smiles(row["smiles"]), 1)
        assert nearest.relations == relations
        assert nearest.labels["P1"] == pytest.approx(float(row["P1"].lstrip("<>")))


@pytest.mark.parametrize("model", ["1", "2"])
def test_a_table_without_bounds_trains_the_same_bytes(command, censored, recipes, tmp_path, model):
    """A column of relations that are all `=` changes not one byte of a checkpoint."""
    rows = [{"P1": row["P1_value"], "smiles": row["smiles"]} for row in read(censored / "t.csv")[:120]]
    tables = [
        write(tmp_path / "a" / "t.csv", rows),
        write(tmp_path / "b" / "t.csv", [row | {"Standard Relation": "'='"} for row in rows]),
        write(tmp_path / "c" / "t.csv", [{"P1": f"~{row['P1']}", "smiles": row["smiles"]} for row in rows]),
    ]
    for table in tables:
        command(
            "train", "--dataset", table, "--model_name", model, "--config", recipes[model],
            "--models_dir", table.parent, "--workers", 1,
        )  # fmt: skip
    first, *others = ((table.parent / f"model_{model}.servier").read_bytes() for table in tables)
    assert others == [first, first]


def test_training_goes_by_bounds_not_by_their_limits(command, censored, recipes, tmp_path):
    """Limits that are taken for values train another model, which knows less of what lies beyond them."""
    rows = read(censored / "t.csv")
    values = [{"P1": row["P1"].lstrip("<>"), "smiles": row["smiles"]} for row in rows]
    table = write(tmp_path / "values.csv", values)
    train = ["--config", recipes["1"], "--workers", 1, "--model_path", tmp_path / "m.servier"]
    command("train", "--dataset", table, *train)
    of_values, of_bounds = (
        open_checkpoint(p) for p in (tmp_path / "m.servier", censored / "model_1.servier")
    )
    assert of_values.metadata.dataset.bounds is None
    widths = [checkpoint.targets[0].half_widths["0.9"] for checkpoint in (of_values, of_bounds)]
    assert np.diff(widths) > 0


@pytest.mark.process
def test_a_bound_of_a_class_is_refused_in_one_line(servier, tmp_path):
    """The line names the row and what to do, and nothing is written."""
    rows = [{"smiles": "C" * (i + 1), "P1": f"{'>' if i == 7 else ''}{i % 2}"} for i in range(40)]
    table = write(tmp_path / "t.csv", rows)
    finished = servier("train", "--dataset", table, "--models_dir", tmp_path, status=1)
    hint = "leave the relation out; where labels are numbers, use --task regression"
    assert finished.stderr == (
        f"Error: {table}, line 9, column P1: a bound in a target of two classes; {hint}\n"
    )
    assert not list(tmp_path.glob("*.servier"))
