"""The shape in which every kind of table is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Record(NamedTuple):
    """One row of a table.

    Parameters
    ----------
    line
        Where it starts: the line number, from 1, of a text; the row number, from 1, of a Parquet or SD file.
    fields
        Its fields, as many as there are columns. Of a text: decoded, bytes that are not UTF-8 as U+FFFD.
    raw
        Of delimited text the very bytes of the file, without the line end, mended where fields were missing.
    problem
        Why the row cannot be used, or None.
    """

    line: int
    fields: list[Any]
    raw: bytes = b""
    problem: str | None = None


@dataclass(frozen=True)
class Header:
    """What the first line of a delimited text says, or would say.

    Parameters
    ----------
    columns
        The names, stripped of white space around them.
    raw
        The bytes of the line, without the line end.
    delimiter, newline
        What separates fields and lines.
    """

    columns: list[str]
    raw: bytes
    delimiter: str = ","
    newline: bytes = b"\n"


class Table(Protocol):
    """A header, and records to iterate over once."""

    @property
    def header(self) -> Header:
        """The columns, and how they are written as text."""

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the rows, in order."""
