"""Runs and merges where a file has the name of the output: nothing to do, refused, or replaced."""

import json
from contextlib import contextmanager
from itertools import product

import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES
from stopping_for_tests import Stopped, stop

from servier.bulk import source
from servier.tables import claim_output

NOTHING = "it was complete already, nothing is left to do"


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("id,smiles\n" + "".join(f"{i},{smiles}\n" for i, smiles in enumerate(SMILES)))
    return path


@pytest.fixture
def score(command, model_1, library, tmp_path):
    """Run predict-file, or featurize where that makes the output; returns what it said."""

    def run(name, *options, status=0, **settings):
        words = ["predict-file", library, tmp_path / name, "--model_path", model_1]
        if name == "features.parquet":
            words = ["featurize", library, tmp_path / name, "--preset", "fast"]
        return command(*words, *options, status=status, **settings).stderr

    return run


def stamp(path):
    """What changes when a file is written or replaced."""
    return path.stat().st_ino, path.stat().st_mtime_ns


@contextmanager
def stopping_at(monkeypatch, *places):
    """Let a run end where it comes to one of these."""
    with monkeypatch.context() as patch:
        for place in places:
            patch.setattr(place, lambda *_, **__: stop())
        yield


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *product(("out.csv", "out.csv.gz", "out.parquet"), ((), ("--top", 3))),
        ("features.parquet", ()),
    ],
)
def test_the_same_command_has_nothing_to_do(score, tmp_path, name, options):
    """A complete output stays untouched, whatever the number of processes; a summary can be had of it."""
    score(name, *options)
    before, files = stamp(tmp_path / name), files_in(tmp_path)
    said = score(name, *options, "--workers", 2, "--summary", tmp_path / "s.json")
    assert said.strip().endswith(NOTHING)
    assert stamp(tmp_path / name) == before
    assert files_in(tmp_path) == sorted([*files, "s.json", ".s.json.origin"])
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["rows"] == summary["resumed"] == len(SMILES)
    n_rows = 3 if options else len(SMILES)
    assert summary["written"] == n_rows
    if name.endswith(".parquet"):
        assert pq.read_table(tmp_path / name).num_rows == n_rows


def test_another_run_does_not_replace_an_output(score, library, model_2, command, tmp_path):
    """Other options, another model or another input are named; with --force the file is replaced."""
    score("out.csv")
    before = (tmp_path / "out.csv").read_bytes()
    assert "option max_atoms was 500, now 9" in score("out.csv", "--max_atoms", 9, status=1)
    other = command("predict-file", library, tmp_path / "out.csv", "--model_path", model_2, status=1).stderr
    assert "this file was made from other inputs or options: checkpoints was" in other
    assert "--force to replace this one" in other
    library.write_text(library.read_text() + "x,CCO\n")
    assert "input sha256 was" in score("out.csv", status=1)
    assert (tmp_path / "out.csv").read_bytes() == before
    score("out.csv", "--force")
    assert (tmp_path / "out.csv").read_bytes().count(b"\n") == len(SMILES) + 2
    assert NOTHING in score("out.csv")


def test_another_run_does_not_replace_features(score, library, tmp_path):
    """Other options, another preset or another table are named; with --force the file is replaced."""
    name = "features.parquet"
    score(name)
    before = (tmp_path / name).read_bytes()
    assert "option smiles_column was None, now smiles" in score(name, "--smiles_column", "smiles", status=1)
    assert "featurizers was" in score(name, "--preset", "accurate", status=1)
    library.write_text(library.read_text() + "x,CCO\n")
    assert "input sha256 was" in score(name, status=1)
    assert (tmp_path / name).read_bytes() == before
    score(name, "--force")
    assert pq.read_table(tmp_path / name).num_rows == len(SMILES) + 1
    assert NOTHING in score(name)


