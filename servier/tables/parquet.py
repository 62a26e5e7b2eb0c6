"""Parquet files: their rows as texts, and as Arrow arrays, which lose nothing."""

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import IO, Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq

from servier.checkpoint.documents import OPTIONAL, DocumentError, parse_json, read_document
from servier.checkpoint.rules import NOT_EMPTY, Name, one_of
from servier.chem.levels import Level
from servier.errors import DataError
from servier.tables.arrow_batches import BATCH_ROWS, GROUP_BYTES, group_batches, refuse_long, regroup
from servier.tables.arrow_text import texts
from servier.tables.arrow_types import decode_categories, ordered_categories
from servier.tables.lines import MAX_LINE
from servier.tables.parquet_pages import STREAM_BYTES, rows_of_batch
from servier.tables.records import Header, Record
from servier.tables.writing import encode_row

FEATURES_KEY = b"servier.features"
"""The key of the metadata in the schema of a feature file."""
PANDAS_KEY = b"pandas"
"""The key under which pandas notes which columns are the index."""


@dataclass(frozen=True)
class FeatureNotes:
    """What the metadata of a feature file says of its features.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    rdkit
        The version of RDKit that computed them.
    standardization
        How far molecules were standardized, one of `servier.chem.levels.Level`.
    """

    featurizers: Annotated[list[dict[str, Any]], NOT_EMPTY]
    rdkit: Name
    standardization: Annotated[str, one_of(*Level)] = field(default=Level.NONE, metadata=OPTIONAL)

    def contradiction(self) -> str | None:
        """Return which featurizer has no name of its own, or None."""
        kinds = [spec.get("kind") for spec in self.featurizers]
        for i, kind in enumerate(kinds):
            if not isinstance(kind, str) or kind in kinds[:i]:
                return f"featurizers[{i}].kind is not a name of its own"
        return None

    @property
    def kinds(self) -> list[str]:
        """The names of the columns that hold features."""
        return [spec["kind"] for spec in self.featurizers]


def find_features(metadata: Mapping[bytes, bytes] | None, path: str | Path) -> FeatureNotes | None:
    """Find what the metadata of a schema says of features; None where it says nothing.

    Raises
    ------
    DataError
        It says something that cannot be read.
    """
    if metadata is None or FEATURES_KEY not in metadata:
        return None
    try:
        return read_document(FeatureNotes, parse_json(metadata[FEATURES_KEY]))
    except (ValueError, RecursionError) as error:
        place = f": {error}" if isinstance(error, DocumentError) else ""
        problem = f"its metadata {FEATURES_KEY.decode()} is damaged{place}"
        raise DataError(problem, path=path, hint="featurize again") from error


