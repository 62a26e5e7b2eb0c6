"""Strings of similar length put together, so that little padding is computed."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from servier.features.tokens import Tokenizer

LENGTH_STEP = 8


def similar_lengths(
    lengths: Sequence[int], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of rows of similar length, each row once, the groups in random order.

    Parameters
    ----------
    lengths
        Number of tokens of each row.
    size
        How many rows a group has; the last one may have fewer.
    """
    order = np.argsort(np.array(lengths) + rng.uniform(0, LENGTH_STEP, len(lengths)), kind="stable")
    for start in rng.permutation(np.arange(0, len(order), size)):
        yield order[start : start + size]


def pad_tokens(tokenizer: Tokenizer, rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Return tokens as a matrix whose width is a multiple of 8, so that there are few different widths."""
    longest = max(map(len, rows))
    return tokenizer.pad(rows, LENGTH_STEP * math.ceil(longest / LENGTH_STEP))
