import base64
import csv
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from workflow_for_tests import (
    ENVIRONMENT,
    RESULTS,
    ROOT,
    SITE,
    change_settings,
    copy_workflow,
    made,
    planned,
    snakemake,
)

from servier.data.simulation import simulate

WHOLE = {
    "simulate", "featurize", "featurize_library", "train", "evaluate", "compare", "plan", "collect_plans",
    "predict", "merge", "provenance",
}  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the workflow with its tiny configuration."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_workflow(folder)
    return folder


def test_workflow_runs_from_nothing(checkout):
    """Features, both models, their evaluation and scored files come out; then nothing is to do."""
    assert planned(checkout) == WHOLE
    snakemake(checkout)
    for model in "12":
        metrics = checkout / RESULTS / "evaluation" / f"model_{model}" / "metrics.json"
        assert 0 <= json.loads(metrics.read_text())["metrics"]["P1"]["auroc"]["value"] <= 1
        assert (checkout / RESULTS / "models" / f"model_{model}.servier").is_file()
    assert planned(checkout) == set()


def test_shards_are_scored_and_merged_in_order(checkout):
    """Each model and their mean score every row of the library, and nothing of the shards is left."""
    source = list(csv.DictReader((checkout / ".test" / "data" / "library.csv").open()))
    scores = {}
    for model in ("1", "2", "consensus"):
        path = checkout / RESULTS / "predictions" / f"library.model_{model}.csv"
        rows = list(csv.DictReader(path.open()))
        assert [row["id"] for row in rows] == [row["id"] for row in source]
        assert [row["status"] != "ok" for row in rows] == [row["id"] in ("broken", "empty") for row in rows]
        scores[model] = [float(row["P1_probability"]) for row in rows if row["status"] == "ok"]
    halves = zip(scores["1"], scores["2"], scores["consensus"], strict=True)
    assert all(abs((2 * one + two) / 3 - both) < 2e-6 for one, two, both in halves)
    assert not (checkout / RESULTS / "shards").exists()


def test_plan_and_provenance(checkout):
    """The plan counts jobs, rows and memory; provenance has the digests of what there is."""
    plan = json.loads((checkout / RESULTS / "plan.json").read_text())
    assert plan["total"]["jobs"] == 6
    assert plan["total"]["rows"] == 3 * 92
    assert [one["mem_mb_per_job"] for one in plan["plans"]] == [1000] * 3
    assert all(one["output_bytes"] > 1000 and one["core_hours"] > 0 for one in plan["plans"])
    provenance = json.loads((checkout / RESULTS / "provenance.json").read_text())
    assert provenance["config"] == yaml.safe_load((checkout / ".test" / "config" / "config.yaml").read_text())
    assert {"rdkit", "snakemake", "onnxruntime"} <= provenance["packages"].keys()
    assert {model["seed"] for model in provenance["models"].values()} == {0}
    assert len(provenance["results"]) == 8
    for path, digest in provenance["results"].items():
        assert hashlib.sha256((checkout / ".test" / path).read_bytes()).hexdigest() == digest


def test_one_core_makes_the_same_bytes(checkout, tmp_path):
    """A second run from nothing, on one core, makes the same features, models, metrics and predictions."""
    copy_workflow(tmp_path)
    snakemake(tmp_path, "--cores", "1")
    again, before = made(tmp_path / RESULTS), made(checkout / RESULTS)
    assert again.keys() == before.keys()
    assert [name for name, content in again.items() if content != before[name]] == []


