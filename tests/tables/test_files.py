"""Files that may be compressed."""

import gzip
import os
import struct

import pyarrow as pa
import pytest

from servier.errors import DataError
from servier.tables import count_rows, open_binary, open_table

TEXT = b"smiles,id\n" + b"".join(b"CCO,%d\n" % i for i in range(5000))
HALVES = TEXT[:20_000], TEXT[20_000:]


def member(content):
    """A member of a gzip file, without the time: each process of the tests makes the same one."""
    return gzip.compress(content, mtime=0)


def frame(content):
    return pa.compress(content, codec="zstd", asbytes=True)


def skippable(kind, size):
    """A frame that holds something other than data: the Zstandard format, RFC 8878, 3.1.2."""
    return struct.pack("<II", 0x184D2A50 + kind, size) + b"x" * size


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv.zst", frame(TEXT)),
        ("t.csv.zst", b"".join(map(frame, HALVES))),
        *[("t.csv.zst", skippable(kind, 5) + frame(TEXT)) for kind in (0, 1, 15)],
        ("t.csv.zst", skippable(0, 0) + skippable(3, 3_000_000) + frame(TEXT) + skippable(2, 9)),
        ("t.csv.zst", frame(b"") + skippable(0, 4).join(map(frame, HALVES))),
        ("t.csv", skippable(0, 5) + frame(TEXT)),
        ("t.csv.gz", member(TEXT)),
        ("t.csv.gz", b"".join(map(member, HALVES))),
        ("t.csv.gz", member(b"") + member(TEXT) + b"\x00" * 512),
        ("t.csv", member(TEXT)),
    ],
)
def test_frames_and_members_are_read_to_the_end(tmp_path, name, content):
    """Whatever a compressor wrote one after the other is one text; frames without data are passed over."""
    path = tmp_path / name
    path.write_bytes(content)
    with open_binary(path) as stream:
        assert stream.read() == TEXT
    assert count_rows(path) == 5000


ZSTD = "this zstd file is damaged or cut short; copy it again"
GZIP = "this gzip file is damaged or cut short; copy it again"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv.zst", frame(TEXT)[:-3], ZSTD),
        ("t.csv.zst", frame(HALVES[0]) + frame(HALVES[1])[:100], ZSTD),
        ("t.csv.zst", frame(TEXT) + frame(TEXT)[:3], ZSTD),
        ("t.csv.zst", skippable(0, 100)[:50], ZSTD),
        ("t.csv.zst", frame(TEXT) + b"garbage", ZSTD),
        ("t.csv.gz", member(TEXT)[:-3], GZIP),
        ("t.csv.gz", member(HALVES[0]) + member(HALVES[1])[:100], GZIP),
        ("t.csv.gz", member(TEXT) + b"garbage", GZIP),
    ],
)
def test_cut_files_are_one_clear_line(tmp_path, name, content, message):
    """A file that a copy cut short is refused with its name, wherever it was cut."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught, open_table(path) as table:
        for _ in table:
            pass
    assert str(caught.value) == f"{path}: {message}"


def test_errors_of_those_who_read_stay_theirs(tmp_path):
    """What fails while a zstd file is open is not taken for damage of that file."""
    path = tmp_path / "t.csv.zst"
    path.write_bytes(frame(TEXT))
    with pytest.raises(DataError, match="cannot read it: disk full"), open_binary(path):
        raise OSError("disk full")


@pytest.mark.parametrize("name", ["t.csv", "t.sdf", "t.parquet"])
def test_a_pipe_is_refused(tmp_path, name):
    """Tables are read more than once, and nobody would write into the pipe a second time."""
    os.mkfifo(tmp_path / name)
    with (
        pytest.raises(DataError, match="this is a pipe, which can be read only once"),
        open_table(tmp_path / name),
    ):
        pass
