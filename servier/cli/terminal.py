"""Text on its way to a terminal: what would steer the terminal is shown as what it is.

Names of columns, targets and files, and all that a checkpoint says of itself, may come from anywhere. Files
and what other programs read are written as they are.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_STEERING = re.compile(
    "\r(?!\n)"
    "|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters but for tabs and the ends of lines
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # ends of lines and directions of writing
    "\ud800-\udfff]"  # bytes that are no text, and halves of characters
)


def escape(text: str) -> str:
    r"""Return a text without control characters, written as in JSON; bytes are written as `\x9b`."""
    return _STEERING.sub(_show, text)


def _show(found: re.Match[str]) -> str:
    number = ord(found[0])
    is_byte = 0xDC80 <= number <= 0xDCFF
    return f"\\x{number - 0xDC00:02x}" if is_byte else f"\\u{number:04x}"


class _Escaping:
    """A stream that writes what `escape` returns, and is otherwise the stream that it is made of."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, escaped; return its length."""
        self._stream.write(escape(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts, escaped."""
        for line in lines:
            self.write(line)

    def write_control(self, text: str) -> None:
        """Write what is meant to steer the terminal."""
        self._stream.write(text)

    @property
    def buffer(self) -> Any:
        """The stream for bytes, which are those of rows; on a terminal they are escaped as well."""
        return _EscapingBytes(self._stream.buffer) if self._stream.isatty() else self._stream.buffer


class _EscapingBytes:
    """A stream for whole rows of bytes that a terminal shows."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, content: bytes) -> int:
        """Write bytes, escaped; return their number."""
        self._stream.write(escape(content.decode("utf-8", "surrogateescape")).encode())
        return len(content)


@contextmanager
def escaping() -> Iterator[None]:
    """Escape all that is written to stdout and stderr."""
    before = sys.stdout, sys.stderr
    outer: Any = [_Escaping(stream) for stream in before]
    sys.stdout, sys.stderr = outer
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
