"""Archives that are bombs, or lie about what they hold."""

import io
import resource
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from servier.checkpoint.archive import pack, pack_arrays
from servier.checkpoint.arrays import Kind, read_arrays
from servier.checkpoint.unpacking import (
    MAX_BYTES,
    MAX_DIRECTORY,
    MAX_RATIO,
    SMALL_ENTRY,
    Archive,
    ArchiveError,
    BombError,
)

MIB = 1024**2
CENTRAL, LOCAL = b"PK\1\2", b"PK\3\4"


def zeros(n):
    """So many MiB of zeros as a deflated stream, which is made at once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * n + packer.flush()


def archive_of(stream, size, name=b"metadata.json", method=8, flags=0, crc=0):
    """An archive of one entry that says that it is so large."""
    common = struct.pack("<4H3L2H", flags, method, 0, 33, crc, len(stream), size, len(name), 0)
    local = LOCAL + struct.pack("<H", 20) + common + name + stream
    central = CENTRAL + struct.pack("<2H", 20, 20) + common + struct.pack("<3H2L", 0, 0, 0, 0, 0) + name
    return local + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)


def problem_of(content):
    """Why an archive is refused, before any entry is read."""
    with pytest.raises(ArchiveError) as caught:
        Archive(io.BytesIO(content))
    return caught.value


def changed(content, before, after):
    """The bytes of an archive with others in place of some, wherever they are."""
    assert before in content
    return content.replace(before, after)


def test_entries_come_back():
    """What Python's own module packs is read, stored or deflated."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a", b"first" * 100, zipfile.ZIP_DEFLATED)
        archive.writestr("b", b"", zipfile.ZIP_STORED)
    found = Archive(buffer)
    assert found.names == {"a", "b"}
    assert [found.read(name) for name in "ab"] == [b"first" * 100, b""]
    with pytest.raises(ArchiveError, match="no entry c"):
        found.read("c")


def test_a_large_entry_of_little_is_refused():
    """More than 100 times its size, if that is more than 16 MiB; less is read."""
    few = SMALL_ENTRY // MIB
    crc = zlib.crc32(bytes(SMALL_ENTRY))
    content = archive_of(zeros(few), SMALL_ENTRY, crc=crc)
    assert Archive(io.BytesIO(content)).read("metadata.json") == bytes(SMALL_ENTRY)
    assert isinstance(problem_of(archive_of(zeros(few + 1), SMALL_ENTRY + MIB)), BombError)
    stream = bytes(few * MIB // MAX_RATIO + 1)
    Archive(io.BytesIO(archive_of(stream, SMALL_ENTRY, method=0)))


def test_all_entries_together_are_not_too_large():
    """Sizes are added up, whatever each of them is."""
    content = pack({f"{i}": b"x" for i in range(3)})
    entries = changed(content, struct.pack("<2L", 3, 1), struct.pack("<2L", 2**26, 2**30))
    assert str(problem_of(entries)) == f"it would be unpacked to more than {MAX_BYTES // 1024**3} GiB"


def test_a_directory_is_not_too_large():
    """It is read as a whole, so its size is looked at first; so is that of archives with 64-bit sizes."""
    content = pack({f"{i:0100}": b"" for i in range(MAX_DIRECTORY // 140)})
    assert isinstance(problem_of(content), BombError)
    large = pack({"a": b""})[:-22] + b"PK\6\7" + bytes(16) + pack({"a": b""})[-22:]
    assert isinstance(problem_of(large), BombError)


def test_an_entry_is_as_large_as_it_says():
    """Of a stream that goes on for 2 GiB no more is unpacked than its header says."""
    content = archive_of(zeros(2048), 1000, crc=zlib.crc32(bytes(1000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert Archive(io.BytesIO(content)).read("metadata.json") == bytes(1000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    with pytest.raises(ArchiveError):
        Archive(io.BytesIO(archive_of(zeros(1), 2 * MIB))).read("metadata.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\5\6",
        bytes(100),
        pack({"a": b"x"}) + b"comment",
        archive_of(b"x", 1, method=99),
        archive_of(b"x", 1, method=zipfile.ZIP_LZMA),
        archive_of(b"x", 1, method=0, flags=1),
        archive_of(b"x", 1, method=0, name=b"\xff", flags=0x800),
        changed(pack({"a": b"x", "b": b"y"}), b"b", b"a"),
    ],
)
def test_strange_archives_are_refused(content):
    """No archive, one with a comment, encrypted or packed otherwise, with broken names or one name twice."""
    assert "\n" not in str(problem_of(content))


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "C:\\x", "a/b", "\n"])
def test_names_are_only_names(name):
    """Nothing is ever unpacked to disk, so a name that is a path is a name."""
    assert Archive(io.BytesIO(pack({name: b"x"}))).read(name) == b"x"


KINDS = {"rows": Kind("<i8", "n"), "table": Kind("<f4", "n", 2), "words": Kind("|u1", "m")}
ARRAYS = {
    "rows": np.arange(3),
    "table": np.zeros((3, 2), np.float32),
    "words": np.zeros(5, np.uint8),
}


def header(text):
    """An array of NumPy with any header."""
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize("order", "CF")
def test_arrays_come_back_in_any_order(order):
    """Rows first or columns first, with unknown arrays beside them, and some missing."""
    table = np.array(np.arange(6).reshape(3, 2), np.float32, order=order)
    found = read_arrays(pack_arrays({"table": table, "other": np.array([{}], object).astype("S")}), KINDS)
    assert list(found) == ["table"]
    np.testing.assert_array_equal(found["table"], table)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": np.arange(4)},
        {"rows": np.arange(3, dtype=np.int32)},
        {"rows": np.arange(3, dtype=">i8")},
        {"rows": np.zeros((3, 1), np.int64)},
        {"rows": np.array(3)},
        {"rows": np.zeros(3, [("a", "<i8")])},
        {"rows": np.array(["a", "b", "c"])},
        {"table": np.zeros((3, 3), np.float32)},
        {"table": np.zeros((2, 3), np.float32)},
        {"table": np.zeros((3, 2), np.float64)},
        {"words": np.zeros(0, np.int8)},
    ],
    ids=lambda changes: "-".join(f"{name} {x.dtype.str} {x.shape}" for name, x in changes.items()),
)
def test_arrays_of_another_kind_are_refused(changes):
    """Another type, shape or number of dimensions, or a length that differs from that of the others."""
    with pytest.raises(ArchiveError, match=r"is not of its type|does not fit|is no array"):
        read_arrays(pack_arrays(ARRAYS | changes), KINDS)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\3\0" + bytes(20),
        b"\x93NUMPY\1\0\xff\xff",
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999,), }\n"),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (-1,), }\n"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n") + b"cos\nsystem\n(S'id'\ntR.",
        header("{'descr': '<i8'}"),
        header("(" * 5000),
        header("-" * 9000 + "1"),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n") + bytes(9),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (1 2,), }\n") + bytes(8),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n" + " " * 8),
    ],
)
def test_headers_that_lie_are_refused(content):
    """The shape in a header is compared with the size of its entry, and nothing is unpickled."""
    with pytest.raises(ArchiveError, match=r"rows is no|rows does not"):
        read_arrays(pack({"rows.npy": content}), KINDS)


