"""Rows of values on their way into a Parquet file, which itself cannot be continued after an interruption."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from servier.bulk.blocks import FEATURE_BLOCK_ROWS
from servier.bulk.spools import BEGINNING, Mark, SpoolFile, sync_folder
from servier.tables.parquet import FEATURES_KEY

ROW_GROUP = 65_536


class ArrowSpool:
    """Rows of values, kept as an Arrow stream until they become a Parquet file.

    Parameters
    ----------
    path
        The spool.
    schema
        Names and types of the columns.
    mark
        Where to go on.
    """

    def __init__(self, path: Path, schema: pa.Schema, mark: Mark = BEGINNING) -> None:
        self._file, self._schema = SpoolFile(path, mark), schema
        if mark == BEGINNING:
            self._file.write(schema.serialize().to_pybytes())

    def append(self, rows: Sequence[Sequence[object]]) -> None:
        """Write rows of values."""
        if rows:
            self._write(pa.record_batch(to_arrays(rows, list(self._schema)), schema=self._schema))

    def _write(self, batch: pa.RecordBatch) -> None:
        self._file.write(batch.serialize().to_pybytes())

    def sync(self) -> Mark:
        """Force everything to disk; return how far it is."""
        return self._file.sync()

    def publish(self, target: Path) -> None:
        """Write the Parquet file, and remove the spool."""
        self._file.sync()
        self._file.stream.seek(0)
        write_parquet(target, self._schema, pa.ipc.open_stream(self._file.stream))
        self.discard()
        self._file.path.unlink()

    def discard(self) -> None:
        """Close the file."""
        self._file.stream.close()


class BatchSpool(ArrowSpool):
    """The same for rows that are record batches already."""

    def append(self, rows: pa.RecordBatch) -> None:
        """Write a record batch."""
        if len(rows):
            self._write(rows)


def to_arrays(rows: Sequence[Sequence[object]], fields: Sequence[pa.Field]) -> list[pa.Array]:
    """Convert rows of values, at least one, to a column for each field."""
    return [
        pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), fields, strict=True)
    ]


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Iterate over the record batches of a spool, or of a Parquet file."""
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            file = pq.ParquetFile(path)
            yield from file.iter_batches(group_rows(file.schema_arrow))
            return
        stream.seek(0)
        yield from pa.ipc.open_stream(stream)


def holds_features(schema: pa.Schema) -> bool:
    """Say whether a table with this schema is a feature file."""
    return FEATURES_KEY in (schema.metadata or {})


def group_rows(schema: pa.Schema) -> int:
    """Return how many rows stand in a row group of a file with this schema."""
    return FEATURE_BLOCK_ROWS if holds_features(schema) else ROW_GROUP


def _repeating_columns(schema: pa.Schema) -> Any:
    """Return the columns whose values are worth a dictionary: no features."""
    if not holds_features(schema):
        return True
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def write_parquet(target: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
    """Write record batches as a Parquet file with row groups of a fixed size, whole or not at all."""
    temporary = target.with_name(f".{target.name}.writing")
    waiting: list[pa.RecordBatch] = []
    n_waiting, size = 0, group_rows(schema)
    with pq.ParquetWriter(
        temporary, schema, compression="zstd", use_dictionary=_repeating_columns(schema)
    ) as writer:
        for batch in batches:
            waiting.append(batch)
            n_waiting += batch.num_rows
            while n_waiting >= size:
                table = pa.Table.from_batches(waiting, schema)
                writer.write_table(table.slice(0, size).combine_chunks())
                waiting = table.slice(size).to_batches()
                n_waiting -= size
        if n_waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema).combine_chunks())
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.replace(target)
    sync_folder(target.parent)
