"""Quotation marks in delimited text: where they quote fields, and where a record ends."""

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from servier.tables.lines import decode

MAX_RECORD_LINES = 1_000

csv.field_size_limit(2**31 - 1)


class Quotes(StrEnum):
    """What a quotation mark at the start of a field means.

    `QUOTED` is RFC 4180: it opens a field in quotes, which has to close. `PLAIN` is a character like any
    other, as in IANA's text/tab-separated-values. `CLOSED` quotes a field only where that field closes in its
    own row; a quotation mark that does not close is text, so that no row takes in another one.
    """

    QUOTED = "quoted"
    PLAIN = "plain"
    CLOSED = "closed"


@dataclass(frozen=True)
class Dialect:
    """What the user says of delimited text; None where it is to be detected.

    Parameters
    ----------
    delimiter
        The separator of fields.
    quotes
        Whether quotation marks quote.
    """

    delimiter: str | None = None
    quotes: Quotes | None = None


DETECTED = Dialect()


def split_fields(
    text: str, delimiter: str, quotes: Quotes = Quotes.QUOTED, width: int | None = None
) -> list[str]:
    """Return the fields of one record; an empty record has none.

    With `Quotes.CLOSED` a record that has one field for each of `width` columns only if quotation marks are
    text is read in that way.
    """
    if '"' not in text or quotes is Quotes.PLAIN:
        return text.split(delimiter) if text else []
    fields = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if quotes is Quotes.CLOSED:
        plain = text.split(delimiter)
        if len(plain) == width != len(fields) or not is_well_quoted(text, delimiter):
            return plain
    return fields


def is_well_quoted(text: str, delimiter: str) -> bool:
    """Return whether each field that begins with a quotation mark is in quotes to its end."""
    return _well_quoted(delimiter).fullmatch(text) is not None


def has_quoted_field(text: str, delimiter: str) -> bool:
    """Return whether a field begins with a quotation mark."""
    return text.startswith('"') or f'{delimiter}"' in text


@cache
def _well_quoted(delimiter: str) -> re.Pattern[str]:
    separator = re.escape(delimiter)
    field = rf'(?:"(?:[^"]++|"")*+"|(?!")[^{separator}]*+)'
    return re.compile(rf"{field}(?:{separator}{field})*+", re.DOTALL)


@cache
def closed_record(delimiter: str) -> Callable[[bytes], object]:
    """Return what says at a glance of most lines that have quotation marks that a record ends with them."""
    separator = re.escape(delimiter.encode())
    field = rb'(?:"[^"]*+"|[^"%b]*+)' % separator
    return re.compile(rb"(?:%b%b)*+%b\r*\n?" % (field, separator, field)).fullmatch


def count_record_lines(
    ahead: deque[bytes], more: Iterator[bytes], delimiter: str, quotes: Quotes, width: int | None
) -> int:
    """Return of how many lines a record consists; 0 where a quotation mark opens in it that does not close.

    Parameters
    ----------
    ahead
        The lines that were looked at already, the first of which begins the record. Further ones are added.
    more
        The lines after them.
    delimiter, quotes
        How fields are separated and quoted.
    width
        The number of columns; None for the header.

    Notes
    -----
    With `Quotes.CLOSED` a field that goes on in the next line counts as closed only if the record then has
    one field for each column, of which there are two or more, and no delimiter in quotes. All its lines
    together have as many delimiters as one row, so they cannot have been several rows.

    With `Quotes.QUOTED` a field that goes on in the next line and is followed by text does not close: where
    quotation marks inside a field are written as `\\"`, it would take in other rows.
    """
    raw, n_lines, separator = ahead[0], 1, delimiter.encode()
    if quotes is Quotes.PLAIN:
        return 1
    while (start := _find_open_quote(raw, separator)) >= 0:
        if n_lines == MAX_RECORD_LINES:
            return 0
        if n_lines == len(ahead):
            line = next(more, b"")
            if not line:
                return 0
            ahead.append(line)
        raw += ahead[n_lines]
        n_lines += 1
        is_other = _holds_delimiter if quotes is Quotes.CLOSED else _goes_on
        if is_other(raw, start, separator):
            return 0
    if quotes is Quotes.CLOSED and n_lines > 1:
        text = decode(raw.rstrip(b"\r\n"))
        n_fields = len(split_fields(text, delimiter, Quotes.QUOTED))
        fits = n_fields > 1 and width in (None, n_fields) and text.count(delimiter) == n_fields - 1
        return n_lines if fits and is_well_quoted(text, delimiter) else 0
    return n_lines


def _holds_delimiter(raw: bytes, start: int, separator: bytes) -> bool:
    """Return whether the field in quotes that starts at a position holds a delimiter."""
    end = _find_closing_quote(raw, start + 1)
    return raw.find(separator, start, len(raw) if end < 0 else end) >= 0


def _goes_on(raw: bytes, start: int, separator: bytes) -> bool:
    """Return whether text follows the field in quotes that starts at a position."""
    end = _find_closing_quote(raw, start + 1)
    if end < 0 or raw[end + 1 : end + 2] in (separator, b"\r", b"\n"):
        return False
    return raw[end + 1 :].lstrip(b" ")[:1] not in (b"", b"\r", b"\n", separator)


def _find_open_quote(raw: bytes, separator: bytes) -> int:
    """Return where a field in quotes starts that does not end, or -1; only a quote at its start counts."""
    position = 0
    while True:
        start = position
        if raw[position : position + 1] == b'"':
            position = _find_closing_quote(raw, position + 1)
            if position < 0:
                return start
        position = raw.find(separator, position)
        if position < 0:
            return -1
        position += len(separator)


def _find_closing_quote(raw: bytes, position: int) -> int:
    while True:
        position = raw.find(b'"', position)
        if position < 0 or raw[position + 1 : position + 2] != b'"':
            return position
        position += 2
