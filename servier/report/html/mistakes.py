"""The largest errors of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from servier.checkpoint.target import Target
from servier.chem.drawing import draw_structure
from servier.chem.molecules import InvalidMolecule, parse_smiles
from servier.data.datasets import Dataset
from servier.report.html.vector import embed

MOST = 12


@dataclass(frozen=True)
class Mistake:
    """A row that a model got wrong.

    Parameters
    ----------
    line, id, smiles
        The line number, the identifier and the SMILES string of the row.
    observed, predicted
        Its label, and the probability of label 1 or the value.
    similarity
        To the nearest training molecule.
    drawing
        Its structural formula.
    """

    line: int
    id: str
    smiles: str
    observed: float
    predicted: float
    similarity: float
    drawing: Markup


def find_mistakes(y: NDArray[np.float64], values: NDArray[np.float64], target: Target) -> list[int]:
    """Return the twelve rows with the largest errors, the largest first.

    For a binary target, only rows with the wrong label count, by the probability of the right one.

    Parameters
    ----------
    y, values
        The labels and the predictions, float64, shape (n_rows,); no NaN.
    target
        The target that is predicted.
    """
    distance = np.abs(y - values)
    is_wrong = target.label(values) != y
    order = np.argsort(-distance, kind="stable")
    return [int(i) for i in order if is_wrong[i]][:MOST]


def draw_mistakes(
    data: Dataset,
    rows: Sequence[int],
    answers: NDArray[np.float64],
) -> list[Mistake]:
    """Return rows of a table with their drawings.

    Parameters
    ----------
    data, rows
        A table, and numbers of its rows.
    answers
        The label, the prediction, and the similarity to the nearest training molecule of each row,
        float64, shape (n_rows, 3).
    """
    found = []
    for i, (row, (observed, predicted, similarity)) in enumerate(zip(rows, answers.tolist(), strict=True)):
        mol = parse_smiles(data.smiles[row])
        assert not isinstance(mol, InvalidMolecule)
        where = data.lines[row], data.ids[row], data.smiles[row]
        found.append(
            Mistake(*where, observed, predicted, similarity, embed(draw_structure(mol), f"molecule-{i}"))
        )
    return found
