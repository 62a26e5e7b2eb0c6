"""Claims on outputs: what is refused, what is there already, and what a run that ends early leaves behind."""

import json
import os
import subprocess
import sys

import pytest

from servier.errors import DataError
from servier.tables import claim_output, write_whole
from servier.tables.claims import describe_differences, origin_path

IDENTITY = {"input": {"sha256": "ab"}, "seed": 0}
REPLACE = "give it another name, or --force to replace this one"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.csv"


def identify():
    return IDENTITY


def make(target, identity=IDENTITY, content="a\n", **options):
    """Write an output under a claim; returns what was noted with the one that was there."""
    with claim_output(target, lambda: identity, **options) as claim:
        if claim.made is None:
            with write_whole(target) as temporary:
                temporary.write_text(content)
        return claim.made


class Stopped(BaseException):
    """The end of a run before its time."""


def stop_after(target, work, **options):
    """Claim an output, do something, and go no further."""
    with claim_output(target, identify, **options) as claim:
        work(claim)
        raise Stopped


def refusal(target, identity=IDENTITY, **options):
    """What is said when an output is claimed; it stays as it is."""
    before = target.read_bytes()
    with pytest.raises(DataError) as caught, claim_output(target, lambda: identity, **options):
        pass
    assert target.read_bytes() == before
    return str(caught.value)


def test_an_output_that_is_there_is_not_made_again(target):
    """Made from the same, it is recognized, and nothing is written."""
    assert make(target) is None
    before = target.stat().st_ino, target.stat().st_mtime_ns
    assert make(target, dict(reversed(IDENTITY.items()))) == {}
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == before
    assert sorted(path.name for path in target.parent.iterdir()) == [".out.csv.origin", "out.csv"]


def test_a_file_of_unknown_origin_is_refused(target):
    """It stays, and no record of it is left, until --force is given."""
    target.write_text("mine\n")
    assert refusal(target) == f"{target}: this file exists already; {REPLACE}"
    assert [path.name for path in target.parent.iterdir()] == ["out.csv"]
    make(target, force=True)
    assert target.read_text() == "a\n"
    assert make(target) == {}


def test_a_file_made_from_something_else_is_refused_with_the_differences(target):
    """Each value that differs is named."""
    make(target)
    said = refusal(target, IDENTITY | {"input": {"sha256": "cd"}, "seed": 1})
    changes = "input sha256 was ab, now cd; seed was 0, now 1"
    assert said == f"{target}: this file was made from other inputs or options: {changes}; {REPLACE}"
    assert make(target) == {}


@pytest.mark.parametrize("content", ["b\n", "longer\n", ""])
def test_a_file_that_was_changed_is_refused(target, content):
    """Also one of the same size."""
    make(target)
    target.write_text(content)
    assert refusal(target) == f"{target}: this file has been changed since it was made; {REPLACE}"


def test_what_cannot_be_read_again_is_always_refused(target):
    """From stdin nobody knows whether the input is the same."""
    make(target, None)
    assert [path.name for path in target.parent.iterdir()] == ["out.csv"]
    assert refusal(target, None) == f"{target}: this file exists already; {REPLACE}"
    make(target, None, force=True)


def test_the_record_of_a_file_that_stdin_replaces_goes(target):
    """It would say something wrong."""
    make(target)
    with claim_output(target, lambda: None, force=True), write_whole(target) as temporary:
        temporary.write_text("a\n")
    assert "exists already" in refusal(target)


@pytest.mark.parametrize("content", ["", "no JSON", "[]", '{"identity": {}}'])
def test_a_record_that_is_none_says_nothing(target, content):
    """Cut short or written by others, it leaves a file of unknown origin."""
    make(target)
    origin_path(target).write_text(content)
    assert "exists already" in refusal(target)


def test_force_makes_the_output_anew(target):
    """Also one that is there already."""
    make(target)
    with claim_output(target, identify, force=True) as claim:
        assert claim.made == {}
        target.write_text("anew\n")
    assert make(target) == {}
    assert target.read_text() == "anew\n"


