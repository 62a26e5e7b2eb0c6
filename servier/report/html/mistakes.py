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
        Its label, and the probability of label 1, the value, or the class with its probability, as texts.
    similarity
        To the nearest training molecule.
    drawing
        Its structural formula.
    """

    line: int
    id: str
    smiles: str
    observed: str
    predicted: str
    similarity: float
    drawing: Markup


def find_mistakes(y: NDArray[np.float64], values: NDArray[np.float64], target: Target) -> list[int]:
    """Return the twelve rows with the largest errors, the largest first.

    Unless labels are values, only rows with the wrong label count, by the probability of the right one.

    Parameters
    ----------
    y, values
        The labels and the predictions, float64, shape (n_rows,) or (n_rows, n_classes); no NaN.
    target
        The target that is predicted.
    """
    rows = np.arange(len(y))
    distance = 1 - values[rows, y.astype(np.int64)] if target.has_classes else np.abs(y - values)
    is_wrong = target.label(values) != y
    order = np.argsort(-distance, kind="stable")
    return [int(i) for i in order if is_wrong[i]][:MOST]


def describe_mistake(y: float, value: float | NDArray[np.float64], target: Target) -> tuple[str, str]:
    """Return what was observed of a row, and what was predicted, as texts."""
    if target.has_classes:
        answer = np.atleast_2d(value)
        label = int(target.label(answer)[0])
        return target.classes[int(y)], f"{target.classes[label]} ({answer[0, label]:.3f})"
    return f"{y:.4g}", f"{value:.3f}" if target.task == "binary" else f"{value:.4g}"


def draw_mistakes(
    data: Dataset, rows: Sequence[int], answers: Sequence[tuple[str, str, float]]
) -> list[Mistake]:
    """Return rows of a table with their drawings.

    Parameters
    ----------
    data, rows
        A table, and numbers of its rows.
    answers
        Of each row the label and the prediction as texts, and the similarity to the nearest training
        molecule.
    """
    found = []
    for i, (row, (observed, predicted, similarity)) in enumerate(zip(rows, answers, strict=True)):
        mol = parse_smiles(data.smiles[row])
        assert not isinstance(mol, InvalidMolecule)
        where = data.lines[row], data.ids[row], data.smiles[row]
        found.append(
            Mistake(*where, observed, predicted, similarity, embed(draw_structure(mol), f"molecule-{i}"))
        )
    return found
