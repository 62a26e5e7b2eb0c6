"""The workflow: what is planned before anything runs, and what one whole run has made."""

import base64
import csv
import gzip
import hashlib
import json
import os
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
from sklearn.metrics import roc_auc_score
from workflow_for_tests import (
    ENVIRONMENT,
    RESULTS,
    ROOT,
    SITE,
    change_settings,
    made,
    planned,
    snakemake,
)

from servier.checkpoint.file import open_checkpoint
from servier.data.datasets import load_dataset
from servier.data.simulation import simulate, write_simulation
from servier.scoring.scorer import Scorer

WHOLE = {
    "simulate", "featurize", "featurize_library", "train", "evaluate", "compare", "plan", "collect_plans",
    "predict", "merge", "provenance",
}  # fmt: skip


def test_the_whole_workflow_is_planned(fresh):
    """From nothing every rule is run, but for the search that the configuration does not ask for."""
    assert planned(fresh) == WHOLE


def test_nothing_is_left_to_do(finished):
    """After a whole run there is no rule whose results are missing or older than what they are made of."""
    assert planned(finished) == set()


@pytest.mark.parametrize("model", ["1", "2"])
def test_metrics_are_those_of_scikit_learn(whole_run, model):
    """The AUROC of an evaluation is scikit-learn's, of the rows that the checkpoint calls test rows."""
    results = whole_run / RESULTS
    checkpoint = open_checkpoint(results / "models" / f"model_{model}.servier")
    data = load_dataset(results / "simulated" / "dataset_single.csv")
    rows = checkpoint.reference.test_rows
    scores = Scorer([checkpoint]).score([data.smiles[row] for row in rows]).values[:, 0]
    document = json.loads((results / "evaluation" / f"model_{model}" / "metrics.json").read_text())
    assert document["counts"]["scored"] == len(rows) > 20
    assert document["metrics"]["P1"]["auroc"]["value"] == pytest.approx(
        roc_auc_score(data.y[rows, 0], scores), abs=1e-9
    )


def test_shards_are_scored_and_merged_in_order(whole_run):
    """Each model and their mean score every row of the library, and nothing of the shards is left."""
    source = list(csv.DictReader((whole_run / SITE / "data" / "library.csv").open()))
    scores = {}
    for model in ("1", "2", "consensus"):
        path = whole_run / RESULTS / "predictions" / f"library.model_{model}.csv"
        rows = list(csv.DictReader(path.open()))
        assert [row["id"] for row in rows] == [row["id"] for row in source]
        assert [row["status"] != "ok" for row in rows] == [row["id"] in ("broken", "empty") for row in rows]
        scores[model] = [float(row["P1_probability"]) for row in rows if row["status"] == "ok"]
    halves = zip(scores["1"], scores["2"], scores["consensus"], strict=True)
    assert all(abs((2 * one + two) / 3 - both) < 2e-6 for one, two, both in halves)
    assert not (whole_run / RESULTS / "shards").exists()


def test_plan_and_provenance(whole_run):
    """The plan counts jobs, rows and memory; provenance has the digests of what there is."""
    plan = json.loads((whole_run / RESULTS / "plan.json").read_text())
    assert plan["total"]["jobs"] == 6
    assert plan["total"]["rows"] == 3 * 92
    assert [one["mem_mb_per_job"] for one in plan["plans"]] == [1000] * 3
    assert all(one["output_bytes"] > 1000 and one["core_hours"] > 0 for one in plan["plans"])
    provenance = json.loads((whole_run / RESULTS / "provenance.json").read_text())
    assert provenance["config"] == yaml.safe_load((whole_run / SITE / "config" / "config.yaml").read_text())
    assert {"rdkit", "snakemake", "onnxruntime"} <= provenance["packages"].keys()
    assert {model["seed"] for model in provenance["models"].values()} == {0}
    assert len(provenance["results"]) == 8
    for path, digest in provenance["results"].items():
        assert hashlib.sha256((whole_run / SITE / path).read_bytes()).hexdigest() == digest


def test_two_cores_make_the_same_bytes(whole_run, fresh):
    """A second run from nothing, on two cores, makes the same features, models, metrics and predictions."""
    snakemake(fresh, "--cores", "2")
    again, before = made(fresh / RESULTS), made(whole_run / RESULTS)
    assert again.keys() == before.keys()
    assert [name for name, content in again.items() if content != before[name]] == []


