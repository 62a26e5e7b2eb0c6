"""The journal of a run: what it is a run of, and how much of its output is durably written.

It stands beside the output as `NAME.journal`, one JSON document on each line: first the identity of the run,
then, after each time the output was forced to disk, how far it is. A line that was cut short by a crash does
not count.
"""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from servier.errors import DataError
from servier.tables.claims import describe_differences, lock_file


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
    """

    rows: int = 0
    written: int = 0
    size: int = 0
    checksum: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    is_complete: bool = False


def journal_path(target: Path) -> Path:
    """Return where the journal of an output is."""
    return target.with_name(f"{target.name}.journal")


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
        except DataError:
            self._stream.close()
            raise

    def _read(self, identity: dict[str, Any], *, restart: bool) -> Progress:
        lines, size = ([], 0) if restart else _read_lines(self.path)
        # What was cut short by a crash goes, so that the next line begins at a line's beginning.
        self._stream.truncate(size)
        if not lines:
            return self._begin(identity)
        found = lines[0]["identity"]
        if found != identity:
            changes = "; ".join(describe_differences(found, identity))
            hint = "give the same options and files to go on with that run, or --restart to start over"
            problem = f"a run with other inputs or options has begun to write this file: {changes}"
            raise DataError(problem, path=self._target, hint=hint)
        progress = _progress(lines[-1]) if len(lines) > 1 else Progress()
        return self._begin(identity) if progress.is_complete and self._is_lost(progress) else progress

    def _begin(self, identity: dict[str, Any]) -> Progress:
        self._stream.truncate(0)
        self._write({"identity": identity})
        return Progress()

    def _is_lost(self, progress: Progress) -> bool:
        """Say whether the complete output is no longer there as it was written."""
        return not self._target.exists() or self._target.stat().st_size != progress.size

    def commit(self, progress: Progress) -> None:
        """Note durably how far the run is; the output must be on disk already."""
        self.progress = progress
        self._write(asdict(progress))

    def _write(self, document: dict[str, Any]) -> None:
        self._stream.write(json.dumps(document).encode() + b"\n")
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

    def remove(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def read_journal(target: Path) -> tuple[dict[str, Any], Progress]:
    """Read the journal of an output.

    Raises
    ------
    DataError
        There is none.
    """
    lines, _ = _read_lines(journal_path(target))
    if not lines:
        hint = f"a shard goes together with the {journal_path(target).name} that was written beside it"
        raise DataError("this file has no journal beside it", path=target, hint=hint)
    return lines[0]["identity"], _progress(lines[-1]) if len(lines) > 1 else Progress()


def is_journal(path: Path) -> bool:
    """Say whether a file is the journal of a run."""
    return bool(_read_lines(path)[0])


def is_complete_shard(target: Path, identity: dict[str, Any]) -> bool:
    """Say whether the journal beside a file says that a run of this identity has made it."""
    lines, _ = _read_lines(journal_path(target))
    return len(lines) > 1 and lines[0]["identity"] == identity and _progress(lines[-1]).is_complete


def _read_lines(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return the documents of the complete lines, and the size of these lines in bytes."""
    documents: list[dict[str, Any]] = []
    size = 0
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return [], 0
    for line in lines[:-1]:
        try:
            documents.append(json.loads(line))
        except ValueError:
            break
        size += len(line) + 1
    is_ours = bool(documents) and isinstance(documents[0], dict) and "identity" in documents[0]
    return (documents, size) if is_ours else ([], 0)


def _progress(document: dict[str, Any]) -> Progress:
    return Progress(**document)
