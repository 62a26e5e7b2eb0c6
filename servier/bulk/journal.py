"""The journal of a run: what it is a run of, and how much of its output is durably written.

It stands beside the output as `NAME.journal`, one JSON document on each line: first the identity of the run,
then, after each time the output was forced to disk, how far it is. A line that was cut short by a crash does
not count. Each line ends in a checksum of itself and of all lines before it, so that one that was edited,
moved or copied is noticed; then the journal is refused, for rows would be lost or written twice.
"""

import json
import logging
import os
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from servier.errors import DataError
from servier.tables.claims import describe_differences, digest_file, lock_file
from servier.tables.files import name_beside

logger = logging.getLogger(__name__)

BEGINNING = b'{"identity": {'
CHECK, INPUT_CHANGED = "check", "input changed"
START_OVER = "give the same command with --restart to start over"


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Parameters
    ----------
    rows
        Rows of the input that are done.
    written
        Rows of the output.
    size, checksum
        Bytes of the spool, and their CRC-32.
    counts
        Rows of the input by status.
    is_complete
        Whether the output has its final name.
    sha256
        Of the complete output.
    """

    rows: int = 0
    written: int = 0
    size: int = 0
    checksum: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    is_complete: bool = False
    sha256: str = ""


@dataclass(frozen=True)
class Record:
    """What the journal of an output says.

    Parameters
    ----------
    identity
        Of the run; None where the journal does not get that far.
    progress
        Its last progress.
    size
        Bytes of the lines that count.
    check
        Their checksum.
    has_changed_input
        Whether the run ended because its input had changed, so that its progress is worth nothing.
    """

    identity: dict[str, Any] | None = None
    progress: Progress = field(default_factory=Progress)
    size: int = 0
    check: int = 0
    has_changed_input: bool = False


def journal_path(target: Path) -> Path:
    """Return where the journal of an output is."""
    return name_beside(target, "", ".journal")


class Journal:
    """The journal of one output, locked against a second run.

    Parameters
    ----------
    target
        The output.
    identity
        What decides the output: values by name, in one level or two.

    Raises
    ------
    DataError
        It cannot be written, another run holds it, or it belongs to another run (the differences are named).
    """

    def __init__(self, target: Path, identity: dict[str, Any], *, restart: bool = False) -> None:
        self.path = journal_path(target)
        self._target = target
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._stream: IO[bytes] = self.path.open("a+b")
        except OSError as error:
            raise DataError(f"cannot write here: {error.strerror}", path=target) from error
        lock_file(self._stream, target)
        try:
            self.progress = self._read(identity, restart=restart)
        except (DataError, OSError) as error:
            with suppress(OSError):  # what could not be written is tried once more
                self._stream.close()
            if isinstance(error, DataError):
                raise
            self.remove()
            raise DataError(f"cannot write: {error.strerror}", path=self.path) from error

    def _read(self, identity: dict[str, Any], *, restart: bool) -> Progress:
        record = Record() if restart else read_record(self._target)
        # What was cut short by a crash goes, so that the next line begins at a line's beginning.
        self._stream.truncate(record.size)
        self._check = record.check
        if record.has_changed_input:
            logger.warning("%s: the input changed during the last run, so this one starts over", self._target)
        if record.identity is None or record.has_changed_input:
            return self._begin(identity)
        if record.identity != identity:
            changes = "; ".join(describe_differences(record.identity, identity))
            hint = "give the same options and files to go on with that run, or --restart to start over"
            problem = f"a run with other inputs or options has begun to write this file: {changes}"
            raise DataError(problem, path=self._target, hint=hint)
        progress = record.progress
        return self._begin(identity) if progress.is_complete and self._is_lost(progress) else progress

    def _begin(self, identity: dict[str, Any]) -> Progress:
        self._stream.truncate(0)
        self._check = 0
        self._write({"identity": identity})
        return Progress()

    def _is_lost(self, progress: Progress) -> bool:
        """Say whether the complete output is no longer there as it was written."""
        is_as_large = self._target.is_file() and self._target.stat().st_size == progress.size
        return not is_as_large or digest_file(self._target) != progress.sha256

    def commit(self, progress: Progress) -> None:
        """Note durably how far the run is; the output must be on disk already."""
        self.progress = progress
        self._write(asdict(progress))

    def mark_changed_input(self) -> None:
        """Note that what was written is worth nothing, for the input changed under it."""
        self._write({INPUT_CHANGED: True})

    def _write(self, document: dict[str, Any]) -> None:
        self._check = _extend(self._check, document)
        self._stream.write(json.dumps(document | {CHECK: self._check}).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def finish(self, progress: Progress, *, keep: bool) -> None:
        """Note that the output is complete; keep the journal of a shard, for `merge`."""
        if keep:
            self.commit(progress)
        else:
            self.progress = progress
            self.remove()

    def remove(self) -> None:
        """Remove the journal."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Give up the lock."""
        self._stream.close()


