"""The journal of a run, without a run: what it notes, what it goes on with, and what it refuses."""

import hashlib
import json
import os
import zlib

import pytest

from servier.bulk.journal import (
    Journal,
    NoJournal,
    Progress,
    is_complete_shard,
    journal_path,
    read_journal,
)
from servier.errors import DataError

IDENTITY = {"input": {"size": 7, "sha256": "ab"}, "max_atoms": 500}
HALF = Progress(rows=512, written=500, size=9000, checksum=77, counts={"ok": 500, "invalid": 12})
HINT = "give the same options and files to go on with that run, or --restart to start over"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.csv.gz"


def begin(target, *steps, identity=IDENTITY, **options):
    """Open a journal, note some steps, and close it; returns how far the run was when it was opened."""
    journal = Journal(target, identity, **options)
    progress = journal.progress
    for step in steps:
        journal.commit(step)
    journal.close()
    return progress


def text(target):
    return journal_path(target).read_text()


def lines(*documents):
    """The text of a journal: each line ends in the checksum of its content and of that of all before it."""
    check, written = 0, []
    for document in documents:
        check = zlib.crc32(json.dumps(document).encode(), check)
        written.append(json.dumps({**document, "check": check}) + "\n")
    return "".join(written)


def test_it_stands_beside_the_output(target):
    """The name of the journal is that of the output with a suffix."""
    begin(target)
    assert journal_path(target) == target.parent / "out.csv.gz.journal"
    assert [path.name for path in target.parent.iterdir()] == ["out.csv.gz.journal"]


def test_a_new_run_begins_with_its_identity(target):
    """Nothing is done yet, and the first line says what the run is a run of."""
    assert begin(target) == Progress(0, 0, 0, 0, {}, is_complete=False)
    assert text(target) == lines({"identity": IDENTITY})


def test_each_commit_is_a_line(target):
    """A line has all that is known of the progress, and the journal remembers it."""
    journal = Journal(target, IDENTITY)
    journal.commit(HALF)
    assert journal.progress == HALF
    half = {
        "rows": 512, "written": 500, "size": 9000, "checksum": 77, "counts": {"ok": 500, "invalid": 12},
        "is_complete": False, "sha256": "",
    }  # fmt: skip
    assert text(target) == lines({"identity": IDENTITY}, half)
    journal.close()


def test_each_line_is_forced_to_disk(target, monkeypatch):
    """When the disk is asked to keep a line, all of the line has been handed to it."""
    kept = []
    monkeypatch.setattr(os, "fsync", lambda _: kept.append(text(target)))
    begin(target, HALF)
    assert [content.count("\n") for content in kept] == [1, 2]
    assert kept[-1] == text(target)


def test_a_run_goes_on_after_its_last_line(target):
    """The same identity, whatever the order of its entries, goes on where the last commit was."""
    begin(target, Progress(rows=1), HALF)
    assert begin(target, identity=dict(reversed(IDENTITY.items()))) == HALF
    assert text(target).count("\n") == 3


def test_restart_forgets_what_was_done(target):
    """With restart the journal begins anew, even with another identity."""
    begin(target, HALF)
    assert begin(target, identity={"max_atoms": 20}, restart=True) == Progress()
    assert text(target) == lines({"identity": {"max_atoms": 20}})


@pytest.mark.parametrize(
    "rest", ['{"rows": 99', '{"rows": 99}', "}\n", '{"rows"\n{"rows": 1}\n', "\0" * 40 + "\n"]
)
def test_what_was_cut_short_does_not_count(target, rest):
    """A line without its end, or one that is no JSON with all that follows it, is removed."""
    begin(target, HALF)
    whole = text(target)
    journal_path(target).write_text(whole + rest)
    assert begin(target) == HALF
    assert text(target) == whole


@pytest.mark.parametrize("content", ["", '{"identity": {}'])
def test_a_journal_without_a_line_is_begun_anew(target, content):
    """A run that was killed at once has not got further."""
    journal_path(target).write_text(content)
    assert begin(target) == Progress()
    assert text(target) == lines({"identity": IDENTITY})


FOREIGN = [
    "no JSON\n",
    '{"rows": 1}\n',
    "\n",
    "[]\n",
    '{"identity": {}}\n',
    lines({"identity": []}),
    "[" * 99_999 + "\n",
]


@pytest.mark.parametrize("content", FOREIGN, ids=range(len(FOREIGN)))
def test_a_file_that_is_no_journal_is_refused(target, content):
    """Whatever stands there instead of an identity stays, until --restart is given."""
    refuse(target, content)


def refuse(target, content):
    """Put a text in the place of a journal: it is refused and left alone, and --restart begins anew."""
    journal_path(target).write_text(content)
    with pytest.raises(DataError) as caught:
        Journal(target, IDENTITY)
    problem = "this journal is not as a run wrote it, so it cannot be gone on with"
    hint = "give the same command with --restart to start over"
    assert str(caught.value) == f"{journal_path(target)}: {problem}; {hint}"
    assert text(target) == content
    assert not is_complete_shard(target, IDENTITY)
    with pytest.raises(DataError, match="this journal is not as a run wrote it"):
        read_journal(target)
    assert begin(target, restart=True) == Progress()


