"""Blocks of rows, on their way from a table to the workers and to the output."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from servier.errors import DataError
from servier.tables import (
    STATUS_COLUMNS,
    DelimitedText,
    Header,
    Quotes,
    Record,
    Table,
    encode_row,
    encode_rows,
    find_column,
    require_smiles_column,
)

BLOCK_ROWS = 512
BLOCK_BYTES = 1 << 22
"""At this size of text a block ends, for some are under way at a time; few have as much."""
FEATURE_BLOCK_ROWS = 8 * BLOCK_ROWS
FORMS_BLOCK_ROWS = BLOCK_ROWS // 16
"""Rows of which each is scored many times over; a worker has a limited time for a block."""

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a table.

    Parameters
    ----------
    items
        For each row what a worker needs: the SMILES string and why the row cannot be used, or None; or the
        number of the row in a feature file.
    rows
        What is carried over into the output: the text of each row, or an Arrow record batch.
    """

    items: Sequence[Any]
    rows: Any


class Reader:
    """Reads a table in blocks, with the columns that the output carries over.

    Parameters
    ----------
    table
        The table.
    target
        The output: its suffix decides whether rows are text, and how it is delimited.
    smiles_column
        Detected where it is None.
    columns
        The columns that are carried over; None for all.
    as_values
        Whether the output wants record batches, not text.
    by_number
        Whether workers want the numbers of rows, for their features are in a file.
    block_rows
        How many rows a block has; None for as many as is usual.

    Raises
    ------
    DataError
        A column is absent.
    """

    def __init__(
        self,
        table: Table,
        target: Path,
        smiles_column: str | None,
        columns: Sequence[str] | None,
        *,
        as_values: bool,
        by_number: bool,
        block_rows: int | None = None,
    ) -> None:
        names = table.header.columns
        self._table = table
        wanted = smiles_column or table.header.molecules
        self._position = 0 if by_number else names.index(require_smiles_column(names, wanted))
        if columns is None:
            # The prediction has its own status and reason, in place of those of featurize.
            self.kept = [i for i, name in enumerate(names) if not (by_number and name in STATUS_COLUMNS)]
        else:
            self.kept = [_find(names, name) for name in columns]
        self.header = _output_header(table.header, [names[i] for i in self.kept], target)
        self._is_raw = self.header == table.header
        self._as_values, self._by_number = as_values, by_number
        # A row group of a feature file is read by one worker.
        self.block_rows = block_rows or (FEATURE_BLOCK_ROWS if by_number else BLOCK_ROWS)

    def blocks(self, rows: range) -> Iterator[Block]:
        """Read the rows with these numbers, counted from 0; those before them are passed over quickly."""
        if (
            isinstance(self._table, DelimitedText)
            and self._is_raw
            and not (self._as_values or self._by_number)
        ):
            yield from self._text_blocks(self._table, rows)
            return
        records = islice(self._table, rows.start, rows.stop)
        start = rows.start
        while batch := take_block(records, self._room(start), _text_size):
            yield Block(self._items(batch, start), self._carry(batch))
            start += len(batch)

    def _text_blocks(self, table: DelimitedText, rows: range) -> Iterator[Block]:
        """Read delimited text without cutting it into fields, where that is possible."""
        delimiter, is_plain = self.header.delimiter.encode(), self.header.quotes is Quotes.PLAIN
        n_delimiters, position = len(table.header.columns) - 1, self._position
        records, start = islice(table.raw_records(), rows.start, rows.stop), rows.start
        while True:
            items: list[tuple[str, str | None]] = []
            carried: list[bytes] = []
            size = 0
            for line, raw in islice(records, self._room(start)):
                if (is_plain or b'"' not in raw) and raw.count(delimiter) == n_delimiters:
                    field = raw.split(delimiter, position + 1)[position]
                    items.append((field.decode("utf-8", "surrogateescape"), None))
                    carried.append(raw)
                    size += len(raw)
                else:
                    record = table.parse(line, raw)
                    items.append((record.fields[position], record.problem))
                    carried.append(record.raw)
                    size += len(record.raw)
                if size >= BLOCK_BYTES:
                    break
            if not items:
                return
            yield Block(items, carried)
            start += len(items)

    def _room(self, start: int) -> int:
        """Return how many rows a block has at most that begins with this row of the table.

        All blocks end at multiples of `block_rows`, so that they depend neither on shards nor on resuming.
        """
        return self.block_rows - start % self.block_rows

    def _items(self, batch: list[Record], start: int) -> Sequence[Any]:
        if self._by_number:
            return range(start, start + len(batch))
        return [(record.fields[self._position], record.problem) for record in batch]

    def _carry(self, batch: list[Record]) -> Any:
        rows = [[record.fields[i] for i in self.kept] for record in batch]
        if not self._as_values:
            return encode_rows(rows, self.header)
        from servier.bulk.parquet_blocks import text_batch

        return text_batch(rows, self.header.columns)


def take_block(records: Iterator[Entry], n_rows: int, size_of: Callable[[Entry], int]) -> list[Entry]:
    """Take so many records, or fewer that together have `BLOCK_BYTES`."""
    taken: list[Entry] = []
    size = 0
    for record in islice(records, n_rows):
        taken.append(record)
        size += size_of(record)
        if size >= BLOCK_BYTES:
            break
    return taken


def _text_size(record: Record) -> int:
    return len(record.raw) or len("".join(record.fields))


def _find(names: Sequence[str], name: str) -> int:
    try:
        return names.index(str(find_column(names, name, (), "smiles")))
    except DataError as error:
        raise DataError(f"{error.problem} to carry over", hint=error.hint) from None


def _output_header(header: Header, columns: list[str], target: Path) -> Header:
    """Return the header of the output: tabs are for .tsv files, and only for them."""
    wanted = (
        "\t"
        if ".tsv" in map(str.lower, target.suffixes)
        else ","
        if header.delimiter == "\t"
        else header.delimiter
    )
    if wanted == header.delimiter and columns == header.columns:
        return header
    quotes = header.quotes if wanted == header.delimiter else Quotes.QUOTED
    changed = replace(header, columns=columns, delimiter=wanted, quotes=quotes)
    return replace(changed, raw=encode_row(columns, changed))
