"""The nearest neighbours of a molecule in the training set, with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from servier.checkpoint.file import Checkpoint
from servier.chem.molecules import Mol
from servier.chem.similarity import fingerprints, similarities
from servier.tables.numbers import SIGNS


@dataclass(frozen=True)
class Neighbour:
    """A training molecule that is similar to a query.

    Parameters
    ----------
    smiles
        Its canonical SMILES.
    similarity
        Tanimoto similarity of the Morgan fingerprints.
    labels
        Its labels in training, by target; classes are words.
    relations
        By target, of labels that are bounds: `>` where the true value is at least the label, `<` where it is
        at most the label.
    """

    smiles: str
    similarity: float
    labels: dict[str, float | str]
    relations: dict[str, str] = field(default_factory=dict)


def find_neighbours(checkpoints: Sequence[Checkpoint], mol: Mol, n: int) -> list[Neighbour]:
    """Return the training molecules most similar to a molecule, the nearest first.

    Parameters
    ----------
    checkpoints
        The models; a molecule that several were trained on is returned once. A checkpoint without its
        training molecules adds none.
    mol
        The molecule.
    n
        How many at most.
    """
    query = fingerprints([mol])[0]
    found: dict[str, Neighbour] = {}
    for checkpoint in checkpoints:
        arrays = checkpoint.reference
        if (smiles := arrays.smiles) is None:
            continue
        similarity = similarities(query, arrays.train_fingerprints)
        for row in np.argsort(-similarity, kind="stable")[:n].tolist():
            y = zip(checkpoint.targets, arrays.train_y[row].tolist(), strict=True)
            labels = {
                target.name: target.classes[int(value)] if target.has_classes else value
                for target, value in y
                if not np.isnan(value)
            }
            relations = _write_relations(checkpoint, row)
            found.setdefault(smiles[row], Neighbour(smiles[row], float(similarity[row]), labels, relations))
    return sorted(found.values(), key=lambda neighbour: -neighbour.similarity)[:n]


def _write_relations(checkpoint: Checkpoint, row: int) -> dict[str, str]:
    """Return the signs of those labels of a training molecule that are bounds, by target."""
    relations = checkpoint.reference.train_relations
    if relations is None:
        return {}
    found = zip(checkpoint.targets, relations[row].tolist(), strict=True)
    return {target.name: SIGNS[relation] for target, relation in found if relation}
