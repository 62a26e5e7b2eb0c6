"""Conformal prediction: the limits of label sets and the widths of intervals, fitted on out-of-fold scores.

The scores come from cross-validation in folds that keep groups together, by models that saw fewer molecules
than the final one. The coverage is guaranteed for molecules exchangeable with the held-out ones.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import CONFIDENCES, PROBABILITY_DIGITS


def fit_sets(y: NDArray[np.float64], probability: NDArray[np.float64]) -> dict[str, list[float]]:
    """Fit the limits at which either label belongs to the prediction set of a binary target.

    The sets are class-conditional: of the molecules with either label, however rare, at least the fraction
    `confidence` has that label in its set.

    Parameters
    ----------
    y
        Labels, float64, shape (n_rows,); NaN where missing.
    probability
        Out-of-fold probabilities of label 1; NaN where there is none.

    Returns
    -------
    For each confidence the highest probability at which label 0 belongs to the set, and the lowest at which
    label 1 does.

    References
    ----------
    Vovk, Conditional validity of inductive conformal predictors, Machine Learning 2013, 92, 349,
    doi:10.1007/s10994-013-5355-6.
    """
    nonconformity = {0: probability[y == 0], 1: 1 - probability[y == 1]}
    limits = {label: _fit_limits(values[~np.isnan(values)]) for label, values in nonconformity.items()}
    return {
        str(level): [limits[0][level], round(1 - limits[1][level], PROBABILITY_DIGITS)]
        for level in CONFIDENCES
    }


def fit_class_sets(y: NDArray[np.float64], probability: NDArray[np.float64]) -> dict[str, list[float]]:
    """Fit the lowest probabilities at which classes belong to the prediction set, else as `fit_sets`.

    Parameters
    ----------
    y
        Labels, float64, shape (n_rows,); NaN where missing.
    probability
        Out-of-fold probabilities, shape (n_rows, n_classes); NaN where there are none.

    Returns
    -------
    For each confidence the lowest probability of each class.
    """
    nonconformity = [1 - own[(y == label) & ~np.isnan(own)] for label, own in enumerate(probability.T)]
    limits = [_fit_limits(values) for values in nonconformity]
    return {
        str(level): [round(1 - own[level], PROBABILITY_DIGITS) for own in limits] for level in CONFIDENCES
    }


def _fit_limits(nonconformity: NDArray[np.float64]) -> dict[float, float]:
    """Return the highest nonconformity score in the set for each confidence; 1 where rows are too few."""
    from crepes import ConformalClassifier

    if not len(nonconformity):
        return dict.fromkeys(CONFIDENCES, 1.0)
    classifier = ConformalClassifier()
    classifier.fit(nonconformity)
    grid = np.unique(nonconformity)
    p_values = classifier.predict_p(grid[:, None], smoothing=False)[:, 0]
    lowest = 1 / (len(nonconformity) + 1)
    return {
        level: 1.0 if lowest >= 1 - level else float(grid[p_values >= 1 - level].max(initial=0.0))
        for level in CONFIDENCES
    }


def fit_widths(labels: NDArray[np.float64], raw: NDArray[np.float64]) -> dict[str, list[float]]:
    """Fit half the width of the interval of a regression target.

    Parameters
    ----------
    labels, raw
        Labels in the units of the raw scores, and out-of-fold raw scores, float64, shape (n_rows,); NaN
        where missing.

    Returns
    -------
    For each confidence for which there are enough rows.

    References
    ----------
    Papadopoulos et al., Inductive confidence machines for regression, ECML 2002,
    doi:10.1007/3-540-36755-1_29.
    """
    from crepes import ConformalRegressor

    residuals = labels - raw
    regressor = ConformalRegressor()
    regressor.fit(residuals[~np.isnan(residuals)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the width is infinite where rows are too few, and left out below
        widths = {
            str(level): float(regressor.predict_int(np.zeros(1), confidence=level)[0, 1])
            for level in CONFIDENCES
        }
    return {level: [width] for level, width in widths.items() if np.isfinite(width)}
