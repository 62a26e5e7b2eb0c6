"""Lines of a text, whatever ends them, and their characters, whatever bytes stand for them."""

import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, cast

from servier.errors import DataError

BOM = b"\xef\xbb\xbf"
PIECE = 1 << 20
MAX_LINE = 1 << 24
"""The longest line that is accepted, in bytes, where nothing else is said."""

# A row of CR is looked through once, from its beginning: thousands of blank lines may end in CR alone.
_END = re.compile(rb"\n|\r(?:(?<!\r\r)\r*+\n)?")
_LINE = re.compile(rb"[^\r\n]*+(?:%b)" % _END.pattern)


def read_lines(stream: IO[bytes], max_line: int = MAX_LINE) -> Iterator[bytes]:
    r"""Iterate over the lines of a text, each with its ending.

    A line ends in LF, in CR and LF, or in CR alone, as for Python's universal newlines; several CR before an
    LF are one ending. The last line need not have one.

    Parameters
    ----------
    stream
        Bytes, uncompressed. Little more than `max_line` of them are held.
    max_line
        The longest line, in bytes without its ending.

    Raises
    ------
    DataError
        A line is longer.

    Examples
    --------
    >>> list(read_lines(io.BytesIO(b"smiles\rCC\r\n\nCO")))
    [b'smiles\r', b'CC\r\n', b'\n', b'CO']
    """
    return chain.from_iterable(map(split_lines, read_blocks(stream, max_line)))


def read_blocks(stream: IO[bytes], max_line: int = MAX_LINE) -> Iterator[bytes]:
    """Iterate over a text in blocks of whole lines, of about `PIECE` bytes where there are as many.

    Raises
    ------
    DataError
        As `read_lines`.
    """
    parts: list[bytes] = []  # of a line that goes on
    size = n_lines = 0
    for piece in _read_pieces(stream, max_line):
        if parts and parts[-1].endswith(b"\r") and piece[:1] not in (b"\r", b"\n"):
            n_lines += _count_ends(parts[-1])
            yield b"".join(parts)
            parts, size = [], 0
        if size + _first_line(piece, size, max_line) > max_line:
            raise too_long(max_line, n_lines + 1)
        parts.append(piece)
        size += len(piece)
        if b"\n" in piece or b"\r" in piece:
            text = b"".join(parts) if len(parts) > 1 else piece
            # The end of a line is known once something other than CR follows it.
            known = max(text.rfind(b"\n"), text.rstrip(b"\r").rfind(b"\r")) + 1
            if known:
                block = text[:known]
                n_lines += _count_ends(block)
                yield block
            parts = [text[known:]] if known < len(text) else []
            size = len(text[known:].rstrip(b"\r"))
            if len(text) - known > 2 * max_line:
                raise too_long(max_line, n_lines + 1)
    if parts:
        yield b"".join(parts)


def too_long(max_line: int, row: int, what: str = "line") -> DataError:
    """Return what refuses a line or a record that is longer than any molecule with its data."""
    hint = "--max_line accepts longer ones, if this is a table of text"
    return DataError(f"this {what} has more than {max_line:,} bytes", row=row, hint=hint)


def _read_pieces(stream: IO[bytes], max_line: int) -> Iterator[bytes]:
    """Read pieces in which no line is too long that begins and ends there."""
    size = min(PIECE, max_line)
    while piece := cast("io.BufferedIOBase", stream).read1(size):
        yield piece


def _first_line(piece: bytes, before: int, max_line: int) -> int:
    """Return how many bytes of a piece belong to the line that goes on in it; 0 where they cannot matter."""
    if before + len(piece) <= max_line:
        return 0
    found = _END.search(piece)
    return found.start() if found else len(piece)


def split_lines(text: bytes) -> list[bytes]:
    """Return the lines of a text, each with its ending, as `read_lines` reads them."""
    if b"\r\r" not in text:
        return text.splitlines(keepends=True)  # of bytes: at LF, CR and LF, and CR alone
    lines = _LINE.findall(text)
    end = text.rpartition(b"\n")[2].rpartition(b"\r")[2]
    return [*lines, end] if end else lines


def cut_endings(text: bytes) -> list[bytes]:
    """Return the lines of a text without their endings."""
    if b"\r\r" not in text:
        return text.splitlines()
    return [line.rstrip(b"\r\n") for line in split_lines(text)]


def count_lines(stream: IO[bytes], max_line: int = MAX_LINE, *, unless: bytes | None = None) -> int | None:
    """Count the lines that `read_lines` reads, which is much faster than reading them.

    Parameters
    ----------
    stream, max_line
        As for `read_lines`.
    unless
        Bytes at whose sight counting is given up; the answer is None then.

    Raises
    ------
    DataError
        As `read_lines`.
    """
    n_lines, last, size = 0, b"", 0
    open_end = b""  # CR at the end of a piece: the next one may begin with the LF that belongs to it
    for piece in _read_pieces(stream, max_line):
        if unless is not None and unless in piece:
            return None
        if size + _first_line(piece, size, max_line) > max_line:
            raise too_long(max_line, n_lines + len(open_end) + 1)
        last = piece[-1:]
        after = len(piece) - 1 - max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        size = after if after < len(piece) else size + after
        text = open_end + piece if open_end else piece
        open_end = text[len(text.rstrip(b"\r")) :] if last == b"\r" else b""
        if len(open_end) > 2 * max_line:
            raise too_long(max_line, n_lines + 1)
        n_lines += _count_ends(text[: -len(open_end)] if open_end else text)
    return n_lines + len(open_end) + (last not in (b"", b"\r", b"\n"))


def _count_ends(text: bytes) -> int:
    if b"\r" in text and text.count(b"\r\n") != text.count(b"\r"):
        return len(_END.findall(text))
    return text.count(b"\n")


def cut_marks(text: bytes) -> tuple[bytes, bytes]:
    """Return the byte-order marks before a text, which joining files may double, and the text."""
    end = 0
    while text.startswith(BOM, end):
        end += len(BOM)
    return text[:end], text[end:]


def decode(raw: bytes) -> str:
    """Return UTF-8 as text; other bytes become surrogates, from which `encode` makes the same bytes."""
    return raw.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes from which `decode` made a text."""
    return text.encode("utf-8", errors="surrogateescape")
