"""Batches of strings of similar length, so that little padding is computed."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.tokens import LENGTH_STEP, by_length, pad_tokens

SCORED_ROWS = 256


def similar_lengths(
    lengths: Sequence[int], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield groups of rows of similar length, each row once, in random order.

    Parameters
    ----------
    lengths
        The number of tokens of each row.
    size
        The number of rows of a group; the last one may have fewer.
    """
    order = np.argsort(np.array(lengths) + rng.uniform(0, LENGTH_STEP, len(lengths)), kind="stable")
    for start in rng.permutation(np.arange(0, len(order), size)):
        yield order[start : start + size]


def predict_tokens(network: Any, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Return the outputs of a Keras model for tokens, float32, shape (len(rows), n_outputs)."""
    values = np.empty((len(rows), network.outputs[0].shape[1]), np.float32)
    for chosen in by_length(rows, SCORED_ROWS):
        values[chosen] = network.predict_on_batch(pad_tokens([rows[i] for i in chosen]))
    return values
