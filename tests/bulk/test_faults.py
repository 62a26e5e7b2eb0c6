"""Molecules that hang or kill a worker, and surroundings that fail."""

import csv
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES
from runs_for_tests import start, wait_for_progress

from servier.chem.levels import Level
from servier.features.computing import FeatureWork, compute_features
from servier.features.feature_file import read_features
from servier.features.registry import PRESETS
from servier.processes.ordered_map import ordered_map

MAX_ATOMS = 2000
ENDLESS = "C" * 1500  # its descriptors take minutes
LIMITS = ["--timeout", 2, "--max_atoms", MAX_ATOMS]
ROWS = [*SMILES, ENDLESS, *SMILES, "nope"]
BAD = len(SMILES)


@pytest.fixture(scope="module")
def accurate_model(servier, simulated, workshop):
    """A model whose features include descriptors, which take minutes of a large molecule."""
    recipe = workshop / "accurate.yaml"
    recipe.write_text("folds: 2\nboosters: [{}]\nrepeats: 1\nmax_rounds: 5\n")
    path = workshop / "accurate.servier"
    servier(
        "train",
        "--data_dir",
        simulated.parent,
        "--config",
        recipe,
        "--model_path",
        path,
        "--preset",
        "accurate",
    )
    return path


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in ROWS))
    return path


def statuses(path):
    return [row["status"] for row in csv.DictReader(path.open())]


@pytest.mark.slow
def test_a_molecule_that_hangs_costs_its_row(servier, accurate_model, library, tmp_path):
    """All rows are there; the one that hangs says timeout, and its neighbours have their scores."""
    target = tmp_path / "out.csv"
    servier("predict-file", library, target, "--model_path", accurate_model, *LIMITS, "--workers", 2)
    found = statuses(target)
    assert found[BAD] == "timeout"
    assert found[:BAD] == ["ok"] * BAD
    assert found[BAD + 1 :] == ["ok"] * BAD + ["invalid"]
    rows = list(csv.DictReader(target.open()))
    assert rows[BAD]["reason"] == "no answer within 2 s"
    assert [row["P1_probability"] for row in rows[:BAD]] == [
        row["P1_probability"] for row in rows[BAD + 1 : -1]
    ]


@pytest.mark.slow
def test_features_of_a_file_with_a_molecule_that_hangs(servier, accurate_model, library, tmp_path):
    """Only its row has no features, with any number of workers; predict-file takes the file."""
    targets = [tmp_path / f"{workers}.parquet" for workers in (1, 2)]
    for workers, target in enumerate(targets, start=1):
        servier("featurize", library, target, *LIMITS, "--workers", workers)
    one, two = (target.read_bytes() for target in targets)
    assert one == two
    expected = ["ok"] * BAD + ["timeout"] + ["ok"] * BAD + ["invalid"]
    table = pq.read_table(targets[0])
    assert table["status"].to_pylist() == expected
    assert table["reason"].to_pylist()[BAD] == "no answer within 2 s"
    found = read_features(targets[0], PRESETS["accurate"], Level.PARENT)
    assert not found.X[[BAD, -1]].any()
    np.testing.assert_array_equal(found.X[:BAD], found.X[BAD + 1 : -1])
    np.testing.assert_array_equal(
        found.X[:BAD], compute_features(SMILES, PRESETS["accurate"], 1, Level.PARENT).X
    )
    scored = tmp_path / "scored.csv"
    servier("predict-file", targets[0], scored, "--model_path", accurate_model)
    assert statuses(scored) == expected


