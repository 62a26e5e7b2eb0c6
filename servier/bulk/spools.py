"""Where rows wait until the output is complete: files that can be cut back to a known size.

A spool is written in pieces, one for each block of rows, so that its bytes do not depend on when it was
forced to disk or how often the run was interrupted.
"""

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from servier.errors import DataError
from servier.tables.files import writing_stdout

GZIP_LEVEL = 6
READ_BYTES = 1 << 20
START_OVER = "give the same command again to start over"


@dataclass(frozen=True)
class Mark:
    """How far a spool is durably written.

    Parameters
    ----------
    size
        In bytes; 0 to begin.
    checksum
        CRC-32 of these bytes.
    """

    size: int = 0
    checksum: int = 0


BEGINNING = Mark()

Seal = Callable[[Path], None]
"""What is done with a finished file just before it gets the name of the output."""


class Spool(Protocol):
    """Rows on their way into a file."""

    def append(self, rows: Sequence[Any]) -> None:
        """Write a block of rows."""

    def sync(self) -> Mark:
        """Force everything to disk; return how far it is."""

    def publish(self, target: Path, seal: Seal | None = None) -> None:
        """Turn the rows into the file with its final name; it is sealed before, where there is a way."""

    def discard(self) -> None:
        """Close without publishing; what is on disk stays."""


class SpoolFile:
    """A file that goes on at a known size.

    Parameters
    ----------
    path
        The file.
    mark
        How far it was when it was last forced to disk.

    Raises
    ------
    DataError
        It is no longer what it was.
    """

    def __init__(self, path: Path, mark: Mark = BEGINNING) -> None:
        self.path = path
        if mark.size and not path.exists():
            raise DataError("this file of an interrupted run is gone", path=path, hint=START_OVER)
        # Unbuffered: what could not be written must not be tried again when the file is closed.
        self.stream = path.open("r+b" if mark.size else "w+b", buffering=0)
        self._checksum = self._read_checksum(mark.size)
        if self._checksum != mark.checksum:
            raise DataError("this file of an interrupted run was damaged", path=path, hint=START_OVER)
        self.stream.truncate(mark.size)
        self.stream.seek(mark.size)

    def _read_checksum(self, size: int) -> int:
        checksum = 0
        while size and (content := self.stream.read(min(size, READ_BYTES))):
            checksum = zlib.crc32(content, checksum)
            size -= len(content)
        return checksum

    def write(self, content: bytes) -> None:
        """Write all of some bytes."""
        self._checksum = zlib.crc32(content, self._checksum)
        rest = memoryview(content)
        while rest:
            rest = rest[self.stream.write(rest) :]

    def sync(self) -> Mark:
        """Force everything to disk; return how far it is."""
        os.fsync(self.stream.fileno())
        return Mark(self.stream.tell(), self._checksum)

    def rename(self, target: Path, seal: Seal | None = None) -> None:
        """Give the file its final name, durably."""
        self.sync()
        self.stream.close()
        if seal is not None:
            seal(self.path)
        self.path.replace(target)
        sync_folder(target.parent)


class TextSpool:
    """Lines of text, each block compressed by itself where the file's suffix asks for it.

    Parameters
    ----------
    path
        The spool.
    target
        The output, whose suffix `.gz` or `.zst` decides about compression.
    header
        The first line, with its line end.
    mark
        Where to go on.
    """

    def __init__(self, path: Path, target: Path, header: bytes, mark: Mark = BEGINNING) -> None:
        self._file = SpoolFile(path, mark)
        self._pack = packer(target)
        if mark == BEGINNING:
            self._file.write(self._pack(header))

    def append(self, rows: Sequence[bytes]) -> None:
        """Write lines, with their ends."""
        if rows:
            self._file.write(self._pack(b"".join(rows)))

    def sync(self) -> Mark:
        """Force everything to disk; return how far it is."""
        return self._file.sync()

    def publish(self, target: Path, seal: Seal | None = None) -> None:
        """Give the file its final name."""
        self._file.rename(target, seal)

    def discard(self) -> None:
        """Close the file."""
        self._file.stream.close()


class StandardOutput:
    """Lines of text to stdout, which cannot be taken back."""

    def __init__(self, header: bytes) -> None:
        self.append([header])

    def append(self, rows: Sequence[bytes]) -> None:
        """Write lines."""
        with writing_stdout() as stdout:
            stdout.write(b"".join(rows))

    def sync(self) -> Mark:
        """Pass on what was written."""
        with writing_stdout() as stdout:
            stdout.flush()
        return BEGINNING

    def publish(self, target: Path, seal: Seal | None = None) -> None:  # noqa: ARG002 - as the other spools have it
        """Pass on what was written."""
        self.sync()

    def discard(self) -> None:
        """Do nothing."""


def packer(target: Path) -> Callable[[bytes], bytes]:
    """Return how the blocks of a file are compressed, by its suffix."""
    return {".gz": pack_gzip, ".zst": pack_zstd}.get(target.suffix, bytes)


def pack_gzip(content: bytes) -> bytes:
    """Return a gzip member without a date."""
    return gzip.compress(content, GZIP_LEVEL, mtime=0)


def pack_zstd(content: bytes) -> bytes:
    """Return a zstd frame."""
    import pyarrow as pa

    return bytes(pa.compress(content, codec="zstd", asbytes=True))


def sync_folder(folder: Path) -> None:
    """Force the names of a folder's files to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
