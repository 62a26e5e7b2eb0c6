"""Pre-training of the encoder: it learns what RDKit computes."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from servier.models.architecture import Architecture
from servier.models.network import add_head, build_encoder

Batch = tuple[NDArray[np.int32], NDArray[np.float32]]

BITS_WEIGHT = 5.0
RARE_BIT = -3.0
"""The log-odds of a fingerprint bit before anything is learnt: about one in twenty is set."""


@dataclass(frozen=True)
class Schedule:
    """The schedule of the optimizer, AdamW.

    Parameters
    ----------
    learning_rate, weight_decay
        The rate rises over `warm_up` steps and falls along a cosine to 0 at `n_steps`.
    n_steps, warm_up
        In batches.

    References
    ----------
    Loshchilov and Hutter, arXiv:1608.03983.
    """

    n_steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: int = 500


class Pretrainer:
    """An encoder with one linear layer that predicts descriptors and fingerprint bits.

    Parameters
    ----------
    n_tokens
        Size of the vocabulary.
    n_descriptors, n_bits
        The number of outputs that are standardized descriptors, and of those that are log-odds of bits.
    architecture, schedule, seed
        The architecture of the encoder, and the schedule and the seed of its training.
    """

    def __init__(
        self,
        n_tokens: int,
        n_descriptors: int,
        n_bits: int,
        architecture: Architecture,
        schedule: Schedule,
        seed: int,
    ) -> None:
        keras.utils.set_random_seed(seed)
        self.encoder = build_encoder(n_tokens, architecture)
        self._model = add_head(self.encoder, n_descriptors + n_bits)
        bias = np.r_[np.zeros(n_descriptors), np.full(n_bits, RARE_BIT)].astype(np.float32)
        self._model.get_layer("scores").bias.assign(bias)
        warm_up = min(schedule.warm_up, schedule.n_steps // 10)
        rate = keras.optimizers.schedules.CosineDecay(
            schedule.learning_rate / 10, max(schedule.n_steps - warm_up, 1),
            warmup_target=schedule.learning_rate, warmup_steps=warm_up,
        )  # fmt: skip
        optimizer = keras.optimizers.AdamW(rate, weight_decay=schedule.weight_decay, clipnorm=1.0)
        self._model.compile(optimizer, make_loss(n_descriptors))
        self._model.optimizer.build(self._model.trainable_variables)

    def train(self, batches: Iterable[Batch]) -> float:
        """Take one step for each batch; return the mean loss."""
        return self._mean_loss(self._model.train_on_batch, batches)

    def measure(self, batches: Iterable[Batch]) -> float:
        """Return the mean loss, without training."""
        return self._mean_loss(self._model.test_on_batch, batches)

    def _mean_loss(self, step: Callable[..., Any], batches: Iterable[Batch]) -> float:
        total, n_rows = 0.0, 0
        for tokens, targets in batches:
            self._model.reset_metrics()
            total += float(step(tokens, targets)) * len(tokens)
            n_rows += len(tokens)
        return total / n_rows if n_rows else math.nan

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all weights, and the state of the optimizer."""
        variables = [*self._model.variables, *self._model.optimizer.variables]
        return {f"{i:03d}": variable.numpy() for i, variable in enumerate(variables)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Restore a `state`."""
        variables = [*self._model.variables, *self._model.optimizer.variables]
        for i, variable in enumerate(variables):
            variable.assign(state[f"{i:03d}"])


def make_loss(n_descriptors: int) -> Callable[[Any, Any], Any]:
    """Return Huber's loss of the descriptors plus five times the cross-entropy of the bits.

    References
    ----------
    Huber, Ann. Math. Statist. 1964, 35, 73, doi:10.1214/aoms/1177703732.
    """

    def loss(y_true: Any, y_pred: Any) -> Any:
        error = ops.abs(y_pred[:, :n_descriptors] - y_true[:, :n_descriptors])
        descriptors = ops.mean(ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5))
        bit, log_odds = y_true[:, n_descriptors:], y_pred[:, n_descriptors:]
        bits = ops.mean(ops.relu(log_odds) - log_odds * bit + ops.softplus(-ops.abs(log_odds)))
        return descriptors + BITS_WEIGHT * bits

    return loss
