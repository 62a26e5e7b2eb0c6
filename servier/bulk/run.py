"""From a table to an output with a row for each of its rows, whatever is done with them."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from servier.bulk.blocks import Block
from servier.bulk.inputs import Inputs
from servier.bulk.journal import (
    Journal,
    NoJournal,
    Progress,
    is_complete_shard,
    is_journal,
    journal_path,
)
from servier.bulk.options import Options
from servier.bulk.outputs import write_best
from servier.bulk.selection import Selection
from servier.bulk.spools import Mark
from servier.bulk.work import Results
from servier.errors import DataError, EndedError, InputChangedError, ServierError
from servier.processes.ordered_map import ordered_map
from servier.progress import Report
from servier.tables import STANDARD_STREAM, Claim, claim_output
from servier.tables.claims import origin_path
from servier.tables.files import name_beside

COMMIT_SECONDS = 1.0


@dataclass(frozen=True)
class Summary:
    """What became of a run.

    Parameters
    ----------
    rows
        Rows of the input (or of the shard).
    written
        Rows of the output.
    counts
        Rows by status.
    resumed
        Rows that an earlier, interrupted run had done.
    seconds
        Wall time of this run.
    identity
        What decided the output: input, checkpoints, options, versions.
    units
        Of the targets that were predicted, by name.
    """

    rows: int
    written: int
    counts: dict[str, int]
    resumed: int
    seconds: float
    identity: dict[str, Any]
    units: dict[str, str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Rows per second of this run."""
        return (self.rows - self.resumed) / max(self.seconds, 1e-9)


def run(
    inputs: Inputs,
    target: Path,
    options: Options,
    *,
    restart: bool = False,
    force: bool = False,
    report: Report | None = None,
) -> Summary:
    """Do the work on every row of a table; go on with an interrupted run where there is one.

    Parameters
    ----------
    inputs
        The open table, and the work.
    target
        The output. It gets its name only when it is complete.
    options
        Limits, shard, processes.
    restart
        Forget an interrupted run.
    force
        Replace a file that was not made from the same inputs and options; make one that was anew.
    report
        Called after each block with the rows by status, the number of rows in all (None where it is not
        known), the rows that an earlier run had done, and the seconds taken.

    Raises
    ------
    DataError
        The input or the output as a whole cannot be used, or an interrupted run had other inputs.
    """
    clock = _Clock(report)
    with _claim(target, inputs, options, restart=restart, force=force) as (claim, journal):
        resumed = journal.progress.rows
        if not journal.progress.is_complete:
            under_way = _Run(inputs, journal, options, target)
            under_way.work_through(clock)
            under_way.publish(claim)
        progress = journal.progress
    counted = (progress.rows, progress.written, progress.counts, resumed)
    return Summary(*counted, clock.seconds, inputs.identity, dict(inputs.units))


class _Run:
    """The way of the blocks from the reader through the workers into the spool."""

    def __init__(self, inputs: Inputs, journal: Journal | NoJournal, options: Options, target: Path) -> None:
        self._inputs, self._output = inputs, inputs.output
        self._journal, self._options, self._target = journal, options, target
        self._spool_path = spool_path(target)
        self._spool = self._output.open_spool(self._spool_path, _mark(journal.progress))
        self._selection = self._restore_selection()

    def _restore_selection(self) -> Selection | None:
        criterion = self._inputs.criterion
        if criterion is None:
            return None
        ranks: list[float] = []
        if self._journal.progress.written:
            kept = self._output.read_back(self._spool_path, criterion.column)
            ranks = [rank for _, found in kept for rank in found]
        return Selection(criterion.top, criterion.threshold, ranks)

    def work_through(self, clock: "_Clock") -> None:
        """Do the work on what is left of the rows, and commit now and then."""
        rows = self._inputs.rows
        progress = self._journal.progress
        n_done, n_written, counts = progress.rows, progress.written, Counter(progress.counts)
        under_way: deque[Block] = deque()

        def read() -> Iterator[Sequence[Any]]:
            for block in self._inputs.reader.blocks(range(rows.start + n_done, rows.stop)):
                under_way.append(block)
                yield block.items

        chunks, options = read(), self._options
        with (
            self._inputs.watch.watching(),
            closing(ordered_map(self._inputs.work, chunks, options.workers, options.timeout)) as answers,
        ):
            for results in answers:
                written = self._combine(under_way.popleft(), results)
                self._spool.append(written)
                n_done += results.counts.total()
                n_written += len(written)
                counts.update(results.counts)
                if clock.is_time_to_commit():
                    self._inputs.watch.check(is_last=False)
                    self._journal.commit(self._progress(n_done, n_written, counts))
                clock.report(counts, self._inputs.n_rows, resumed=progress.rows)
        self._journal.commit(self._progress(n_done, n_written, counts))

    def _progress(self, n_done: int, n_written: int, counts: Counter[str]) -> Progress:
        mark = self._spool.sync()
        return Progress(n_done, n_written, mark.size, mark.checksum, dict(counts))

    def _combine(self, block: Block, results: Results) -> Any:
        rows = self._output.combine(block.rows, results.cells)
        if self._selection is None:
            return rows
        return self._output.take(rows, self._selection.choose(results.ranks))

    def publish(self, claim: Claim) -> None:
        """Give the output its final name."""
        progress, criterion = self._journal.progress, self._inputs.criterion
        top = None if criterion is None else criterion.top
        n_written = progress.written if top is None else min(top, progress.written)
        done = replace(progress, written=n_written, size=0, is_complete=True)

        def seal(path: Path) -> None:
            nonlocal done
            done = replace(done, size=path.stat().st_size)
            claim.seal(path, **asdict(done))
            done = replace(done, sha256=claim.digest or "")

        if criterion is None or top is None:
            self._spool.publish(self._target, seal)
        else:
            self._spool.discard()
            write_best(self._output, [self._spool_path], self._target, criterion.column, top, seal)
            self._spool_path.unlink()
        _finish(self._journal, done, self._options)


