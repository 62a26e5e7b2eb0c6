"""The formats of tables: how they are recognized, opened, counted and written."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from servier.errors import DataError
from servier.tables.encoding import UTF_8, UnicodeTable, detect_encoding
from servier.tables.files import STANDARD_STREAM, decompress, open_file, reread, write_whole
from servier.tables.lines import count_lines
from servier.tables.quoting import DETECTED, Dialect, Quotes
from servier.tables.records import Header, Table
from servier.tables.smi import SmiText
from servier.tables.stamps import Watch
from servier.tables.text import DelimitedText
from servier.tables.writing import encode_row, encode_rows

if TYPE_CHECKING:
    from servier.tables.sd_records import Survey

COMPRESSIONS = (".gz", ".zst")
FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".smi": "smi", ".sdf": "sdf"}

logger = logging.getLogger(__name__)


def table_format(path: str | Path) -> str:
    """Return `csv`, `parquet`, `smi` or `sdf`, by the file's suffix.

    Raises
    ------
    DataError
        No format has this suffix.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if str(path) == STANDARD_STREAM:
        return "csv"
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    found = FORMATS.get(suffixes[-1] if suffixes else "")
    if found is None:
        hint = f"use one of {', '.join(FORMATS)}, or .gz or .zst after a text format"
        raise DataError("unknown file format", path=path, hint=hint)
    return found


@contextmanager
def open_table(path: str | Path, dialect: Dialect = DETECTED, *, as_unicode: bool = False) -> Iterator[Table]:
    """Open a table of any format for reading.

    Parameters
    ----------
    path
        A CSV, TSV, SMI or SD file, plain or compressed with gzip or zstd, or a Parquet file; `-` is a CSV
        table on stdin.
    dialect
        What the user says of delimited text.
    as_unicode
        Whether the table is for something that holds only Unicode. Otherwise bytes that are not UTF-8 become
        surrogates, from which `servier.tables.lines.encode` makes the same bytes.

    Raises
    ------
    DataError
        The file is absent, empty, damaged, or of an unknown format. Errors raised while it is read name
        its path.
    InputChangedError
        It has changed by the end of the `with` block.
    """
    table_format(path)  # refuses an unknown format before anything is opened
    with (
        open_file(path) as file,
        Watch(path, file).watching(),
        read_table(file, path, dialect, as_unicode=as_unicode) as table,
    ):
        yield table


@contextmanager
def read_table(
    file: IO[bytes], path: str | Path, dialect: Dialect = DETECTED, *, as_unicode: bool = False
) -> Iterator[Table]:
    """Read a table from a file that is open already; the other parameters are those of `open_table`.

    What was decided about the file and is not plain to see is logged.

    Raises
    ------
    DataError
        As `open_table`.
    """
    with _read(file, path, dialect) as table:
        for notice in getattr(table, "notices", ()):
            logger.info("%s: %s", path, notice)
        if as_unicode and table_format(path) != "parquet":
            yield UnicodeTable(table, _find_encoding(file, path), path)
        else:
            yield table


@contextmanager
def _read(file: IO[bytes], path: str | Path, dialect: Dialect) -> Iterator[Table]:
    kind = table_format(path)
    try:
        if kind == "parquet":
            from servier.tables.parquet import ParquetTable

            yield ParquetTable(file, path, dialect.max_line)
            return
        with decompress(file, path) as stream:
            if kind == "smi":
                yield SmiText(stream, dialect.max_line)
            elif kind == "sdf":
                from servier.tables.sdf import SdFile

                yield SdFile(stream, _survey(file, path, dialect.max_line), dialect.max_line)
            else:
                yield DelimitedText(stream, path, dialect)
    except DataError as error:
        error.path = error.path or str(path)
        raise


def _find_encoding(file: IO[bytes], path: str | Path) -> str | None:
    """Look through a whole file for its encoding, which is None for a stream; say so if it is not UTF-8."""
    if str(path) == STANDARD_STREAM:
        return None
    with decompress(reread(file), path) as stream:
        encoding = detect_encoding(stream)
    if encoding != UTF_8:
        logger.warning("%s: this text is not UTF-8; it is read as %s", path, encoding)
    return encoding


def write_csv(path: str | Path, columns: list[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, complete or not at all.

    Raises
    ------
    DataError
        The file name does not end in .csv.
    """
    if Path(path).suffix != ".csv":
        raise DataError("this is written as a CSV file", path=path, hint="end its name in .csv")
    header = Header(columns, b"")
    lines = [encode_row(columns, header), *encode_rows([list(row) for row in rows], header)]
    with write_whole(path) as temporary:
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))


def count_rows(path: str | Path, dialect: Dialect = DETECTED) -> int:
    """Count the rows of a table, which is much faster than reading them.

    Raises
    ------
    DataError
        As `open_table`.
    """
    with open_file(path) as file:
        return count_rows_of(file, path, dialect)


def count_rows_of(file: IO[bytes], path: str | Path, dialect: Dialect = DETECTED) -> int:
    """Count the rows of a table in a file that is open already, and perhaps half read.

    Raises
    ------
    DataError
        As `open_table`.
    """
    kind = table_format(path)
    if kind == "parquet":
        from servier.tables.parquet import ParquetTable

        return ParquetTable(file, path).n_rows
    if kind == "sdf":
        return _survey(file, path, dialect.max_line).n_records
    with _read(reread(file), path, dialect) as table:
        if isinstance(table, DelimitedText | SmiText):
            is_plain = isinstance(table, SmiText) or table.header.quotes is Quotes.PLAIN
            with decompress(reread(file), path) as stream:
                n_lines = count_lines(stream, dialect.max_line, unless=None if is_plain else b'"')
            if n_lines is not None:
                return n_lines - table.n_lines_before
        rows: Iterable[object] = (
            table.raw_records(quietly=True) if isinstance(table, DelimitedText) else table
        )
        return sum(1 for _ in rows)


def _survey(file: IO[bytes], path: str | Path, max_record: int) -> "Survey":
    """Read an SD file once for its data fields, without disturbing those who read it already."""
    from servier.tables.sd_records import survey

    with decompress(reread(file), path) as stream:
        return survey(stream, max_record)
