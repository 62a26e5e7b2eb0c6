"""The Parquet output: Arrow record batches with the columns of the input as they were."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from servier.bulk.parquet_spool import ArrowSpool, FinalSchema, read_batches
from servier.bulk.spools import Mark
from servier.tables import Table, name_all
from servier.tables.arrow_types import check_carried
from servier.tables.parquet import ParquetTable

ARROW_TYPES = {int: pa.int64(), float: pa.float64(), str: pa.string()}


class ParquetOutput:
    """A Parquet file.

    Parameters
    ----------
    schema
        All its columns.
    """

    text_header = None

    def __init__(self, schema: FinalSchema) -> None:
        self.schema = schema
        self.columns = schema.final.names
        self.written: dict[str, str] = {}

    @classmethod
    def like(cls, path: Path) -> "ParquetOutput":
        """Take an output that exists as the pattern."""
        return cls(FinalSchema.read(pq.ParquetFile(path)))

    def open_spool(self, path: Path, mark: Mark) -> ArrowSpool:
        """Open a spool for the output, to begin or to go on."""
        return ArrowSpool(path, self.schema, mark)

    def combine(self, rows: pa.RecordBatch, cells: Sequence[Any]) -> pa.RecordBatch:
        """Put the cells of predictions after the rows' own columns."""
        spooled = self.schema.spooled
        added = list(spooled)[rows.num_columns :]
        columns = zip(*cells, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(columns, added, strict=True)]
        return pa.record_batch([*rows.columns, *arrays], schema=spooled)

    def take(self, rows: pa.RecordBatch, positions: Sequence[int]) -> pa.RecordBatch:
        """Return the rows at some positions, in the order of the positions."""
        # Arrow's own `take` lacks some types, such as views of strings.
        return self.join([rows.slice(position, 1) for position in positions])

    def read_back(self, path: Path, column: str) -> Iterator[tuple[pa.RecordBatch, list[float]]]:
        """Iterate over the rows of a spool or a finished file, with the numbers in a column of them."""
        for batch in read_batches(path):
            yield batch, batch.column(column).to_pylist()

    def join(self, parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
        """Return all rows of several parts, in order."""
        spooled = self.schema.spooled
        whole = pa.Table.from_batches(parts, spooled).combine_chunks().to_batches()
        return whole[0] if whole else pa.RecordBatch.from_pylist([], spooled)


def make_parquet_output(
    table: Table, columns: Sequence[str], kept: Sequence[int], added: Mapping[str, type]
) -> ParquetOutput:
    """Return the output for a table; the parameters are those of `servier.bulk.outputs.make_output`.

    Raises
    ------
    DataError
        A column cannot be carried over.
    """
    ordered: dict[str, pa.Array] = {}
    metadata: dict[bytes, bytes] = {}
    if isinstance(table, ParquetTable):
        own = [table.schema.field(position) for position in kept]
        check_carried(pa.schema(own))
        ordered, metadata = table.ordered_categories(), table.metadata_for(columns)
    else:
        own = [pa.field(name, pa.string()) for name in name_all(columns)]
    fields = [*own, *(pa.field(name, ARROW_TYPES[kind]) for name, kind in added.items())]
    return ParquetOutput(FinalSchema(pa.schema(fields, metadata), ordered))
