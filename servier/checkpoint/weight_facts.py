"""What a checkpoint says of how much the labels of its training molecules count."""

from dataclasses import dataclass, field

from servier.checkpoint.documents import OPTIONAL
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
    median, labels
        The median of the weights of how many labels; None in checkpoints that were made without.
    """

    column: Name
    lowest: Number
    highest: Number
    effective: Count
    median: Number | None = field(default=None, metadata=OPTIONAL)
    labels: Count | None = field(default=None, metadata=OPTIONAL)

    @property
    def in_words(self) -> str:
        """What they are, in words."""
        span = f"{self.lowest:.3g} to {self.highest:.3g} times their mean"
        median = "" if self.median is None else f" (median {self.median:.3g})"
        count = "" if self.labels is None else f"{self.labels:,} labels "
        equal = f"{self.effective:,} labels of equal weight"
        return f"column {self.column}, {span}{median}, {count}as good as {equal}"
