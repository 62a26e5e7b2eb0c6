"""Support vector machines on the features of a pre-trained encoder: the other scorer of model 2.

With few labels they score as well as the fine-tuned network, make different errors, and cost little.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray
from sklearn.svm import SVC, SVR
from threadpoolctl import threadpool_limits

from servier.metrics.measures import one_sided

LAYER = "dense_1"
C = {"binary": 1.0, "regression": 3.0}
EPSILON = 0.1
LEAST_VARIANCE = 1e-3
ROWS_AT_A_TIME = 1024
BOUND_ROUNDS = 4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KernelMachine:
    """Support vector machines with a Gaussian kernel, one for each target, as a function of features.

    Parameters
    ----------
    mean, variance
        The mean and variance by which features are standardized, shape (n_features,).
    support
        The standardized support vectors, shape (n_support, n_features).
    weights, intercept
        The weights of the support vectors, shape (n_support, n_targets), and the intercepts, shape
        (n_targets,).
    """

    mean: Array
    variance: Array
    support: Array
    weights: Array
    intercept: Array

    def __call__(self, features: NDArray[np.floating[Any]]) -> Array:
        """Return the scores, shape (n_rows, n_targets), of features, shape (n_rows, n_features)."""
        parts = np.array_split(features, max(1, math.ceil(len(features) / ROWS_AT_A_TIME)))
        units = ((part - self.mean) / np.sqrt(self.variance) for part in parts)
        with threadpool_limits(1, "blas"):  # the rounding of sums depends on the number of threads
            scores = [_similarity(part, self.support) @ self.weights for part in units]
        return np.concatenate(scores) + self.intercept

    def scaled(self, factors: Array) -> "KernelMachine":
        """Return the machine with scores multiplied by a factor for each target."""
        return replace(self, weights=self.weights * factors, intercept=self.intercept * factors)


def fit_kernel(
    features: Array,
    y: Array,
    tasks: Sequence[str],
    relations: NDArray[np.int8] | None = None,
    weights: Array | None = None,
) -> KernelMachine:
    """Fit support vector classification with balanced classes, or regression.

    Parameters
    ----------
    features
        Shape (n_rows, n_features).
    y
        The transformed labels, shape (n_rows, n_targets); NaN where missing.
    tasks
        `binary` or `regression` for each target.
    relations
        Which labels are bounds, as in `servier.models.sequence_problem.Problem`; None where none is. The
        machine is fitted on the exact labels, and then again on these and, as values, those bounds that its
        scores break.
    weights
        How much each label counts, as in `Problem`; None where all count the same. Features are standardized
        by the molecules, each once.

    References
    ----------
    Cortes and Vapnik, Mach. Learn. 1995, 20, 273, doi:10.1007/BF00994018. Drucker et al., Support vector
    regression machines, NIPS 1996.
    """
    variance = features.var(axis=0)
    variance = np.maximum(variance, LEAST_VARIANCE * variance.mean())
    mean = features.mean(axis=0)
    units = (features - mean) / np.sqrt(variance)
    with threadpool_limits(1, "blas"):
        similarity = _similarity(units, units)
    of_support, intercept = np.zeros(y.shape), np.zeros(y.shape[1])
    bounds = np.zeros(y.shape, np.int8) if relations is None else relations
    for i, task in enumerate(tasks):
        counts = None if weights is None else weights[:, i]
        machine, rows = _fit_target(similarity, y[:, i], bounds[:, i], task, counts)
        if machine is not None:
            of_support[rows[machine.support_], i] = machine.dual_coef_[0]
            intercept[i] = machine.intercept_[0]
    is_used = of_support.any(axis=1)
    return KernelMachine(mean, variance, units[is_used], of_support[is_used], intercept)


def _fit_target(
    similarity: Array, y: Array, bounds: NDArray[np.int8], task: str, weights: Array | None
) -> tuple[SVC | SVR | None, NDArray[np.int64]]:
    """Return the machine of a target, None where labels do not vary, and the rows that it is fitted on."""
    is_known = ~np.isnan(y)
    is_bound = is_known & (bounds != 0)
    rows = np.flatnonzero(is_known & ~is_bound)
    if len(np.unique(y[rows])) < 2:
        return None, rows
    machine = _fit_machine(similarity, y, rows, task, weights)
    for _ in range(BOUND_ROUNDS if is_bound.any() else 0):
        scores = machine.predict(similarity[:, rows])
        is_broken = is_bound & (one_sided(y, scores, bounds) != 0)
        rows = np.flatnonzero((is_known & ~is_bound) | is_broken)
        machine = _fit_machine(similarity, y, rows, task, weights)
    return machine, rows


def _fit_machine(
    similarity: Array, y: Array, rows: NDArray[np.int64], task: str, weights: Array | None
) -> SVC | SVR:
    """Fit a machine on some rows."""
    y, counts = y[rows], None if weights is None else weights[rows]
    machine = (
        SVC(C=C[task], kernel="precomputed", class_weight=_balance(y, counts))
        if task == "binary"
        else SVR(C=C[task], kernel="precomputed", epsilon=EPSILON)
    )
    return machine.fit(similarity[np.ix_(rows, rows)], y, counts)


def _balance(y: Array, weights: Array | None) -> str | dict[float, float]:
    """Return the weights of classes that balance them, which scikit-learn would take from rows alone."""
    if weights is None:
        return "balanced"
    classes = np.unique(y).tolist()
    return {label: weights.sum() / (len(classes) * weights[y == label].sum()) for label in classes}


def _similarity(rows: Array, others: Array) -> Array:
    """Return the Gaussian kernel, with a width for standardized features."""
    distance = (rows**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * rows @ others.T
    return np.asarray(np.exp(-distance / rows.shape[1]))


def features_of(encoder: keras.Model) -> keras.Model:
    """Return the part of an encoder that computes the features."""
    return keras.Model(encoder.inputs[0], encoder.get_layer(LAYER).output)


def add_kernel(features: keras.Model, machine: KernelMachine) -> keras.Model:
    """Add a machine on top of what `features_of` returns.

    Returns
    -------
    A model from int32 (n, length) to float32 (n, n_targets), which shares the weights.
    """
    n_features = len(machine.mean)
    standard = layers.BatchNormalization(epsilon=0.0, center=False, scale=False, name="standard")
    units = standard(features.outputs[0])
    product = layers.Dense(len(machine.support), name="support")
    length = ops.sum(ops.square(units), axis=-1, keepdims=True) / n_features
    scores = layers.Dense(machine.weights.shape[1], name="scores")
    network = keras.Model(features.inputs[0], scores(ops.exp(product(units) - length)))
    standard.set_weights([machine.mean, machine.variance])
    squares = (machine.support**2).sum(axis=1)
    product.set_weights([2 * machine.support.T / n_features, -squares / n_features])
    scores.set_weights([machine.weights, machine.intercept])
    return network