def busy_children(pid):
    """The worker processes of a run that have used more than three seconds of processor time."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid and (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") > 3:
                yield int(entry.name)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["predict-file", "featurize"])
def test_a_molecule_that_kills_its_worker_costs_its_row(accurate_model, library, tmp_path, command):
    """Whoever reads the bad molecule is killed each time; only its row says crashed."""
    target = tmp_path / ("out.csv" if command == "predict-file" else "out.parquet")
    model = ["--model_path", accurate_model] if command == "predict-file" else []
    process = start(
        command, library, target, *model, "--timeout", 100, "--max_atoms", MAX_ATOMS, "--workers", 1
    )

    def kill():
        while process.poll() is None:
            for child in busy_children(process.pid):
                os.kill(child, signal.SIGKILL)
            time.sleep(0.2)

    thread = threading.Thread(target=kill)
    thread.start()
    assert process.wait(timeout=280) == 0
    thread.join()
    found = statuses(target) if model else pq.read_table(target)["status"].to_pylist()
    assert found[BAD] == "crashed"
    assert found[:BAD] + found[BAD + 1 : -1] == ["ok"] * 2 * BAD


def test_features_of_a_molecule_that_hangs(accurate_model, library, tmp_path):
    """The same holds for features in memory."""
    rows = [(smiles, None) for smiles in ROWS[BAD - 2 : BAD + 2]]
    (found,) = ordered_map(FeatureWork(PRESETS["accurate"], MAX_ATOMS), [rows], 1, timeout=2)
    assert [problem and problem.status for problem in found.problems] == [None, None, "timeout", None]
    assert found.X.any(axis=1).tolist() == [True, True, False, True]


@pytest.mark.slow
def test_a_killed_worker_costs_nothing(servier, model_1, tmp_path):
    """A worker that is killed by chance is replaced, and the output is that of a quiet run."""
    library = tmp_path / "in.csv"
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in SMILES * 1000))
    process = start("predict-file", library, tmp_path / "out.csv", "--model_path", model_1)
    killed = 0
    wait_for_progress(tmp_path / "out.csv")
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        for child in children.read_text().split() if children.exists() else []:
            if killed < 3 and b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
                killed += 1
        time.sleep(0.7)
    assert process.returncode == 0
    assert killed > 0
    servier("predict-file", library, tmp_path / "quiet.csv", "--model_path", model_1)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "quiet.csv").read_bytes()


def test_workers_die_with_the_run(accurate_model, library, tmp_path):
    """When the run is killed while a worker is inside RDKit, the worker goes too."""
    command = [sys.executable, "-m", "servier", "predict-file", library, tmp_path / "out.csv"]
    process = subprocess.Popen(
        [
            *command,
            "--model_path",
            accurate_model,
            "--timeout",
            "100",
            "--max_atoms",
            str(MAX_ATOMS),
            "--workers",
            "1",
        ]
    )
    deadline = time.monotonic() + 120
    while not (children := list(busy_children(process.pid))) and time.monotonic() < deadline:
        assert process.poll() is None, "the run has ended without the endless molecule"
        time.sleep(0.1)
    process.kill()
    process.wait()
    assert children, "no worker was busy"
    deadline = time.monotonic() + 10
    while any(state_of(child) != "Z" for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [state_of(child) for child in children] == ["Z"] * len(children)


def state_of(pid):
    """The state of a process, Z for one that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line(servier, model_1, tmp_path):
    """No space ends the run with one line; the same command ends it well when there is space again."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        library = tmp_path / "in.csv"
        library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in SMILES * 1000))
        arguments = ["predict-file", library, disk / "out.csv", "--model_path", model_1]
        said = servier(*arguments, status=1).stderr
        assert said.splitlines()[-1].startswith("Error: ")
        assert "No space left on device; give the same command again" in said
        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        servier(*arguments)
        servier("predict-file", library, tmp_path / "out.csv", "--model_path", model_1)
        assert (disk / "out.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.process
def test_a_reader_that_leaves_is_one_clear_line(model_1, tmp_path):
    """`| head` ends the run without a traceback."""
    library = tmp_path / "in.csv"
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in SMILES * 200))
    command = f"{sys.executable} -m servier predict-file {library} - --model_path {model_1} | head -2"
    finished = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=120
    )
    assert finished.stdout.count("\n") == 2
    assert finished.stderr.splitlines() == ["Error: the reader of the output has gone"]


def test_a_folder_that_cannot_be_made_is_one_clear_line(servier, model_1, library, tmp_path):
    """An output below a file, or in a read-only place, is refused before anything is scored."""
    said = servier("predict-file", library, library / "out.csv", "--model_path", model_1, status=1).stderr
    assert said.startswith("Error: ")
    assert "cannot write here" in said
    assert (
        "cannot write here"
        in servier("predict-file", library, "/proc/out.csv", "--model_path", model_1, status=1).stderr
    )
