"""Where rows wait until the output is complete: files that can be cut back to a known size.

A spool is written in pieces, one for each block of rows, so that its bytes do not depend on when it was
forced to disk or how often the run was interrupted.
"""

import gzip
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from servier.errors import DataError

GZIP_LEVEL = 6


class Spool(Protocol):
    """Rows on their way into a file."""

    def append(self, rows: Sequence[Any]) -> None:
        """Write a block of rows."""

    def sync(self) -> int:
        """Force everything to disk; return the size in bytes."""

    def publish(self, target: Path) -> None:
        """Turn the rows into the file with its final name."""

    def discard(self) -> None:
        """Close without publishing; what is on disk stays."""


class SpoolFile:
    """A file that goes on at a known size.

    Parameters
    ----------
    path
        The file.
    size
        Its size in bytes when it was last forced to disk; 0 to begin.

    Raises
    ------
    DataError
        It is shorter than that.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        # Unbuffered: what could not be written must not be tried again when the file is closed.
        self.stream = path.open("r+b" if size else "w+b", buffering=0)
        if self.stream.seek(0, os.SEEK_END) < size:
            raise DataError("is shorter than its journal says", path=path, mend="start over with --restart")
        self.stream.truncate(size)
        self.stream.seek(size)

    def write(self, content: bytes) -> None:
        """Write all of some bytes."""
        rest = memoryview(content)
        while rest:
            rest = rest[self.stream.write(rest) :]

    def sync(self) -> int:
        """Force everything to disk; return the size in bytes."""
        os.fsync(self.stream.fileno())
        return self.stream.tell()

    def rename(self, target: Path) -> None:
        """Give the file its final name, durably."""
        self.sync()
        self.stream.close()
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
    size
        Where to go on; 0 to begin.
    """

    def __init__(self, path: Path, target: Path, header: bytes, size: int = 0) -> None:
        self._file = SpoolFile(path, size)
        self._pack = packer(target)
        if size == 0:
            self._file.write(self._pack(header))

    def append(self, rows: Sequence[bytes]) -> None:
        """Write lines, with their ends."""
        if rows:
            self._file.write(self._pack(b"".join(rows)))

    def sync(self) -> int:
        """Force everything to disk; return the size in bytes."""
        return self._file.sync()

    def publish(self, target: Path) -> None:
        """Give the file its final name."""
        self._file.rename(target)

    def discard(self) -> None:
        """Close the file."""
        self._file.stream.close()


class StandardOutput:
    """Lines of text to stdout, which cannot be taken back."""

    def __init__(self, header: bytes) -> None:
        sys.stdout.buffer.write(header)

    def append(self, rows: Sequence[bytes]) -> None:
        """Write lines."""
        sys.stdout.buffer.write(b"".join(rows))

    def sync(self) -> int:
        """Pass on what was written."""
        sys.stdout.buffer.flush()
        return 0

    def publish(self, target: Path) -> None:  # noqa: ARG002
        """Pass on what was written."""
        sys.stdout.buffer.flush()

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
