"""Baselines: simple methods that a model has to beat."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.chem.similarity import PackedBits, fingerprints, nearest
from servier.evaluation.bootstrap import Scores
from servier.metrics import measure

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

    The baselines are `dummy`, the share of label 1 or the mean label in training; `1-NN`, the label of the
    most similar training molecule (Tanimoto similarity of Morgan fingerprints); and `linear`, logistic or
    ridge regression on the fingerprint bits. Their decision threshold is the share of label 1 in training.

    Parameters
    ----------
    reference
        The training molecules.
    mols, y
        The molecules to predict, and their labels, shape (n_mols, n_targets); NaN where missing.
    tasks
        `binary` or `regression` for each target.
    """
    queries = fingerprints(mols)
    found = []
    for target, task in enumerate(tasks):
        is_known, is_tested = ~np.isnan(reference.y[:, target]), ~np.isnan(y[:, target])
        known = Reference(reference.fingerprints[is_known], reference.y[is_known, target])
        truth = y[is_tested, target]
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


def _fit_linear(known: Reference, queries: PackedBits, task: str) -> Labels:
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    X, X_new = (
        csr_array(np.unpackbits(packed, axis=1), dtype=np.float64) for packed in (known.fingerprints, queries)
    )
    if not len(queries):
        return np.zeros(0)
    with threadpool_limits(1):  # the rounding of sums depends on the number of threads
        if task == "binary":
            linear = LogisticRegression(max_iter=MAX_ITERATIONS).fit(X, known.y)
            return np.asarray(linear.predict_proba(X_new)[:, 1])
        return np.asarray(Ridge(solver="sparse_cg").fit(X, known.y).predict(X_new))
