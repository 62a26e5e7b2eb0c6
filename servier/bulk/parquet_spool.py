"""Rows of values on their way into a Parquet file, which itself cannot be continued after an interruption."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from servier.bulk.spools import BEGINNING, Mark, Seal, SpoolFile, sync_folder

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
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, f.type) for column, f in zip(columns, self._schema, strict=True)]
            self._file.write(pa.record_batch(arrays, schema=self._schema).serialize().to_pybytes())

    def sync(self) -> Mark:
        """Force everything to disk; return how far it is."""
        return self._file.sync()

    def publish(self, target: Path, seal: Seal | None = None) -> None:
        """Write the Parquet file, and remove the spool."""
        self._file.sync()
        self._file.stream.seek(0)
        write_parquet(target, self._schema, pa.ipc.open_stream(self._file.stream), seal)
        self.discard()
        self._file.path.unlink()

    def discard(self) -> None:
        """Close the file."""
        self._file.stream.close()


def read_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Iterate over the record batches of a spool, or of a Parquet file."""
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            yield from pq.ParquetFile(path).iter_batches()
            return
        stream.seek(0)
        yield from pa.ipc.open_stream(stream)


def write_parquet(
    target: Path, schema: pa.Schema, batches: Iterator[pa.RecordBatch], seal: Seal | None = None
) -> None:
    """Write record batches as a Parquet file with row groups of a fixed size, whole or not at all."""
    temporary = target.with_name(f".{target.name}.writing")
    waiting: list[pa.RecordBatch] = []
    n_waiting = 0
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in batches:
            waiting.append(batch)
            n_waiting += batch.num_rows
            while n_waiting >= ROW_GROUP:
                table = pa.Table.from_batches(waiting, schema)
                writer.write_table(table.slice(0, ROW_GROUP).combine_chunks())
                waiting = table.slice(ROW_GROUP).to_batches()
                n_waiting -= ROW_GROUP
        if n_waiting:
            writer.write_table(pa.Table.from_batches(waiting, schema).combine_chunks())
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    if seal is not None:
        seal(temporary)
    temporary.replace(target)
    sync_folder(target.parent)
