"""Delimited text, read record by record.

Text is parsed no further than necessary: a record keeps its original bytes, so that identifiers such as `007`
or `1e5` are written as they were read.
"""

import logging
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import IO

from servier.errors import DataError
from servier.tables.beginning import SAMPLE_LINES, cut_header, never_closes, read_beginning
from servier.tables.lines import (
    PIECE,
    cut_endings,
    cut_marks,
    decode,
    read_blocks,
    read_lines,
    split_lines,
)
from servier.tables.quoting import (
    DETECTED,
    MAX_RECORD_LINES,
    Dialect,
    Quotes,
    closed_record,
    count_record_lines,
    split_fields,
)
from servier.tables.records import Header, Record
from servier.tables.smi import is_extended
from servier.tables.writing import encode_row

logger = logging.getLogger(__name__)


class DelimitedText:
    """A delimited text with a header line, read record by record.

    Every line after the header is a row, even a blank one. A row with too few fields is padded with empty
    ones; empty fields beyond the header are left out. A row with more is truncated and marked as a problem.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    path
        Its name, for messages.
    dialect
        What the user says of delimiter and quotation marks.

    Raises
    ------
    DataError
        The file is empty, its header names a column twice, or a quotation mark never closes.
    """

    def __init__(self, stream: IO[bytes], path: str | Path, dialect: Dialect = DETECTED) -> None:
        self.path, self._max_line = path, dialect.max_line
        blocks = read_blocks(stream, dialect.max_line)
        first, is_whole = _take_lines(blocks, SAMPLE_LINES, max(PIECE, dialect.max_line))
        mark, first = cut_marks(first)
        lines = split_lines(first)
        sample, is_whole = lines[:SAMPLE_LINES], is_whole and len(lines) <= SAMPLE_LINES
        beginning = read_beginning(sample, path, dialect, is_whole=is_whole)
        self.header = replace(beginning.header, raw=mark + beginning.header.raw)
        self.notices = beginning.notices
        self.n_lines_before = beginning.n_lines
        self._blocks = chain([b"".join(lines[beginning.n_lines :])], blocks)

    def __iter__(self) -> Iterator[Record]:
        return (self.parse(line, raw) for line, raw in self.raw_records())

    def raw_records(self, *, quietly: bool = False) -> Iterator[tuple[int, bytes]]:
        """Iterate over the line numbers and the bytes of the records, without line endings.

        Parameters
        ----------
        quietly
            Whether nothing is said of quotation marks that do not close.
        """
        first = self.n_lines_before + 1
        return _cut_records(self._blocks, self.header, self.path, first, self._max_line, quietly=quietly)

    def parse(self, line: int, raw: bytes) -> Record:
        """Split a record into one field for each column."""
        header = self.header
        fields = split_fields(decode(raw), header.delimiter, header.quotes, len(header.columns))
        if len(fields) == len(header.columns):
            return Record(line, fields, raw)
        return self._fit_to_header(line, fields, raw)

    def _fit_to_header(self, line: int, fields: list[str], raw: bytes) -> Record:
        width, delimiter = len(self.header.columns), self.header.delimiter
        if width == 1 and b'"' not in raw and is_extended(text := decode(raw)):
            return Record(line, [text], encode_row([text], self.header))
        surplus = fields[width:]
        if surplus and not any(surplus) and raw.endswith(delimiter.encode() * len(surplus)):
            return Record(line, fields[:width], raw[: -len(delimiter.encode()) * len(surplus)])
        has_more = any(field.strip() for field in surplus)
        problem = f"{len(fields)} fields where the header has {width}" if has_more else None
        fields = fields[:width] + [""] * (width - len(fields))
        return Record(line, fields, encode_row(fields, self.header), problem)


def _take_lines(blocks: Iterator[bytes], n_lines: int, n_bytes: int) -> tuple[bytes, bool]:
    """Take blocks with at least so many lines or bytes, and say whether they are all blocks."""
    taken, n_taken, size = [], 0, 0
    for block in blocks:
        taken.append(block)
        n_taken += len(split_lines(block))
        size += len(block)
        if n_taken >= n_lines or size >= n_bytes:
            return b"".join(taken), False
    return b"".join(taken), True


def _cut_records(
    blocks: Iterator[bytes], header: Header, path: str | Path, line: int, max_line: int, *, quietly: bool
) -> Iterator[tuple[int, bytes]]:
    """Cut blocks of lines into records; `line` is the number of the first line."""
    for block in blocks:
        if b'"' in block and header.quotes is not Quotes.PLAIN:
            lines = chain.from_iterable(map(split_lines, chain([block], blocks)))
            yield from _cut_quoted(lines, header, path, line, max_line, quietly=quietly)
            return
        rows = cut_endings(block)
        yield from zip(range(line, line + len(rows)), rows, strict=True)
        line += len(rows)


def _cut_quoted(
    lines: Iterator[bytes], header: Header, path: str | Path, line: int, max_line: int, *, quietly: bool
) -> Iterator[tuple[int, bytes]]:
    """Cut lines into records of which some may span several lines."""
    quotes, delimiter, width, has_said = header.quotes, header.delimiter, len(header.columns), quietly
    ends_here = closed_record(delimiter)
    for first in lines:
        if b'"' not in first or ends_here(first):
            yield line, first.rstrip(b"\r\n")
            line += 1
            continue
        ahead = deque([first])
        while ahead:
            n_lines = count_record_lines(ahead, lines, delimiter, quotes, width, max_line)
            if not n_lines and quotes is Quotes.QUOTED:
                raise never_closes(ahead, path, line, max_line)
            if not n_lines and not has_said:
                has_said = True
                problem = "a quotation mark opens here and does not close: the line is a row by itself"
                logger.warning("%s", DataError(problem, path=path, row=line))
            taken = [ahead.popleft() for _ in range(n_lines or 1)]
            yield line, b"".join(taken).rstrip(b"\r\n")
            line += len(taken)


def read_written(stream: IO[bytes], path: str | Path, header: Header) -> Iterator[tuple[bytes, list[str]]]:
    """Iterate over the records of a text that was written with this header, and over their fields."""
    blocks = read_blocks(stream, sys.maxsize)
    blocks = chain([cut_marks(next(blocks, b""))[1]], blocks)
    records = _cut_records(blocks, header, path, 1, sys.maxsize, quietly=True)
    for _, raw in islice(records, 1, None):
        yield raw, split_fields(decode(raw), header.delimiter, header.quotes, len(header.columns))


def read_header(stream: IO[bytes], delimiter: str, quotes: Quotes) -> Header:
    """Read the header of a text that was written with this delimiter and these quotation marks."""
    lines = list(islice(read_lines(stream, sys.maxsize), MAX_RECORD_LINES))
    mark, first = cut_marks(lines[0])
    header, _ = cut_header([first, *lines[1:]], delimiter, quotes)
    return replace(header, raw=mark + header.raw)
