"""Opening files that may be compressed, and writing files whole or not at all."""

import gzip
import hashlib
import io
import os
import secrets
import signal
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from servier.errors import DataError, ServierError

STANDARD_STREAM = "-"
BUFFER = 1 << 20
NAME_BYTES = 255
"""As many bytes as file systems take for the name of a file."""
DIGEST_CHARACTERS = 8
LONGEST_ENDING = 20
PACKED = {".gz", ".zst"}
ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
SKIPPABLE_FRAME = b"\x2a\x4d\x18"
"""The end of the magic number of a frame that holds no data; its first byte is 50 to 5F."""


class _Rereading(io.RawIOBase):
    """The bytes of an open file from their beginning, wherever others read it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._descriptor = file.fileno()
        self._position = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        content = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


class _Unpacking(io.RawIOBase):
    """The content of a zstd file of one or more frames, whose damage is told as such."""

    def __init__(self, file: IO[bytes], path: str | Path) -> None:
        import pyarrow as pa

        self._content, self._path = pa.CompressedInputStream(file, "zstd"), path

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            content = self._content.read(len(buffer))
        except OSError as error:
            if "too much memory" in str(error):
                hint = "compress it again without --long"
                raise DataError("this zstd file needs too much memory", path=self._path, hint=hint) from error
            problem = "this zstd file is damaged or cut short"
            raise DataError(problem, path=self._path, hint="copy it again") from error
        buffer[: len(content)] = content
        return len(content)


def reread(file: IO[bytes]) -> io.BufferedReader:
    """Read an open file once more from its beginning, without disturbing those who read it already."""
    return io.BufferedReader(_Rereading(file), BUFFER)


@contextmanager
def open_file(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its bytes as they are on disk; `-` is stdin.

    Raises
    ------
    DataError
        The file is absent, a folder, a pipe, unreadable, or a damaged gzip file.
    """
    if str(path) == STANDARD_STREAM:
        if sys.stdin is None:
            raise DataError("standard input is closed", hint="give a file, or pipe one in")
        signal.siginterrupt(
            signal.SIGINT, True
        )  # RDKit's searches let a read that Ctrl-C interrupts begin again
        yield sys.stdin.buffer
        return
    if Path(path).is_fifo():  # which would wait for ever where it is read a second time
        hint = "write to a file first, or send a CSV table to stdin and give - instead"
        raise DataError("this is a pipe, which can be read only once", path=path, hint=hint)
    try:
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise DataError("no such file", path=path) from error
    except IsADirectoryError as error:
        raise DataError("this is a folder, not a file", path=path) from error
    except PermissionError as error:
        raise DataError("no permission to read this file", path=path) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError("this gzip file is damaged or cut short", path=path, hint="copy it again") from error
    except OSError as error:
        raise DataError(f"cannot read it: {error}", path=path) from error


@contextmanager
def decompress(file: IO[bytes], path: str | Path) -> Iterator[IO[bytes]]:
    """Give the content of an open file, which is plain or compressed with gzip or zstd; stdin is plain."""
    if str(path) == STANDARD_STREAM:
        yield file
        return
    assert isinstance(file, io.BufferedReader)
    start = file.peek(4)[:4]
    if start.startswith(b"\x1f\x8b"):
        with gzip.open(file) as packed:
            yield io.BufferedReader(packed, BUFFER)
    elif start == ZSTD_FRAME or (start[1:] == SKIPPABLE_FRAME and start[0] >> 4 == 5):
        # Arrow closes what it has read, and others still ask the open file whether it has changed.
        yield io.BufferedReader(_Unpacking(reread(file), path), BUFFER)
    else:
        yield file


@contextmanager
def open_binary(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file, plain or compressed with gzip or zstd, for reading bytes; `-` is stdin.

    Raises
    ------
    DataError
        As `open_file`.
    """
    with open_file(path) as file, decompress(file, path) as stream:
        yield stream


@contextmanager
def writing_stdout() -> Iterator[IO[bytes]]:
    """Give stdout for writing bytes; when it takes no more, what is left for it goes nowhere.

    Raises
    ------
    ServierError
        Nobody reads it any more, or it is full.
    """
    try:
        yield sys.stdout.buffer
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise ServierError("the reader of the output has gone") from error
        hint = "what was written to it is not whole"
        raise ServierError(f"standard output cannot be written: {error.strerror}", hint=hint) from error


def name_beside(path: Path, before: str, after: str) -> Path:
    """Return the path of a file that goes with another one, and is called after it.

    Parameters
    ----------
    path
        The other file. Of a name that would become too long the beginning and a digest are taken.
    before, after
        What the name begins and ends with.
    """
    name, room = path.name, NAME_BYTES - len(os.fsencode(before + after))
    if len(os.fsencode(name)) > room:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:DIGEST_CHARACTERS]
        while len(os.fsencode(name)) + 1 + DIGEST_CHARACTERS > room:
            name = name[:-1]
        name = f"{name}-{digest}"
    return path.with_name(f"{before}{name}{after}")


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary file beside `path`, which replaces it on success and is removed on failure.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    """
    path = Path(path)
    # It has its name before it is there, so that a signal at any moment finds it to be removed.
    ending = "".join(path.suffixes[-2:]) if path.suffix in PACKED else path.suffix
    temporary = name_beside(path, ".", f".{secrets.token_hex(4)}{ending[-LONGEST_ENDING:]}")
    with removing(temporary):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)
        except OSError as error:
            raise DataError(f"cannot write here: {error.strerror}", path=path) from error
        try:
            yield temporary
            temporary.replace(path)
        except OSError as error:
            raise DataError(f"cannot write: {error.strerror}", path=path) from error


@contextmanager
def removing(temporary: Path) -> Iterator[None]:
    """Remove a file at the end of a `with` block, however that ends, unless it has got another name."""
    try:
        yield
    finally:
        with suppress(OSError):
            temporary.unlink()
