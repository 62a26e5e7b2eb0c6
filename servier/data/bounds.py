"""Labels that are bounds of a true value, as laboratories write them: `>10`, or a relation beside it.

The relation of a label is `EXACT`, `AT_LEAST` where the true value is at least the label, or `AT_MOST` where
it is at most the label; whether the bound itself belongs to it makes no difference.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.errors import DataError
from servier.tables.numbers import (
    APPROXIMATE,
    AT_LEAST,
    AT_MOST,
    EXACT,
    RELATIONS,
    read_relation,
    split_relation,
)

__all__ = [
    "AT_LEAST",
    "AT_MOST",
    "EXACT",
    "Relations",
    "Resolved",
    "find_relation",
    "holds_bound",
    "log_bounds",
    "only_exact",
    "refuse_relation",
    "resolve",
]

Relations = NDArray[np.int8]
"""The relation of each label, in the shape of the labels."""

logger = logging.getLogger(__name__)


def only_exact(y: NDArray[np.float64], relations: Relations | None) -> NDArray[np.float64]:
    """Return labels with NaN in the place of bounds; no relations mean that all labels are exact."""
    return y if relations is None else np.where(relations == EXACT, y, np.nan)


def find_relation(text: str, beside: str) -> tuple[str, str]:
    """Return the relation of a label, and what is left to be read as a number.

    Parameters
    ----------
    text
        The field of the label.
    beside
        The field of the column of relations in the same row; empty where there is no such column.

    Raises
    ------
    DataError
        The column holds something else than relations, or contradicts what stands before the number.
    """
    own, number = split_relation(text)
    given = read_relation(beside)
    if given is None:
        hint = "known are =, >, >=, <, <= and ~; leave the field empty where a label is the value"
        raise DataError(f"{beside!r} is not a relation", hint=hint)
    if own and given and (RELATIONS[own], own in APPROXIMATE) != (RELATIONS[given], given in APPROXIMATE):
        raise DataError(f"{text!r} stands beside the relation {beside!r}", hint="write it in one place")
    return own or given, number


def holds_bound(beside: str) -> bool:
    """Return whether a field of the column of relations says that a label is a bound."""
    return bool(RELATIONS[read_relation(beside) or ""])


def refuse_relation(text: str, beside: str) -> DataError:
    """Return what is wrong with a class, written as a text, that is said to be a bound."""
    problem = f"{text!r} stands beside {beside!r}, but is a class and no number"
    return DataError(problem, hint="leave the relation empty")


@dataclass(frozen=True)
class Resolved:
    """What the labels of one molecule come to.

    Parameters
    ----------
    label, relation
        The label, and whether it is a bound.
    differs
        Whether the labels contradict each other.
    """

    label: float
    relation: int
    differs: bool


def resolve(
    labels: NDArray[np.float64],
    relations: Relations,
    combine: Callable[..., float],
    weights: NDArray[np.float64] | None = None,
) -> Resolved:
    """Resolve the values and bounds that were measured for one molecule.

    A bound that the exact value satisfies adds nothing; one that is contradicted counts as a value at its
    limit. Of bounds alone the tightest is kept. Where bounds from both sides leave an interval, the side that
    more rows state, by their weights, is kept, and the lower bound if they are equally many.

    Parameters
    ----------
    labels, relations
        Float64 and int8, shape (n_labels,), no NaN.
    combine
        From values that differ to the one that is kept, such as their median; it takes `weights` too.
    weights
        How much each label counts, shape (n_labels,); None where all count the same.
    """
    exact, lower, upper = (np.flatnonzero(relations == kind) for kind in (EXACT, AT_LEAST, AT_MOST))
    low, high = float(labels[lower].max(initial=-np.inf)), float(labels[upper].min(initial=np.inf))

    def join(rows: NDArray[np.intp]) -> float:
        return combine(labels[rows]) if weights is None else combine(labels[rows], weights=weights[rows])

    if len(exact):
        value = join(exact)
        broken = np.concatenate([lower[labels[lower] > value], upper[labels[upper] < value]])
        differs = len(broken) > 0 or len(np.unique(labels[exact])) > 1
        return Resolved(join(np.concatenate([exact, broken])), EXACT, differs)
    if low >= high:
        return Resolved(join(np.arange(len(labels))), EXACT, differs=low > high)
    n_lower, n_upper = (len(rows) if weights is None else weights[rows].sum() for rows in (lower, upper))
    if n_lower >= n_upper:
        return Resolved(low, AT_LEAST, differs=False)
    return Resolved(high, AT_MOST, differs=False)


def log_bounds(target: str, relations: Relations | None, n_approximate: int) -> None:
    """Say how many labels of a target are bounds, or about a value."""
    if relations is not None:
        counts = int(np.sum(relations == AT_LEAST)), int(np.sum(relations == AT_MOST))
        logger.info("target %s: %s labels are lower bounds of the value, %s upper bounds", target, *counts)
    if n_approximate:
        logger.info("target %s: %s labels are about a value, and count as it", target, n_approximate)