def _accept(claim: Claim, journal: Journal | NoJournal, options: Options, target: Path) -> None:
    """Take over an output that is complete already; a run killed at its end may have left its files."""
    if not journal.progress.is_complete:
        done = Progress(**(claim.made or {}))
        _finish(journal, replace(done, sha256=claim.digest or ""), options)
    spool_path(target).unlink(missing_ok=True)


def _finish(journal: Journal | NoJournal, done: Progress, options: Options) -> None:
    journal.finish(done, keep=options.shard is not None)


class _Clock:
    """Measures time, and knows when to commit."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._started = self._committed = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def is_time_to_commit(self) -> bool:
        if time.monotonic() - self._committed < COMMIT_SECONDS:
            return False
        self._committed = time.monotonic()
        return True

    def report(self, counts: Counter[str], n_rows: int | None, resumed: int) -> None:
        if self._report is not None:
            self._report(counts, n_rows, resumed, self.seconds)


def _mark(progress: Progress) -> Mark:
    return Mark(progress.size, progress.checksum)


def spool_path(target: Path) -> Path:
    """Return where rows wait until the output is complete."""
    return name_beside(target, "", ".partial")


@contextmanager
def _claim(
    target: Path, inputs: Inputs, options: Options, *, restart: bool, force: bool
) -> Iterator[tuple[Claim, Journal | NoJournal]]:
    """Claim the output and open its journal. That of a complete shard says by itself whose the file is."""
    identity = inputs.identity
    _refuse_strangers(target)
    is_shard_made = is_complete_shard(target, identity)
    with (
        claim_output(target, inputs.origin, force=force or is_shard_made) as claim,
        _open_journal(target, identity, restart=restart or (force and is_shard_made)) as journal,
    ):
        if claim.made is not None and not (restart or force):
            _accept(claim, journal, options, target)
        yield claim, journal


def _refuse_strangers(target: Path) -> None:
    """Refuse to take files of others for journal and spool of a run, which always has a record too."""
    if str(target) == STANDARD_STREAM:
        return
    is_run = origin_path(target).exists() or is_journal(journal_path(target))
    for path in (journal_path(target), spool_path(target)):
        if path.exists() and (not path.is_file() or (path.stat().st_size and not is_run)):
            problem = "this file is not of an earlier run, and its name is needed"
            raise DataError(problem, path=path, hint=f"rename it, or give {target.name} another name")


@contextmanager
def _open_journal(target: Path, identity: dict[str, Any], *, restart: bool) -> Iterator[Journal | NoJournal]:
    """Open the journal; a run that can go on leaves it and the spool, any other one leaves nothing."""
    can_go_on = str(target) != STANDARD_STREAM and bool(identity["input"])
    journal: Journal | NoJournal = Journal(target, identity, restart=restart) if can_go_on else NoJournal()
    try:
        yield journal
    except InputChangedError as error:
        journal.mark_changed_input()
        error.hint = (
            "what was written is not whole" if str(target) == STANDARD_STREAM else "nothing is published"
        )
        if can_go_on:
            kept = spool_path(target).name
            error.hint += f"; the rows so far stay in {kept}, and the same command starts over"
        raise
    except DataError:
        can_go_on = False
        raise
    except (KeyboardInterrupt, EndedError) as end:
        can_go_on = can_go_on and journal.progress.rows > 0
        if can_go_on:
            end.add_note("Run the same command again to continue from the last durable row.")
        raise
    except OSError as error:
        hint = "give the same command again to go on from the last durable row" if can_go_on else None
        raise ServierError(f"cannot write: {error.strerror}", path=target, hint=hint) from error
    finally:
        if not can_go_on and str(target) != STANDARD_STREAM:
            journal.remove()
            spool_path(target).unlink(missing_ok=True)
        journal.close()
