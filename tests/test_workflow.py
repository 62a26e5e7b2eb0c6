import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory, recipes):
    """A copy of the workflow with a tiny configuration."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("workflow", "config", "environment.yml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    settings = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    settings["simulation"]["rows"] = 150
    settings["models"]["1"] |= {"recipe": "config/small_1.yaml", "preset": "fast"}
    settings["models"]["2"] |= {"recipe": "config/small_2.yaml"}
    for name, recipe in recipes.items():
        shutil.copy(recipe, folder / "config" / f"small_{name}.yaml")
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


def snakemake(folder, *arguments, status=0):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    finished = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=600,
    )  # fmt: skip
    assert (finished.returncode != 0) == bool(status), finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def planned(folder):
    """The rules that a dry run would run."""
    said = snakemake(folder, "--dry-run", "--quiet", "host", "reason")
    return {
        line.removeprefix("rule ").rstrip(":") for line in said.splitlines() if line.startswith("rule ")
    } - {"all"}


def test_workflow_runs_on_the_embedded_default(checkout):
    """From nothing come features, both models, their evaluation and scored files; then nothing is to do."""
    assert planned(checkout) == {
        "simulate", "featurize", "train", "evaluate", "compare", "predict",
    }  # fmt: skip
    snakemake(checkout)
    results = checkout / "results"
    for model in "12":
        metrics = json.loads((results / "evaluation" / f"model_{model}" / "metrics.json").read_text())
        assert 0 <= metrics["metrics"]["P1"]["auroc"]["value"] <= 1
        scored = (results / "predictions" / f"dataset_single.model_{model}.csv").read_text()
        assert scored.count("\n") == 151
        assert (results / "models" / f"model_{model}.servier").is_file()
    assert "simulated" in str(next(results.rglob("dataset_single.csv")).parent)
    assert planned(checkout) == set()


def test_snakemake_report_collects_everything_without_a_network(checkout, monkeypatch):
    """With every connection refused, both forms of the report hold pages, captions and scored files."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    results = checkout / "results"
    made = [
        *(results / "evaluation" / f"model_{model}" / "report.html" for model in "12"),
        results / "evaluation" / "comparison.html",
        *(results / "predictions" / f"dataset_single.model_{model}.csv" for model in "12"),
    ]
    for form in ("zip", "html"):
        snakemake(checkout, "--report", f"results/report.{form}")
    with zipfile.ZipFile(results / "report.zip") as archive:
        held = [archive.read(name) for name in archive.namelist() if "/data/raw/" in name]
        index = archive.read("report/report.html").decode()
    assert sorted(held) == sorted(path.read_bytes() for path in made)
    page = (results / "report.html").read_text()
    for path in made:
        assert base64.b64encode(path.read_bytes()).decode() in page
    for words in (
        "molecules that it never saw",
        "neither was trained on",
        "Every molecule of dataset_single",
    ):
        assert words in index
        assert words in page


def test_tuning_is_switched_on_in_the_config(checkout):
    """With a budget the recipe of model 1 is searched for first, and model 1 is trained anew with it."""
    path = checkout / "config" / "config.yaml"
    before = path.read_text()
    settings = yaml.safe_load(before)
    settings["models"]["1"]["tuning"] = {"trials": 2}
    path.write_text(yaml.safe_dump(settings))
    assert planned(checkout) == {"tune", "train", "evaluate", "compare", "predict"}
    snakemake(checkout, "--until", "tune")
    assert yaml.safe_load((checkout / "results" / "recipes" / "model_1.yaml").read_text())["folds"] == 3
    path.write_text(before)


def test_changing_one_input_reruns_what_depends_on_it(checkout):
    """A new recipe of model 2 leaves model 1 alone; a new library is scored, and nothing else is."""
    with (checkout / "config" / "small_2.yaml").open("a") as recipe:
        recipe.write("# another line\n")
    assert planned(checkout) == {"train", "evaluate", "compare", "predict"}
    assert "--model_name 1" not in snakemake(checkout, "--dry-run")
    snakemake(checkout, "--touch")
    (checkout / "data" / "libraries").mkdir(parents=True)
    (checkout / "data" / "libraries" / "mine.csv").write_text("id,smiles\n1,CCO\n2,nope\n")
    assert planned(checkout) == {"predict"}
    snakemake(checkout)
    assert (checkout / "results" / "predictions" / "mine.model_1.csv").read_text().count("\n") == 3


def test_real_data_replaces_the_simulated(checkout):
    """With data/dataset_single.csv in place nothing is simulated."""
    (checkout / "data").mkdir(exist_ok=True)
    shutil.copy(
        checkout / "results" / "simulated" / "dataset_single.csv", checkout / "data" / "dataset_single.csv"
    )
    assert "simulate" not in planned(checkout)
    assert "featurize" in planned(checkout)


@pytest.mark.parametrize(
    "change",
    [{"colour": "red"}, {"models": {"3": {}}}, {"targets": []}, {"simulation": {"rows": 1, "seed": 1}}],
)
def test_schema_refuses_wrong_settings(checkout, tmp_path, change):
    """An unknown key or an impossible value ends before any rule."""
    settings = yaml.safe_load((checkout / "config" / "config.yaml").read_text()) | change
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(settings))
    # --configfile adds to the file of the checkout, so the changed keys are what counts.
    assert "validat" in snakemake(checkout, "--dry-run", "--configfile", str(path), status=1).lower()
