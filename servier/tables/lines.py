"""Lines of a text, whatever ends them, and their characters, whatever bytes stand for them."""

import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO, cast

from servier.errors import DataError

BOM = b"\xef\xbb\xbf"
PIECE = 1 << 20
MAX_LINE = 1 << 26

# A row of CR is looked through once, from its beginning: thousands of blank lines may end in CR alone.
_END = re.compile(rb"\n|\r(?:(?<!\r\r)\r*+\n)?")
_LINE = re.compile(rb"[^\r\n]*+(?:%b)" % _END.pattern)


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
    return chain.from_iterable(map(split_lines, read_blocks(stream)))


def read_blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Iterate over a text in blocks of whole lines, of about `PIECE` bytes where there are as many.

    Raises
    ------
    DataError
        As `read_lines`.
    """
    parts: list[bytes] = []
    size = 0
    while piece := cast("io.BufferedIOBase", stream).read1(PIECE):
        parts.append(piece)
        size += len(piece)
        if b"\n" in piece or b"\r" in piece:
            text = b"".join(parts) if len(parts) > 1 else piece
            # The end of a line is known once something other than CR follows it.
            known = max(text.rfind(b"\n"), text.rstrip(b"\r").rfind(b"\r")) + 1
            if known:
                yield text[:known]
            parts, size = [text[known:]] if known < len(text) else [], len(text) - known
        if size > MAX_LINE:
            raise DataError(f"a line of more than {MAX_LINE:,} bytes", hint="this is not a table of text")
    if parts:
        yield b"".join(parts)


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


def count_lines(stream: IO[bytes], *, unless: bytes | None = None) -> int | None:
    """Count the lines that `read_lines` reads, which is much faster than reading them.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    unless
        Bytes at whose sight counting is given up; the answer is None then.
    """
    n_lines, last = 0, b""
    open_end = b""  # CR at the end of a piece: the next one may begin with the LF that belongs to it
    while piece := stream.read(PIECE):
        if unless is not None and unless in piece:
            return None
        last = piece[-1:]
        piece = open_end + piece if open_end else piece
        open_end = piece[len(piece.rstrip(b"\r")) :] if last == b"\r" else b""
        n_lines += _count_ends(piece[: -len(open_end)] if open_end else piece)
    return n_lines + len(open_end) + (last not in (b"", b"\r", b"\n"))


def _count_ends(text: bytes) -> int:
    if b"\r" in text and text.count(b"\r\n") != text.count(b"\r"):
        return len(_END.findall(text))
    return text.count(b"\n")


def cut_marks(text: bytes) -> tuple[bytes, bytes]:
    """Return the byte-order marks before a text, which joining files may double, and the text."""
    rest = text
    while rest.startswith(BOM):
        rest = rest.removeprefix(BOM)
    return text[: len(text) - len(rest)], rest


def decode(raw: bytes) -> str:
    """Return UTF-8 as text; other bytes become surrogates, from which `encode` makes the same bytes."""
    return raw.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Return the bytes from which `decode` made a text."""
    return text.encode("utf-8", errors="surrogateescape")
