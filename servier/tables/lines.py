"""Lines of a text, whatever ends them, and their characters, whatever bytes stand for them."""

import re
from collections.abc import Iterator
from typing import IO

from servier.errors import DataError

PIECE = 1 << 20
MAX_LINE = 1 << 26

_LINE = re.compile(rb"[^\r\n]*(?:\r*\n|\r)")


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    r"""Iterate over the lines of a text, each with its ending.

    A line ends in LF, in CR and LF, or in CR alone, as for Python's universal newlines; several CR before an
    LF are one ending. The last line need not have one.

    Parameters
    ----------
    stream
        Bytes, uncompressed. At most `MAX_LINE` of them are held.

    Raises
    ------
    DataError
        A line is longer than `MAX_LINE` bytes.

    Examples
    --------
    >>> list(read_lines(io.BytesIO(b"smiles\rCC\r\n\nCO")))
    [b'smiles\r', b'CC\r\n', b'\n', b'CO']
    """
    rest = b""
    while piece := stream.readline(PIECE):
        if rest:
            piece, rest = rest + piece, b""
        if piece.endswith(b"\n"):
            if b"\r" in piece.rstrip(b"\r\n"):
                yield from _LINE.findall(piece)
            else:
                yield piece
            continue
        # The end of a line is known once something other than CR follows it.
        known = piece.rstrip(b"\r").rfind(b"\r") + 1
        yield from _LINE.findall(piece, 0, known)
        rest = piece[known:]
        if len(rest) > MAX_LINE:
            raise DataError(f"a line of more than {MAX_LINE:,} bytes", hint="this is not a table of text")
    yield from _LINE.findall(rest)
    if last := rest.rpartition(b"\r")[2]:
        yield last


def decode(raw: bytes) -> str:
    """Return UTF-8 as text; other bytes become surrogates, from which `encode` makes the same bytes."""
    return raw.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes from which `decode` made a text."""
    return text.encode("utf-8", errors="surrogateescape")
