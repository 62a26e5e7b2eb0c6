"""Parquet files, row by row."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from servier.errors import DataError
from servier.tables.records import Header, Record
from servier.tables.text import encode_row

BATCH_ROWS = 1024


class ParquetTable:
    """The plain columns of a Parquet file.

    Columns whose values are lists (the feature blocks that `servier featurize` writes) are left out.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    DataError
        It is absent or no Parquet file.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = open_parquet(path)
        self.schema = pa.schema([f for f in self._file.schema_arrow if not pa.types.is_nested(f.type)])
        self.header = Header(self.schema.names, b"")
        self.header = Header(self.schema.names, encode_row(self.schema.names, self.header))

    def __iter__(self) -> Iterator[Record]:
        row = 0
        for batch in self._file.iter_batches(BATCH_ROWS, columns=self.schema.names):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                row += 1
                yield Record(row, list(values))


def open_parquet(path: str | Path) -> pq.ParquetFile:
    """Open a Parquet file.

    Raises
    ------
    DataError
        It is absent or no Parquet file.
    """
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise DataError("no such file", path=path) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("this is not a complete Parquet file", path=path, mend="write it again") from error
