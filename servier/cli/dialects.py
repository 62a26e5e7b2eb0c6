"""The options that say how a delimited text is written."""

from dataclasses import dataclass, field

import click

from servier.cli.commands import option
from servier.tables.quoting import Dialect, Quotes
from servier.tables.titles import BAR
from servier.tables.titles import DELIMITERS as COMMON

NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";"}
DELIMITERS = {delimiter: delimiter for delimiter in (*COMMON, BAR)} | NAMES
"""The delimiter for each way to name it."""


@dataclass(frozen=True)
class DialectOptions:
    """How the fields of a delimited text are separated and quoted; None where that is detected."""

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

    def dialect(self) -> Dialect:
        """Return what was said."""
        delimiter = None if self.delimiter is None else DELIMITERS[self.delimiter]
        return Dialect(delimiter, None if self.quotes is None else Quotes(self.quotes))
