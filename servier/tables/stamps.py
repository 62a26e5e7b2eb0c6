"""What tells whether a file is still the one that was opened, as it was then."""

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from servier.errors import InputChangedError
from servier.tables.claims import digest_file
from servier.tables.files import STANDARD_STREAM, reread

RECENT = 3_000_000_000
"""Nanoseconds for which a file system may give each change the same time: some count seconds in twos."""


@dataclass(frozen=True)
class Stamp:
    """What the file system says of a file: which one it is, its size, and its times in nanoseconds.

    Parameters
    ----------
    device, inode
        The file, whatever its name.
    size
        In bytes.
    modified
        When its content was changed.
    changed
        When anything about it was changed: also its name, its permissions, or the time above.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, file: int | Path) -> "Stamp":
        """Return the stamp of a file by its descriptor or its name."""
        found = os.fstat(file) if isinstance(file, int) else file.stat()
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def has_content_of(self, other: "Stamp") -> bool:
        """Say whether both are of one file whose content has not been touched in between."""
        mine = self.device, self.inode, self.size, self.modified
        return mine == (other.device, other.inode, other.size, other.modified)


class Watch:
    """Notices when a file that is being read changes, or when its name comes to be that of another file.

    Times tell, unless the file was written so shortly before it was opened that another change may have got
    the same time. Then its digest tells; so it does, where it is known, when times say that something has
    happened but perhaps not to the content. What is no file on a disk is not watched.

    Parameters
    ----------
    path
        Its name.
    file
        The open file, of which nothing has been read.
    """

    def __init__(self, path: str | Path, file: IO[bytes]) -> None:
        self._path, self._file = Path(path), file
        self._is_file = str(path) != STANDARD_STREAM and stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        self._digest: str | None = None
        if self._is_file:
            self._stamp = Stamp.of(file.fileno())
            self._is_recent = self._stamp.modified > time.time_ns() - RECENT
            if self._is_recent:
                self.digest()

    def digest(self) -> str:
        """Return the sha256 of the whole file, read once.

        Raises
        ------
        InputChangedError
            It has changed since it was opened.
        """
        if self._digest is None:
            self._digest = _digest(self._file)
            if self._is_file and not Stamp.of(self._file.fileno()).has_content_of(self._stamp):
                raise self._complaint()
        return self._digest

    def check(self, *, is_last: bool = True) -> None:
        """Refuse a file that has changed.

        Parameters
        ----------
        is_last
            Whether nothing is read any more. Until then only what times tell is looked at.

        Raises
        ------
        InputChangedError
            It has changed, or cannot be looked at any more.
        """
        if not self._is_file:
            return
        found = self._look()
        if all(stamp == self._stamp for stamp in found) and not (is_last and self._is_recent):
            return
        if self._digest is None:
            is_same = all(stamp.has_content_of(self._stamp) for stamp in found)
        else:
            is_same = self._digest_again() == self._digest
        if not is_same or not found:
            raise self._complaint()
        self._stamp = found[0]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Check the file at the end of a `with` block; what fails because it changed is told as such.

        Raises
        ------
        InputChangedError
            As `check`.
        """
        try:
            yield
        except Exception:
            self.check()
            raise
        self.check()

    def _look(self) -> list[Stamp]:
        """Return the stamps of the open file and of the file that has its name, if there still is one."""
        try:
            found = [Stamp.of(self._file.fileno())]
            if self._path.exists():
                found.append(Stamp.of(self._path))
        except OSError:
            return []
        return found

    def _digest_again(self) -> str:
        if not self._path.exists():
            return _digest(self._file)
        return digest_file(self._path)

    def _complaint(self) -> InputChangedError:
        return _complain(self._path)


def find_stamp(path: str | Path) -> Stamp | None:
    """Return the stamp of a file; None for stdin, and for what is not there."""
    try:
        return None if str(path) == STANDARD_STREAM else Stamp.of(Path(path))
    except OSError:
        return None


def require_stamp(path: str | Path, stamp: Stamp | None) -> None:
    """Refuse a file that has changed since it had a stamp; of what had none nothing is known.

    Raises
    ------
    InputChangedError
        It has changed.
    """
    if stamp is None:
        return
    found = find_stamp(path)
    if found is None or not found.has_content_of(stamp):
        raise _complain(path)


def _complain(path: str | Path) -> InputChangedError:
    hint = "give the same command again when nothing writes to it"
    return InputChangedError("this file changed while it was read", path=path, hint=hint)


def _digest(file: IO[bytes]) -> str:
    return hashlib.file_digest(reread(file), "sha256").hexdigest()
