"""The input of a run, opened once: its rows, what identifies it, and what it says of features."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from servier.tables import (
    DETECTED,
    STANDARD_STREAM,
    Dialect,
    Table,
    Watch,
    count_rows_of,
    open_file,
    read_table,
    table_format,
)

if TYPE_CHECKING:
    from servier.features.feature_file import FeatureSpecification
    from servier.tables.parquet import ParquetTable

EDGE = 1 << 20


class Source:
    """An open table.

    Parameters
    ----------
    path
        Its name; `-` is stdin.
    file
        The open file.
    table
        The rows in it.
    watch
        Notices when the file changes.
    dialect
        What the user says of delimited text.
    """

    def __init__(
        self, path: Path, file: IO[bytes], table: Table, watch: Watch, dialect: Dialect = DETECTED
    ) -> None:
        self.path, self.table, self.watch = path, table, watch
        self._file, self._dialect = file, dialect
        self.is_stream = str(path) == STANDARD_STREAM

    def identity(self, *, is_part: bool = False) -> dict[str, Any]:
        """Return the size of the file and what identifies its content; of a stream nothing.

        Parameters
        ----------
        is_part
            Whether it is only one of many runs that read a part each: then not the whole file is read for it,
            but its first and last megabyte.
        """
        if self.is_stream:
            return {}
        descriptor = self._file.fileno()
        size = os.fstat(descriptor).st_size
        if not is_part:
            return {"size": size, "sha256": self.watch.digest()}
        sha = hashlib.sha256(_read_at(descriptor, 0, EDGE))
        sha.update(_read_at(descriptor, max(0, size - EDGE), EDGE))
        return {"size": size, "sha256 of both ends": sha.hexdigest()}

    @cached_property
    def n_rows(self) -> int | None:
        """The number of rows, counted when it is first asked for; None for a stream."""
        if self.is_stream:
            return None
        known: int | None = getattr(self.table, "n_rows", None)
        return known if known is not None else count_rows_of(self._file, self.path, self._dialect)

    @cached_property
    def features(self) -> "FeatureSpecification | None":
        """What a feature Parquet file says of its features; None for any other table."""
        if self._parquet is None:
            return None
        from servier.features.feature_file import FeatureSpecification

        return FeatureSpecification.find(self._parquet.full_schema, self.path)

    @cached_property
    def _parquet(self) -> "ParquetTable | None":
        """The table as a Parquet file. What reads those is loaded for them alone."""
        if table_format(self.path) != "parquet":
            return None
        from servier.tables.parquet import ParquetTable

        assert isinstance(self.table, ParquetTable)
        return self.table


@contextmanager
def open_source(path: Path, dialect: Dialect = DETECTED, *, as_unicode: bool = False) -> Iterator[Source]:
    """Open the input of a run.

    Parameters
    ----------
    path
        A table of any format, a feature Parquet file, or `-` for stdin.
    dialect, as_unicode
        As in `servier.tables.open_table`.

    Raises
    ------
    DataError
        As `servier.tables.open_table`.
    """
    table_format(path)  # refuses an unknown format before anything is opened
    with open_file(path) as file:
        watch = Watch(path, file)
        with read_table(file, path, dialect, as_unicode=as_unicode) as table:
            yield Source(path, file, table, watch, dialect)


def _read_at(descriptor: int, position: int, size: int) -> bytes:
    """Read bytes from a place in an open file, without disturbing those who read it already."""
    found = b""
    while len(found) < size and (more := os.pread(descriptor, size - len(found), position + len(found))):
        found += more
    return found
