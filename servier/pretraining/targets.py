"""Computed properties in units that a network can learn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SKEWED = 3.0
LIMIT = 5.0


@dataclass(frozen=True)
class DescriptorScaler:
    """Standardizes descriptors, those with a long tail after a signed logarithm.

    Parameters
    ----------
    is_log
        bool, shape (n_descriptors,): whether the logarithm is taken.
    mean, width
        float64, shape (n_descriptors,): the mean and the standard deviation.
    kept
        bool, shape (n_descriptors,): whether the descriptor is not constant.
    """

    is_log: NDArray[np.bool_]
    mean: NDArray[np.float64]
    width: NDArray[np.float64]
    kept: NDArray[np.bool_]

    @classmethod
    def fit(cls, descriptors: NDArray[np.float32]) -> "DescriptorScaler":
        """Fit to a sample, float32, shape (n_rows, n_descriptors)."""
        X = descriptors.astype(np.float64)
        width = X.std(axis=0)
        skewness = np.mean((X - X.mean(axis=0)) ** 3, axis=0) / np.maximum(width, 1e-9) ** 3
        is_log = np.abs(skewness) > SKEWED
        X = np.where(is_log, np.sign(X) * np.log1p(np.abs(X)), X)
        width = X.std(axis=0)
        return cls(is_log, X.mean(axis=0), np.maximum(width, 1e-9), width > 1e-6)

    @property
    def n_kept(self) -> int:
        """The number of descriptors that are learnt."""
        return int(self.kept.sum())

    def apply(self, descriptors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the kept descriptors, standardized and clipped at 5, float32, shape (n_rows, n_kept)."""
        X = descriptors.astype(np.float64)
        X = np.where(self.is_log, np.sign(X) * np.log1p(np.abs(X)), X)
        units = np.clip((X - self.mean) / self.width, -LIMIT, LIMIT)
        return np.asarray(units[:, self.kept], np.float32)
