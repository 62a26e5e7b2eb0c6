"""The learning problem of model 2."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.tokens import Tokenizer
from servier.models.encoder import EncoderWeights
from servier.models.fitted_model import Folds


@dataclass(frozen=True)
class Problem:
    """What model 2 is to learn.

    Parameters
    ----------
    randomize
        From the number of an epoch, counted from 1, to a randomized SMILES of every row, a new one each time.
    scored
        The SMILES of each row that a score is averaged over.
    tokenizer
        Encodes the strings as tokens.
    y
        The transformed labels of each raw score, float64, shape (n_rows, n_scores); NaN where missing. For
        a learner each raw score is a target of its own.
    tasks
        `binary` or `regression` for each of them.
    folds
        For each fold, the rows to fit on and those to hold out.
    pretrained
        The weights that the encoder starts from; None for random ones.
    relations
        Which labels are bounds, int8, in the shape of `y`: 1 where the true value is at least the label, -1
        where it is at most the label, else 0; None where none is.
    weights
        How much each label counts, float64, in the shape of `y`, 1 on average over the labels of a target;
        None where all count the same.
    """

    randomize: Callable[[int], list[str]]
    scored: Sequence[Sequence[str]]
    tokenizer: Tokenizer
    y: NDArray[np.float64]
    tasks: Sequence[str]
    folds: Folds
    pretrained: EncoderWeights | None
    relations: NDArray[np.int8] | None = None
    weights: NDArray[np.float64] | None = None
