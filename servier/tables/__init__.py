"""Tables on disk: detect their columns, read them row by row, write them whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servier.errors import DataError
from servier.tables.columns import ID_NAMES, SMILES_NAMES, find_column, require_smiles_column
from servier.tables.files import open_binary, write_whole
from servier.tables.records import Header, Record, Table
from servier.tables.text import DelimitedText, SmiText, encode_row

__all__ = [
    "ID_NAMES",
    "SMILES_NAMES",
    "Header",
    "Record",
    "Table",
    "encode_row",
    "find_column",
    "open_table",
    "require_smiles_column",
    "table_format",
    "write_whole",
]

FORMATS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet", ".smi": "smi", ".sdf": "sdf"}


def table_format(path: str | Path) -> str:
    """Return `csv`, `parquet`, `smi` or `sdf`, by the file's suffix.

    Raises
    ------
    DataError
        A suffix that no format has.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    found = FORMATS.get(suffixes[-1] if suffixes else "")
    if found is None:
        mend = f"use one of {', '.join(FORMATS)}, or .gz after a text format"
        raise DataError("unknown file format", path=path, mend=mend)
    return found


@contextmanager
def open_table(path: str | Path, delimiter: str | None = None) -> Iterator[Table]:
    """Open a table of any format for reading.

    Parameters
    ----------
    path
        A CSV, TSV, SMI or SD file, plain or gzip-compressed, or a Parquet file.
    delimiter
        For delimited text; detected where it is None.

    Raises
    ------
    DataError
        The file is absent, empty, damaged, or of an unknown format. Errors raised while it is read carry
        its path.
    """
    kind = table_format(path)
    try:
        if kind == "parquet":
            from servier.tables.parquet import ParquetTable

            yield ParquetTable(path)
            return
        with open_binary(path) as stream:
            if kind == "smi":
                yield SmiText(stream)
            elif kind == "sdf":
                from servier.tables.sdf import SdFile

                yield SdFile(stream, path)
            else:
                yield DelimitedText(stream, path, delimiter)
    except DataError as error:
        error.path = error.path or str(path)
        raise
