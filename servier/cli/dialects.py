"""The options that say how a text is written."""

from dataclasses import dataclass, field

import click

from servier.cli.commands import option
from servier.tables.lines import MAX_LINE
from servier.tables.quoting import Dialect, Quotes
from servier.tables.titles import BAR
from servier.tables.titles import DELIMITERS as COMMON

NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";"}
DELIMITERS = {delimiter: delimiter for delimiter in (*COMMON, BAR)} | NAMES
"""The delimiter for each way to name it."""
SHORTEST_LIMIT = 1_000


@dataclass(frozen=True)
class DialectOptions:
    """How fields are separated and quoted, None where that is detected, and how long a line may be."""

    delimiter: str | None = field(
        metadata=option(
            type=click.Choice(list(DELIMITERS)),
            metavar="CHARACTER",
            help="Comma, semicolon, tab or |.  [default: detected]",
        )
    )
    quotes: str | None = field(
        metadata=option(
            type=click.Choice([Quotes.QUOTED.value, Quotes.PLAIN.value]),
            help="Whether quotation marks quote fields or are plain characters.  [default: quoted; between "
            "tabs detected]",
        )
    )

    max_line: int = field(
        metadata=option(
            decides=False,
            type=click.IntRange(SHORTEST_LIMIT),
            metavar="BYTES",
            default=MAX_LINE,
            show_default="16 MiB",
            help="Longest line accepted, or record of several lines, or value of a Parquet file.",
        )
    )

    def dialect(self) -> Dialect:
        """Return what was said."""
        delimiter = None if self.delimiter is None else DELIMITERS[self.delimiter]
        return Dialect(delimiter, None if self.quotes is None else Quotes(self.quotes), self.max_line)
