"""The support vector machine of model 2, in cross-validation and on all rows."""

from collections.abc import Callable
from functools import cached_property, partial

import keras
import numpy as np
from numpy.typing import NDArray

from servier.models.batches import predict_tokens
from servier.models.kernel import KernelMachine, add_kernel, features_of, fit_kernel
from servier.models.network import use_cores
from servier.models.network_work import start_encoder
from servier.models.sequence_problem import Problem

Rows = NDArray[np.int64]
Array = NDArray[np.float64]


class KernelScorer:
    """A support vector machine on a pre-trained encoder, which scores every other SMILES of a molecule.

    Parameters
    ----------
    problem
        The learning problem, with a pre-trained encoder.
    max_rows, seed
        The most rows to fit on, and the seed by which they are drawn.
    """

    def __init__(self, problem: Problem, max_rows: int, seed: int) -> None:
        self._problem, self._max_rows, self._seed = problem, max_rows, seed
        self._encoder = features_of(start_encoder(problem, {}))

    def build(self, factors: Array) -> keras.Model:
        """Fit on all rows, and return a model from tokens to scores, multiplied by these factors."""
        return add_kernel(self._encoder, self._fit(self._all_rows).scaled(factors))

    def hold_out(self) -> Array:
        """Return the out-of-fold scores of all rows, shape (n_rows, n_targets)."""
        scores = np.full(self._problem.y.shape, np.nan)
        for rows, held_out in self._problem.folds:
            machine = self._fit(self._draw(rows))
            own = self._describe(held_out)[:, 1::2]
            scores[held_out] = np.mean([machine(own[:, i]) for i in range(own.shape[1])], axis=0)
        return scores

    @property
    def _all_rows(self) -> Rows:
        return self._draw(np.arange(len(self._problem.y)))

    def _draw(self, rows: Rows) -> Rows:
        if len(rows) <= self._max_rows:
            return rows
        return np.sort(np.random.default_rng(self._seed).choice(rows, self._max_rows, replace=False))

    def _fit(self, rows: Rows) -> KernelMachine:
        features = self._describe(rows).mean(axis=1, dtype=np.float64)
        relations = self._problem.relations
        bounds = None if relations is None else relations[rows]
        return fit_kernel(features, self._problem.y[rows], self._problem.tasks, bounds)

    def _describe(self, rows: Rows) -> NDArray[np.float32]:
        """Return the features of the SMILES of rows, shape (n_rows, n_smiles, n_features)."""
        needed, described = self._described
        return np.asarray(described[np.searchsorted(needed, rows)])

    @cached_property
    def _described(self) -> tuple[Rows, NDArray[np.float32]]:
        """All rows that are needed, and their features."""
        folds = [part for rows, held_out in self._problem.folds for part in (self._draw(rows), held_out)]
        needed = np.unique(np.concatenate([*folds, self._all_rows]))
        encode, scored = self._problem.tokenizer.encode, self._problem.scored
        tokens = [encode(smiles) for row in needed for smiles in scored[row]]
        described = predict_tokens(self._encoder, tokens)
        return needed, described.reshape(len(needed), -1, described.shape[1])


def cross_validate_kernel(
    problem: Problem, by_smiles: Array, max_rows: int, seed: int, cores: int
) -> tuple[Array, Callable[[], keras.Model]]:
    """Score rows that were held out by network and support vector machine together.

    Parameters
    ----------
    problem, max_rows, seed
        As for `KernelScorer`.
    by_smiles
        Out-of-fold raw scores of the network for each SMILES, float64, shape (n_rows, n_smiles, n_targets);
        NaN where there is none.
    cores
        The number of cores that TensorFlow uses.

    Returns
    -------
    The mean of the network's scores of the first, third, ... SMILES and the machine's scores of the others,
    scaled to the same spread, shape (n_rows, n_targets); and the function that builds the machine.
    """
    use_cores(cores)
    kernel = KernelScorer(problem, max_rows, seed)
    scores, network = kernel.hold_out(), by_smiles[:, ::2].mean(axis=1)
    factors = np.ones(len(problem.tasks))
    for i, task in enumerate(problem.tasks):
        width = np.nanstd(scores[:, i])
        if task == "binary" and width > 0:
            factors[i] = np.nanstd(network[:, i]) / width
    n_smiles = by_smiles.shape[1]
    share = (n_smiles // 2) / n_smiles
    return (1 - share) * network + share * scores * factors, partial(kernel.build, factors)
