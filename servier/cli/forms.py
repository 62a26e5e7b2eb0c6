"""The options that ask for answers for the forms of a molecule."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from servier.cli.commands import option

if TYPE_CHECKING:
    from servier.scoring.spreads import Forms


@dataclass(frozen=True)
class FormOptions:
    """Of which forms of a molecule answers are given too."""

    stereoisomers: int | None = field(
        metadata=option(
            type=click.IntRange(1, 1000),
            metavar="N",
            help="Also give the mean, the lowest and the highest answer for the stereoisomers that a "
            "molecule leaves open, at most so many.",
        )
    )
    tautomers: int | None = field(
        metadata=option(
            type=click.IntRange(1, 200), metavar="N", help="The same for its tautomers, at most so many."
        )
    )

    def forms(self) -> "Forms":
        """Return what the library wants to know."""
        from servier.scoring.spreads import Forms

        return Forms(self.stereoisomers, self.tautomers)