def memory_of(*arguments):
    """The exit status, the errors, and the highest memory of a command, in MiB."""
    code = (
        "import resource, subprocess, sys\n"
        "command = [sys.executable, '-m', 'servier', *sys.argv[1:]]\n"
        "done = subprocess.run(command, capture_output=True, text=True)\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024\n"
        "sys.stderr.write(done.stderr)\n"
        "print(done.returncode, peak)\n"
    )
    arguments = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    status, peak = map(int, done.stdout.split())
    return status, done.stderr, peak


@pytest.mark.process
@pytest.mark.parametrize("place", ["metadata", "entry", "array"])
def test_a_bomb_takes_no_memory(model_1, tmp_path, place):
    """A file of 2 MB with an entry of 2 GB is refused in one line, in the memory that an intact one takes."""
    path, stream = tmp_path / "m.servier", zeros(2040)
    if place == "metadata":
        path.write_bytes(archive_of(stream, 2040 * MIB))
    else:
        with zipfile.ZipFile(model_1) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        if place == "array":
            bomb = archive_of(stream, 2040 * MIB, name=b"train_lines.npy")
            path.write_bytes(forge(model_1, entries | {"reference.npz": bomb}))
        else:
            content = pack(entries)
            bomb = archive_of(stream, 2040 * MIB, name=b"model_9.onnx")
            path.write_bytes(join_archives(content, bomb))
    intact = memory_of("predict", "CCO", "--model_1_path", model_1, "--detail")
    assert intact[0] == 0
    status, said, peak = memory_of("predict", "CCO", "--model_1_path", path, "--detail")
    assert status == 1
    assert said.count("\n") == 1
    assert "unpacked" in said
    assert peak < intact[2] + 64


def forge(path, entries):
    """A checkpoint with other entries, and digests that fit them."""
    from servier.checkpoint.file import encode_checkpoint, make_checkpoint, open_checkpoint

    entries = {name: content for name, content in entries.items() if name != "metadata.json"}
    return encode_checkpoint(make_checkpoint(open_checkpoint(path).metadata, entries))


def join_archives(first, second):
    """One archive of the entries of two."""
    (size_1, at_1), (size_2, at_2) = (
        struct.unpack_from("<2L", part, len(part) - 10) for part in (first, second)
    )
    directory = second[at_2 : at_2 + size_2]
    directory = directory[:42] + struct.pack("<L", at_1) + directory[46:]
    n = struct.unpack_from("<H", first, len(first) - 12)[0] + 1
    at = at_1 + at_2
    body = first[:at_1] + second[:at_2] + first[at_1 : at_1 + size_1] + directory
    return body + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, n, n, size_1 + size_2, at, 0)
