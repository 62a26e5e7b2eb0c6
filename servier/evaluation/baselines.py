"""Baselines: simple methods that a model has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS, MULTICLASS
from servier.chem.molecules import Mol
from servier.chem.similarity import PackedBits, fingerprints, nearest
from servier.evaluation.bootstrap import Scores
from servier.metrics.measures import measure

MAX_ITERATIONS = 1000

Labels = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Reference:
    """The molecules that a model was trained on, which the baselines learn from.

    Parameters
    ----------
    fingerprints
        The fingerprints of the training molecules, packed bits, shape (n_train, 256).
    y
        Their labels, float64, shape (n_train, n_targets); NaN where missing.
    """

    fingerprints: PackedBits
    y: Labels


def measure_baselines(
    reference: Reference, mols: Sequence[Mol], y: Labels, tasks: Sequence[str]
) -> list[dict[str, dict[str, float]]]:
    """Return every metric of each baseline, for each target.

    The baselines are `dummy`, the share of label 1 or of each class, or the mean label, in training; `1-NN`,
    the label of the most similar training molecule (Tanimoto similarity of Morgan fingerprints); and
    `linear`, logistic or ridge regression on the fingerprint bits. Their decision threshold is the share of
    label 1 in training.

    Parameters
    ----------
    reference
        The training molecules.
    mols, y
        The molecules to predict, and their labels, shape (n_mols, n_targets); NaN where missing.
    tasks
        `binary`, `regression`, `multiclass` or `ordinal` for each target.
    """
    queries = fingerprints(mols)
    found = []
    for target, task in enumerate(tasks):
        is_known, is_tested = ~np.isnan(reference.y[:, target]), ~np.isnan(y[:, target])
        known = Reference(reference.fingerprints[is_known], reference.y[is_known, target])
        truth = y[is_tested, target]
        if task in CLASS_TASKS:
            n_classes = int(max(known.y.max(), truth.max(initial=0))) + 1
            methods = _predict_classes(known, queries[is_tested], n_classes)
        else:
            methods = _predict(known, queries[is_tested], task)
        found.append(
            {
                method: measure(truth, scores.values, task, scores.threshold)
                for method, scores in methods.items()
            }
        )
    return found


def _predict(known: Reference, queries: PackedBits, task: str) -> dict[str, Scores]:
    mean = float(known.y.mean())
    threshold = mean if task == "binary" else None
    values = {
        "dummy": np.full(len(queries), mean),
        "1-NN": known.y[nearest(queries, known.fingerprints)[0]],
        "linear": _fit_linear(known, queries, task),
    }
    return {method: Scores(found, threshold) for method, found in values.items()}


def _predict_classes(known: Reference, queries: PackedBits, n_classes: int) -> dict[str, Scores]:
    of_label = np.eye(n_classes)
    labels = known.y.astype(np.int64)
    linear = np.zeros((len(queries), n_classes))
    linear[:, np.unique(labels)] = _fit_linear(known, queries, MULTICLASS)
    values = {
        "dummy": np.tile(of_label[labels].mean(axis=0), (len(queries), 1)),
        "1-NN": of_label[labels[nearest(queries, known.fingerprints)[0]]],
        "linear": linear,
    }
    return {method: Scores(found) for method, found in values.items()}


def _fit_linear(known: Reference, queries: PackedBits, task: str) -> Labels:
    """Return probabilities of label 1, or of all classes that are known, or values."""
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    X, X_new = (
        csr_array(np.unpackbits(packed, axis=1), dtype=np.float64) for packed in (known.fingerprints, queries)
    )
    if not len(queries):
        return np.zeros(0 if task != MULTICLASS else (0, len(np.unique(known.y))))
    with threadpool_limits(1):  # the rounding of sums depends on the number of threads
        if task != "regression":
            linear = LogisticRegression(max_iter=MAX_ITERATIONS).fit(X, known.y)
            probability = np.asarray(linear.predict_proba(X_new))
            return probability if task == MULTICLASS else probability[:, 1]
        return np.asarray(Ridge(solver="sparse_cg").fit(X, known.y).predict(X_new))
