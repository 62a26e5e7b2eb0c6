"""What scores mean where some labels are bounds: the line from scores to values, and widths of intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import CONFIDENCES
from servier.data.bounds import AT_LEAST, AT_MOST, EXACT, Relations

N_IMPUTED = 9
ROUNDING = 1e-9
NARROWEST = 1e-6

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line from scores to values: a score s stands for `slope * s + intercept`."""

    slope: float = 1.0
    intercept: float = 0.0

    def to_scores(self, labels: Array) -> Array:
        """Return labels in units of the scores."""
        return np.asarray((labels - self.intercept) / self.slope)


def fit_line(labels: Array, raw: Array, relations: Relations) -> Line:
    """Fit the line from scores to values with normal errors, by the likelihood of values and bounds.

    A score whose loss is zero on the right side of a bound stops near it. The line lets answers go on beyond
    the limit of a measurement, as far as the values and bounds on either side of it say.

    Parameters
    ----------
    labels, raw
        Labels on the scale of the target transform, and out-of-fold raw scores, float64, shape (n_rows,); NaN
        where missing.
    relations
        Which labels are bounds, as in `servier.data.bounds`, int8, shape (n_rows,).

    Returns
    -------
    The line; slope 1 and intercept 0 where scores do not rise with the labels.

    References
    ----------
    Tobin, Econometrica 1958, 26, 24, doi:10.2307/1907382. Olsen, Econometrica 1978, 46, 1211: in the
    parameters that are used here the likelihood has one maximum.
    """
    from scipy.optimize import minimize

    known = ~np.isnan(labels) & ~np.isnan(raw)
    labels, raw, relations = labels[known], raw[known], relations[known]
    start = 1 / max(float(np.std(labels - raw)), NARROWEST)
    found = minimize(
        _weigh_line, np.array([start, 0.0, start]), (labels, raw, relations), "L-BFGS-B", jac=True,
        bounds=[(NARROWEST, 1 / NARROWEST), (None, None), (None, None)],
    )  # fmt: skip
    precision, intercept, slope = found.x.tolist()
    if not slope > NARROWEST * precision:
        return Line()
    return Line(slope / precision, intercept / precision)


def _weigh_line(parameters: Array, labels: Array, raw: Array, relations: Relations) -> tuple[float, Array]:
    """Return the negative log-likelihood and its derivatives.

    The parameters are one, the intercept and the slope, each divided by the standard deviation of the errors.
    """
    from scipy.special import log_ndtr

    precision, intercept, slope = parameters
    units = precision * labels - intercept - slope * raw
    is_exact, signs = relations == EXACT, -relations.astype(np.float64)
    of_bounds = log_ndtr(signs * units)
    mills = signs * np.exp(-(units**2) / 2 - of_bounds) / np.sqrt(2 * np.pi)
    likelihood = np.where(is_exact, np.log(precision) - units**2 / 2, of_bounds).sum()
    slopes = np.where(is_exact, -units, mills)
    of_precision = (slopes * labels).sum() + is_exact.sum() / precision
    return -float(likelihood), -np.array([of_precision, -slopes.sum(), -(slopes * raw).sum()])


def fit_censored_widths(labels: Array, raw: Array, relations: Relations) -> dict[str, list[float]]:
    """Fit half the width of the interval of a regression target where some labels are bounds.

    What lies beyond a bound is not known, and scores are worse there than the values tell. So a bound counts
    as nine values, each with a ninth of the weight: the deciles, beyond the bound, of a normal distribution
    that is fitted to all labels, values and bounds. The widths are then those of split conformal prediction,
    with weights.

    Parameters
    ----------
    labels, raw, relations
        As for `fit_line`, labels in the units of the raw scores.

    Returns
    -------
    For each confidence for which there are enough rows.

    References
    ----------
    Candes et al., J. R. Stat. Soc. B 2023, 85, 24, doi:10.1093/jrsssb/qkac004: conformal prediction from
    labels that are cut off.
    """
    known = ~np.isnan(labels) & ~np.isnan(raw)
    values = impute_bounds(labels[known], relations[known])
    errors = np.sort(np.abs(values - raw[known, None]).ravel())
    covered = np.arange(1, errors.size + 1) / (errors.size + N_IMPUTED)
    widths = {str(level): errors[covered >= level - ROUNDING] for level in CONFIDENCES}
    return {level: [float(found[0])] for level, found in widths.items() if len(found)}


def impute_bounds(labels: Array, relations: Relations) -> Array:
    """Return nine values for each label: itself, or the deciles of a normal distribution beyond a bound.

    Parameters
    ----------
    labels, relations
        Labels, float64, shape (n_rows,), no NaN, and which of them are bounds.

    Returns
    -------
    float64, shape (n_rows, 9).
    """
    from scipy import stats

    lower, upper = relations == AT_LEAST, relations == AT_MOST
    data = stats.CensoredData(labels[relations == EXACT], left=labels[upper], right=labels[lower])
    mean, width = stats.norm.fit(data)
    deciles = np.arange(1, N_IMPUTED + 1) / (N_IMPUTED + 1)
    width = max(width, NARROWEST * NARROWEST)
    limits = (labels[:, None] - mean) / width
    values = np.repeat(labels[:, None], N_IMPUTED, axis=1)
    values[upper] = mean + width * stats.truncnorm.ppf(deciles, -np.inf, limits[upper])
    values[lower] = mean + width * stats.truncnorm.ppf(deciles, limits[lower], np.inf)
    return values
