"""Zip archives from anyone: what they hold is known, and small enough, before any of it is read."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

MAX_BYTES = 2 * 1024**3
"""The most bytes that an archive may be unpacked to."""

MAX_RATIO = 100
"""How many times its packed size an entry may have, if it is larger than `SMALL_ENTRY`."""

SMALL_ENTRY = 16 * 1024**2
MAX_DIRECTORY = 1024**2

_END = struct.Struct(
    "<4s8x2L2s"
)  # the end of the directory, without a comment, and the size of the directory
_LARGE_END = 20
_IS_ENCRYPTED = 1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class ArchiveError(ValueError):
    """An archive is damaged, or asks for more than an archive may."""


class BombError(ArchiveError):
    """An archive would be unpacked to more than an archive may."""


class Archive:
    """An open archive.

    Parameters
    ----------
    file
        The file.

    Raises
    ------
    ArchiveError
        It is no archive, is encrypted or packed in another way than deflated, has an entry twice, or would be
        unpacked to more than 2 GiB or, an entry of more than 16 MiB, to more than 100 times its size.
    """

    def __init__(self, file: BinaryIO) -> None:
        with _as_archive_errors():
            _require_small_directory(file)
            self._archive = zipfile.ZipFile(file)
            self._entries = {entry.filename: entry for entry in self._archive.infolist()}
            if len(self._entries) < len(self._archive.infolist()):
                raise ArchiveError("it has an entry twice")
        require_sizes([(entry.file_size, entry.compress_size) for entry in self._entries.values()])
        for entry in self._entries.values():
            if entry.flag_bits & _IS_ENCRYPTED or entry.compress_type not in _METHODS:
                raise ArchiveError("an entry is encrypted, or packed in an unknown way")

    @property
    def names(self) -> set[str]:
        """The names of the entries."""
        return set(self._entries)

    def read(self, name: str) -> bytes:
        """Return an entry.

        Raises
        ------
        ArchiveError
            It is not there, or is damaged.
        """
        if name not in self._entries:
            raise ArchiveError(f"it has no entry {name}")
        entry = self._entries[name]
        with _as_archive_errors(), self._archive.open(entry) as opened:
            content = opened.read(entry.file_size + 1)
        if len(content) != entry.file_size:
            raise ArchiveError(f"entry {name} does not have its size")
        return content


def require_sizes(sizes: list[tuple[int, int]]) -> None:
    """Refuse the sizes, and the packed sizes, of entries that nobody should unpack."""
    if sum(size for size, _ in sizes) > MAX_BYTES:
        raise BombError(f"it would be unpacked to more than {MAX_BYTES // 1024**3} GiB")
    if any(size > max(SMALL_ENTRY, MAX_RATIO * packed) for size, packed in sizes):
        raise BombError(f"an entry would be unpacked to more than {MAX_RATIO} times its size")


def _require_small_directory(file: BinaryIO) -> None:
    """Refuse a directory that would fill the memory when it is read: it is read as a whole."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _LARGE_END))
    end = file.read()
    if len(end) < _END.size:
        raise ArchiveError("it is no archive")
    signature, directory, _, comment = _END.unpack(end[-_END.size :])
    if signature != b"PK\5\6" or comment != b"\0\0":
        raise ArchiveError("it is no archive")
    if end.startswith(b"PK\6\7") or directory > MAX_DIRECTORY:
        raise BombError("it has too many entries")


@contextmanager
def _as_archive_errors() -> Iterator[None]:
    try:
        yield
    except ArchiveError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error) as error:
        raise ArchiveError("it is damaged") from error
