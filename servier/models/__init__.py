"""The two kinds of model. None of them reads molecules: they get numbers or strings."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class FittedModel:
    """What training leaves behind.

    Parameters
    ----------
    graph
        The ONNX graph: one input, one output of raw scores, float32, shape (n_rows, n_targets). A raw score
        is a log-odds for a binary target, and a value in standard units for a regression target.
    native
        The files of the native model, by name, for retraining.
    held_out
        Raw scores of training rows by models that had not seen them, float64, shape (n_rows, n_targets); NaN
        where a row was never held out.
    notes
        What training found out: rounds, epochs, losses.
    """

    graph: bytes
    native: dict[str, bytes]
    held_out: NDArray[np.float64]
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Standardization:
    """Mean and standard deviation of a regression target; 0 and 1 for a binary one.

    Parameters
    ----------
    mean, scale
        float64, shape (n_targets,).
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, y: NDArray[np.float64], tasks: list[str]) -> "Standardization":
        """Measure the known labels, float64, shape (n_rows, n_targets)."""
        is_regression = np.array([task == "regression" for task in tasks])
        scale = np.nanstd(y, axis=0)
        return cls(np.where(is_regression, np.nanmean(y, axis=0), 0.0), np.where(is_regression, scale, 1.0))

    def apply(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the labels in standard units."""
        return (y - self.mean) / self.scale
