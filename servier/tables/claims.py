"""The right to write an output: one run has it at a time, and no file of another origin is replaced.

Beside an output NAME stands the hidden file `.NAME.origin`, a JSON document: what the output was made from,
its size and its sha256. It is locked while the output is being made. Whoever removes it only has to say
`--force` before the output is made again.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from servier.errors import DataError, EndedError
from servier.tables.files import STANDARD_STREAM, name_beside, open_file

Identity = dict[str, Any]
"""What decides an output: values by name, in one level or two."""

SHOWN, DIGEST_SHOWN = 60, 8
_DIGEST = re.compile("[0-9a-f]{64}")

REPLACE = "give it another name, or --force to replace this one"


class Claim:
    """The right of a run to write one output.

    Parameters
    ----------
    target
        The output.
    identify
        Returns what decides it; None where that cannot be known, as for what is read from stdin.
    stream
        The open and locked record of its origin; None for stdout.
    """

    def __init__(
        self, target: Path, identify: Callable[[], Identity | None], stream: IO[bytes] | None
    ) -> None:
        self.made: dict[str, Any] | None = None
        """What was noted with the output, where it is there already, made from the same; else None."""
        self._target, self._identify, self._stream = target, identify, stream
        self._found = self._before = _sign(target)
        self.digest: str | None = None
        """The sha256 of the output, where it is there, made from the same, or has been sealed."""

    def check(self, *, force: bool) -> None:
        """Find out whether the output is there already; refuse to replace a file of another origin.

        Raises
        ------
        DataError
            Such a file has its name, and it is not to be replaced.
        """
        if self._stream is None or self._before is None:
            return
        record = _read_record(self._stream)
        problem = self._find_problem(record)
        if problem is None:
            self.made, self.digest = record["result"], record["sha256"]
        elif not force:
            raise DataError(problem, path=self._target, hint=REPLACE)

    def _find_problem(self, record: dict[str, Any]) -> str | None:
        """Say why the file that is there is not the output; None where it is."""
        identity = self._identify() if record else None
        if identity is None:
            return "this file exists already"
        if record["size"] != self._target.stat().st_size:
            return "this file has been changed since it was made"
        if changes := describe_differences(record["identity"], identity):
            return f"this file was made from other inputs or options: {'; '.join(changes)}"
        is_same = record["sha256"] == digest_file(self._target)
        return None if is_same else "this file has been changed since it was made"

    def seal(self, path: Path, **result: Any) -> None:
        """Note durably, before a finished file gets the name of the output, that it is the output.

        Parameters
        ----------
        path
            The file.
        result
            What whoever finds the output complete will want to know.
        """
        if self._stream is None:
            return
        self._before = _sign(path)
        self._stream.truncate(0)
        identity = self._identify()
        if identity is not None:
            self.digest = digest_file(path)
            record = {"identity": identity, "size": path.stat().st_size, "sha256": self.digest}
            self._write(json.dumps(record | {"result": result}).encode() + b"\n")

    def _write(self, content: bytes) -> None:
        assert self._stream is not None
        try:
            self._stream.write(content)
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise DataError(f"cannot write: {error.strerror}", path=origin_path(self._target)) from error

    @property
    def is_written(self) -> bool:
        """Whether the output has been written since it was claimed."""
        return self._stream is not None and _sign(self._target) not in (None, self._found)

    def close(self) -> None:
        """Note an output that was written and not sealed, and give up the right."""
        if self._stream is None:
            return
        try:
            written = _sign(self._target)
            if written is not None and written != self._before:
                self.seal(self._target)
            if os.fstat(self._stream.fileno()).st_size == 0:
                origin_path(self._target).unlink(missing_ok=True)
        finally:
            self._stream.close()


@contextmanager
def claim_output(
    target: Path, identify: Callable[[], Identity | None], *, force: bool = False
) -> Iterator[Claim]:
    """Claim an output for the time of a `with` block; `-` is anybody's.

    Parameters
    ----------
    target
        The file that will be written.
    identify
        Returns what decides it; called when a file is compared with it, and when it is complete. None where
        that cannot be known.
    force
        Whether a file of another origin is replaced.

    Raises
    ------
    DataError
        Another run has claimed it, it cannot be written, or a file of another origin has its name.
    """
    stream = None
    if str(target) != STANDARD_STREAM:
        _refuse_what_is_no_file(target)
        stream = _open_record(target)
    claim = Claim(target, identify, stream)
    try:
        claim.check(force=force)
        yield claim
    except (KeyboardInterrupt, EndedError) as end:
        if not getattr(end, "__notes__", ()):  # nobody has said more
            end.add_note(f"{target} is written." if claim.is_written else "Nothing was written.")
        raise
    finally:
        claim.close()


def _refuse_what_is_no_file(target: Path) -> None:
    """Refuse a folder, a device or a pipe, which a finished output would take the place of."""
    if target.is_dir():
        raise DataError("this is a folder", path=target, hint="give the output the name of a file")
    is_descriptor = target.is_symlink() and target.readlink().is_relative_to("/proc")
    if is_descriptor or (target.exists() and not target.is_file()):
        hint = "give the output the name of a file"
        raise DataError("this is a device or a pipe", path=target, hint=hint)


def refuse_input(target: Path, source: Path) -> None:
    """Refuse to write an output over what it is made from.

    Raises
    ------
    DataError
        Both are the same file.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise DataError("this is the input itself", path=target, hint="give the output another name")


