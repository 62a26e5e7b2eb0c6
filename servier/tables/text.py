"""Delimited text and SMI files.

Text is parsed no further than necessary: a record keeps its original bytes, so that identifiers such as `007`
or `1e5` are written as they were read.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

from servier.errors import DataError
from servier.tables.lines import encode
from servier.tables.records import Header, Record

DELIMITERS = (",", "\t", ";")
BOM = b"\xef\xbb\xbf"
MAX_RECORD_LINES = 1_000

csv.field_size_limit(2**31 - 1)


class DelimitedText:
    """A delimited text with a header line, read record by record.

    Every line after the header is a row, even a blank one. A row with too few fields is padded with empty
    ones; a row with too many is truncated and marked as a problem.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    path
        Its name, for messages.
    delimiter
        The separator of fields; None to detect it.

    Raises
    ------
    DataError
        The file is empty, its header names a column twice, or a quotation mark never closes.
    """

    def __init__(self, stream: IO[bytes], path: str | Path, delimiter: str | None = None) -> None:
        self.path = path
        self._lines = enumerate(stream, start=1)
        self.header = self._read_header(delimiter)

    def _read_header(self, delimiter: str | None) -> Header:
        _, first = next(self._lines, (0, b""))
        if not first.strip():
            raise DataError("this file is empty", path=self.path, hint="it needs a header line and rows")
        newline = b"\r\n" if first.endswith(b"\r\n") else b"\n"
        raw = first.rstrip(b"\r\n")
        text = raw.removeprefix(BOM).decode("utf-8", errors="replace")
        delimiter = delimiter or detect_delimiter(text, self.path)
        if "\x00" in text or text.startswith("\ufffd"):
            hint = "save it as UTF-8"
            raise DataError(
                "this is not a text in UTF-8, but perhaps in UTF-16", path=self.path, row=1, hint=hint
            )
        if delimiter not in text and any(other in text for other in DELIMITERS):
            raise DataError(
                f"no {delimiter!r} in the header line", path=self.path, row=1, hint="leave --delimiter out"
            )
        columns = [name.strip() for name in split_fields(text, delimiter)]
        if len(set(columns)) < len(columns):
            twice = next(name for name in columns if columns.count(name) > 1)
            raise DataError(f"two columns are called {twice!r}", path=self.path, row=1, hint="rename one")
        return Header(columns, raw, delimiter, newline)

    def __iter__(self) -> Iterator[Record]:
        return (self.parse(line, raw) for line, raw in self.raw_records())

    def raw_records(self) -> Iterator[tuple[int, bytes]]:
        """Iterate over the line numbers and the bytes of the records, without line endings."""
        for line, first in self._lines:
            raw = self._complete(line, first) if b'"' in first else first
            yield line, raw.rstrip(b"\r\n")

    def parse(self, line: int, raw: bytes) -> Record:
        """Split a record into one field for each column."""
        fields = split_fields(raw.decode("utf-8", errors="replace"), self.header.delimiter)
        if len(fields) == len(self.header.columns):
            return Record(line, fields, raw)
        return self._fit_to_header(line, fields)

    def _fit_to_header(self, line: int, fields: list[str]) -> Record:
        width = len(self.header.columns)
        problem = f"{len(fields)} fields where the header has {width}" if len(fields) > width else None
        fields = fields[:width] + [""] * (width - len(fields))
        return Record(line, fields, encode_row(fields, self.header), problem)

    def _complete(self, line: int, raw: bytes) -> bytes:
        delimiter = self.header.delimiter.encode()
        n_lines = 1
        while _ends_inside_quotes(raw, delimiter):
            _, more = next(self._lines, (0, b""))
            n_lines += 1
            if not more or n_lines > MAX_RECORD_LINES:
                hint = "close it, or double it if it belongs to the text"
                raise DataError(
                    "a quotation mark opens here and never closes", path=self.path, row=line, hint=hint
                )
            raw += more
        return raw


class SmiText:
    """A SMI file: on each line a SMILES string, then white space and a name; no header line.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.header = Header(["smiles", "name"], b"smiles,name")

    def __iter__(self) -> Iterator[Record]:
        for line, raw in enumerate(self._stream, start=1):
            fields = raw.decode("utf-8", errors="replace").split(maxsplit=1)
            fields = [field.strip() for field in fields] + [""] * (2 - len(fields))
            yield Record(line, fields)


def detect_delimiter(line: str, path: str | Path = "") -> str:
    """Return the most frequent delimiter of a header line, or a comma if there is none."""
    if ".tsv" in Path(path).suffixes:
        return "\t"
    unquoted = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def split_fields(text: str, delimiter: str) -> list[str]:
    """Return the fields of one record; an empty record has none."""
    if '"' not in text:
        return text.split(delimiter) if text else []
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


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
    """Return records of delimited text, with fields quoted where necessary, without line endings."""
    written: list[str] = []
    writer: Any = SimpleNamespace(write=written.append)  # the writer passes one row at a time
    # Fields that contain a character of the line terminator are quoted, so it must have both.
    csv.writer(writer, delimiter=header.delimiter, lineterminator="\r\n").writerows(rows)
    return [encode(row[:-2]) for row in written]


def encode_row(fields: Iterable[object], header: Header) -> bytes:
    """Return one record of delimited text, with fields quoted where necessary, without the line ending."""
    return encode_rows([fields], header)[0]


def _ends_inside_quotes(raw: bytes, delimiter: bytes) -> bool:
    """Return whether a record continues on the next line; only a quote that starts a field counts."""
    position = 0
    while True:
        if raw[position : position + 1] == b'"':
            position = _closing_quote(raw, position + 1)
            if position < 0:
                return True
        position = raw.find(delimiter, position)
        if position < 0:
            return False
        position += 1


def _closing_quote(raw: bytes, position: int) -> int:
    while True:
        position = raw.find(b'"', position)
        if position < 0 or raw[position + 1 : position + 2] != b'"':
            return position
        position += 2
