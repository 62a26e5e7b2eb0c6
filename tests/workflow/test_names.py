"""The workflow and names that mean something to a shell: what a file or a column is called is one word."""

import csv
import os
import re
import shlex
import shutil
import subprocess

import pytest
import yaml
from snakemake.target_jobs import parse_target_jobs_cli_args
from snakemake_interface_executor_plugins.utils import (
    TargetSpec,
    encode_target_jobs_cli_args,
    format_cli_arg,
)
from workflow_for_tests import RESULTS, ROOT, SITE, change_settings, planned, read_commands, snakemake

from servier.data.simulation import simulate
from servier.report.html.document import name_reports

PRINTABLE = "".join(map(chr, range(32, 127)))
COMMANDS = "$(touch P)`id`;id -u;' ;id -u;'\"$(id)\"|id>PWNED&id\\"
OF_FILES = COMMANDS + "".join(sorted(set(PRINTABLE) - set(COMMANDS) - set("./{}")))
LIBRARY = f"-{OF_FILES}.csv"
RESULTS_NAME = re.sub(r"[$`\"'\\\\,%]", "_", LIBRARY.removesuffix(".csv"))
TABLE = f"data/-{OF_FILES} 2.csv"
TARGETS = ["-P 1", f"it's $2 & [more] {PRINTABLE}{COMMANDS}"]
SMILES = f"Canonical {PRINTABLE}{COMMANDS} SMILES"
ODD_RESULTS = f"-my results {OF_FILES}."
ODD = f"-{COMMANDS}{PRINTABLE}"
LABELS = {
    "classes": [f"{ODD},b", "a,b"], "positive": ["--positive", ODD], "unit": f"{ODD}={ODD}",
    "unit_column": [ODD], "relation_column": ODD, "weight_column": ODD, "transform": f"{ODD}=none",
    "bounds": [f"{ODD}=0,1"],
}  # fmt: skip


def set_names(settings):
    """Give everything that the tiny configuration names a name of the worst kind."""
    settings.update(dataset=TABLE, targets=TARGETS, smiles_column=SMILES, results=ODD_RESULTS)
    settings["libraries"][0]["files"] = f"data/{LIBRARY}"


def ask_for_less(settings):
    """Let each rule run as seldom as it can: on two shards, and with model 2 only in the consensus."""
    settings["libraries"][0]["models"] = ["1", "consensus"]
    settings["sharding"]["rows_per_shard"] = 60
    settings["resamples"] = 20


@pytest.fixture
def odd(fresh):
    """A copy of the workflow whose table, columns, library and results have odd names."""
    site = fresh / SITE
    (site / "data" / "library.csv").rename(site / "data" / LIBRARY)
    simulation = simulate(150, seed=1)
    with (site / TABLE).open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow([*TARGETS, SMILES])
        rows.writerows(
            [label, 1 - label, smiles]
            for label, smiles in zip(simulation.labels, simulation.smiles, strict=True)
        )
    change_settings(site, set_names)
    return fresh


@pytest.fixture
def watched(tmp_path):
    """A folder of programs that no rule starts, and a function that says how they were started."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("touch", "id"):
        (folder / name).write_text(
            f'#!/bin/sh\necho {name} "$@" >> {shlex.quote(str(tmp_path / "started"))}\n'
        )
        (folder / name).chmod(0o755)
    subprocess.run(["touch", "canary"], env={"PATH": f"{folder}:{os.environ['PATH']}"}, check=True)

    def started():
        return (tmp_path / "started").read_text().splitlines()[1:]

    return str(folder), started


def files_below(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if ".snakemake" not in path.parts}


def test_every_command_gets_odd_names_whole(odd):
    """In each rule's command files, columns, targets and labels are the words that the config has."""

    def change(settings):
        settings["models"]["1"].update(tuning={"trials": 2})
        settings.update(LABELS)

    change_settings(odd / SITE, change)
    commands = list(read_commands(snakemake(odd, "--dry-run", "--printshellcmds")))
    assert {name for name, _ in commands} == {
        "tune", "train", "evaluate", "compare", "featurize", "predict-file", "merge",
    }  # fmt: skip
    library = f"data/{LIBRARY}"
    features = f"{ODD_RESULTS}/library_features/{RESULTS_NAME}.fast.parquet"
    for name, given in commands:
        if "dataset" in given:
            assert given["dataset"] in (TABLE, f"{ODD_RESULTS}/features/fast.parquet")
            assert given["targets"] == tuple(TARGETS)
            assert given["smiles_column"] == SMILES
            assert given["classes"] == (f"{ODD},b", "a,b")
            assert given["positive"] == ("--positive", ODD)
            assert given["unit"] == (f"{ODD}={ODD}",)
            assert given["unit_columns"] == given["relation_columns"] == (ODD,)
            assert given["weight_column"] == ODD
        if name in ("tune", "train"):
            assert (given["transform"], given["bounds"]) == ((f"{ODD}=none",), (f"{ODD}=0,1",))
        if name == "featurize":
            assert (given["source"], given["smiles_column"]) in [(TABLE, SMILES), (library, None)]
        if name == "predict-file":
            assert given["source"] in (library, features)
            assert {path.rpartition("/")[0] for path in given["model_paths"]} == {f"{ODD_RESULTS}/models"}


