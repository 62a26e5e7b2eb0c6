"""Which columns of a table of raw scores, or of answers, belong to which target."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import Scores, Target

Table = NDArray[np.float64]
Place = int | slice
"""The number of a column, or the columns of a target with classes."""


def count_scores(targets: Iterable[Target]) -> int:
    """Return how many raw scores all targets have together."""
    return sum(target.n_scores for target in targets)


def count_answers(targets: Iterable[Target]) -> int:
    """Return how many numbers the answers of all targets have together."""
    return sum(target.n_answers for target in targets)


def score_places(targets: Sequence[Target]) -> list[Place]:
    """Return where the raw scores of each target stand."""
    return _places(targets, [target.n_scores for target in targets])


def answer_places(targets: Sequence[Target]) -> list[Place]:
    """Return where the answer of each target stands."""
    return _places(targets, [target.n_answers for target in targets])


def _places(targets: Sequence[Target], widths: Sequence[int]) -> list[Place]:
    ends = accumulate(widths)
    return [
        slice(end - width, end) if target.has_classes else end - width
        for target, width, end in zip(targets, widths, ends, strict=True)
    ]


def map_scores(step: Callable[[Target, Scores], Scores], targets: Sequence[Target], raw: Table) -> Table:
    """Apply one of the steps to each target's raw scores.

    Parameters
    ----------
    step
        A method of `Target`, such as `Target.to_answer`.
    targets, raw
        The targets, and their raw scores, float64, shape (n_rows, n_scores).

    Returns
    -------
    What the step makes of them, side by side.

    Raises
    ------
    ValueError
        There are more raw scores than these targets have, or fewer.
    """
    return _map(step, targets, raw, score_places(targets), count_scores(targets))


def map_answers(step: Callable[[Target, Scores], Scores], targets: Sequence[Target], answers: Table) -> Table:
    """Apply one of the steps, such as `Target.label`, to each target's answer; else as `map_scores`."""
    return _map(step, targets, answers, answer_places(targets), count_answers(targets))


def _map(
    step: Callable[[Target, Scores], Scores],
    targets: Sequence[Target],
    table: Table,
    places: Sequence[Place],
    n_columns: int,
) -> Table:
    if table.shape[1] != n_columns:
        raise ValueError(f"{table.shape[1]} columns for targets that have {n_columns}")
    return np.column_stack(
        [step(target, table[:, place]) for target, place in zip(targets, places, strict=True)]
    )
