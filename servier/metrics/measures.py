"""How good predictions are: the metrics of scikit-learn, SciPy and RDKit."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit.ML.Scoring import Scoring
from scipy import stats
from sklearn import metrics

from servier.metrics.ordered_pairs import Relations, Vector, concordance

N_BINS = 10
ALPHA = 20.0

Metric = Callable[[Vector, Vector, float | Vector], float]


def calibration_error(y: Vector, p: Vector) -> float:
    """Return how far probabilities are from frequencies, on average over ten bins of equally many rows.

    References
    ----------
    Nixon et al., Measuring calibration in deep learning, arXiv:1904.01685.
    """
    bins = np.array_split(np.argsort(p, kind="stable"), min(N_BINS, len(p)))
    return float(sum(len(rows) * abs(y[rows].mean() - p[rows].mean()) for rows in bins) / len(p))


def bedroc(y: Vector, p: Vector) -> float:
    """Return how early label 1 comes in the order of the scores, with alpha = 20.

    References
    ----------
    Truchon and Bayly, J. Chem. Inf. Model. 2007, 47, 488, doi:10.1021/ci600426e.
    """
    return max(0.0, float(Scoring.CalcBEDROC(_ranked(y, p), 0, ALPHA)))


def enrichment(y: Vector, p: Vector, fraction: float) -> float:
    """Return how many times as frequent label 1 is among the best `fraction` of the rows as among all."""
    return float(Scoring.CalcEnrichment(_ranked(y, p), 0, [fraction])[0])


def _ranked(y: Vector, p: Vector) -> list[list[float]]:
    """Return the labels with the highest score first; among equal scores label 0 comes first."""
    return [[label] for label in y[np.lexsort((y, -p))].tolist()]


BINARY: dict[str, Metric] = {
    "auroc": lambda y, p, _: metrics.roc_auc_score(y, p),
    "average_precision": lambda y, p, _: metrics.average_precision_score(y, p),
    "balanced_accuracy": lambda y, p, t: metrics.balanced_accuracy_score(y, p >= t),
    "mcc": lambda y, p, t: metrics.matthews_corrcoef(y, p >= t),
    "f1": lambda y, p, t: metrics.f1_score(y, p >= t, zero_division=0),
    "log_loss": lambda y, p, _: metrics.log_loss(y, p),
    "brier": lambda y, p, _: metrics.brier_score_loss(y, p),
    "calibration_error": lambda y, p, _: calibration_error(y, p),
    "bedroc": lambda y, p, _: bedroc(y, p),
    "enrichment_1%": lambda y, p, _: enrichment(y, p, 0.01),
    "enrichment_5%": lambda y, p, _: enrichment(y, p, 0.05),
}
REGRESSION: dict[str, Metric] = {
    "mae": lambda y, p, _: metrics.mean_absolute_error(y, p),
    "rmse": lambda y, p, _: metrics.root_mean_squared_error(y, p),
    "r2": lambda y, p, _: metrics.r2_score(y, p) if np.ptp(y) > 0 else math.nan,
    "spearman": lambda y, p, _: _rank_correlation(stats.spearmanr, y, p),
    "kendall": lambda y, p, _: _rank_correlation(stats.kendalltau, y, p),
}
CONCORDANCE = "concordance"


def macro_auroc(y: Vector, p: Vector) -> float:
    """Return the mean AUROC of each class against all others, of those classes that some rows have, not all.

    Parameters
    ----------
    y, p
        Labels, shape (n_rows,), of which there are two at least, and probabilities, shape (n_rows,
        n_classes).
    """
    present = [label for label in range(p.shape[1]) if 0 < np.sum(y == label) < len(y)]
    return float(np.mean([metrics.roc_auc_score(y == label, p[:, label]) for label in present]))


def _log_loss_of_classes(y: Vector, p: Vector) -> float:
    """Return the cross-entropy; rounded probabilities are made to add up to 1 again."""
    shares = p / p.sum(axis=1, keepdims=True)
    return float(metrics.log_loss(y, shares, labels=range(p.shape[1])))


def _quadratic_kappa(y: Vector, p: Vector) -> float:
    """Return Cohen's kappa with the squared distance of classes as weight.

    References
    ----------
    Cohen, Weighted kappa, Psychol. Bull. 1968, 70, 213, doi:10.1037/h0026256.
    """
    labels = p.argmax(axis=1)
    if len(np.unique([*y, *labels])) < 2:
        return math.nan
    numbers = range(p.shape[1])  # without them, classes that no row has would bring others closer together
    return float(metrics.cohen_kappa_score(y, labels, labels=numbers, weights="quadratic"))


def _balanced_accuracy(y: Vector, p: Vector) -> float:
    """Return the mean share of rows of each class, of those that some rows have, that are found."""
    labels = p.argmax(axis=1)
    return float(np.mean([np.mean(labels[y == label] == label) for label in np.unique(y)]))


MULTICLASS: dict[str, Metric] = {
    "auroc": lambda y, p, _: macro_auroc(y, p),
    "balanced_accuracy": lambda y, p, _: _balanced_accuracy(y, p),
    "mcc": lambda y, p, _: metrics.matthews_corrcoef(y, p.argmax(axis=1)),
    "log_loss": lambda y, p, _: _log_loss_of_classes(y, p),
}
ORDINAL: dict[str, Metric] = {"quadratic_kappa": lambda y, p, _: _quadratic_kappa(y, p), **MULTICLASS}
_METRICS = {"binary": BINARY, "regression": REGRESSION, "multiclass": MULTICLASS, "ordinal": ORDINAL}
LOWER_IS_BETTER = ("log_loss", "brier", "calibration_error", "mae", "rmse")


def measure(
    y: Vector,
    y_score: Vector,
    task: str,
    threshold: float | Vector | None,
    relations: Relations | None = None,
) -> dict[str, float]:
    """Return every metric of a task.

    Parameters
    ----------
    y, y_score
        float64, shape (n_rows,): labels, and probabilities of label 1 or values, or, shape (n_rows,
        n_classes), of all classes; no NaN.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    threshold
        The probability from which on label 1 is predicted, or one for each row.
    relations
        Which labels are bounds, int8, shape (n_rows,): 1 where the true value is at least the label, -1 where
        it is at most the label, else 0; None where none is. Bounds count in the `concordance` alone, which is
        measured only where there are any.

    Returns
    -------
    Metrics by name, without those that are undefined: all of fewer than two rows or a single class, R2 of
    labels that are all equal, and the rank correlation of values or labels that are.
    """
    if relations is not None and relations.any():
        exact = relations == 0
        found = measure(y[exact], y_score[exact], task, threshold)
        ordered = concordance(y, y_score, relations)
        return found if math.isnan(ordered) else found | {CONCORDANCE: ordered}
    if not _is_measurable(y, task):
        return {}
    cut = 0.5 if threshold is None else threshold
    found = {name: float(metric(y, y_score, cut)) for name, metric in _METRICS[task].items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def one_sided(y: Vector, y_score: Vector, relations: Relations) -> Vector:
    """Return the errors of scores, 0 where a label is a bound that the score satisfies."""
    errors = y_score - y
    return np.where(relations * errors > 0, 0.0, errors)


def mean_score(
    y: NDArray[np.float64],
    scores: NDArray[np.float64],
    tasks: Sequence[str],
    relations: Relations | None = None,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return how good scores are in one number: AUROC of binary ones, R2 of others, mean over scores.

    Scores whose labels do not vary are left out; without any other the number is 0. In R2 a score that
    satisfies a bound has no error.

    Parameters
    ----------
    y, scores
        float64, shape (n_rows, n_scores): labels and raw scores, NaN where missing.
    tasks
        `binary` or `regression` for each raw score.
    relations
        Which labels are bounds, as for `measure`, shape (n_rows, n_scores); None where none is.
    weights
        How much each label counts, shape (n_rows, n_scores); None where all count the same.
    """
    found = []
    if relations is not None:
        scores = np.where(relations * (scores - y) > 0, y, scores)
    for i, (task, labels, values) in enumerate(zip(tasks, y.T, scores.T, strict=True)):
        known = ~np.isnan(labels) & ~np.isnan(values)
        if len(np.unique(labels[known])) > 1:
            metric = metrics.roc_auc_score if task == "binary" else metrics.r2_score
            counts = None if weights is None else weights[known, i]
            found.append(metric(labels[known], values[known], sample_weight=counts))
    return float(np.mean(found)) if found else 0.0


