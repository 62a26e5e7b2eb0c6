"""Blocks of rows as Arrow arrays, in which nothing is converted that is only carried over."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from servier.bulk.blocks import BLOCK_BYTES, Block, Reader
from servier.errors import DataError
from servier.tables import encode_rows
from servier.tables.arrow_text import is_text, texts
from servier.tables.parquet import ParquetTable


class ParquetReader(Reader):
    """Reads a Parquet file in blocks; the parameters are those of `Reader`.

    Raises
    ------
    DataError
        A column is absent, or holds what is no text though it is needed as text.
    """

    def __init__(self, table: ParquetTable, *arguments: Any, **options: Any) -> None:
        super().__init__(table, *arguments, **options)
        self._parquet = table
        if not self._by_number:
            _check_text(table.schema.field(self._position), "name another one with --smiles_column")
        if not self._as_values:
            for position in self.kept:
                hint = "leave it out with --columns, or write a .parquet file"
                _check_text(table.schema.field(position), hint)

    def blocks(self, rows: range) -> Iterator[Block]:
        """Read the rows with these numbers, counted from 0; those before them are passed over quickly."""
        start = rows.start
        room = self._room(start)
        for batch in self._parquet.batches(rows, self.block_rows, BLOCK_BYTES, room):
            stop = start + len(batch)
            items = range(start, stop) if self._by_number else self._strings(batch)
            yield Block(items, self._kept(batch))
            start = stop

    def _strings(self, batch: pa.RecordBatch) -> list[tuple[str, None]]:
        return [(text or "", None) for text in texts(batch.column(self._position))]

    def _kept(self, batch: pa.RecordBatch) -> pa.RecordBatch | list[bytes]:
        if self._as_values:
            return batch.select(self.kept)
        columns = [texts(batch.column(position)) for position in self.kept]
        return encode_rows(zip(*columns, strict=True), self.header)


def text_batch(rows: Sequence[Sequence[str]], names: Sequence[str]) -> pa.RecordBatch:
    """Return rows of text as a record batch."""
    columns = zip(*rows, strict=True)
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=list(names))


def _check_text(field: pa.Field, hint: str) -> None:
    """Refuse a column whose values are no text."""
    if not is_text(field.type):
        raise DataError(f"column {field.name!r} holds {field.type}, which is not text", hint=hint)
