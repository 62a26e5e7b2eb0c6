"""What a student learns, and how: the raw scores of its teachers for many molecules, as values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Lesson:
    """Molecules with the scores that their teachers gave them.

    Parameters
    ----------
    X
        Features, float32, shape (n_rows, n_features).
    y
        The teachers' scores, 0 on average and about 1 wide, float64, shape (n_rows, n_scores); NaN where
        there is none.
    weights
        How much each row counts, float64, shape (n_rows,).
    """

    X: NDArray[np.float32]
    y: NDArray[np.float64]
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """How a student learns.

    Parameters
    ----------
    preset
        Its features, one of `servier.features.registry.PRESETS`.
    n_trees, num_leaves, learning_rate, min_child_samples, feature_fraction, bagging_fraction
        The boosted trees of each score, as LightGBM names them.
    training_weight
        How much a molecule counts that the teachers were trained on; others count 1.
    """

    preset: str = "fast"
    n_trees: int = 500
    num_leaves: int = 63
    learning_rate: float = 0.05
    min_child_samples: int = 10
    feature_fraction: float = 0.3
    bagging_fraction: float = 0.8
    training_weight: float = 3.0