def _rank_correlation(correlate: Callable[..., Any], y: Vector, y_score: Vector) -> float:
    if np.ptp(y) == 0 or np.ptp(y_score) == 0:
        return math.nan
    return float(correlate(y, y_score).statistic)


def _is_measurable(y: Vector, task: str) -> bool:
    return len(y) > 1 and (task == "regression" or len(np.unique(y)) > 1)


def measure_coverage(y: NDArray[np.float64], bounds: NDArray[np.float64], task: str) -> dict[str, float]:
    """Return how often bounds held the truth, and how narrow they were.

    Parameters
    ----------
    y
        Labels, float64, shape (n_rows,).
    bounds
        Of the same rows, as `servier.scoring.predictions.Predictions` holds them.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.

    Returns
    -------
    `coverage`; of sets also that of each label, `coverage_0`, `coverage_1`, ..., and the share of sets with a
    `single` label; of intervals the mean `width`. Nothing without rows.
    """
    known = ~np.isnan(y) & ~np.isnan(bounds[:, 0])
    y, bounds = y[known], bounds[known]
    if not len(y):
        return {}
    if task == "regression":
        is_covered = (bounds[:, 0] <= y) & (y <= bounds[:, 1])
        return {"coverage": float(is_covered.mean()), "width": float((bounds[:, 1] - bounds[:, 0]).mean())}
    is_covered = bounds[np.arange(len(y)), y.astype(int)] == 1
    of_label = {
        f"coverage_{label}": float(is_covered[y == label].mean())
        for label in range(bounds.shape[1])
        if np.any(y == label)
    }
    single = float((bounds.sum(axis=1) == 1).mean())
    return {"coverage": float(is_covered.mean()), **of_label, "single": single}
