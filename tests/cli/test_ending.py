"""Commands that end before their time: by signals, or because nobody takes what they say."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from molecules_for_tests import SMILES
from runs_for_tests import end_by, start

CONTINUE = "Run the same command again to continue from the last durable row."
STATUS = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130}
WORDS = {"SIGTERM": "Terminated.", "SIGHUP": "The terminal has gone.", "SIGINT": "Interrupted."}
ROWS = SMILES * 100


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "in.csv"
    path.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in ROWS))
    return path


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def words(library, target, model):
    if target.suffix == ".parquet":
        return ["featurize", library, target, "--preset", "fast"]
    return ["predict-file", library, target, "--model_path", model]


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "signal_name"), [("f.parquet", "SIGTERM"), ("out.csv", "SIGHUP"), ("out.csv", "SIGTERM")]
)
def test_a_run_that_is_ended_leaves_what_it_can_go_on_from(
    servier, model_1, library, tmp_path, name, signal_name
):
    """The journal and the rows stay, it says so, and the same command ends with the same bytes."""
    target, arguments = tmp_path / name, words(library, tmp_path / name, model_1)
    status, said = end_by(signal_name, 2, "after", *arguments)
    assert status == STATUS[signal_name]
    assert said.splitlines()[-1] == f"{WORDS[signal_name]} {CONTINUE}"
    assert files_in(tmp_path) == [f"{name}.journal", f"{name}.partial"]
    servier(*arguments)
    expected = tmp_path / f"expected{target.suffix}"
    servier(*words(library, expected, model_1))
    assert target.read_bytes() == expected.read_bytes()


@pytest.mark.process
@pytest.mark.parametrize("name", ["f.parquet", "out.csv"])
def test_a_run_that_is_ended_before_its_first_rows_leaves_nothing(model_1, library, tmp_path, name):
    """Where nothing is durable, nothing stays."""
    status, said = end_by("SIGTERM", 1, "before", *words(library, tmp_path / name, model_1))
    assert (status, said.splitlines()[-1]) == (143, "Terminated. Nothing was written.")
    assert files_in(tmp_path) == []


@pytest.mark.process
def test_a_signal_that_is_ignored_stays_ignored(model_1, library, tmp_path):
    """Under nohup a run goes on when its terminal has gone."""
    target = tmp_path / "out.csv"
    command = [sys.executable, "-m", "servier", *map(str, words(library, target, model_1))]
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what is ignored is so in a child from its start
    try:
        process = subprocess.Popen(command, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGHUP, before)
    while not target.exists() and process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
    assert process.communicate(timeout=120)[0] is None
    assert process.returncode == 0


@pytest.mark.process
def test_ctrl_c_ends_a_run_that_waits_for_stdin(model_1, tmp_path):
    """Also after substructure searches, whose library lets interrupted reads begin again."""
    target = tmp_path / "out.csv"
    process = start("predict-file", "-", target, "--model_path", model_1, stdin=subprocess.PIPE)
    waits_at = Path(f"/proc/{process.pid}/wchan")
    wait_for(lambda: "pipe" in waits_at.read_text())
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 130
    process.stdin.close()
    assert process.stderr.read().decode().splitlines()[-1] == "Interrupted. Nothing was written."
    assert files_in(tmp_path) == []


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.process
@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGHUP"])
def test_a_training_that_is_ended_leaves_nothing(simulated, recipes, tmp_path, signal_name):
    """No half of a checkpoint, no temporary file, no record of something that is not there."""
    options = [
        "--data_dir",
        simulated.parent,
        "--config",
        recipes["1"],
        "--model_path",
        tmp_path / "m.servier",
    ]
    process = start("train", *options)
    wait_for((tmp_path / ".m.servier.origin").exists)
    process.send_signal(getattr(signal, signal_name))
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == STATUS[signal_name]
    assert said.splitlines()[-1] == f"{WORDS[signal_name]} Nothing was written."
    assert files_in(tmp_path) == []


def commands(folder, library, simulated, recipes, model_1):
    """Command lines with the files that they may leave when they are ended early."""
    table, few = ["--data_dir", simulated.parent], ["--resamples", 20]
    resumed = ["out.csv.journal", "out.csv.partial", "f.parquet.journal", "f.parquet.partial"]
    return {
        "predict-file": (words(library, folder / "out.csv", model_1), resumed),
        "top": ([*words(library, folder / "out.csv", model_1), "--top", 9], resumed),
        "featurize": (words(library, folder / "f.parquet", model_1), resumed),
        "train": (["train", *table, "--config", recipes["1"], "--model_path", folder / "m.servier"], []),
        "evaluate": (["evaluate", *table, *few, "--model_path", model_1, "--output_dir", folder], None),
        "compare": (["compare", model_1, model_1, *table, *few, "--html", folder / "c.html"], []),
        "check": (["check", simulated, folder / "findings.csv"], []),
        "tune": (
            ["tune", *table, "--config", recipes["1"], "--trials", 3, "--output", folder / "r.yaml"],
            ["r.yaml.db", "r.yaml.db-journal"],
        ),
        "distill": (
            ["distill", model_1, "--rows", 400, "--output", folder / "s.servier"],
            [
                f"s.servier.work/{name}"
                for name in (
                    "run.txt",
                    "molecules.csv",
                    ".answers.parquet.origin",
                    "answers.parquet",
                    "answers.parquet.journal",
                    "answers.parquet.partial",
                )
            ],
        ),
        "inspect": (["inspect", model_1, "--html", folder / "card.html"], []),
        "simulate": (["simulate", folder / "s.csv", "--rows", 3000], []),
    }


NAMES = [
    "predict-file", "top", "featurize", "train", "evaluate", "compare", "check", "tune", "distill",
    "inspect", "simulate",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("name", NAMES)
def test_commands_that_are_ended_at_any_moment(
    servier, library, simulated, recipes, model_1, tmp_path, name, rounds
):
    """Ended at random moments a command leaves what it can go on from or nothing, and no process."""
    rng = random.Random(f"{name} {rounds}")
    started = time.monotonic()
    folder = tmp_path / "whole"
    servier(*commands(folder, library, simulated, recipes, model_1)[name][0])
    seconds, whole = time.monotonic() - started, files_in(folder)
    for i, signal_name in enumerate([*STATUS] * rounds):
        folder = tmp_path / str(i)
        folder.mkdir()
        arguments, may_stay = commands(folder, library, simulated, recipes, model_1)[name]
        process = start("--quiet", *arguments, stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.3, 1) * seconds)
        children = children_of(process.pid)
        process.send_signal(getattr(signal, signal_name))
        said = process.communicate(timeout=120)[1].decode()
        assert not any(map(is_alive, children))
        found = set(files_in(folder))
        if process.returncode == 0:
            assert found == set(whole)
            continue
        number = getattr(signal, signal_name)
        assert process.returncode in (STATUS[signal_name], -number), (
            said
        )  # before it has begun, the system ends it
        if process.returncode > 0 and "Traceback" not in said:
            assert said.splitlines()[-1].startswith(WORDS[signal_name])
        if may_stay is not None:  # what is whole may stay, with its record
            assert found <= {*may_stay, *whole}, said
            assert not (found & set(whole)) - set(may_stay) or set(whole) <= found


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid):
    """Say whether a process still runs; the last ones of a group take a moment."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
        except OSError:
            return False
        time.sleep(0.1)
    return True


