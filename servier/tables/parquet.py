"""Parquet files, row by row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from servier.errors import DataError
from servier.tables.records import Header, Record
from servier.tables.text import encode_row

BATCH_ROWS = 1024
FEATURES_KEY = b"servier.features"
"""The key of the metadata in the schema of a feature file."""


class ParquetTable:
    """The columns of a Parquet file, without the features in a file that `servier featurize` wrote.

    Parameters
    ----------
    file
        The open file.
    path
        Its name, for messages.

    Raises
    ------
    DataError
        The file is not a complete Parquet file.
    """

    def __init__(self, file: IO[bytes], path: str | Path) -> None:
        self._file = open_parquet(path, file)
        schema = self._file.schema_arrow
        self.metadata: dict[bytes, bytes] = schema.metadata or {}
        features = _feature_columns(self.metadata)
        fields = [field for field in schema if field.name not in features]
        self.schema = pa.schema([_without_dictionary(field) for field in fields])
        self.header = Header(self.schema.names, b"")
        self.header = Header(self.schema.names, encode_row(self.schema.names, self.header))

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self._file.metadata.num_rows)

    def __iter__(self) -> Iterator[Record]:
        row = 0
        for batch in self._file.iter_batches(BATCH_ROWS, columns=self.schema.names):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                row += 1
                yield Record(row, list(values))


def _feature_columns(metadata: dict[bytes, bytes]) -> set[str]:
    if FEATURES_KEY not in metadata:
        return set()
    return {featurizer["kind"] for featurizer in json.loads(metadata[FEATURES_KEY])["featurizers"]}


def _without_dictionary(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def open_parquet(path: str | Path, file: IO[bytes] | None = None) -> pq.ParquetFile:
    """Open a Parquet file.

    Parameters
    ----------
    path
        Its name.
    file
        The file where it is open already.

    Raises
    ------
    DataError
        The file is absent or not a complete Parquet file.
    """
    try:
        return pq.ParquetFile(path if file is None else file)
    except FileNotFoundError as error:
        raise DataError("no such file", path=path) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("this is not a complete Parquet file", path=path, hint="write it again") from error