def test_a_sealed_file_is_the_output_from_the_moment_it_has_the_name(target):
    """A run that is killed right after giving the name has left a complete output, with what was noted."""
    ready = target.with_name("ready")
    ready.write_text("whole\n")

    def publish(claim):
        claim.seal(ready, rows=1)
        ready.replace(target)

    with pytest.raises(Stopped):
        stop_after(target, publish)
    assert make(target) == {"rows": 1}


def test_a_run_that_fails_leaves_nothing(target):
    """Neither an output nor a record."""
    with pytest.raises(Stopped):
        stop_after(target, lambda _: None)
    assert list(target.parent.iterdir()) == []


def test_a_forced_run_that_fails_does_not_own_what_is_there(target):
    """A file of unknown origin is still one."""
    target.write_text("mine\n")
    with pytest.raises(Stopped):
        stop_after(target, lambda _: None, force=True)
    assert "exists already" in refusal(target)


def test_what_was_written_before_a_failure_is_owned(target):
    """The first of several outputs can be written again by the same command."""
    with pytest.raises(Stopped):
        stop_after(target, lambda _: target.write_text("first\n"))
    assert make(target) == {}


def test_two_runs_do_not_write_one_output(target):
    """The second is refused while the first is there."""
    with claim_output(target, identify):
        with pytest.raises(DataError) as caught, claim_output(target, identify):
            pass
        assert str(caught.value) == f"{target}: another run is writing this file; wait for it, or stop it"
    make(target)


@pytest.mark.process
def test_many_processes_write_one_output_in_turn(target):
    """However often records come and go, never two processes are inside a claim at a time."""
    code = (
        "import sys, os\nfrom pathlib import Path\nfrom servier.errors import DataError\n"
        "from servier.tables import claim_output\ntarget, inside = map(Path, sys.argv[1:])\n"
        "for _ in range(3000):\n"
        "    try:\n"
        "        with claim_output(target, lambda: None):\n"
        "            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))\n"
        "            inside.unlink()\n"
        "    except DataError:\n"
        "        pass\n"
    )
    command = [sys.executable, "-c", code, target, target.with_name("inside")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=100)[1] for process in running] == ["", "", ""]


def test_stdout_is_nobodys(tmp_path, monkeypatch):
    """Where rows go to a terminal, nothing is claimed."""
    monkeypatch.chdir(tmp_path)
    with claim_output(tmp_path.joinpath("-").relative_to(tmp_path), identify) as claim:
        claim.seal(tmp_path / "nothing")
        assert claim.made is None
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_refused(target):
    """With --force too."""
    target.mkdir()
    with pytest.raises(DataError, match="this is a folder"), claim_output(target, identify, force=True):
        pass


@pytest.mark.parametrize("kind", ["pipe", "device", "descriptor"])
def test_what_is_no_file_is_refused(target, kind):
    """A finished output would take its place; it stays, with --force too, and gets no record."""
    if kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to({"device": os.devnull, "descriptor": "/proc/self/fd/1"}[kind])
    before = target.lstat()
    with (
        pytest.raises(DataError, match="this is a device or a pipe"),
        claim_output(target, identify, force=True),
    ):
        pass
    assert os.path.samestat(target.lstat(), before)
    assert list(target.parent.iterdir()) == [target]


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path):
    """Below a file there is no folder."""
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "out.csv"
    with pytest.raises(DataError) as caught, claim_output(target, identify):
        pass
    assert str(caught.value).startswith(f"{target}: cannot write here: ")
    assert str(caught.value).endswith((os.strerror(20), os.strerror(17)))


def test_the_record_says_what_the_output_is(target):
    """Anyone can read it."""
    make(target)
    record = json.loads(origin_path(target).read_text())
    sha256 = "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"  # of "a\n", by sha256sum
    assert record == {"identity": IDENTITY, "size": 2, "sha256": sha256, "result": {}}


def test_differences_are_named_in_order():
    """Values that came or went differ from None."""
    old, new = {"b": 1, "a": {"x": 1, "y": 2}, "c": 0}, {"a": {"x": 1, "y": 3}, "c": 0, "d": [1]}
    assert describe_differences(old, new) == ["a y was 2, now 3", "b was 1, now None", "d was None, now [1]"]
