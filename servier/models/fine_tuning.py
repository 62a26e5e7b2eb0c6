"""Training of a network on labelled strings, several times from the same start."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from servier.chem.tokens import pad_tokens
from servier.models.batches import predict_tokens, similar_lengths
from servier.models.fine_tuning_recipe import Recipe

WARM_UP = 20
AVERAGE_EXPONENT = 6.0

Tokens = Sequence[Sequence[int]]


class FineTuner:
    """A network that is trained on one set of rows after another, always from the same start.

    Building and tracing a network takes longer than several epochs on a small table, so it is done once.

    Parameters
    ----------
    network
        From tokens to raw scores, as it is before any training.
    loss
        The loss of labels and raw scores, as `make_loss` returns it.
    recipe
        How to train.
    """

    def __init__(self, network: keras.Model, loss: Callable[[Any, Any], Any], recipe: Recipe) -> None:
        self.network = network
        self._recipe = recipe
        self._optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay, clipnorm=1.0
        )
        network.compile(self._optimizer, loss)
        self._optimizer.build(network.trainable_variables)
        self._start = [variable.numpy() for variable in self._variables()]

    def train(
        self,
        tokens: Callable[[int], Tokens],
        y: NDArray[np.float64],
        epochs: int,
        rng: np.random.Generator,
    ) -> Iterator[float]:
        """Train from the start; yield the mean loss of each epoch.

        Whenever it yields, and at the end, the network has the average of the weights of all steps so far, in
        which later ones count more. The average has the effect of a decaying learning rate, for any number
        of epochs at once.

        Parameters
        ----------
        tokens
            From the number of an epoch, counted from 1, to the tokens of every row.
        y
            Labels as the loss takes them, float64.
        epochs
            The number of passes over the rows.
        rng
            Decides the order of the batches.

        References
        ----------
        Karras et al., arXiv:2312.02696, equation 2: the power function average.
        """
        _assign(self._variables(), self._start)
        weights = self.network.trainable_variables
        average = [weight.numpy() for weight in weights]
        step = 0
        for epoch in range(1, epochs + 1):
            rows = tokens(epoch)
            total = 0.0
            for chosen in similar_lengths([len(row) for row in rows], self._recipe.batch_size, rng):
                step += 1
                total += self._train_batch([rows[i] for i in chosen], y[chosen], step) * len(chosen)
                share = 1.0 - (1.0 - 1.0 / step) ** (AVERAGE_EXPONENT + 1.0)
                average = [
                    mean + share * (weight.numpy() - mean)
                    for mean, weight in zip(average, weights, strict=True)
                ]
            latest = [weight.numpy() for weight in weights]
            _assign(weights, average)
            yield total / len(y)
            if epoch < epochs:
                _assign(weights, latest)

    def _train_batch(self, rows: Tokens, y: NDArray[np.float64], step: int) -> float:
        """Take one step, and return the mean loss of the batch."""
        self._optimizer.learning_rate = self._recipe.learning_rate * min(1.0, step / WARM_UP)
        self.network.reset_metrics()
        batch = pad_tokens(rows)
        return float(self.network.train_on_batch(batch, y.astype(np.float32)))

    def score(self, tokens: Tokens) -> NDArray[np.float64]:
        """Return raw scores, shape (len(tokens), n_targets)."""
        return predict_tokens(self.network, tokens).astype(np.float64)

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self._optimizer.variables]


def _assign(variables: Sequence[Any], values: Sequence[NDArray[np.float32]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def make_loss(
    y: NDArray[np.float64], tasks: Sequence[str], *, with_bounds: bool = False
) -> Callable[[Any, Any], Any]:
    """Return the training loss: cross-entropy with balanced classes, squared error, missing labels left out.

    It takes labels of shape (n_rows, n_targets), NaN where missing, and raw scores.

    Parameters
    ----------
    y
        The training labels, from which the class weights are taken.
    tasks
        `binary` or `regression` for each target.
    with_bounds
        Whether the labels that the loss takes have as many columns again, which say of each label whether it
        is a bound: 1 where the true value is at least the label, -1 where it is at most the label, else 0. A
        score that satisfies a bound has no error.
    """
    is_binary = np.array([task == "binary" for task in tasks], np.float32)
    positive = np.clip(np.nanmean(y, axis=0), 1e-6, 1 - 1e-6)
    weight_1 = np.where(is_binary, 0.5 / positive, 1.0).astype(np.float32)
    weight_0 = np.where(is_binary, 0.5 / (1 - positive), 1.0).astype(np.float32)

    def loss(y_true: Any, y_pred: Any) -> Any:
        known = ops.cast(ops.logical_not(ops.isnan(y_true)), "float32")
        truth = ops.where(ops.isnan(y_true), 0.0, y_true)
        cross_entropy = ops.relu(y_pred) - y_pred * truth + ops.softplus(-ops.abs(y_pred))
        weight = truth * weight_1 + (1.0 - truth) * weight_0
        error = is_binary * weight * cross_entropy + (1.0 - is_binary) * ops.square(y_pred - truth)
        return ops.sum(error * known) / ops.maximum(ops.sum(known), 1.0)

    def loss_with_bounds(labels: Any, y_pred: Any) -> Any:
        y_true, relation = labels[:, : len(tasks)], labels[:, len(tasks) :]
        is_satisfied = relation * (y_pred - y_true) > 0.0
        return loss(y_true, ops.where(is_satisfied, y_true, y_pred))

    return loss_with_bounds if with_bounds else loss
