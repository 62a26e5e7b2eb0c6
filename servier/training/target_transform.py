"""The transform of the labels of a target in training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target_checks import LOG, MIRRORED_LOG
from servier.data.bounds import AT_LEAST, Relations

SKEWED = 1.0
MARGIN = 0.05


@dataclass(frozen=True)
class TargetTransform:
    """Standardization of a regression target, perhaps after a logarithm; classes stay as they are.

    Parameters
    ----------
    mean, width
        Mean and standard deviation after the logarithm.
    transform
        `log`; `mirrored_log`, the negative logarithm of the difference between `bound` and label; or None.
    bound
        The highest label plus a twentieth of the standard deviation, where the transform is `mirrored_log`.
    """

    mean: float = 0.0
    width: float = 1.0
    transform: str | None = None
    bound: float | None = None

    @classmethod
    def fit(cls, y: NDArray[np.float64], task: str, relations: Relations | None = None) -> "TargetTransform":
        """Choose the transform by the training labels.

        A regression target with a skewness above 1 and positive values is learnt as a logarithm, one with a
        skewness below -1 as a mirrored logarithm, if that halves the skewness at least. Bounds count with
        their limits; where a value may be above one, no answer is kept below the highest label by a mirrored
        logarithm. All transforms rise with the label, so a bound stays one of the same kind.

        Parameters
        ----------
        y, task
            The labels, float64, shape (n_rows,), NaN where missing, and `binary` or `regression`.
        relations
            Which labels are bounds; None where none is.
        """
        if task != "regression":
            return cls()
        known = y[~np.isnan(y)]
        skewness = _skewness(known)
        chosen = cls()
        if skewness > SKEWED and known.min() > 0:
            chosen = cls(transform=LOG)
        elif skewness < -SKEWED and (relations is None or not np.any(relations == AT_LEAST)):
            chosen = cls(transform=MIRRORED_LOG, bound=float(known.max() + MARGIN * np.std(known)))
        if abs(_skewness(chosen.apply(known))) > abs(skewness) / 2:
            chosen = cls()
        values = chosen.apply(known)
        return cls(float(np.mean(values)), float(np.std(values)), chosen.transform, chosen.bound)

    def apply(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return transformed labels; `Target.to_answer` is the inverse."""
        if self.transform == LOG:
            y = np.log(y)
        elif self.bound is not None:
            y = -np.log(self.bound - y)
        return (y - self.mean) / self.width


def _skewness(values: NDArray[np.float64]) -> float:
    from scipy import stats

    return float(stats.skew(values))
