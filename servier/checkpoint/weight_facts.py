"""What a checkpoint says of how much the labels of its training molecules count."""

from dataclasses import dataclass

from servier.checkpoint.rules import Count, Name, Number


@dataclass(frozen=True)
class WeightFacts:
    """How much the labels of training molecules count, in units of their mean.

    Parameters
    ----------
    column
        The column with the weights of rows.
    lowest, highest
        The lowest and the highest weight of a label.
    effective
        How many labels of equal weight tell as much.
    """

    column: Name
    lowest: Number
    highest: Number
    effective: Count

    @property
    def in_words(self) -> str:
        """What they are, in words."""
        span = f"{self.lowest:.3g} to {self.highest:.3g} times their mean"
        return f"column {self.column}, {span}, as good as {self.effective:,} labels of equal weight"
