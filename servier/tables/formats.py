"""The formats of tables: how they are recognized, opened, counted and written."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from servier.errors import DataError
from servier.tables.files import decompress, open_file, reread, write_whole
from servier.tables.records import Header, Table
from servier.tables.text import DelimitedText, SmiText, encode_rows

if TYPE_CHECKING:
    from servier.tables.sd_records import Survey

STANDARD_STREAM = "-"
COMPRESSIONS = (".gz", ".zst")
FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".smi": "smi", ".sdf": "sdf"}


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
def open_table(path: str | Path, delimiter: str | None = None) -> Iterator[Table]:
    """Open a table of any format for reading.

    Parameters
    ----------
    path
        A CSV, TSV, SMI or SD file, plain or compressed with gzip or zstd, or a Parquet file; `-` is a CSV
        table on stdin.
    delimiter
        For delimited text; detected where it is None.

    Raises
    ------
    DataError
        The file is absent, empty, damaged, or of an unknown format. Errors raised while it is read name
        its path.
    """
    table_format(path)  # refuses an unknown format before anything is opened
    with open_file(path) as file, read_table(file, path, delimiter) as table:
        yield table


@contextmanager
def read_table(file: IO[bytes], path: str | Path, delimiter: str | None = None) -> Iterator[Table]:
    """Read a table from a file that is open already; the other parameters are those of `open_table`.

    Raises
    ------
    DataError
        As `open_table`.
    """
    kind = table_format(path)
    try:
        if kind == "parquet":
            from servier.tables.parquet import ParquetTable

            yield ParquetTable(file, path)
            return
        with decompress(file, path) as stream:
            if kind == "smi":
                yield SmiText(stream)
            elif kind == "sdf":
                from servier.tables.sdf import SdFile

                yield SdFile(stream, _survey(file, path))
            else:
                yield DelimitedText(stream, path, delimiter)
    except DataError as error:
        error.path = error.path or str(path)
        raise


def write_csv(path: str | Path, columns: list[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file, complete or not at all.

    Raises
    ------
    DataError
        The file name does not end in .csv.
    """
    if Path(path).suffix != ".csv":
        raise DataError("this is written as a CSV file", path=path, hint="end its name in .csv")
    header = Header(columns, ",".join(columns).encode())
    lines = [header.raw, *encode_rows([list(row) for row in rows], header)]
    with write_whole(path) as temporary:
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))


def count_rows(path: str | Path, delimiter: str | None = None) -> int:
    """Count the rows of a table, which is much faster than reading them.

    Raises
    ------
    DataError
        As `open_table`.
    """
    with open_file(path) as file:
        return count_rows_of(file, path, delimiter)


def count_rows_of(file: IO[bytes], path: str | Path, delimiter: str | None = None) -> int:
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
        return _survey(file, path).n_records
    if kind == "csv":
        with decompress(reread(file), path) as stream:
            n_lines = _count_lines(stream)
        if n_lines is not None:
            return max(0, n_lines - 1)
    with read_table(reread(file), path, delimiter) as table:
        rows: Iterable[object] = table.raw_records() if isinstance(table, DelimitedText) else table
        return sum(1 for _ in rows)


def _survey(file: IO[bytes], path: str | Path) -> "Survey":
    """Read an SD file once for its data fields, without disturbing those who read it already."""
    from servier.tables.sd_records import survey

    with decompress(reread(file), path) as stream:
        return survey(stream)


def _count_lines(stream: IO[bytes]) -> int | None:
    """Return the number of lines, or None where line breaks may stand inside quotation marks."""
    n_lines, last = 0, b"\n"
    while chunk := stream.read(1 << 20):
        if b'"' in chunk:
            return None
        n_lines += chunk.count(b"\n")
        last = chunk[-1:]
    return n_lines + (last != b"\n")
