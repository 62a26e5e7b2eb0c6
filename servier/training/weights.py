"""The weights of training labels: how much each counts, 1 on average."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.weight_facts import WeightFacts

FEW_LABELS = 20

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]


def normalize_weights(weights: Array, y: Array) -> Array | None:
    """Return weights whose mean over the labels of each target is 1, so that regularization stays as it is.

    Parameters
    ----------
    weights, y
        Weights and labels, float64, shape (n_train, n_targets), NaN in `y` where a label is missing.

    Returns
    -------
    In the same shape, 0 where a label is missing; None where all labels of each target weigh the same.
    """
    known = ~np.isnan(y)
    normal = np.zeros(y.shape)
    is_equal = True
    for of_target, rows, given in zip(normal.T, known.T, weights.T, strict=True):
        of_target[rows] = given[rows] / given[rows].mean()
        is_equal &= bool(np.ptp(given[rows]) == 0)
    return None if is_equal else normal


def count_effective(weights: Array) -> int:
    """Return how many labels of equal weight tell as much as these, by their weights.

    References
    ----------
    Kish, Survey sampling, Wiley 1965: the effective size of a sample.
    """
    return round(float(weights.sum() ** 2 / (weights**2).sum()))


def describe_weights(column: str, weights: Array | None, y: Array) -> WeightFacts:
    """Return the facts of weights that the metadata of a checkpoint records; as for `normalize_weights`."""
    known = ~np.isnan(y)
    of_labels = np.ones(int(known.sum())) if weights is None else weights[known]
    lowest, highest = float(of_labels.min()), float(of_labels.max())
    return WeightFacts(
        column, lowest, highest, count_effective(of_labels), float(np.median(of_labels)), len(of_labels)
    )


def log_weights(column: str, weights: Array | None, targets: Sequence[str]) -> None:
    """Say how much weights differ, and warn where a few labels have nearly all of the weight."""
    if weights is None:
        logger.info("all weights in column %r are equal", column)
        return
    for target, of_target in zip(targets, weights.T, strict=True):
        known = of_target[of_target > 0]
        effective = count_effective(known)
        logger.info(
            "target %s: weights in column %r are %.3g to %.3g times their mean, their median %.3g; the %s "
            "labels count as %s of equal weight",
            target, column, known.min(), known.max(), np.median(known), len(known), effective,
        )  # fmt: skip
        if effective < FEW_LABELS:
            logger.warning(
                "target %s: by their weights %s labels count as %s; look for a weight far above the others",
                target, len(known), effective,
            )  # fmt: skip
