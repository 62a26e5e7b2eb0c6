"""Searches for a recipe; those that are killed or interrupted, slow ones, are of real processes."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import yaml


@pytest.fixture(scope="module")
def tuned(servier, simulated, tmp_path_factory):
    """A search for model 1 that was killed in the middle and gone on with; its recipe file."""
    recipe = tmp_path_factory.mktemp("tuning") / "recipe.yaml"
    arguments = [
        "tune", "--dataset", simulated, "--preset", "fast", "--trials", 4, "--output", recipe, "--workers", 1,
    ]  # fmt: skip
    command = [sys.executable, "-m", "servier", *map(str, arguments)]
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None and completed(f"{recipe}.db") < 1:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return recipe, servier(*arguments)


def completed(path):
    """The number of trials in the storage that came to their end."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as storage:
            return storage.execute("select count(*) from trials where state = 'COMPLETE'").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


@pytest.mark.slow
def test_an_interrupted_search_goes_on(tuned):
    """All trials are done once, earlier ones counted in, with a line for each."""
    recipe, finished = tuned
    assert completed(f"{recipe}.db") == 4
    assert "continuing after" in finished.stderr
    assert "trial 4 of 4" in finished.stderr
    assert "Best of 4 recipes" in finished.stdout


@pytest.mark.slow
def test_ctrl_c_ends_a_search_with_the_best_so_far(simulated, tmp_path):
    """Once a recipe has been tried the best one is written, and the run says how to go on."""
    recipe = tmp_path / "recipe.yaml"
    arguments = ["tune", "--dataset", simulated, "--preset", "fast", "--output", recipe]
    command = [sys.executable, "-m", "servier", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and completed(f"{recipe}.db") < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "run the same command again to continue" in said
    assert "recipes: " in out
    assert yaml.safe_load(recipe.read_text())["preset"] == "fast"


@pytest.mark.slow
def test_the_best_is_not_worse_than_the_default(tuned):
    """The default recipe is one of those tried."""
    words = tuned[1].stdout.splitlines()[0].replace(",", "").split()
    assert float(words[4]) >= float(words[-1])


@pytest.mark.slow
def test_train_takes_the_recipe(command, tuned, simulated, tmp_path):
    """The file is a recipe of model 1, with the preset it was tuned with."""
    recipe = tuned[0]
    assert yaml.safe_load(recipe.read_text())["preset"] == "fast"
    said = command(
        "train", "--dataset", simulated, "--config", recipe, "--model_path", tmp_path / "model_1.servier"
    ).stdout  # fmt: skip
    assert "auroc" in said


def test_model_2_is_tuned_within_minutes(command, simulated, recipes, tmp_path):
    """A search for the network stops when its time is over, with the default recipe tried at least."""
    small = tmp_path / "small.csv"
    small.write_text("\n".join(simulated.read_text().splitlines()[:61]) + "\n")
    finished = command(
        "tune", "--dataset", small, "--model_name", 2, "--minutes", 0.01, "--output", tmp_path / "r.yaml",
        "--config", recipes["2"],
    )  # fmt: skip
    assert "Best of 1 recipes" in finished.stdout
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["model_name"] == 2


def test_model_1_is_tuned(command, simulated, recipes, tmp_path):
    """A search for one recipe tries the default one and writes it, in the file that train reads."""
    arguments = ["tune", "--dataset", simulated, "--config", recipes["1"], "--trials", 1]
    said = command(*arguments, "--output", tmp_path / "r.yaml").stdout
    assert "Best of 1 recipes" in said
    assert yaml.safe_load((tmp_path / "r.yaml").read_text())["preset"] == "fast"


def test_only_scores_of_one_kind_are_compared(command, simulated, recipes, tmp_path):
    """Another task, or other rows held out, is another search, though it is kept in the same file."""
    rows = [line.split(",") for line in simulated.read_text().splitlines()[:101]]
    place = rows[0].index("P1")
    table = tmp_path / "t.csv"
    marks = [
        ("first", "second"),
        *[("train" if i % 4 else "test", "test" if i < 30 else "train") for i in range(100)],
    ]
    table.write_text("\n".join(",".join([*row, *both]) for row, both in zip(rows, marks, strict=True)))
    assert rows[0][place] == "P1"
    search = ("tune", "--dataset", table, "--target", "P1", "--config", recipes["1"], "--trials", 1)
    search += ("--storage", tmp_path / "all.db", "--output", tmp_path / "r.yaml", "--force")
    kinds = ([], ["--task", "regression"], ["--split_column", "first"], ["--split_column", "second"])
    said = [command(*search, *kind) for kind in kinds]
    assert not any("continuing after" in found.stderr for found in said)
    assert "continuing after 1 trials" in command(*search).stderr
    assert len({found.stdout for found in said}) == len(kinds)


@pytest.mark.training
@pytest.mark.parametrize("name", ["what?.yaml", "{a}.yaml"])
def test_a_name_that_is_read_as_something_else_is_refused(command, simulated, tmp_path, name):
    """No search is kept in a file of another name."""
    before = sorted(tmp_path.iterdir())
    said = command("tune", "--dataset", simulated, "--output", tmp_path / name, status=1).stderr
    assert "the file of a search cannot have this name; name another with --storage" in said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.training
def test_a_file_that_is_no_storage_is_one_clear_error(command, simulated, tmp_path):
    """Another file is not overwritten."""
    other = tmp_path / "notes.db"
    other.write_text("not a database, but some text that is long enough to be looked at\n" * 20)
    said = command(
        "tune", "--dataset", simulated, "--storage", other, "--output", tmp_path / "r.yaml", status=1
    )
    assert "notes.db: this is not the file of a search" in said.stderr
