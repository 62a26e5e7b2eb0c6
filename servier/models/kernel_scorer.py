"""The support vector machine of model 2, in cross-validation and on all rows."""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from servier.features.tokens import Tokenizer
from servier.models.batches import predict_tokens
from servier.models.encoder import EncoderWeights
from servier.models.kernel import add_kernel, features_of, fit_kernel
from servier.models.network import Architecture, build_encoder, use_cores
from servier.models.sequence_problem import Problem

Rows = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class KernelScorer:
    """A support vector machine on an encoder, which scores every other spelling of a molecule.

    Parameters
    ----------
    problem
        What it is to learn.
    features
        From tokens to what the encoder says of them.
    max_rows, seed
        On how many rows it is fitted at most, and which are drawn.
    factors
        By which scores are multiplied, for each target, to be as wide as those of the network.
    """

    problem: Problem
    features: keras.Model
    max_rows: int
    seed: int
    factors: Array

    def build(self) -> keras.Model:
        """Fit it on all rows; return a model from tokens to scores."""
        rows = self.draw(np.arange(len(self.problem.y)))
        features = self.describe(rows).mean(axis=1)
        machine = fit_kernel(features, self.problem.y[rows], self.problem.tasks)
        return add_kernel(self.features, machine.scaled(self.factors))

    def draw(self, rows: Rows) -> Rows:
        """Return `max_rows` of some rows, or all."""
        if len(rows) <= self.max_rows:
            return rows
        return np.sort(np.random.default_rng(self.seed).choice(rows, self.max_rows, replace=False))

    def describe(self, rows: Rows) -> Array:
        """Return what the encoder says of the spellings of rows, shape (n_rows, n_views, n_features)."""
        encode = self.problem.tokenizer.encode
        tokens = [encode(smiles) for row in rows for smiles in self.problem.scored[row]]
        features = predict_tokens(self.features, self.problem.tokenizer, tokens)
        return features.reshape(len(rows), -1, features.shape[1])

    def hold_out(self) -> Array:
        """Score the rows of each fold by a machine fitted on the others, shape (n_rows, n_targets)."""
        problem = self.problem
        scores = np.full(problem.y.shape, np.nan)
        for rows, held_out in problem.folds:
            drawn = self.draw(rows)
            machine = fit_kernel(self.describe(drawn).mean(axis=1), problem.y[drawn], problem.tasks)
            own = self.describe(held_out)[:, 1::2]
            scores[held_out] = np.mean([machine(own[:, view]) for view in range(own.shape[1])], axis=0)
        return scores


def cross_validate_kernel(
    problem: Problem, by_view: Array, max_rows: int, seed: int, cores: int
) -> tuple[KernelScorer, Array]:
    """Score rows that were held out by network and support vector machine together.

    Parameters
    ----------
    problem
        What is to be learnt, from a pre-trained encoder.
    by_view
        Raw scores of the network for the spellings of held-out rows, float64, shape (n_rows, n_views,
        n_targets); NaN where there is none.
    max_rows, seed
        As in `KernelScorer`.
    cores
        How many TensorFlow uses.

    Returns
    -------
    The machine, and the mean of the network's scores of the first, third, ... spelling and the machine's of
    the others, shape (n_rows, n_targets).
    """
    assert problem.pretrained is not None
    use_cores(cores)
    kernel = KernelScorer(problem, _load(problem.pretrained), max_rows, seed, np.ones(len(problem.tasks)))
    scores, network = kernel.hold_out(), by_view[:, ::2].mean(axis=1)
    factors = np.ones(len(problem.tasks))
    for i, task in enumerate(problem.tasks):
        width = np.nanstd(scores[:, i])
        if task == "binary" and width > 0:
            factors[i] = np.nanstd(network[:, i]) / width
    n_views = by_view.shape[1]
    share = (n_views // 2) / n_views
    together = (1 - share) * network + share * scores * factors
    return KernelScorer(problem, kernel.features, max_rows, seed, factors), together


def _load(pretrained: EncoderWeights) -> keras.Model:
    n_tokens = len(Tokenizer(pretrained.vocabulary))
    encoder = build_encoder(n_tokens, Architecture(**pretrained.metadata["architecture"]))
    encoder.set_weights(pretrained.weights)
    return features_of(encoder)
