"""What model 2 is to learn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.tokens import Tokenizer
from servier.models.encoder import EncoderWeights
from servier.models.fitted_model import Folds


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Parameters
    ----------
    spell
        From the number of an epoch, counted from 1, to a SMILES string of every row; another one each time.
    scored
        For each row the strings that a score is averaged over.
    tokenizer
        What the network is to see of the strings.
    y
        Labels, those of a regression target in standard units, float64, shape (n_rows, n_targets); NaN where
        missing.
    tasks
        `binary` or `regression` for each target.
    folds
        For each fold the rows to fit on, and those to hold out.
    pretrained
        What the encoder starts from; None for random weights.
    """

    spell: Callable[[int], list[str]]
    scored: Sequence[Sequence[str]]
    tokenizer: Tokenizer
    y: NDArray[np.float64]
    tasks: Sequence[str]
    folds: Folds
    pretrained: EncoderWeights | None
