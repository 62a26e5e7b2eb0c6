"""Inputs that change while they are read: nothing is published, and what was done is not gone on with."""

import gzip
import os
import shutil
import subprocess
import time
from itertools import product

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES
from runs_for_tests import start, wait_for_progress
from stopping_for_tests import stopping

from servier.bulk import merging
from servier.data import datasets, labelled_table
from servier.data.simulation import simulate
from servier.tables import count_rows, open_table

ROWS = [*simulate(150, seed=2).smiles, *SMILES] * 6  # three blocks
TEXT = "smiles,id\n" + "".join(f"{smiles},{i}\n" for i, smiles in enumerate(ROWS))
CHANGED = "this file changed while it was read"


def write(path, rows=ROWS):
    """Write a table in the format of its suffix."""
    kind = "".join(path.suffixes)
    if kind == ".parquet":
        pq.write_table(pa.table({"smiles": rows, "id": [str(i) for i in range(len(rows))]}), path)
    elif kind == ".smi":
        path.write_text("".join(f"{smiles} {i}\n" for i, smiles in enumerate(rows)))
    elif kind == ".sdf":
        from rdkit import Chem

        blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(smiles)) for smiles in rows[:50]]
        path.write_text("".join(f"{block}>  <id>\n{i}\n\n$$$$\n" for i, block in enumerate(blocks * 30)))
    else:
        text = "smiles,id\n" + "".join(f"{smiles},{i}\n" for i, smiles in enumerate(rows))
        path.write_bytes(gzip.compress(text.encode(), 1) if kind == ".csv.gz" else text.encode())
    return path


def age(path):
    """Let a file be older than all that is looked at twice because it is new."""
    before = time.time() - 100
    os.utime(path, (before, before))
    return path


def renew(path):
    """Let a file be as one that was written just now, however long a busy machine takes."""
    soon = time.time() + 100
    os.utime(path, (soon, soon))
    return path


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def append(path):
    with path.open("ab") as stream:
        stream.write(b"\n")