@pytest.mark.slow
def test_a_whole_run_with_odd_names(odd, watched):
    """Every rule runs, the library is scored row by row, nothing is made elsewhere, and no name is run."""
    programs, started = watched
    change_settings(odd / SITE, ask_for_less)
    before = files_below(odd)
    snakemake(odd, first_in_path=programs)
    assert started() == []
    site = odd / SITE
    made = files_below(odd) - before
    assert {path.parts[:2] for path in made} == {(SITE, ODD_RESULTS)}
    assert not [path for path in made if path.name.startswith("PWNED")]
    for model in ("1", "consensus"):
        path = site / ODD_RESULTS / "predictions" / f"{RESULTS_NAME}.model_{model}.csv"
        with path.open(newline="") as scored, (site / "data" / LIBRARY).open(newline="") as source:
            rows = list(csv.DictReader(scored))
            assert [row["id"] for row in rows] == [row["id"] for row in csv.DictReader(source)]
        assert sum(row["status"] == "ok" for row in rows) > 80
        assert f"{TARGETS[1]}_probability" in rows[0]
    assert not (site / ODD_RESULTS / "shards").exists()
    assert {path.name for path in site.iterdir()} == {"config", "data", ".snakemake", ODD_RESULTS}
    assert planned(odd) == set()


def test_a_dataset_that_was_named_must_be_there(fresh):
    """No simulated table takes its place, with the key `simulation` or without, and the file is named."""
    change_settings(fresh / SITE, lambda settings: settings.update(dataset="data/mine.csv"))
    said = snakemake(fresh, "--dry-run", status=1)
    assert "the dataset data/mine.csv does not exist" in said
    assert "Missing input files" in said
    change_settings(fresh / SITE, lambda settings: settings.pop("simulation"))
    said = snakemake(fresh, "--dry-run", status=1)
    assert "data/mine.csv" in said.partition("Missing input files")[2]


def test_the_untouched_default_is_simulated_and_says_so(fresh):
    """The config as it is delivered names a table that nobody has made yet; results may have an odd name."""
    for folder in (ROOT, ROOT / SITE):
        settings = yaml.safe_load((folder / "config" / "config.yaml").read_text())
        assert settings["dataset"] == "data/dataset_single.csv"
        assert "simulation" in settings
    change_settings(fresh / SITE, lambda settings: settings.update(results=ODD_RESULTS))
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    assert "data/dataset_single.csv does not exist: a simulated table takes its place" in said
    commands = dict(read_commands(said))
    assert commands["simulate"]["output"] == f"{ODD_RESULTS}/simulated/dataset_single.csv"


@pytest.mark.parametrize("change", [{"results": "data/a{b}.csv"}, {"libraries": ["data/a{b}.csv"]}])
def test_a_brace_in_a_name_is_refused(fresh, change):
    """Snakemake would take it for a wildcard."""
    (fresh / SITE / "data" / "a{b}.csv").write_text("smiles\nCCO\n")
    change_settings(fresh / SITE, lambda settings: settings.update(change))
    assert "data/a{b}.csv has a brace in its name" in snakemake(fresh, "--dry-run", status=1)


@pytest.mark.parametrize("name", ["data/a\nb.csv", "data/a\tb.csv", "data/a\x1b[31mb.csv"])
@pytest.mark.parametrize("key", ["results", "libraries"])
def test_a_line_break_in_a_name_is_refused(fresh, key, name):
    """In one line, in which it is visible."""
    (fresh / SITE / name).write_text("smiles\nCCO\n")
    change_settings(
        fresh / SITE, lambda settings: settings.update({key: name if key == "results" else [name]})
    )
    said = snakemake(fresh, "--dry-run", status=1)
    assert f"{name!r} has a line break or another control character in its name: rename it" in said


@pytest.mark.process
def test_names_of_results_reach_jobs_whole():
    """What Snakemake sends to a job through Slurm's sbatch is read by two shells, and names what it named."""
    spec = TargetSpec("predict", {"library": RESULTS_NAME, "model": "1"})
    sent = format_cli_arg("--target-jobs", encode_target_jobs_cli_args([spec])).replace('"', '\\"')
    wrapped = subprocess.run(["sh", "-c", f'printf %s "{sent}"'], capture_output=True, text=True, check=True)
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {wrapped.stdout}"], capture_output=True, text=True, check=True
    )
    flag, *targets = words.stdout.splitlines()
    assert flag == "--target-jobs"
    assert parse_target_jobs_cli_args(targets) == [spec]
    assert set(RESULTS_NAME) == set(PRINTABLE) - set("./{}$`\"'\\,%") | {"_"}


def test_libraries_that_differ_behind_a_point_have_their_own_results(fresh):
    """Only what says the format is no part of a library's name."""
    for version in ("1.0", "1.1"):
        shutil.copy(fresh / SITE / "data" / "library.csv", fresh / SITE / "data" / f"set v{version}.csv")
    libraries = [{"files": "data/set v*.csv", "models": ["1"]}]
    change_settings(fresh / SITE, lambda settings: settings.update(libraries=libraries))
    said = snakemake(fresh, "--dry-run")
    assert f"{RESULTS.name}/predictions/set v1.0.model_1.csv" in said
    assert f"{RESULTS.name}/predictions/set v1.1.model_1.csv" in said


def test_reports_of_odd_targets_are_results(fresh):
    """The pages that Snakemake waits for are those that servier writes."""
    targets = ["P1", "a b", "A_b", "a/b", "é"]
    change_settings(fresh / SITE, lambda settings: settings.update(targets=targets))
    said = snakemake(fresh, "--dry-run")
    pages = [name for name in ("report.html", *name_reports(targets)) if f"model_1/{name}" not in said]
    assert pages == []