class ParquetTable:
    """The columns of a Parquet file, without the features in a file that `servier featurize` wrote.

    Parameters
    ----------
    file
        The open file.
    path
        Its name, for messages.
    max_value
        The longest text in a row and column, in bytes.

    Raises
    ------
    DataError
        The file is not a complete Parquet file, or two columns have the same name.
    """

    def __init__(self, file: IO[bytes], path: str | Path, max_value: int = MAX_LINE) -> None:
        self._file, self._path = open_parquet(path, file), path
        self._stream, self._max_value = file, max_value
        self.full_schema = schema = self._file.schema_arrow
        """All columns, with the features too."""
        self.metadata: dict[bytes, bytes] = schema.metadata or {}
        notes = find_features(schema.metadata, path)
        features = notes.kinds if notes else []
        refuse_repetitions(schema, path)
        self.schema = pa.schema([field for field in schema if field.name not in features])
        names = self.schema.names
        # A name with a dot would choose a part of a column, so names are given only where it must be.
        self._columns, self._features = names if features else None, features
        self.header = Header(names, encode_row(names, Header(names, b"")))

    def _rows_of(self, group: int) -> int:
        """Return how many rows of a row group are read at a time."""
        return rows_of_batch(self._stream, self._file.metadata, group, self._path, self._features)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self._file.metadata.num_rows)

    def metadata_for(self, names: Sequence[str]) -> dict[bytes, bytes]:
        """Return what the file says of itself, for a file with these of its columns, and others.

        Features do not go along. Of what pandas notes, neither does an index that is a range and no column,
        for rows may be chosen, nor the type of names, for those of the others are texts.
        """
        carried = {key: value for key, value in self.metadata.items() if key != FEATURES_KEY}
        try:
            pandas = json.loads(carried[PANDAS_KEY])
            index = [name for name in pandas["index_columns"] if name in names]
            pandas |= {"index_columns": index, "column_indexes": []}
        except (KeyError, TypeError, ValueError, RecursionError):
            carried.pop(PANDAS_KEY, None)
        else:
            carried[PANDAS_KEY] = json.dumps(pandas).encode()
        return carried

    def ordered_categories(self) -> dict[str, pa.Array]:
        """Return the categories of each column where their order means something."""
        return ordered_categories(self._file, self._rows_of)

    def __iter__(self) -> Iterator[Record]:
        row = 0
        for batch in self.batches(range(self.n_rows), BATCH_ROWS):
            for values in zip(*map(texts, batch.columns), strict=True):
                row += 1
                yield Record(row, list(values))

    def batches(
        self, rows: range, size: int, n_bytes: int = GROUP_BYTES, first: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Iterate over rows in batches of a size, smaller ones where they hold much text and at the end.

        Values are as in the file, but categories are spelt out: batches that hold them in dictionaries
        cannot be joined and cut.

        Parameters
        ----------
        rows
            The numbers of the rows, counted from 0. Row groups before them are passed over.
        size, n_bytes, first
            Where batches end, as for `servier.tables.arrow_batches.regroup`.

        Raises
        ------
        DataError
            The file is damaged, a page needs too much memory, or a text is too long.
        """
        for table in regroup(self._read(rows), size, n_bytes, first):
            yield from table.combine_chunks().to_batches()

    def _read(self, rows: range) -> Iterator[pa.RecordBatch]:
        footer = self._file.metadata
        n_groups = footer.num_row_groups
        starts = list(accumulate((footer.row_group(i).num_rows for i in range(n_groups)), initial=0))
        first = bisect_right(starts, rows.start) - 1
        skipped, left = rows.start - starts[first], min(rows.stop, self.n_rows) - rows.start
        groups = range(first, n_groups)
        with refusing_damage(self._path):
            for batch in group_batches(self._file, groups, self._columns, self._rows_of):
                part = batch.slice(skipped, left)
                skipped -= min(skipped, len(batch))
                if len(part):
                    decoded = decode_categories(part)
                    refuse_long(decoded, rows.stop - left, self._max_value, self._path)
                    yield decoded
                left -= len(part)
                if left <= 0:
                    return


@contextmanager
def refusing_damage(path: str | Path) -> Iterator[None]:
    """Have what Arrow says of a file that it cannot read raised as an error that names the file.

    Raises
    ------
    DataError
        Arrow cannot read it.
    """
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        raise DataError(f"Arrow cannot read this Parquet file: {error}", path=path) from error
    except (pa.ArrowException, OSError) as error:
        raise DataError("this Parquet file is damaged", path=path, hint="write it again") from error


def refuse_repetitions(schema: pa.Schema, path: str | Path) -> None:
    """Refuse two columns of one name.

    Raises
    ------
    DataError
        There are some.
    """
    known: set[str] = set()
    for name in schema.names:
        if name in known:
            raise DataError(f"two columns are called {name!r}", path=path, hint="rename one")
        known.add(name)


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
        The file is absent or not a complete Parquet file, or the name of a column is no text.
    """
    try:
        return pq.ParquetFile(path if file is None else file, buffer_size=STREAM_BYTES)
    except FileNotFoundError as error:
        raise DataError("no such file", path=path) from error
    except UnicodeDecodeError as error:
        problem = "the name of a column is not Unicode"
        raise DataError(problem, path=path, hint="write it again") from error
    except (pa.ArrowException, OSError) as error:
        raise DataError("this is not a complete Parquet file", path=path, hint="write it again") from error
