"""The workflow with its tiny configuration, in folders of their own; one of them has all results."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from servier.cli import main

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
SITE = ".test"
RESULTS = Path(SITE) / "results"


def copy_workflow(folder):
    """Copy what the workflow consists of."""
    leave = shutil.ignore_patterns("results", ".snakemake")
    for name in ("workflow", "config", ".test"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave)
    shutil.copy(ROOT / "environment.yml", folder)


@pytest.fixture
def fresh(tmp_path):
    """A copy of the workflow, before anything was run."""
    copy_workflow(tmp_path / "fresh")
    return tmp_path / "fresh"


@pytest.fixture(scope="session")
def whole_run(once):
    """A copy of the workflow that was run from nothing, on one core; tests leave it as it is."""

    def fill(folder):
        copy_workflow(folder)
        snakemake(folder, "--cores", "1")

    return once("workflow", fill)


@pytest.fixture
def finished(whole_run, tmp_path):
    """A copy of the workflow with all results, which a test may change."""
    shutil.copytree(whole_run, tmp_path / "finished", symlinks=True)
    return tmp_path / "finished"


def command(*arguments, site=SITE):
    return [sys.executable, "-m", "snakemake", "--directory", site, *arguments]


def snakemake(folder, *arguments, status=0, site=SITE, first_in_path=None):
    """Run the workflow, the tiny configuration where no other site is named; return what was printed."""
    environment = dict(ENVIRONMENT)
    if first_in_path is not None:
        environment["PATH"] = f"{first_in_path}:{ENVIRONMENT['PATH']}"
    arguments = arguments if "--cores" in arguments else ("--cores", "2", *arguments)
    finished = subprocess.run(
        command(*arguments, site=site),
        cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=1800,
    )  # fmt: skip
    assert (finished.returncode != 0) == bool(status), finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def planned(folder, *arguments):
    """The rules that a dry run would run."""
    said = snakemake(folder, "--dry-run", "--quiet", "host", "reason", *arguments)
    lines = [line.strip().removeprefix("local") for line in said.splitlines()]
    return {line.removeprefix("rule ").rstrip(":") for line in lines if line.startswith("rule ")} - {"all"}


def read_commands(said):
    """The options of each command in a dry run, as a shell and then click read them."""
    for line in said.splitlines():
        if line.startswith("Shell command: servier "):
            words = shlex.shlex(line.removeprefix("Shell command: "), posix=True, punctuation_chars=True)
            words.whitespace_split = True
            found = list(words)
            name = found[1]
            end = found.index(">")
            assert [word for word in found[end + 1 :] if word in (";", "&", "|", "(", ")")] == []
            yield name, main.commands[name].make_context(name, found[2:end]).params


def change_settings(site, change):
    """Let a function change the settings of a working folder; return the text that they were."""
    path = site / "config" / "config.yaml"
    before = path.read_text()
    settings = yaml.safe_load(before)
    change(settings)
    path.write_text(yaml.safe_dump(settings))
    return before


def made(results):
    """What a run made, by name; without logs, plans and provenance, which tell of the run itself."""
    kinds = ("simulated", "features", "library_features", "models", "evaluation", "predictions")
    files = [path for kind in kinds for path in (results / kind).rglob("*") if path.is_file()]
    return {str(path.relative_to(results)): path.read_bytes() for path in sorted(files)}
