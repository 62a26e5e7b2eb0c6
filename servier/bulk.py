"""Score whole files: one output row for each input row, in input order."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from servier.checkpoint import open_checkpoint
from servier.molecules import MAX_ATOMS, InvalidMolecule, Status, parse_smiles
from servier.parallel import ordered_map
from servier.scoring import Scorer, output_rows, prediction_fields
from servier.tables import Header, Record, Table, open_table, require_smiles_column
from servier.tables.writers import write_table

BATCH_ROWS = 512
REPORT_SECONDS = 30.0

Report = Callable[[int, float], None]
Row = tuple[str, str | None]


@dataclass(frozen=True)
class Summary:
    """What became of the rows of a file.

    Parameters
    ----------
    counts
        Rows by status.
    seconds
        Wall time.
    """

    counts: dict[str, int]
    seconds: float

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Options:
    """How to score a file.

    Parameters
    ----------
    smiles_column, delimiter
        Detected where they are None.
    workers
        Number of processes; the output does not depend on it.
    max_atoms
        The largest number of heavy atoms that is scored.
    """

    smiles_column: str | None = None
    delimiter: str | None = None
    workers: int = 1
    max_atoms: int = MAX_ATOMS


def predict_file(
    source: str | Path,
    target: str | Path,
    checkpoints: Sequence[str | Path],
    options: Options,
    report: Report | None = None,
) -> Summary:
    """Score every row of a table.

    Parameters
    ----------
    source, target
        A table of any format, and a CSV (plain or gzip) or Parquet file that gets all its columns and the
        predictions after them.
    checkpoints
        One model, or several whose mean is taken.
    options
        Columns, processes, limits.
    report
        Called now and then with the number of rows done and the seconds taken.

    Raises
    ------
    DataError
        The input as a whole cannot be used, or the output cannot be written.
    CheckpointError
        A checkpoint cannot be used.
    """
    clock = _Clock(report)
    paths = [str(path) for path in checkpoints]
    targets = Scorer([open_checkpoint(path) for path in paths]).targets
    counts: Counter[str] = Counter()
    with open_table(source, options.delimiter) as table:
        position = find_smiles(table.header, options.smiles_column)
        under_way: deque[list[Record]] = deque()

        def read() -> Iterator[list[Row]]:
            for batch in _batches(table):
                under_way.append(batch)
                yield [(_text(record.fields[position]), record.problem) for record in batch]

        prepare = partial(_prepare, paths, options.max_atoms)
        with write_table(target, table, prediction_fields(targets)) as write:
            for answers in ordered_map(prepare, read(), options.workers):
                write(under_way.popleft(), answers)
                counts.update(str(answer[-2]) for answer in answers)
                clock.tick(counts.total())
    return Summary(dict(counts), clock.seconds)


def find_smiles(header: Header, name: str | None) -> int:
    """Return the position of the column with the SMILES strings."""
    return header.columns.index(require_smiles_column(header.columns, name))


class _Clock:
    """Calls a report every 30 seconds."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._started = time.monotonic()
        self._next = self._started + REPORT_SECONDS

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def tick(self, rows: int) -> None:
        if self._report is not None and time.monotonic() >= self._next:
            self._report(rows, self.seconds)
            self._next += REPORT_SECONDS


def _batches(table: Table) -> Iterator[list[Record]]:
    records = iter(table)
    while batch := list(islice(records, BATCH_ROWS)):
        yield batch


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _prepare(paths: list[str], max_atoms: int) -> Callable[[list[Row]], list[list[object]]]:
    scorer = Scorer([open_checkpoint(path) for path in paths], max_atoms=max_atoms)
    return partial(_score_batch, scorer)


def _score_batch(scorer: Scorer, rows: list[Row]) -> list[list[object]]:
    mols = [
        InvalidMolecule(Status.INVALID, problem) if problem else parse_smiles(smiles, scorer.max_atoms)
        for smiles, problem in rows
    ]
    return output_rows(scorer.score_molecules(mols))