EDITS = {
    "more rows": lambda written: [*written[:-1], written[-1].replace('"rows": 512', '"rows": 1512')],
    "no size": lambda written: [*written[:-1], written[-1].replace('"size": 9000', '"size": 0')],
    "a copy": lambda written: [*written, written[-1]],
    "another order": lambda written: [written[0], *reversed(written[1:])],
    "a line less": lambda written: [written[0], written[-1]],
    "a list": lambda written: [*written, "[]\n"],
    "a number": lambda written: [written[0], "7\n", *written[1:]],
    "a new key": lambda written: [*written[:-1], written[-1].replace("{", '{"new": 1, ', 1)],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edited_journal_is_refused(target, edit):
    """A line that was changed, copied, moved or left out does not fit those before it."""
    begin(target, Progress(rows=1), HALF)
    refuse(target, "".join(edit(text(target).splitlines(keepends=True))))


def test_progress_under_a_changed_input_does_not_count(target, caplog):
    """The next run starts over, whatever its input, and says so."""
    journal = Journal(target, IDENTITY)
    journal.commit(HALF)
    journal.mark_changed_input()
    journal.close()
    other = IDENTITY | {"input": {"size": 8}}
    assert begin(target, identity=other) == Progress()
    assert text(target) == lines({"identity": other})
    assert "the input changed during the last run, so this one starts over" in caplog.text


@pytest.mark.parametrize(
    ("identity", "changes"),
    [
        ({**IDENTITY, "max_atoms": 20}, "max_atoms was 500, now 20"),
        ({**IDENTITY, "input": {"size": 8, "sha256": "ab"}}, "input size was 7, now 8"),
        ({**IDENTITY, "input": None}, "input was {'size': 7, 'sha256': 'ab'}, now None"),
        ({"input": IDENTITY["input"]}, "max_atoms was 500, now None"),
        ({**IDENTITY, "added": 1}, "added was None, now 1"),
        (
            {"input": {"size": 8, "sha256": "cd"}, "max_atoms": 20},
            "input sha256 was ab, now cd; input size was 7, now 8; max_atoms was 500, now 20",
        ),
    ],
)
def test_another_run_is_refused_with_the_differences(target, identity, changes):
    """Every difference is named, in order, with both values; the journal stays as it was."""
    begin(target, HALF)
    before = text(target)
    with pytest.raises(DataError) as caught:
        Journal(target, identity)
    problem = "a run with other inputs or options has begun to write this file"
    assert str(caught.value) == f"{target}: {problem}: {changes}; {HINT}"
    assert text(target) == before
    assert begin(target) == HALF  # and the lock was given up


def test_two_runs_do_not_share_a_journal(target):
    """While one holds it a second is refused; once it is closed, the second goes on."""
    first = Journal(target, IDENTITY)
    with pytest.raises(DataError) as caught:
        Journal(target, IDENTITY)
    assert str(caught.value) == f"{target}: another run is writing this file; wait for it, or stop it"
    first.commit(HALF)
    first.close()
    assert begin(target) == HALF


def test_folders_are_made(tmp_path):
    """The folder of the output need not be there, nor that above it; those that are there are used."""
    target = tmp_path / "a" / "b" / "out.csv"
    begin(target, HALF)
    assert begin(target) == HALF


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    """Below a file there is no folder."""
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "out.csv"
    with pytest.raises(DataError) as caught:
        Journal(target, IDENTITY)
    assert str(caught.value).startswith(f"{target}: cannot write here: ")
    assert str(caught.value).endswith((os.strerror(20), os.strerror(17)))


def test_a_finished_run_leaves_no_journal(target):
    """Only a shard keeps it, for merge."""
    done = Progress(rows=2, written=2, size=5, is_complete=True)
    journal = Journal(target, IDENTITY)
    journal.finish(done, keep=False)
    assert journal.progress == done
    assert not journal_path(target).exists()
    journal.remove()  # twice is once
    journal.close()
    journal = Journal(target, IDENTITY)
    journal.finish(done, keep=True)
    assert journal.progress == done
    assert read_journal(target) == (IDENTITY, done)
    journal.close()


@pytest.mark.parametrize(
    ("content", "is_there"),
    [(b"12345", True), (b"1234", False), (b"123456", False), (b"12346", False), (None, False)],
)
def test_a_complete_output_is_complete_while_it_is_there(target, content, is_there):
    """When it is gone, or has other bytes, the run begins anew."""
    digest = hashlib.sha256(b"12345").hexdigest()
    done = Progress(rows=2, written=2, size=5, is_complete=True, sha256=digest)
    begin(target, HALF, done)
    if content is not None:
        target.write_bytes(content)
    assert begin(target) == (done if is_there else Progress())
    assert text(target).count("\n") == (3 if is_there else 1)


def test_an_unfinished_output_need_not_be_there(target):
    """What is looked for is the spool, and not by the journal."""
    begin(target, HALF)
    assert not target.exists()
    assert begin(target) == HALF


def test_reading_a_journal(target):
    """Identity and progress come back, also before the first commit; without a journal there is an error."""
    begin(target)
    assert read_journal(target) == (IDENTITY, Progress())
    begin(target, Progress(rows=1), HALF)
    assert read_journal(target) == (IDENTITY, HALF)
    journal_path(target).unlink()
    with pytest.raises(DataError) as caught:
        read_journal(target)
    hint = "a shard goes together with the out.csv.gz.journal that was written beside it"
    assert str(caught.value) == f"{target}: this file has no journal beside it; {hint}"


def test_a_run_without_a_journal_remembers_its_progress(tmp_path, monkeypatch):
    """It notes nothing anywhere, and can be asked all that a journal is asked."""
    monkeypatch.chdir(tmp_path)
    journal = NoJournal()
    assert journal.progress == Progress()
    journal.commit(HALF)
    assert journal.progress == HALF
    done = Progress(rows=600, is_complete=True)
    journal.finish(done, keep=False)
    assert journal.progress == done
    assert journal.remove() is journal.close() is None
    assert list(tmp_path.iterdir()) == []
