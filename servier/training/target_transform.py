"""Target transforms: the units in which targets are learnt."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import LOG, MIRRORED_LOG

SKEWED = 1.0
MARGIN = 0.05


@dataclass(frozen=True)
class TargetTransform:
    """Standardizes a regression target, perhaps after a logarithm; a binary target is left unchanged.

    Parameters
    ----------
    mean, width
        Mean and standard deviation, after the transform.
    transform
        `log`; `mirrored_log`, the negative logarithm of the distance to `bound`; or None.
    bound
        An upper bound of the labels, a twentieth of their standard deviation above the largest; only for
        `mirrored_log`.
    """

    mean: float = 0.0
    width: float = 1.0
    transform: str | None = None
    bound: float | None = None

    @classmethod
    def fit(cls, y: NDArray[np.float64], task: str) -> "TargetTransform":
        """Choose the transform of a target by its training labels, shape (n_rows,); NaN where missing.

        A regression target with positive values and a skewness above 1 is learnt as a logarithm, and one with
        a skewness below -1 as a mirrored logarithm, if that at least halves the skewness.
        """
        if task == "binary":
            return cls()
        known = y[~np.isnan(y)]
        skewness = _skewness(known)
        chosen = cls()
        if skewness > SKEWED and known.min() > 0:
            chosen = cls(transform=LOG)
        elif skewness < -SKEWED:
            chosen = cls(transform=MIRRORED_LOG, bound=float(known.max() + MARGIN * np.std(known)))
        if abs(_skewness(chosen.apply(known))) > abs(skewness) / 2:
            chosen = cls()
        values = chosen.apply(known)
        return cls(float(np.mean(values)), float(np.std(values)), chosen.transform, chosen.bound)

    def apply(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return labels in these units."""
        if self.transform == LOG:
            y = np.log(y)
        elif self.bound is not None:
            y = -np.log(self.bound - y)
        return (y - self.mean) / self.width


def _skewness(values: NDArray[np.float64]) -> float:
    from scipy import stats

    return float(stats.skew(values))