FULL = (
    "Error: standard output cannot be written: No space left on device; what was written to it is not whole\n"
)
GONE = "Error: the reader of the output has gone\n"


def printing(model_1, simulated):
    """Commands that print, with what they need."""
    return [
        ["--help"],
        ["train", "--help"],
        ["--version"],
        ["predict", "CCO", "--model_1_path", model_1],
        ["predict", "CCO", "--model_1_path", model_1, "--json"],
        ["explain", "CCO", "--model_1_path", model_1],
        ["inspect", model_1],
        ["inspect", model_1, "--verify", "--json"],
        ["check", simulated],
        ["evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--json"],
        ["compare", model_1, model_1, "--data_dir", simulated.parent],
        ["predict-file", simulated, "-", "--model_path", model_1],
    ]


def say_into(stdout, arguments):
    command = [sys.executable, "-m", "servier", "--quiet", *map(str, arguments)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=120)


@pytest.mark.process
@pytest.mark.parametrize("number", [0, 3, pytest.param(11, id="predict-file")])
def test_stdout_that_is_full_is_one_line(model_1, simulated, number):
    """What could not be said is not passed over."""
    with Path("/dev/full").open("w") as full:
        finished = say_into(full, printing(model_1, simulated)[number])
    assert (finished.returncode, finished.stderr) == (1, FULL)


