"""Runs that are interrupted, resumed, cut into shards: always the same bytes."""

import json
import os
import random
import shutil
import signal
import time

import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES
from runs_for_tests import end_by, start, stop_at
from stopping_for_tests import MOMENTS

from servier.bulk.journal import Journal
from servier.data.simulation import simulate
from servier.tables import open_table

ROWS = [*simulate(150, seed=2).smiles, *SMILES, "nope", "C1CC", ""] * 10  # four blocks


def write(path, rows):
    path.write_text("id,smiles\n" + "".join(f"{i:06d},{smiles}\n" for i, smiles in enumerate(rows)))
    return path


def files_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return write(tmp_path_factory.mktemp("library") / "in.csv", ROWS)


def words(library, target, model):
    """The command line that makes an output, by its name."""
    if target.name.endswith("features.parquet"):
        return ["featurize", library, target, "--preset", "fast"]
    return ["predict-file", library, target, "--model_path", model]


@pytest.fixture(scope="module", params=["out.csv.gz", "out.csv.zst", "out.parquet", "features.parquet"])
def whole(request, command, model_1, library, tmp_path_factory):
    """The name of an output and the bytes of an uninterrupted run."""
    target = tmp_path_factory.mktemp("whole") / request.param
    command(*words(library, target, model_1))
    return request.param, target.read_bytes()


@pytest.mark.parametrize("moment", MOMENTS)
def test_stopped_at_every_block_ends_with_the_same_bytes(whole, command, model_1, library, tmp_path, moment):
    """Stopped again and again, whatever the journal says, a run ends with the same file and its record."""
    name, expected = whole
    target = tmp_path / name
    n_stops = 0
    while stop_at(2, moment, command, *words(library, target, model_1)):
        n_stops += 1
        assert not target.exists()
    assert n_stops >= 2
    assert target.read_bytes() == expected
    assert files_in(tmp_path) == [f".{name}.origin", name]


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_block_ends_with_the_same_bytes(whole, servier, model_1, library, tmp_path, moment):
    """So it is when the process and its workers are killed, which leaves them no last word."""
    name, expected = whole
    target = tmp_path / name
    arguments = [*words(library, target, model_1), "--workers", 2]
    for n in (1, 2):
        assert end_by("SIGKILL", n, moment, *arguments)[0] == -signal.SIGKILL
    servier(*arguments)
    assert target.read_bytes() == expected
    assert files_in(tmp_path) == [f".{name}.origin", name]


@pytest.mark.exhaustive
def test_killed_at_any_moment_ends_with_the_same_bytes(whole, servier, model_1, tmp_path):
    """Killed by the dozen at random moments, the same command ends with the same file and its record."""
    name, _ = whole
    target = tmp_path / "out" / name
    library = write(tmp_path / "in.csv", ROWS * 10)
    arguments = [*words(library, target, model_1), "--workers", "2"]
    servier(*arguments)
    expected = target.read_bytes()
    target.unlink()
    rng = random.Random(name)
    for _ in range(12):
        process = start(*arguments)
        time.sleep(rng.uniform(0.2, 4))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if target.exists():
            break
    servier(*arguments)
    assert target.read_bytes() == expected
    assert files_in(target.parent) == [f".{name}.origin", name]


@pytest.mark.parametrize("name", ["out.csv", "features.parquet"])
def test_resuming_does_not_start_over(servier, model_1, library, tmp_path, name):
    """What was durably written is not done again, and the summary says how much that was."""
    target = tmp_path / name
    arguments = [*words(library, target, model_1), "--workers", 1]
    assert end_by("SIGKILL", 2, "after", *arguments)[0] == -signal.SIGKILL
    assert not target.exists()
    servier(*arguments, "--summary", tmp_path / "summary.json")
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert 512 < summary["resumed"] < len(ROWS) == summary["rows"] == summary["written"]
    assert sum(summary["counts"].values()) == len(ROWS)
    assert summary["counts"]["invalid"] == 20


@pytest.mark.parametrize("name", ["out.csv", "features.parquet"])
def test_ctrl_c_ends_soon_and_keeps_the_journal(command, model_1, library, tmp_path, name):
    """An interrupt ends the run before its work is done, with status 130, and the run can go on."""
    target = tmp_path / name
    arguments = words(library, target, model_1)
    status, said = end_by("SIGINT", 1, "after", *arguments, "--workers", 2)
    assert status == 130
    assert "Run the same command again to continue from the last durable row." in said
    assert "Traceback" not in said
    assert not target.exists()
    summary = tmp_path / "summary.json"
    command(*arguments, "--summary", summary)
    assert 0 < json.loads(summary.read_text())["resumed"] < len(ROWS)
    with open_table(target) as table:
        assert sum(1 for _ in table) == len(ROWS)


@pytest.fixture
def interrupted(command, model_1, library, tmp_path):
    """An output of which some blocks are durably written; the command that began it."""
    target = tmp_path / "out.csv"
    arguments = words(library, target, model_1)
    assert stop_at(2, "after", command, *arguments)
    return target, arguments


def test_journal_of_another_run_is_refused(command, interrupted, model_1, model_2, library, tmp_path):
    """Another option, model or input is named; --restart starts over."""
    target, arguments = interrupted
    assert "option max_atoms was 500, now 20" in command(*arguments, "--max_atoms", 20, status=1).stderr
    other = command("predict-file", library, target, "--model_path", model_2, status=1).stderr
    assert "checkpoints was" in other
    shorter = tmp_path / "in.csv"
    shorter.write_text("smiles\nC\n")
    arguments = ["predict-file", shorter, target, "--model_path", model_1]
    assert "input size was" in command(*arguments, status=1).stderr
    command(*arguments, "--restart")
    assert target.read_text().count("\n") == 2