def test_snakemake_report_collects_everything_without_a_network(checkout, monkeypatch):
    """With every connection refused, both forms of the report hold pages, captions and scored files."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setitem(ENVIRONMENT, name, "http://127.0.0.1:9")
    results = checkout / RESULTS
    shown = [
        *(results / "evaluation" / f"model_{model}" / "report.html" for model in "12"),
        results / "evaluation" / "comparison.html",
        *(results / "predictions" / f"library.model_{model}.csv" for model in ("1", "2", "consensus")),
    ]
    for form in ("zip", "html"):
        snakemake(checkout, "--report", f"results/report.{form}")
    with zipfile.ZipFile(results / "report.zip") as archive:
        held = [archive.read(name) for name in archive.namelist() if "/data/raw/" in name]
        index = archive.read("report/report.html").decode()
    assert sorted(held) == sorted(path.read_bytes() for path in shown)
    page = (results / "report.html").read_text()
    for path in shown:
        assert base64.b64encode(path.read_bytes()).decode() in page
    for words in ("molecules that it never saw", "neither was trained on", "Every molecule of library"):
        assert words in index
        assert words in page


def test_tuning_is_switched_on_in_the_config(checkout):
    """With a budget the recipe of model 1 is searched for first, and model 1 is trained anew with it."""
    before = change_settings(
        checkout / SITE, lambda settings: settings["models"]["1"].update(tuning={"trials": 2})
    )
    assert planned(checkout) == WHOLE - {"simulate", "featurize", "featurize_library"} | {"tune"}
    snakemake(checkout, "--until", "tune")
    assert yaml.safe_load((checkout / RESULTS / "recipes" / "model_1.yaml").read_text())["folds"] == 3
    (checkout / ".test" / "config" / "config.yaml").write_text(before)


def test_changing_one_input_reruns_what_depends_on_it(checkout):
    """A new recipe of model 2 leaves model 1 alone; a new library is scored, and nothing else is."""
    with (checkout / ".test" / "config" / "model_2.yaml").open("a") as recipe:
        recipe.write("# another line\n")
    after = {"train", "evaluate", "compare", "plan", "collect_plans", "predict", "merge", "provenance"}
    assert planned(checkout) == after
    assert "--model_name 1" not in snakemake(checkout, "--dry-run")
    snakemake(checkout, "--touch")
    mine = {"files": "data/mine/*.csv", "models": ["1"], "shards": 2}
    (checkout / ".test" / "data" / "mine").mkdir()
    (checkout / ".test" / "data" / "mine" / "mine.csv").write_text("id,smiles\n1,CCO\n2,nope\n")
    before = change_settings(checkout / SITE, lambda settings: settings["libraries"].append(mine))
    assert planned(checkout) == {"plan", "collect_plans", "predict", "merge", "provenance"}
    snakemake(checkout)
    assert (checkout / RESULTS / "predictions" / "mine.model_1.csv").read_text().count("\n") == 3
    (checkout / ".test" / "config" / "config.yaml").write_text(before)


def test_number_of_shards_follows_the_size(tmp_path):
    """Files of 1,000 rows are scored in two shards of about 600, in any format; a small one whole."""
    copy_workflow(tmp_path)
    smiles = simulate(1000, seed=3).smiles
    text = "id,smiles\n" + "".join(f"{i},{one}\n" for i, one in enumerate(smiles))
    folder = tmp_path / SITE
    (folder / "text.csv").write_text(text)
    (folder / "packed.csv.gz").write_bytes(gzip.compress(text.encode()))
    wide = {f"note_{i}": smiles[::-1] for i in range(20)}
    pq.write_table(pa.table({"smiles": smiles} | wide), folder / "wide.parquet")
    (folder / "small.csv").write_text(text[:500])
    names = ("text.csv", "packed.csv.gz", "wide.parquet", "small.csv")

    def change(settings):
        settings["libraries"] = [{"files": name, "models": ["1"]} for name in names]
        settings["sharding"]["rows_per_shard"] = 600

    change_settings(folder, change)
    said = snakemake(tmp_path, "--dry-run", "--quiet", "host")
    found = {
        name: re.findall(rf"output: \S+/{name}.model_1/\d-of-(\d).csv", said)
        for name in ("text", "packed", "wide", "small")
    }
    assert found == {"text": ["2"] * 2, "packed": ["2"] * 2, "wide": ["2"] * 2, "small": ["1"]}


def test_number_of_shards_is_the_same_in_every_job(checkout, tmp_path):
    """A table that is simulated on the way has as many shards before as after: each job asks anew."""

    def change(settings):
        settings["libraries"] = []
        settings["sharding"]["rows_per_shard"] = 43  # 150 rows are 3.49 of them, 151 lines 3.51

    copy_workflow(tmp_path)
    before = change_settings(checkout / SITE, change)
    change_settings(tmp_path / SITE, change)
    for folder in (checkout, tmp_path):
        assert "/3-of-3.csv" in snakemake(folder, "--dry-run")
    (checkout / SITE / "config" / "config.yaml").write_text(before)


def test_another_workflow_uses_this_one(checkout, tmp_path):
    """As a module, with a configuration of its own, it computes features of and scores another's file."""
    settings = yaml.safe_load((checkout / ".test" / "config" / "config.yaml").read_text())
    settings["libraries"] = [{"files": "mine.csv", "models": ["1"], "shards": 2, "features": True}]
    settings["models"]["1"]["recipe"] = "model_1.yaml"
    del settings["models"]["2"]
    shutil.copy(checkout / ".test" / "config" / "model_1.yaml", tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "mine.csv").write_text("name,smiles\na,CCO\nb,c1ccccc1O\nc,nope\n")
    text = f"""
        configfile: "config.yaml"
        module servier:
            snakefile: "{checkout / "workflow" / "Snakefile"}"
            config: config
        use rule * from servier as servier_*
        rule hits:
            input: "results/predictions/mine.model_1.csv"
            output: "hits.txt"
            default_target: True
            shell: "grep -c ,ok {{input}} > {{output}}"
        """
    (tmp_path / "Snakefile").write_text(textwrap.dedent(text))
    arguments = [sys.executable, "-m", "snakemake", "--cores", "2", "--printshellcmds"]
    done = subprocess.run(
        arguments, cwd=tmp_path, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "servier featurize mine.csv" in done.stderr
    assert (tmp_path / "hits.txt").read_text() == "2\n"


def test_real_data_replaces_the_simulated(checkout):
    """With the table of the config in place nothing is simulated."""
    simulated = checkout / RESULTS / "simulated" / "dataset_single.csv"
    shutil.copy(simulated, checkout / ".test" / "data" / "dataset_single.csv")
    assert "simulate" not in planned(checkout)
    assert "featurize" in planned(checkout)


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"models": {"3": {}}},
        {"targets": []},
        {"simulation": {"rows": 1, "seed": 1}},
        {"libraries": [{"files": "x.csv", "shard": 3}]},
        {"sharding": {"rows_per_shard": 0, "max_shards": 8}},
    ],
)
def test_schema_refuses_wrong_settings(checkout, tmp_path, change):
    """An unknown key or an impossible value ends before any rule."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(change))
    # --configfile adds to the file of the checkout, so the changed keys are what counts.
    assert "validat" in snakemake(checkout, "--dry-run", "--configfile", str(path), status=1).lower()


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ({"files": "elsewhere.csv"}, "elsewhere.csv does not exist here"),
        ({"files": "elsewhere.csv", "shards": 3}, "Missing input files"),
        ({"files": "data/library.csv", "models": ["9"]}, "validating"),
        ({"files": "data/library.csv", "models": ["2"], "features": True}, "which only model 1 reads"),
        ({"files": "data/library.csv", "feature": True}, "'feature' was unexpected"),
    ],
)
def test_libraries_that_cannot_be_scored_are_named(checkout, library, said):
    """A file that is not there, or a model that is not trained, is told before any rule runs."""
    before = change_settings(checkout / SITE, lambda settings: settings.update(libraries=[library]))
    assert said in snakemake(checkout, "--dry-run", status=1)
    (checkout / ".test" / "config" / "config.yaml").write_text(before)


def test_rule_graph_of_the_docs_is_that_of_the_workflow(tmp_path):
    """docs/rulegraph.md has the arrows that Snakemake draws; make rulegraph writes it anew."""
    copy_workflow(tmp_path)
    drawn = snakemake(tmp_path, "--quiet", "--rulegraph", "mermaid-js")
    shown = (ROOT / "docs" / "rulegraph.md").read_text()
    names, arrows = (re.findall(pattern, drawn) for pattern in (r"\tid\d+\[\w+\]", r"\tid\d+ --> id\d+"))
    assert len(names) == len(WHOLE) + 1
    assert all(line in shown for line in (*names, *arrows))


def test_defaults_can_be_planned():
    """The configuration of the checkout itself, and its profile, make a plan."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--config", "results=nowhere"],
        cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not Path(ROOT / "nowhere").exists()