def origin_path(target: Path) -> Path:
    """Return where the origin of an output is recorded."""
    return name_beside(target, ".", ".origin")


def lock_file(stream: IO[bytes], target: Path) -> None:
    """Lock an open file that belongs to an output, or close it.

    Raises
    ------
    DataError
        Another run holds it, or it cannot be locked.
    """
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        hint = "wait for it, or stop it"
        raise DataError("another run is writing this file", path=target, hint=hint) from error
    except OSError as error:
        stream.close()
        problem = f"the file system cannot lock this file: {error.strerror}"
        raise DataError(problem, path=target, hint="write to another folder") from error


def digest_file(path: Path) -> str:
    """Return the sha256 of a file.

    Raises
    ------
    DataError
        It cannot be read.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def describe_differences(old: Identity, new: Identity) -> list[str]:
    """Return a phrase for each value that differs."""
    found = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += [f"{name} {text}" for text in describe_differences(before, after)]
        elif before != after:
            found.append(f"{name} was {_shorten(before)}, now {_shorten(after)}")
    return found


def _shorten(value: Any) -> str:
    """Return a value as a message shows it: of a digest, or of what is long, the beginning."""
    text = str(value)
    n_shown = DIGEST_SHOWN if _DIGEST.fullmatch(text) else SHOWN
    return text if len(text) <= n_shown else f"{text[:n_shown]}..."


def _open_record(target: Path) -> IO[bytes]:
    """Open and lock the record of an output's origin, an empty one where there is none."""
    path = origin_path(target)
    if path.exists() and not path.is_file():
        problem = "this is no file of servier, and its name is needed"
        raise DataError(problem, path=path, hint=f"rename it, or give {target.name} another name")
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream: IO[bytes] = path.open("a+b", buffering=0)
        except OSError as error:
            raise DataError(f"cannot write here: {error.strerror}", path=target) from error
        lock_file(stream, target)
        if _is_at(path, stream):
            return stream
        stream.close()  # another run removed it between opening and locking


def _is_at(path: Path, stream: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(stream.fileno()))
    except FileNotFoundError:
        return False


def _read_record(stream: IO[bytes]) -> dict[str, Any]:
    """Return a record; an empty one where it was not finished."""
    stream.seek(0)
    try:
        record = json.loads(stream.read())
    except (ValueError, RecursionError):
        return {}
    is_whole = isinstance(record, dict) and {"identity", "size", "sha256", "result"} <= record.keys()
    return record if is_whole else {}


def _sign(path: Path) -> tuple[int, ...] | None:
    """Return what tells a file from one that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
