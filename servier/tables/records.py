"""The interface that tables of every format share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from servier.tables.quoting import Quotes


class Record(NamedTuple):
    """One row of a table.

    Parameters
    ----------
    line
        Where the row starts: the line number of a text, or the row number of a Parquet or SD file, from 1.
    fields
        One field for each column. In text files, bytes that are not UTF-8 are surrogates:
        `servier.tables.lines.encode` makes the same bytes of them.
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
        The column names, without surrounding white space; empty where a column has none.
    raw
        The bytes of the line, without the line ending.
    delimiter, newline
        The separators of fields and lines.
    quotes
        What quotation marks mean.
    molecules
        The column that holds the molecules where the format says so; None where it has to be found.
    """

    columns: list[str]
    raw: bytes
    delimiter: str = ","
    newline: bytes = b"\n"
    quotes: Quotes = Quotes.QUOTED
    molecules: str | None = None


class Table(Protocol):
    """A header, and records that can be iterated over once."""

    @property
    def header(self) -> Header:
        """The columns, and how they are written as text."""

    def __iter__(self) -> Iterator[Record]:
        """Iterate over the rows, in order."""
