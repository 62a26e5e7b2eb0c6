"""What structures and labels of a table say together: activity cliffs, and a series that is most of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.chem.identity import scaffold_smiles
from servier.chem.molecules import Mol
from servier.chem.similarity import Neighbours, fingerprints
from servier.chem.units import Scale, parse_unit

ALIKE_VALUES, ALIKE_CLASSES = 0.56, 0.9
"""The Tanimoto similarity from which two molecules ought to have like values, and the same class."""
HUNDREDFOLD = 2.0
DEVIATIONS = 2.0
MAX_COMPARED = 20_000
MOST = 0.5
MIN_SERIES = 20


@dataclass(frozen=True)
class Cliff:
    """Two molecules that are alike and have labels that are far from each other.

    Parameters
    ----------
    target
        The position of the target.
    first, second
        The positions of the molecules.
    similarity
        The Tanimoto similarity of their Morgan fingerprints.
    """

    target: int
    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class Heights:
    """Labels of a target on the scale on which they are compared.

    Parameters
    ----------
    values
        float64, shape (n_mols,); NaN where missing.
    far
        From which difference on two labels are far from each other.
    alike
        From which similarity on molecules ought to have like labels.
    """

    values: NDArray[np.float64]
    far: float
    alike: float

    @classmethod
    def measure(cls, y: NDArray[np.float64], unit: str | None, task: str | None = None) -> "Heights":
        """Return labels, logarithms of concentrations, with the limits that suit them."""
        if task in CLASS_TASKS:
            return cls(y, 1.0, ALIKE_CLASSES)
        known = y[~np.isnan(y)]
        found = None if unit is None else parse_unit(unit)
        if found is not None and found.scale is not Scale.LINEAR:
            return cls(y, HUNDREDFOLD, ALIKE_VALUES)
        if found is not None and found.is_concentration and known.min(initial=np.inf) > 0:
            return cls(np.log10(y), HUNDREDFOLD, ALIKE_VALUES)
        if set(known) <= {0.0, 1.0}:
            return cls(y, 1.0, ALIKE_CLASSES)
        return cls(y, DEVIATIONS * float(np.std(known)) or np.inf, ALIKE_VALUES)


def find_cliffs(
    mols: Sequence[Mol],
    labels: Sequence[NDArray[np.float64]],
    units: Sequence[str | None],
    task: str | None = None,
) -> list[Cliff]:
    """Find for each molecule the one that is alike and has the label that is furthest from its own.

    Labels are far where they are different classes, a hundredfold apart (concentrations and logarithms), or,
    of other numbers, two standard deviations.

    Parameters
    ----------
    mols
        Molecules, each once; of more than 20,000 the first ones are compared.
    labels, units
        For each target the label of each molecule, float64, shape (n_mols,), NaN where missing, and the unit,
        if it is known.
    task
        `multiclass` or `ordinal` where labels are the numbers of classes; else None.

    References
    ----------
    Stumpfe, Hu, Dimova and Bajorath, J. Med. Chem. 2014, 57, 18, doi:10.1021/jm401120g: a hundredfold, and
    a similarity of 0.56 of these fingerprints. For classes, of which a boundary may run between any two like
    molecules, it is that of near duplicates.
    """
    mols = mols[:MAX_COMPARED]
    if not mols:
        return []
    heights = [Heights.measure(y[:MAX_COMPARED], unit, task) for y, unit in zip(labels, units, strict=True)]
    bits = fingerprints(mols)
    neighbours = Neighbours(bits)
    found = []
    for i, query in enumerate(bits):
        similarity = neighbours.similarities(np.flatnonzero(np.unpackbits(query)))
        near = np.flatnonzero(similarity >= ALIKE_VALUES)
        for target, height in enumerate(heights if len(near) > 1 else ()):
            away = np.abs(height.values[near] - height.values[i])
            away[np.isnan(away) | (similarity[near] < height.alike)] = 0
            if away[j := int(away.argmax())] >= height.far:
                found.append(Cliff(target, i, int(near[j]), float(similarity[near[j]])))
    return found


def suspect_series(mols: Sequence[Mol]) -> list[str]:
    """Find a scaffold that most molecules share; molecules without a ring have none."""
    counts = Counter(scaffold_smiles(mol) for mol in mols)
    counts.pop("", None)
    if not counts or len(mols) < MIN_SERIES:
        return []
    scaffold, n = counts.most_common(1)[0]
    if n <= MOST * len(mols):
        return []
    what = f"{n:,} of {len(mols):,} molecules have the scaffold {scaffold}"
    return [
        f"{what}: a model of them says little of other chemistry, and a split by scaffold keeps them together"
    ]
