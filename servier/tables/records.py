"""The interface that tables of every format share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


class Record(NamedTuple):
    """One row of a table.

    Parameters
    ----------
    line
        Where the row starts: the line number of a text, or the row number of a Parquet or SD file, from 1.
    fields
        One field for each column. Bytes that are not UTF-8 are surrogates, as `servier.tables.lines.decode`
        makes them.
    raw
        In delimited text, the original bytes without the line ending; missing fields are filled in.
    problem
        Why the row cannot be used, or None.
    """

    line: int
    fields: list[Any]
    raw: bytes = b""
    problem: str | None = None


@dataclass(frozen=True)
class Header:
    """The header line of delimited text, or the one that another format would have.

    Parameters
    ----------
    columns
        The column names, without surrounding white space.
    raw
        The bytes of the line, without the line ending.
    delimiter, newline
        The separators of fields and lines.
    molecules
        The column that holds the molecules where the format says so; None where it has to be found.
    """

    columns: list[str]
    raw: bytes
    delimiter: str = ","
    newline: bytes = b"\n"
    molecules: str | None = None


class Table(Protocol):
    """A header, and records that can be iterated over once."""

    @property
    def header(self) -> Header:
        """The columns, and how they are written as text."""

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the rows, in order."""