class NoJournal:
    """In place of a journal where a run cannot be continued: from stdin, or to stdout."""

    def __init__(self) -> None:
        self.progress = Progress()

    def commit(self, progress: Progress) -> None:
        """Remember how far the run is."""
        self.progress = progress

    def finish(self, progress: Progress, *, keep: bool) -> None:  # noqa: ARG002 - as the other journals have it
        """Remember that the output is complete."""
        self.progress = progress

    def mark_changed_input(self) -> None:
        """Do nothing."""

    def remove(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def read_journal(target: Path) -> tuple[dict[str, Any], Progress]:
    """Read the journal of an output.

    Raises
    ------
    DataError
        There is none, or it is not as a run wrote it.
    """
    record = read_record(target)
    if record.identity is None:
        hint = f"a shard goes together with the {journal_path(target).name} that was written beside it"
        raise DataError("this file has no journal beside it", path=target, hint=hint)
    return record.identity, record.progress


def is_journal(path: Path) -> bool:
    """Say whether a file begins as the journal of a run does, whatever was done to it since."""
    with suppress(OSError):
        if path.is_file():  # a pipe would keep its reader waiting
            with path.open("rb") as stream:
                return stream.read(len(BEGINNING)) == BEGINNING
    return False


def is_complete_shard(target: Path, identity: dict[str, Any]) -> bool:
    """Say whether the journal beside a file says that a run of this identity has made it."""
    try:
        record = read_record(target)
    except DataError:
        return False  # whoever opens the journal is told
    return record.identity == identity and record.progress.is_complete


def read_record(target: Path) -> Record:
    """Read what the journal of an output says; nothing where there is no journal.

    Raises
    ------
    DataError
        It is not as a run wrote it.
    """
    record, path = Record(), journal_path(target)
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        return record
    for line in content.split(b"\n")[:-1]:
        try:
            record = _follow(record, line)
        except (ValueError, RecursionError) as error:
            if record.identity is None:
                raise _complain(target) from error
            break
        except (TypeError, KeyError) as error:
            raise _complain(target) from error
    return record


def _follow(record: Record, line: bytes) -> Record:
    """Return what a journal says with one more line.

    Raises
    ------
    ValueError, RecursionError
        The line is no JSON: it was damaged, perhaps by a crash, and those before it count.
    KeyError, TypeError
        It is some, but was not written after the lines before it.
    """
    document = json.loads(line)
    if not isinstance(document, dict) or record.has_changed_input or record.progress.is_complete:
        raise TypeError
    check = document.pop(CHECK)
    if check != _extend(record.check, document):
        raise KeyError(CHECK)
    known = Record(record.identity, record.progress, record.size + len(line) + 1, check)
    if record.identity is None:
        if not isinstance(document["identity"], dict):
            raise TypeError
        return replace(known, identity=document["identity"])
    if INPUT_CHANGED in document:
        return replace(known, has_changed_input=True)
    return replace(known, progress=Progress(**document))


def _extend(check: int, document: dict[str, Any]) -> int:
    """Return the checksum of the lines so far and of one more."""
    return zlib.crc32(json.dumps(document).encode(), check)


def _complain(target: Path) -> DataError:
    problem = "this journal is not as a run wrote it, so it cannot be gone on with"
    return DataError(problem, path=journal_path(target), hint=START_OVER)
