"""The types that all learners share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import TrainingNotes

Folds = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""For each fold, the rows to fit on and those that are held out."""
Report = Callable[[str], None]
"""Called with a line of text now and then."""


@dataclass(frozen=True)
class FittedModel:
    """The result of training.

    Parameters
    ----------
    graphs
        ONNX graphs: one input, one output of raw scores, float32, shape (n_rows, n_targets). A raw score is a
        log-odds for a binary target, and a value in standard units for a regression target. Model 1 has one,
        model 2 one for each of its networks.
    native
        The files of the native model, by name, for retraining.
    held_out
        Out-of-fold raw scores of the training rows, float64, shape (n_rows, n_targets); NaN
        where a row was never held out.
    notes
        The recipe, and what training found out: rounds, losses.
    """

    graphs: list[bytes]
    native: dict[str, bytes]
    held_out: NDArray[np.float64]
    notes: TrainingNotes