def overwrite(path):
    """Change some bytes in the middle, and nothing else that anybody sees but the time."""
    with path.open("r+b") as stream:
        stream.seek(path.stat().st_size // 2)
        stream.write(b"CCCC")


def overwrite_and_set_back(path):
    """The same, and the time says that nothing happened."""
    found = path.stat()
    overwrite(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def replace(path):
    """Put another file in its place, as editors and copying programs do."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes() + b"CCO,x\n")
    other.replace(path)


def replace_by_a_copy(path):
    other = path.with_name("other")
    shutil.copy(path, other)
    other.replace(path)


CHANGES = [truncate, append, overwrite, overwrite_and_set_back, replace]


def words(library, target, model):
    if target.suffix == ".parquet":
        return ["featurize", library, target, "--preset", "fast"]
    return ["predict-file", library, target, "--model_path", model]


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def run_while(change, library, command, *arguments, status=1):
    """Run a command that finds, after its first block, that something was done to its input."""
    with stopping(1, "after", lambda: change(library)):
        return command(*arguments, status=status).stderr


@pytest.mark.parametrize(
    ("name", "change"),
    [
        *product(["in.csv"], CHANGES),
        *product(["in.csv.gz", "in.parquet", "in.smi", "in.sdf"], [truncate, replace]),
    ],
)
def test_a_changed_input_publishes_nothing(command, model_1, tmp_path, name, change):
    """One line says it; the rows so far are kept, and the same command says that it starts over."""
    library, target = age(write(tmp_path / name)), tmp_path / "out.csv"
    said = run_while(change, library, command, *words(library, target, model_1)).splitlines()
    kept = "nothing is published; the rows so far stay in out.csv.partial, and the same command starts over"
    assert said[-1] == f"Error: {library}: {CHANGED}; {kept}"
    assert files_in(tmp_path) == sorted([name, "out.csv.journal", "out.csv.partial"])
    write(library)
    said = command(*words(library, target, model_1)).stderr
    assert "the input changed during the last run, so this one starts over" in said
    with open_table(target) as table:
        assert [record.fields[-2] for record in table].count("ok") == count_rows(library)
    assert files_in(tmp_path) == sorted([".out.csv.origin", "out.csv", name])


@pytest.mark.parametrize("change", [append, overwrite])
def test_a_changed_input_gives_no_features(command, tmp_path, change):
    """So it is with features."""
    library, target = age(write(tmp_path / "in.csv")), tmp_path / "f.parquet"
    assert CHANGED in run_while(change, library, command, *words(library, target, None))
    assert files_in(tmp_path) == ["f.parquet.journal", "f.parquet.partial", "in.csv"]


@pytest.mark.parametrize("change", [os.utime, replace_by_a_copy], ids=["touched", "copied"])
@pytest.mark.parametrize("is_new", [True, False])
def test_an_input_of_the_same_content_is_the_same(command, model_1, tmp_path, change, is_new):
    """A new time, or another file of equal bytes, changes nothing."""
    library, target = write(tmp_path / "in.csv"), tmp_path / "out.csv"
    renew(library) if is_new else age(library)
    run_while(change, library, command, *words(library, target, model_1), status=0)
    assert target.read_bytes().count(b"\n") == len(ROWS) + 1


@pytest.mark.parametrize("change", [overwrite, replace, os.utime])
def test_a_shard_does_not_read_the_whole_file_to_be_sure(command, model_1, tmp_path, change):
    """Of one of many shards the times decide; a change of them alone is refused too."""
    library, target = age(write(tmp_path / "in.csv")), tmp_path / "out.csv"
    arguments = [*words(library, target, model_1), "--shard", "1/2"]
    assert CHANGED in run_while(change, library, command, *arguments)
    assert not target.exists()


def test_a_change_that_leaves_no_time_is_noticed(command, model_1, tmp_path):
    """Of a file that was written just now the content is compared, for file systems count coarsely."""
    for name, options in (("out.csv", []), ("shard.csv", ["--shard", "1/2"])):
        library, target = renew(write(tmp_path / "in.csv")), tmp_path / name
        said = run_while(overwrite_and_set_back, library, command, *words(library, target, model_1), *options)
        assert CHANGED in said
        assert not target.exists()


@pytest.mark.process
def test_to_stdout_the_status_tells(model_1, tmp_path):
    """What was passed on cannot be taken back; the last word says that it is not whole."""
    library = age(write(tmp_path / "in.csv", ROWS * 4))
    process = start("predict-file", library, "-", "--model_path", model_1, stdout=subprocess.PIPE)
    process.stdout.readline()  # the rest is more than a pipe holds
    append(library)
    said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 1
    assert said.splitlines()[-1] == f"Error: {library}: {CHANGED}; what was written is not whole"
    assert files_in(tmp_path) == ["in.csv"]


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.parquet"])
@pytest.mark.parametrize("change", [truncate, append, overwrite, replace])
def test_a_run_whose_input_changes_ends_in_one_line(servier, model_1, tmp_path, name, change):
    """The real command, at work on many rows, publishes nothing; given again, it makes what it should."""
    library, target = age(write(tmp_path / name, ROWS * 40)), tmp_path / "out.csv"
    process = start("--quiet", *words(library, target, model_1), "--workers", 1)
    wait_for_progress(target)
    change(library)
    said = process.communicate(timeout=240)[1].decode()
    assert process.returncode == 1
    assert said.startswith(f"Error: {library}: {CHANGED}; ")
    assert said.count("\n") == 1
    assert not target.exists()
    write(library)
    servier(*words(library, target, model_1))
    assert target.read_bytes().count(b"\n") == len(ROWS) + 1


def changing(path, change, function):
    """Let a function first change a file."""

    def changed(*arguments, **options):
        change(path)
        return function(*arguments, **options)

    return changed


@pytest.mark.parametrize("change", [truncate, append, replace])
@pytest.mark.parametrize("name", ["train", "tune", "evaluate", "compare", "check"])
def test_a_labelled_table_that_changes_is_refused(
    command, model_1, simulated, tmp_path, monkeypatch, name, change
):
    """Every command that reads a table for a result says in one line that it changed meanwhile."""
    table = tmp_path / "t.csv"
    shutil.copyfile(simulated, table)
    age(table)
    hooked = changing(table, change, labelled_table.choose_targets)
    monkeypatch.setattr(labelled_table, "choose_targets", hooked)
    arguments = {
        "train": ["--dataset", table, "--model_path", tmp_path / "m.servier"],
        "tune": ["--dataset", table, "--output", tmp_path / "r.yaml"],
        "evaluate": ["--dataset", table, "--model_path", model_1],
        "compare": [model_1, model_1, "--dataset", table],
        "check": [table, tmp_path / "findings.csv"],
    }[name]
    said = command("--quiet", name, *arguments, status=1).stderr
    assert said == f"Error: {table}: {CHANGED}; give the same command again when nothing writes to it\n"
    assert files_in(tmp_path) == ["t.csv"]


def test_a_table_that_changes_before_it_is_recorded_is_refused(
    command, model_1, simulated, tmp_path, monkeypatch
):
    """A page records the digest of the table that it was made from, which has to be the one that was read."""
    table = tmp_path / "t.csv"
    shutil.copyfile(simulated, table)
    hooked = changing(table, append, datasets.require_positive)
    monkeypatch.setattr(datasets, "require_positive", hooked)
    for arguments in (
        ["compare", model_1, model_1, "--html", tmp_path / "c.html"],
        ["evaluate", "--model_path", model_1, "--output_dir", tmp_path / "out"],
    ):
        said = command("--quiet", *arguments, "--dataset", table, status=1).stderr
        assert said.startswith(f"Error: {table}: {CHANGED}; ")
        assert files_in(tmp_path) == ["t.csv"]


def test_shards_that_change_while_they_are_merged_are_refused(command, model_1, tmp_path, monkeypatch):
    """The digest of each is compared, and nothing may happen to it until its rows are joined."""
    library = write(tmp_path / "in.csv")
    parts = [tmp_path / "1.csv", tmp_path / "2.csv"]
    for i, part in enumerate(parts, start=1):
        command(*words(library, part, model_1), "--shard", f"{i}/2")
    monkeypatch.setattr(merging, "_concatenate", changing(parts[0], append, merging._concatenate))
    said = command("merge", tmp_path / "all.csv", *parts, status=1).stderr
    assert said.startswith(f"Error: {parts[0]}: {CHANGED}; ")
    assert not (tmp_path / "all.csv").exists()
