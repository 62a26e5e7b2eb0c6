"""Quotation marks in delimited text: where they quote fields, and where a record ends."""

import csv
import io
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from servier.tables.lines import MAX_LINE, decode

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
    """What the user says of a text; None where it is to be detected.

    Parameters
    ----------
    delimiter
        The separator of fields.
    quotes
        Whether quotation marks quote.
    max_line
        The longest line that is accepted, and the longest record of several lines, in bytes.
    """

    delimiter: str | None = None
    quotes: Quotes | None = None
    max_line: int = MAX_LINE


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
    ahead: deque[bytes],
    more: Iterator[bytes],
    delimiter: str,
    quotes: Quotes,
    width: int | None,
    max_bytes: int = sys.maxsize,
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
    max_bytes
        How long a record of several lines may be.

    Notes
    -----
    With `Quotes.CLOSED` a field that goes on in the next line counts as closed only if the record then has
    one field for each column, of which there are two or more, and no delimiter in quotes. All its lines
    together have as many delimiters as one row, so they cannot have been several rows.

    With `Quotes.QUOTED` a field that goes on in the next line and is followed by text does not close: where
    quotation marks inside a field are written as `\\"`, it would take in other rows.
    """
    if quotes is Quotes.PLAIN:
        return 1
    raw = bytearray(ahead[0])
    n_lines = _add_lines(raw, ahead, more, delimiter.encode(), quotes, max_bytes)
    if quotes is Quotes.CLOSED and n_lines > 1:
        return n_lines if _is_one_row(bytes(raw), delimiter, width) else 0
    return n_lines


def _add_lines(
    raw: bytearray,
    ahead: deque[bytes],
    more: Iterator[bytes],
    separator: bytes,
    quotes: Quotes,
    max_bytes: int,
) -> int:
    """Add lines to the first one until no quotation mark is open; return how many they are, or 0.

    Each byte is looked at once, however many lines there are.
    """
    n_lines = 1
    unseen = start = _find_open_quote(raw, separator, 0)
    while start >= 0:
        if n_lines == MAX_RECORD_LINES or not _look_ahead(ahead, more, n_lines):
            return 0
        looked_at = len(raw)
        raw += ahead[n_lines]
        n_lines += 1
        end = _find_closing_quote(raw, looked_at)
        if quotes is Quotes.CLOSED:
            is_other = raw.find(separator, unseen, len(raw) if end < 0 else end) >= 0
        else:
            is_other = end >= 0 and _goes_on(raw, end, separator)
        if is_other or len(raw) > max_bytes:
            return 0
        unseen = len(raw)
        if end >= 0:
            following = raw.find(separator, end)
            start = -1 if following < 0 else _find_open_quote(raw, separator, following + len(separator))
            unseen = start
    return n_lines


def _goes_on(raw: bytearray, end: int, separator: bytes) -> bool:
    """Return whether text follows the field in quotes that ends at a position."""
    if raw[end + 1 : end + 2] in (separator, b"\r", b"\n"):
        return False
    return raw[end + 1 :].lstrip(b" ")[:1] not in (b"", b"\r", b"\n", separator)


def _is_one_row(raw: bytes, delimiter: str, width: int | None) -> bool:
    """Return whether lines have together as many fields as a row, and as many delimiters."""
    text = decode(raw.rstrip(b"\r\n"))
    n_fields = len(split_fields(text, delimiter, Quotes.QUOTED))
    fits = n_fields > 1 and width in (None, n_fields) and text.count(delimiter) == n_fields - 1
    return fits and is_well_quoted(text, delimiter)


def _look_ahead(ahead: deque[bytes], more: Iterator[bytes], place: int) -> bool:
    """Say whether there is a line at a place; the next one is added for it where that is needed."""
    if place == len(ahead) and (line := next(more, b"")):
        ahead.append(line)
    return place < len(ahead)


def _find_open_quote(raw: bytearray, separator: bytes, position: int) -> int:
    """Return where a field in quotes starts that does not end, or -1; only a quote at its start counts.

    Parameters
    ----------
    raw, separator
        A record, and what separates its fields.
    position
        The start of the first field to look at.
    """
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


def _find_closing_quote(raw: bytearray, position: int) -> int:
    while True:
        position = raw.find(b'"', position)
        if position < 0 or raw[position + 1 : position + 2] != b'"':
            return position
        position += 2
