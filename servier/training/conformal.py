"""Conformal prediction: the limits of label sets and the widths of intervals, fitted on out-of-fold scores.

The scores come from cross-validation in folds that keep groups together, by models that saw fewer molecules
than the final one. The coverage is guaranteed for molecules exchangeable with the held-out ones.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import CONFIDENCES, PROBABILITY_DIGITS
from servier.data.bounds import AT_LEAST, AT_MOST, EXACT, Relations

N_IMPUTED = 9
ROUNDING = 1e-9


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


def fit_widths(
    labels: NDArray[np.float64], raw: NDArray[np.float64], relations: Relations | None = None
) -> dict[str, list[float]]:
    """Fit half the width of the interval of a regression target.

    Parameters
    ----------
    labels, raw
        Labels in the units of the raw scores, and out-of-fold raw scores, float64, shape (n_rows,); NaN
        where missing.
    relations
        Which labels are bounds, as in `servier.data.bounds`; None where none is. Where there are any, the
        widths are those of `fit_censored_widths`.

    Returns
    -------
    For each confidence for which there are enough rows.

    References
    ----------
    Papadopoulos et al., Inductive confidence machines for regression, ECML 2002,
    doi:10.1007/3-540-36755-1_29.
    """
    from crepes import ConformalRegressor

    if relations is not None:
        return fit_censored_widths(labels, raw, relations)
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


def fit_censored_widths(
    labels: NDArray[np.float64], raw: NDArray[np.float64], relations: Relations
) -> dict[str, list[float]]:
    """Fit half the width of the interval where some labels are bounds.

    What lies beyond a bound is not known, and scores there are worse than the exact labels tell. So a bound
    counts as nine values, each with a ninth of the weight: the deciles, beyond the bound, of a normal
    distribution that is fitted to all labels, values and bounds. The widths are then those of split conformal
    prediction, with weights.

    Parameters
    ----------
    labels, raw, relations
        As for `fit_widths`.

    References
    ----------
    Tobin, Econometrica 1958, 26, 24, doi:10.2307/1907382: the normal distribution behind labels that are cut
    off. Candes et al., J. R. Stat. Soc. B 2023, 85, 24, doi:10.1093/jrsssb/qkac004: conformal prediction from
    such labels.
    """
    known = ~np.isnan(labels) & ~np.isnan(raw)
    labels, raw, relations = labels[known], raw[known], relations[known]
    values = impute_bounds(labels, relations)
    errors = np.abs(values - raw[:, None]).ravel()
    order = np.argsort(errors, kind="stable")
    covered = np.arange(1, errors.size + 1) / (errors.size + N_IMPUTED)
    widths = {str(level): errors[order][covered >= level - ROUNDING] for level in CONFIDENCES}
    return {level: [float(found[0])] for level, found in widths.items() if len(found)}


def impute_bounds(labels: NDArray[np.float64], relations: Relations) -> NDArray[np.float64]:
    """Return nine values for each label: itself, or the deciles of a normal distribution beyond a bound.

    Parameters
    ----------
    labels, relations
        Labels in the units of the raw scores, float64, shape (n_rows,), no NaN, and which of them are bounds.

    Returns
    -------
    float64, shape (n_rows, 9).
    """
    from scipy import stats

    lower, upper = relations == AT_LEAST, relations == AT_MOST
    data = stats.CensoredData(labels[relations == EXACT], left=labels[upper], right=labels[lower])
    mean, width = stats.norm.fit(data)
    values = np.repeat(labels[:, None], N_IMPUTED, axis=1)
    deciles = np.arange(1, N_IMPUTED + 1) / (N_IMPUTED + 1)
    units = (labels[:, None] - mean) / width
    values[upper] = mean + width * stats.truncnorm.ppf(deciles, -np.inf, units[upper])
    values[lower] = mean + width * stats.truncnorm.ppf(deciles, units[lower], np.inf)
    return values