def test_snakemake_report_collects_everything_without_a_network(finished, monkeypatch):
    """With every connection refused, both forms of the report hold pages, captions and scored files."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setitem(ENVIRONMENT, name, "http://127.0.0.1:9")
    results = finished / RESULTS
    shown = [
        *(results / "evaluation" / f"model_{model}" / "report.html" for model in "12"),
        results / "evaluation" / "comparison.html",
        *(results / "predictions" / f"library.model_{model}.csv" for model in ("1", "2", "consensus")),
    ]
    for form in ("zip", "html"):
        snakemake(finished, "--report", f"results/report.{form}")
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


def test_tuning_is_switched_on_in_the_config(finished):
    """With a budget the recipe of model 1 is searched for first, and model 1 is trained anew with it."""
    change_settings(finished / SITE, lambda settings: settings["models"]["1"].update(tuning={"trials": 2}))
    assert planned(finished) == WHOLE - {"simulate", "featurize", "featurize_library"} | {"tune"}
    snakemake(finished, "--until", "tune")
    assert yaml.safe_load((finished / RESULTS / "recipes" / "model_1.yaml").read_text())["folds"] == 3


def test_molecules_are_standardized_as_the_config_says(fresh):
    """Training and files of features have one level; without it, that of the commands."""
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    assert "--standardization" not in said
    change_settings(fresh / SITE, lambda settings: settings.update(standardization="none"))
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    found = re.findall(r"servier (train|featurize|tune) .*--standardization none", said)
    assert sorted(found) == ["featurize", "featurize", "train", "train"]


def test_model_1_looks_at_stereo_as_the_config_says(fresh):
    """Training of model 1 and files of features have one choice; model 2 has none."""
    change_settings(fresh / SITE, lambda settings: settings.update(stereo="use"))
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    found = re.findall(r"servier (train|featurize|tune) .*--stereo use", said)
    assert sorted(found) == ["featurize", "featurize", "train"]


def test_checkpoints_are_signed_where_the_config_has_keys(finished, servier):
    """They are signed once, whatever scores requires it, and an exchanged model is not scored with."""
    site = finished / SITE
    model = RESULTS / "models" / "model_1.servier"
    servier("sign", finished / model, "--key", site / "k", "--new_key")
    keys = {"private_key": "k", "public_keys": "k.pub"}
    change_settings(site, lambda settings: settings.update(signatures=keys))
    assert planned(finished) == {"sign", "plan", "collect_plans", "predict", "merge", "provenance"}
    assert "--require_signature k.pub" in snakemake(finished, "--dry-run", "--printshellcmds")
    snakemake(finished)
    assert {path.name for path in (finished / RESULTS / "models").glob("*.sig")} == {
        "model_1.servier.sig", "model_2.servier.sig",
    }  # fmt: skip
    times = (finished / model).stat()
    shutil.copy(finished / RESULTS / "models" / "model_2.servier", finished / model)
    os.utime(finished / model, ns=(times.st_atime_ns, times.st_mtime_ns))
    (finished / RESULTS / "predictions" / "library.model_1.csv").unlink()
    snakemake(finished, status=1)
    logs = (finished / RESULTS / "logs").rglob("*library_1*.log")
    assert any("its signature is that of another checkpoint" in path.read_text() for path in logs)


def test_changing_one_input_reruns_what_depends_on_it(finished):
    """A new recipe of model 2 leaves model 1 alone; a new library is scored, and nothing else is."""
    with (finished / ".test" / "config" / "model_2.yaml").open("a") as recipe:
        recipe.write("# another line\n")
    after = {"train", "evaluate", "compare", "plan", "collect_plans", "predict", "merge", "provenance"}
    assert planned(finished) == after
    assert "--model_name 1" not in snakemake(finished, "--dry-run")
    snakemake(finished, "--touch")
    mine = {"files": "data/mine/*.csv", "models": ["1"], "shards": 2}
    (finished / ".test" / "data" / "mine").mkdir()
    (finished / ".test" / "data" / "mine" / "mine.csv").write_text("id,smiles\n1,CCO\n2,nope\n")
    change_settings(finished / SITE, lambda settings: settings["libraries"].append(mine))
    assert planned(finished) == {"plan", "collect_plans", "predict", "merge", "provenance"}
    snakemake(finished)
    assert (finished / RESULTS / "predictions" / "mine.model_1.csv").read_text().count("\n") == 3


def test_number_of_shards_follows_the_size(fresh):
    """Files of 1,000 rows are scored in two shards of about 600, in any format; a small one whole."""
    smiles = simulate(1000, seed=3).smiles
    text = "id,smiles\n" + "".join(f"{i},{one}\n" for i, one in enumerate(smiles))
    folder = fresh / SITE
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
    said = snakemake(fresh, "--dry-run", "--quiet", "host")
    found = {
        name: re.findall(rf"output: \S+/{name}.model_1/\d-of-(\d).csv", said)
        for name in ("text", "packed", "wide", "small")
    }
    assert found == {"text": ["2"] * 2, "packed": ["2"] * 2, "wide": ["2"] * 2, "small": ["1"]}


def test_number_of_shards_is_the_same_in_every_job(fresh, finished):
    """A table that is simulated on the way has as many shards before as after: each job asks anew."""

    def change(settings):
        settings["libraries"] = []
        settings["sharding"]["rows_per_shard"] = 43  # 150 rows are 3.49 of them, 151 lines 3.51

    for folder in (finished, fresh):
        change_settings(folder / SITE, change)
        assert "/3-of-3.csv" in snakemake(folder, "--dry-run")


def test_another_workflow_uses_this_one(finished, tmp_path):
    """As a module, with a configuration of its own, it computes features of and scores another's file."""
    settings = yaml.safe_load((finished / ".test" / "config" / "config.yaml").read_text())
    settings["libraries"] = [{"files": "mine.csv", "models": ["1"], "shards": 2, "features": True}]
    settings["models"]["1"]["recipe"] = "model_1.yaml"
    del settings["models"]["2"]
    shutil.copy(finished / ".test" / "config" / "model_1.yaml", tmp_path)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    (tmp_path / "mine.csv").write_text("name,smiles\na,CCO\nb,c1ccccc1O\nc,nope\n")
    text = f"""
        configfile: "config.yaml"
        module servier:
            snakefile: "{finished / "workflow" / "Snakefile"}"
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
    assert re.search(r"servier featurize .* -- mine\.csv results/library_features/", done.stderr)
    assert (tmp_path / "hits.txt").read_text() == "2\n"


def test_real_data_replaces_the_simulated(fresh):
    """With the table of the config in place nothing is simulated."""
    write_simulation(simulate(150, seed=1), fresh / SITE / "data" / "dataset_single.csv")
    assert planned(fresh) == WHOLE - {"simulate"}


@pytest.mark.parametrize(
    ("library", "said"),
    [
        ({"files": "elsewhere.csv"}, "elsewhere.csv does not exist here"),
        ({"files": "elsewhere.csv", "shards": 3}, "Missing input files"),
        ({"files": "data/library.csv", "models": ["9"]}, "validating"),
        ({"files": "data/library.csv", "models": ["2"], "features": True}, "which only model 1 reads"),
    ],
)
def test_libraries_that_cannot_be_scored_are_named(fresh, library, said):
    """A file that is not there, or a model that is not trained, is told before any rule runs."""
    change_settings(fresh / SITE, lambda settings: settings.update(libraries=[library]))
    assert said in snakemake(fresh, "--dry-run", status=1)


def test_rule_graph_of_the_docs_is_that_of_the_workflow(fresh):
    """docs/rulegraph.md has the arrows that Snakemake draws; make rulegraph writes it anew."""
    drawn = snakemake(fresh, "--quiet", "--rulegraph", "mermaid-js")
    shown = (ROOT / "docs" / "rulegraph.md").read_text()
    names, arrows = (re.findall(pattern, drawn) for pattern in (r"\tid\d+\[\w+\]", r"\tid\d+ --> id\d+"))
    assert len(names) == len(WHOLE) + 1
    assert all(line in shown for line in (*names, *arrows))


@pytest.mark.workflow
def test_defaults_can_be_planned():
    """The configuration of the checkout itself, and its profile, make a plan."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--config", "results=nowhere"],
        cwd=ROOT, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not Path(ROOT / "nowhere").exists()
