"""Records of delimited text as bytes."""

import csv
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from servier.tables.lines import encode
from servier.tables.quoting import Quotes
from servier.tables.records import Header


def encode_predictions(rows: Iterable[Iterable[object]], header: Header) -> list[bytes]:
    """Return the bytes to append to each record: delimiter, fields and line ending.

    Parameters
    ----------
    rows
        Values; None is an empty field.
    header
        The header of the table.
    """
    delimiter = header.delimiter.encode()
    return [delimiter + row + header.newline for row in encode_rows(rows, header)]


def encode_rows(rows: Iterable[Iterable[object]], header: Header) -> list[bytes]:
    """Return records of delimited text, with fields quoted where necessary, without line endings.

    Where quotation marks are plain characters nothing can be quoted: blanks take the place of delimiters and
    line breaks inside a field.
    """
    if header.quotes is Quotes.PLAIN:
        blanks = str.maketrans(dict.fromkeys(f"{header.delimiter}\r\n", " "))
        return [
            encode(
                header.delimiter.join("" if value is None else str(value).translate(blanks) for value in row)
            )
            for row in rows
        ]
    written: list[str] = []
    writer: Any = SimpleNamespace(write=written.append)  # the writer passes one row at a time
    # Fields that contain a character of the line terminator are quoted, so it must have both.
    csv.writer(writer, delimiter=header.delimiter, lineterminator="\r\n").writerows(rows)
    return [encode(row[:-2]) for row in written]


def encode_row(fields: Iterable[object], header: Header) -> bytes:
    """Return one record of delimited text, with fields quoted where necessary, without the line ending."""
    return encode_rows([fields], header)[0]
