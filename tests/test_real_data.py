"""The same code on real molecules, where the data sets are beside the checkout."""

import csv
import gzip
import json

import pytest

pytestmark = pytest.mark.data

ODD = [
    "chembl_salts.smi",
    "rdkit_inorganic_stereo.smi",
    "rdkit_smitest_pass_fail.csv",
    "invalid_rows_in_real_datasets.csv",
]
RECIPE = """
model_name: 1
folds: 3
boosters: [{fingerprint_gain: 0.2}]
repeats: 1
max_rounds: 200
parameters: {learning_rate: 0.1}
"""
"""One booster of as many rounds as a real table needs, where the recipes of other tests have 60."""


@pytest.mark.parametrize("name", ODD)
def test_every_odd_row_is_accounted_for(servier, model_1, real_data, tmp_path, name):
    """As many rows come out as went in, and none stops the run."""
    source = real_data / "odd_smiles" / name
    target = tmp_path / "out.csv"
    servier("predict-file", source, target, "--model_path", model_1)
    expected = (
        sum(1 for _ in csv.reader(source.open(newline=""))) - 1
        if name.endswith(".csv")
        else len(source.read_bytes().splitlines())
    )
    assert sum(1 for _ in csv.reader(target.open(newline=""))) - 1 == expected


def test_messy_substances_are_scored(servier, model_1, real_data, tmp_path):
    """The first thousand PubChem registrations all get a status."""
    with gzip.open(real_data / "odd_smiles" / "pubchem_substances.smi.gz", "rt") as stream:
        lines = [next(stream) for _ in range(1000)]
    (tmp_path / "in.smi").write_text("".join(lines))
    servier("predict-file", tmp_path / "in.smi", tmp_path / "out.csv", "--model_path", model_1)
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == 1000
    assert {row["status"] for row in rows} <= {"ok", "invalid", "too_large"}


@pytest.mark.parametrize(
    ("name", "target"),
    [("tdc/hERG.csv.gz", "Y"), ("moleculenet/FreeSolv.csv.gz", "expt"), ("moleculenet/BBBP.csv.gz", "p_np")],
)
def test_public_tables_train(servier, recipes, real_data, tmp_path, name, target):
    """Tables with their own names of columns are understood."""
    path = tmp_path / "m.servier"
    servier(
        "train",
        "--dataset",
        real_data / name,
        "--target",
        target,
        "--config",
        recipes["1"],
        "--model_path",
        path,
    )
    assert path.is_file()


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
def test_a_public_table_in_three_classes(servier, real_data, tmp_path, task):
    """Measured lipophilicity, cut into three: better than the baselines, and sets hold what they promise."""
    with gzip.open(real_data / "tdc" / "Lipophilicity_AstraZeneca.csv.gz", "rt") as stream:
        rows = list(csv.DictReader(stream))
    low, high = (sorted(float(row["Y"]) for row in rows)[len(rows) * third // 3] for third in (1, 2))
    table, path = tmp_path / "level.csv", tmp_path / "m.servier"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "level", "split"])
        for row in rows:
            level = ("low", "medium", "high")[(float(row["Y"]) >= low) + (float(row["Y"]) >= high)]
            writer.writerow([row["Drug"], level, row["split"]])
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    columns = ["--dataset", table, "--target", "level", "--split_column", "split"]
    servier("train", *columns, "--task", task, "--preset", "fast", "--config", recipe, "--model_path", path)
    found = json.loads(
        servier("evaluate", *columns, "--model_path", path, "--resamples", 50, "--json").stdout
    )
    baselines = found["baselines"]["level"]
    measured = {name: metric["value"] for name, metric in found["metrics"]["level"].items()}
    assert measured["auroc"] > max(baseline["auroc"] for baseline in baselines.values())
    assert measured["log_loss"] < min(baseline["log_loss"] for baseline in baselines.values())
    for level, covered in found["coverage"]["level"].items():
        assert all(covered[f"coverage_{label}"] > float(level) - 0.08 for label in range(3))
