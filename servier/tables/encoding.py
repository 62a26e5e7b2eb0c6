"""Text that is not UTF-8, for what can hold nothing else: Parquet files, labels, names of targets."""

import codecs
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

from servier.tables.lines import PIECE, encode
from servier.tables.records import Record, Table

UTF_8 = "UTF-8"
WINDOWS_1252 = "Windows-1252"

_OF_WINDOWS = {
    byte: bytes([byte]).decode("cp1252", errors="ignore") or chr(byte) for byte in range(0x80, 0xA0)
}

logger = logging.getLogger(__name__)


class UnicodeTable:
    """A table of text whose names and fields are Unicode, whatever bytes the file holds.

    Parameters
    ----------
    table
        The table, with bytes that are not UTF-8 as surrogates (`servier.tables.lines.decode`).
    encoding
        The encoding of the whole file. None where that is not known, as of a stream: what is not UTF-8 is
        Windows-1252 then, field by field.
    path
        Its name, for messages.
    """

    def __init__(self, table: Table, encoding: str | None, path: str | Path) -> None:
        self._table, self._encoding, self._path = table, encoding, path
        self._has_warned = False
        header = table.header
        columns = [self._translate(name) for name in header.columns]
        self.header = replace(header, columns=columns)
        self.n_rows: int | None = getattr(table, "n_rows", None)

    def __iter__(self) -> Iterator[Record]:
        translate = self._translate
        for record in self._table:
            if all(map(str.isascii, record.fields)):
                yield record
            else:
                yield record._replace(fields=[translate(field) for field in record.fields])

    def _translate(self, text: str) -> str:
        if text.isascii() or self._encoding == UTF_8:
            return text
        if self._encoding is not None:
            return decode_windows(encode(text))
        translated = readable(text)
        if translated != text and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "%s: not all of it is UTF-8; the other fields are read as %s", self._path, WINDOWS_1252
            )
        return translated


def detect_encoding(stream: IO[bytes]) -> str:
    """Return `UTF-8` if all of a text is, or else `Windows-1252`."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := stream.read(PIECE):
            if not piece.isascii() or decoder.getstate()[0]:
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return WINDOWS_1252
    return UTF_8


def decode_windows(raw: bytes) -> str:
    """Return Windows-1252 as text; the five bytes that it does not define are those of Latin-1.

    References
    ----------
    https://encoding.spec.whatwg.org/#legacy-single-byte-encodings
    """
    return raw.decode("latin-1").translate(_OF_WINDOWS)


def readable(text: str) -> str:
    """Return a text as it is if it was UTF-8, or else as Windows-1252."""
    if text.isascii():
        return text
    raw = encode(text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return decode_windows(raw)
