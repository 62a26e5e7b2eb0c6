"""Arrow arrays on their way into a Parquet file, which itself cannot be continued after an interruption."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from servier.bulk.blocks import FEATURE_BLOCK_ROWS
from servier.bulk.spools import BEGINNING, Mark, Seal, SpoolFile, sync_folder
from servier.tables.arrow_batches import group_batches, regroup
from servier.tables.arrow_types import (
    decode_categories,
    encode_categories,
    ordered_categories,
    spelt_out_schema,
)
from servier.tables.files import name_beside, removing
from servier.tables.parquet import FEATURES_KEY

ROW_GROUP = 65_536


@dataclass(frozen=True)
class FinalSchema:
    """The columns of a Parquet file that is to be written.

    Parameters
    ----------
    final
        Their names and types.
    ordered
        The categories of columns where their order means something.
    """

    final: pa.Schema
    ordered: dict[str, pa.Array]

    @classmethod
    def read(cls, file: pq.ParquetFile) -> "FinalSchema":
        """Return the columns of a file that exists."""
        return cls(file.schema_arrow, ordered_categories(file))

    @cached_property
    def spooled(self) -> pa.Schema:
        """The names and types on the way there: a batch of a stream cannot have categories of its own."""
        return spelt_out_schema(self.final)


class ArrowSpool:
    """Record batches, kept as an Arrow stream until they become a Parquet file.

    Parameters
    ----------
    path
        The spool.
    schema
        Names and types of the columns.
    mark
        Where to go on.
    """

    def __init__(self, path: Path, schema: FinalSchema, mark: Mark = BEGINNING) -> None:
        self._file, self._schema = SpoolFile(path, mark), schema
        if mark == BEGINNING:
            self._file.write(schema.spooled.serialize().to_pybytes())

    def append(self, rows: pa.RecordBatch) -> None:
        """Write rows."""
        if len(rows):
            self._file.write(rows.serialize().to_pybytes())

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
    """Iterate over the record batches of a spool, or of a Parquet file, with categories spelt out."""
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            file = pq.ParquetFile(path)
            yield from map(decode_categories, group_batches(file, range(file.num_row_groups)))
            return
        stream.seek(0)
        yield from pa.ipc.open_stream(stream)


def holds_features(schema: pa.Schema) -> bool:
    """Say whether a table with this schema is a feature file."""
    return FEATURES_KEY in (schema.metadata or {})


def _repeating_columns(schema: pa.Schema) -> bool | list[str]:
    """Return the columns whose values are worth a dictionary: no features."""
    if not holds_features(schema):
        return True
    return [field.name for field in schema if not pa.types.is_nested(field.type)]


def write_parquet(
    target: Path, schema: FinalSchema, batches: Iterable[pa.RecordBatch], seal: Seal | None = None
) -> None:
    """Write record batches as a Parquet file with row groups of a fixed size, whole or not at all."""
    temporary = name_beside(target, ".", ".writing")
    group, repeating = ROW_GROUP, _repeating_columns(schema.final)
    if holds_features(schema.final):
        group = FEATURE_BLOCK_ROWS
    with removing(temporary):
        with pq.ParquetWriter(
            temporary, schema.final, compression="zstd", use_dictionary=repeating
        ) as writer:
            for table in regroup(batches, group):
                _write_group(writer, table, schema)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        if seal is not None:
            seal(temporary)
        temporary.replace(target)
    sync_folder(target.parent)


def _write_group(writer: pq.ParquetWriter, table: pa.Table, schema: FinalSchema) -> None:
    """Write a row group, or smaller ones where it has more categories than their type can count."""
    try:
        encoded = encode_categories(table, schema.final, schema.ordered)
    except pa.ArrowInvalid:
        if len(table) == 1:
            raise
        half = len(table) // 2
        _write_group(writer, table.slice(0, half), schema)
        _write_group(writer, table.slice(half), schema)
    else:
        writer.write_table(encoded)