def test_features_of_another_run_are_refused(command, library, tmp_path):
    """Another preset, limit or command is named; --restart starts over."""
    target = tmp_path / "features.parquet"
    arguments = words(library, target, None)
    assert stop_at(2, "after", command, *arguments)
    assert "option max_atoms was 500, now 20" in command(*arguments, "--max_atoms", 20, status=1).stderr
    assert "featurizers was" in command("featurize", library, target, status=1).stderr
    command(*arguments, "--max_atoms", 20, "--restart")
    assert pq.read_table(target)["status"].to_pylist().count("too_large") > 0


@pytest.mark.parametrize("name", ["out.csv", "features.parquet"])
def test_two_runs_do_not_write_one_file(command, model_1, library, tmp_path, name):
    """The second run says that the first is there."""
    target = tmp_path / name
    first = Journal(target, {})
    said = command(*words(library, target, model_1), status=1).stderr
    assert "another run is writing this file" in said
    first.close()


def test_what_follows_the_durable_rows_does_not_count(command, interrupted, model_1, library, tmp_path):
    """A journal whose last line was cut, and a spool that is longer than it says, are cut."""
    target, arguments = interrupted
    with (tmp_path / "out.csv.journal").open("a") as journal:
        journal.write('{"rows": 99')
    with (tmp_path / "out.csv.partial").open("ab") as spool:
        spool.write(b"half a li")
    command(*arguments)
    command("predict-file", library, tmp_path / "again.csv", "--model_path", model_1)
    assert target.read_bytes() == (tmp_path / "again.csv").read_bytes()


@pytest.mark.parametrize("decrease", ["changed", "gone"])
def test_a_damaged_spool_is_not_gone_on_with(command, interrupted, decrease):
    """Bytes of an interrupted run that were changed or removed are noticed; the next run starts over."""
    target, arguments = interrupted
    spool = target.with_name("out.csv.partial")
    if decrease == "changed":
        with spool.open("r+b") as stream:
            stream.seek(1000)
            stream.write(b"XXXX")
    else:
        spool.unlink()
    assert "of an interrupted run" in command(*arguments, status=1).stderr
    command(*arguments)
    assert target.read_bytes().count(b"\n") == len(ROWS) + 1
    assert b"XXXX" not in target.read_bytes()


def test_shards_merged_are_the_whole_run(whole, command, model_1, library, tmp_path):
    """Three shards, merged in any order, are the bytes of the run without shards."""
    name, expected = whole
    parts = [tmp_path / f"{i}.{name}" for i in range(1, 4)]
    for i, part in enumerate(parts, start=1):
        command(*words(library, part, model_1), "--shard", f"{i}/3")
    command("merge", tmp_path / name, *reversed(parts))
    assert (tmp_path / name).read_bytes() == expected


@pytest.fixture(scope="module")
def shards(command, model_1, library, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    for i in (1, 2):
        command("predict-file", library, folder / f"{i}.csv", "--model_path", model_1, "--shard", f"{i}/2")
    return folder


def test_merge_refuses_what_does_not_belong_together(command, model_1, library, shards, tmp_path):
    """A missing, doubled, changed, foreign or unfinished shard is named, and nothing is written."""
    one, two = shards / "1.csv", shards / "2.csv"

    def refused(*parts):
        said = command("merge", tmp_path / "out.csv", *parts, status=1).stderr
        assert not (tmp_path / "out.csv").exists()
        return said

    assert "shard 2/2 is missing" in refused(one)
    assert "shard 1/2 is given twice" in refused(one, one, two)
    assert "has no journal" in refused(one, library)
    third = tmp_path / "3.csv"
    command("predict-file", library, third, "--model_path", model_1, "--shard", "2/2", "--max_atoms", 20)
    assert "of another run" in refused(one, third)
    changed = tmp_path / "4.csv"
    changed.write_bytes(two.read_bytes() + b"x")
    (tmp_path / "4.csv.journal").write_bytes((shards / "2.csv.journal").read_bytes())
    assert "has changed" in refused(one, changed)
    journal = (shards / "2.csv.journal").read_bytes().splitlines(keepends=True)
    (tmp_path / "4.csv.journal").write_bytes(b"".join(journal[:-1]))
    assert "is not complete" in refused(one, changed)


def test_complete_shard_is_not_scored_again(command, model_1, library, shards):
    """The same command for a shard that is there returns at once."""
    before = (shards / "1.csv").stat().st_mtime_ns
    command("predict-file", library, shards / "1.csv", "--model_path", model_1, "--shard", "1/2")
    assert (shards / "1.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("how", ["deleted", "cut"])
def test_lost_shard_is_scored_again(command, model_1, library, shards, tmp_path, how):
    """A shard that its journal calls complete, but whose rows are gone, comes back with the same bytes."""
    lost = tmp_path / "1.csv"
    for name in ("1.csv", "1.csv.journal"):
        shutil.copy(shards / name, tmp_path / name)
    whole = lost.read_bytes()
    lost.unlink() if how == "deleted" else lost.write_bytes(whole[:-1])
    command("predict-file", library, lost, "--model_path", model_1, "--shard", "1/2")
    assert lost.read_bytes() == whole


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/2/3"])
def test_wrong_shard_is_refused(command, library, tmp_path, text):
    """A shard that does not exist says how to write one."""
    said = command("predict-file", library, tmp_path / "o.csv", "--shard", text, status=1).stderr
    assert "is not a shard; write 3/16" in said
