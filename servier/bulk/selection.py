"""Which rows are written: all, those above a threshold, or the best."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Criterion:
    """By what rows are selected.

    Parameters
    ----------
    column
        The column of the output with their scores.
    top
        How many rows are wanted; None for all.
    threshold
        The least score; None for any.
    """

    column: str
    top: int | None
    threshold: float | None


class Selection:
    """Decides row by row, and remembers no more than the best scores.

    Parameters
    ----------
    top
        How many rows are wanted; None for all.
    threshold
        The least score; None for any.
    ranks
        The scores of candidates that an interrupted run has kept already.
    """

    def __init__(self, top: int | None, threshold: float | None, ranks: Iterable[float] = ()) -> None:
        self._top, self._threshold = top, threshold
        self._best: list[float] = []
        for rank in ranks:
            self.keeps(rank)

    def keeps(self, rank: float) -> bool:
        """Say whether a row with this score may be among those wanted; of equal scores the first counts."""
        if math.isnan(rank) or (self._threshold is not None and rank < self._threshold):
            return False
        if self._top is None:
            return True
        if len(self._best) < self._top:
            heapq.heappush(self._best, rank)
            return True
        if rank <= self._best[0]:
            return False
        heapq.heapreplace(self._best, rank)
        return True

    def choose(self, ranks: Sequence[float]) -> list[int]:
        """Return the positions of the rows that are kept."""
        return [position for position, rank in enumerate(ranks) if self.keeps(rank)]