@pytest.mark.process
@pytest.mark.parametrize("number", [0, 3, pytest.param(11, id="predict-file")])
def test_stdout_that_nobody_reads_is_one_line(model_1, simulated, number):
    """So it is with a pipe whose reader has gone, as that of `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    finished = say_into(writer, printing(model_1, simulated)[number])
    os.close(writer)
    assert (finished.returncode, finished.stderr) == (1, GONE)


@pytest.mark.slow
@pytest.mark.process
def test_every_command_minds_its_stdout(model_1, simulated):
    """Full or closed, for each command that prints."""
    for arguments in printing(model_1, simulated):
        with Path("/dev/full").open("w") as full:
            finished = say_into(full, arguments)
        assert (finished.returncode, finished.stderr) == (1, FULL), arguments
        reader, writer = os.pipe()
        os.close(reader)
        finished = say_into(writer, arguments)
        os.close(writer)
        assert (finished.returncode, finished.stderr) == (1, GONE), arguments


@pytest.mark.process
def test_streams_that_are_closed(model_1, tmp_path):
    """Without stdout nothing is done; without the others a command works, and no file takes their place."""
    target = tmp_path / "s.csv"
    shell = f"{sys.executable} -m servier simulate {target} --rows 20"
    finished = subprocess.run(["bash", "-c", f"{shell} >&-"], capture_output=True, text=True, check=False)
    assert finished.returncode == 1
    assert finished.stderr == ("Error: standard output is closed; give it a reader, a file, or /dev/null\n")
    assert not target.exists()
    finished = subprocess.run(
        ["bash", "-c", f"{shell} 2>&- <&-"], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0
    assert target.read_text().count("\n") == 21
    shell = f"{sys.executable} -m servier predict-file - {tmp_path / 'o.csv'} --model_path {model_1}"
    finished = subprocess.run(["bash", "-c", f"{shell} <&-"], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (
        1, "Error: standard input is closed; give a file, or pipe one in\n"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["train", "tune", "storage", "pretrain", "work_dir"])
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    command, simulated, tmp_path, monkeypatch, name
):
    """One line, at once, and nothing is left."""
    for place in ("train.train", "tuning._make_objective"):
        monkeypatch.setattr(f"servier.training.{place}", unwanted)
    monkeypatch.setattr("servier.pretraining.pretrain.read_smiles", unwanted)
    file = tmp_path / "file"
    file.write_text("")
    table = ["--data_dir", simulated.parent]
    arguments = {
        "train": ["train", *table, "--model_path", file / "m.servier"],
        "tune": ["tune", *table, "--output", file / "r.yaml"],
        "storage": ["tune", *table, "--output", tmp_path / "r.yaml", "--storage", file / "r.db"],
        "pretrain": ["pretrain", simulated, file / "e.zip"],
        "work_dir": ["pretrain", simulated, tmp_path / "e.zip", "--work_dir", file / "work"],
    }[name]
    said = command("--quiet", *arguments, status=1).stderr
    assert said.startswith(f"Error: {file}/")
    assert "cannot write here: " in said
    assert said.count("\n") == 1
    assert files_in(tmp_path) == ["file"]


def unwanted(*_, **__):
    raise AssertionError("this was not to be begun")


@pytest.mark.process
@pytest.mark.parametrize("size", [0, 100, 5000])
@pytest.mark.parametrize("name", ["f.parquet", "out.csv"])
def test_a_limit_of_file_sizes_is_one_line(servier, model_1, library, tmp_path, name, size):
    """As of a disk that is full it names the file that is written, and the same command goes on."""
    arguments = words(library, tmp_path / name, model_1)
    process = start(
        "--quiet", *arguments, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    )
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 1
    assert said.startswith(f"Error: {tmp_path / name}")
    assert "cannot write: File too large" in said
    assert said.count("\n") == 1
    assert set(files_in(tmp_path)) <= {f"{name}.journal", f"{name}.partial"}
    servier(*arguments)


@pytest.mark.slow
@pytest.mark.process
def test_a_disk_that_is_full_at_the_end_leaves_nothing(servier, simulated, recipes, tmp_path):
    """A checkpoint that does not fit is one line, and no part of it stays."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20k", "none", disk], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        options = ["--data_dir", simulated.parent, "--config", recipes["1"]]
        said = servier("train", *options, "--model_path", disk / "m.servier", status=1).stderr
        assert said.splitlines()[-1] == f"Error: {disk / 'm.servier'}: cannot write: No space left on device"
        assert files_in(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)