def test_an_input_that_was_changed_in_its_middle_is_another_one(score, library, tmp_path, monkeypatch):
    """Though size and both ends, by which an interrupted run knows its input, are the same."""
    monkeypatch.setattr(source, "EDGE", 10)
    score("out.csv")
    middle = SMILES[len(SMILES) // 2]
    library.write_text(library.read_text().replace(f",{middle}\n", f",{'C' * len(middle)}\n"))
    assert "input sha256 was" in score("out.csv", status=1)


@pytest.mark.parametrize("name", ["out.csv", "out.csv.zst", "out.parquet", "features.parquet"])
def test_a_file_of_the_user_is_not_replaced(score, tmp_path, name):
    """Nothing is scored, and nothing is left beside it; --restart says nothing about it."""
    mine = tmp_path / name
    mine.write_text("the only copy\n")
    selecting = () if name == "features.parquet" else ("--top", 2)
    for options in ((), ("--restart",), selecting, ("--shard", "1/2")):
        assert f"{mine}: this file exists already; give it another name" in score(name, *options, status=1)
        assert mine.read_text() == "the only copy\n"
        assert files_in(tmp_path) == sorted(["in.csv", name])
    score(name, "--force")
    assert NOTHING in score(name)


@pytest.mark.parametrize("name", ["out.csv", "features.parquet"])
@pytest.mark.parametrize("suffix", ["journal", "partial"])
@pytest.mark.parametrize("option", [(), ("--force",), ("--restart",)])
def test_a_file_of_the_user_is_not_taken_for_one_of_a_run(score, tmp_path, name, suffix, option):
    """What has the name of a journal or of unfinished rows, and no run beside it, stays."""
    mine = tmp_path / f"{name}.{suffix}"
    mine.write_text("the only copy\n")
    said = score(name, *option, status=1)
    assert said.startswith(
        f"Error: {mine}: this file is not of an earlier run, and its name is needed; rename it"
    )
    assert mine.read_text() == "the only copy\n"
    assert files_in(tmp_path) == sorted(["in.csv", mine.name])
    mine.unlink()
    score(name)


def test_an_output_that_was_edited_is_not_replaced(score, tmp_path):
    """Work that somebody did in it is not lost."""
    score("out.csv")
    text = (tmp_path / "out.csv").read_text()
    (tmp_path / "out.csv").write_text(text.replace("ok", "OK", 1))
    assert "this file has been changed since it was made" in score("out.csv", status=1)
    assert NOTHING not in score("out.csv", "--force")
    assert (tmp_path / "out.csv").read_text() == text


def test_force_goes_on_with_an_interrupted_run(score, tmp_path, monkeypatch):
    """The same command, --force included, ends a run that was to replace a file."""
    (tmp_path / "out.csv").write_text("old\n")
    place = "servier.bulk.spools.SpoolFile.rename"
    with stopping_at(monkeypatch, place), pytest.raises(Stopped):
        score("out.csv", "--force")
    assert (tmp_path / "out.csv").read_text() == "old\n"
    assert "this file exists already" in score("out.csv", status=1)
    assert NOTHING in score("out.csv", "--force", "--summary", tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["resumed"] == len(SMILES)
    assert (tmp_path / "out.csv").read_text().count("\n") == len(SMILES) + 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *product(("out.csv", "out.parquet"), ((), ("--top", 3), ("--shard", "1/1"))),
        *product(("features.parquet",), ((), ("--shard", "1/1"))),
    ],
)
def test_stopped_after_the_output_has_its_name(score, tmp_path, monkeypatch, name, options):
    """The next run sees that the output is complete, and tidies up what the first one left."""
    place = "servier.bulk.journal.Journal.finish"
    with stopping_at(monkeypatch, place), pytest.raises(Stopped):
        score(name, *options)
    before = stamp(tmp_path / name)
    assert NOTHING in score(name, *options)
    assert stamp(tmp_path / name) == before
    kept = [f"{name}.journal"] if "--shard" in options else []
    assert files_in(tmp_path) == sorted([f".{name}.origin", "in.csv", name, *kept])
    if kept:
        (tmp_path / name).unlink()
        assert NOTHING not in score(name, *options)


def test_rows_from_stdin_replace_nothing(command, model_1, library, tmp_path):
    """Whether they are the same rows nobody knows."""
    words = ["predict-file", "-", tmp_path / "out.csv", "--model_path", model_1]
    rows = library.read_text()
    command(*words, stdin=rows)
    assert files_in(tmp_path) == ["in.csv", "out.csv"]
    assert "this file exists already" in command(*words, stdin=rows, status=1).stderr
    command(*words, "--force", stdin=rows)


def test_a_summary_replaces_only_a_summary(score, tmp_path):
    """One of the same output gives way to the next; a file of the user does not."""
    (tmp_path / "s.json").write_text("{}")
    assert "s.json: this file exists already" in score("out.csv", "--summary", tmp_path / "s.json", status=1)
    assert not (tmp_path / "out.csv").exists()
    for _ in range(2):
        score("out.csv", "--summary", tmp_path / "t.json")
    assert "of was" in score("other.csv", "--summary", tmp_path / "t.json", status=1)


def test_a_dry_run_asks_nothing_of_the_output(score, tmp_path):
    """It writes none."""
    (tmp_path / "out.csv").write_text("mine\n")
    score("out.csv", "--dry_run")
    assert files_in(tmp_path) == ["in.csv", "out.csv"]


def test_two_runs_do_not_write_one_output(score, tmp_path):
    """Nor one summary."""
    for target in ("out.csv", "features.parquet"):
        for name in (target, "s.json"):
            with claim_output(tmp_path / name, lambda: None):
                said = score(target, "--summary", tmp_path / "s.json", status=1)
            assert f"{name}: another run is writing this file" in said


def test_merging_what_is_merged_has_nothing_to_do(score, command, tmp_path):
    """And a file of another origin is replaced only with --force."""
    for i in (1, 2):
        score(f"{i}.csv", "--shard", f"{i}/2")
    words = ["merge", tmp_path / "out.csv", tmp_path / "1.csv", tmp_path / "2.csv"]
    (tmp_path / "out.csv").write_text("mine\n")
    assert "this file exists already" in command(*words, status=1).stderr
    assert (tmp_path / "out.csv").read_text() == "mine\n"
    command(*words, "--force")
    before = stamp(tmp_path / "out.csv")
    command(*words)
    assert stamp(tmp_path / "out.csv") == before
    assert "option shard was" in score("out.csv", status=1)
    for i in (1, 2):
        score(f"{i}.csv", "--shard", f"{i}/2", "--max_atoms", 9, "--force", "--restart")
    assert "option max_atoms was 500, now 9" in command(*words, status=1).stderr
    with claim_output(tmp_path / "out.csv", lambda: None, force=True):
        assert "another run is writing" in command(*words, "--force", status=1).stderr
