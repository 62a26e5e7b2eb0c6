"""What simple methods would have said: a model is worth what it adds to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.chem.similarity import PackedBits, fingerprints, nearest
from servier.evaluation.bootstrap import Scores
from servier.metrics import measure

MAX_ITERATIONS = 1000

Labels = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """What simple methods know: the molecules that a model was trained on.

    Parameters
    ----------
    fingerprints
        Of the training molecules, packed bits, shape (n_train, 256).
    y
        Their labels, float64, shape (n_train, n_targets); NaN where missing.
    """

    fingerprints: PackedBits
    y: Labels


def measure_baselines(
    reference: Reference, mols: Sequence[Mol], y: Labels, tasks: Sequence[str]
) -> list[dict[str, dict[str, float]]]:
    """Return for each target, and each simple method, every metric.

    The methods are `mean`, the share of label 1 or the mean label of training; `nearest`, the label of the
    most similar training molecule (Tanimoto similarity of Morgan fingerprints); and `linear`, logistic or
    ridge regression on the fingerprint bits. They predict label 1 from the share that it has in training on.

    Parameters
    ----------
    reference
        The training molecules.
    mols, y
        The molecules to be predicted, and their labels, shape (n_mols, n_targets); NaN where missing.
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
        "mean": np.full(len(queries), mean),
        "nearest": known.y[nearest(queries, known.fingerprints)[0]],
        "linear": _fit_line(known, queries, task),
    }
    return {method: Scores(found, threshold) for method, found in values.items()}


def _fit_line(known: Reference, queries: PackedBits, task: str) -> Labels:
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    X, X_new = (
        csr_array(np.unpackbits(packed, axis=1), dtype=np.float64) for packed in (known.fingerprints, queries)
    )
    if not len(queries):
        return np.zeros(0)
    with threadpool_limits(1):  # how sums are rounded depends on the number of threads
        if task == "binary":
            line = LogisticRegression(max_iter=MAX_ITERATIONS).fit(X, known.y)
            return np.asarray(line.predict_proba(X_new)[:, 1])
        return np.asarray(Ridge(solver="sparse_cg").fit(X, known.y).predict(X_new))
