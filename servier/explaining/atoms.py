"""Why a molecule gets its score: what each of its atoms contributes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import Target
from servier.chem.molecules import Mol
from servier.chem.substructures import write_substructure
from servier.errors import ServierError
from servier.explaining.shapley import PAIRS, MaskedFeatures, average_symmetric, mask
from servier.features.morgan import MorganCount
from servier.scoring.consensus import mean_answer
from servier.scoring.scorer import Scorer

DIGITS = 6


@dataclass(frozen=True)
class Substructure:
    """A circular substructure of a molecule that a fingerprint counts.

    Parameters
    ----------
    smiles
        How it is written: `*` stands for the rest of the molecule.
    count
        How often it occurs.
    contribution
        What its count contributes to the score of model 1.
    """

    smiles: str
    count: int
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """The score of a molecule, shared out among its atoms.

    Parameters
    ----------
    mol
        The molecule.
    target
        The target that is explained.
    unit
        Of the score and all contributions.
    contributions
        Of the atoms, float64, shape (n_atoms,).
    score
        The calibrated raw score: of several models their mean.
    substructures
        What model 1 counts in the molecule, by absolute contribution; empty where only model 2 was asked.
    """

    mol: Mol
    target: str
    unit: str
    contributions: NDArray[np.float64]
    score: float
    substructures: list[Substructure]

    @property
    def left(self) -> float:
        """What is left of the score with all atoms masked."""
        return float(self.score - self.contributions.sum())

    def atoms(self) -> list[dict[str, object]]:
        """Return index, symbol and contribution of each atom, the largest first."""
        order = np.argsort(-np.abs(self.contributions), kind="stable")
        return [
            {
                "index": int(i),
                "symbol": self.mol.GetAtomWithIdx(int(i)).GetSymbol(),
                "contribution": round(float(self.contributions[i]), DIGITS),
            }
            for i in order
        ]


def explain(scorer: Scorer, mol: Mol, target: str | None = None) -> Explanation:
    """Share the score of a molecule out among its atoms.

    The contribution of an atom is its Shapley value: how much the score falls when the atom is masked from
    the model, on average over the orders in which all atoms can be masked. Atoms that stand alike in the
    molecule have the same, however its SMILES was written. Of several models it is the mean, in which model 1
    counts twice.

    Parameters
    ----------
    scorer
        The models.
    mol
        A molecule that can be scored.
    target
        Which target; None for the first.

    Raises
    ------
    ServierError
        No target has that name, or the models have learnt it on different scales.
    """
    number = _find_target(scorer, target)
    own = [checkpoint.targets[number] for checkpoint in scorer.checkpoints]
    units = list(dict.fromkeys(map(_name_unit, own)))
    if len(units) > 1:
        raise ServierError(f"the models have learnt {' and '.join(units)}", hint="explain them one by one")
    shares, scores = [], []
    substructures: list[Substructure] = []
    for engine, line in zip(scorer.engines, own, strict=True):
        masked = mask(engine, mol)
        shares.append(average_symmetric(mol, masked.atom_values(PAIRS))[:, number] * line.slope)
        scores.append(masked.score[number] * line.slope + line.intercept)
        if isinstance(masked, MaskedFeatures):
            substructures += _find_substructures(masked, number, line.slope)
    share, score = (mean_answer(scorer.checkpoints, found) for found in (shares, scores))
    return Explanation(mol, own[0].name, units[0], share, float(score), substructures)


def atom_contributions(scorer: Scorer, mol: Mol, pairs: int = PAIRS) -> NDArray[np.float64]:
    """Return what each atom contributes, for all targets, float64, shape (n_atoms, n_targets).

    Parameters
    ----------
    scorer, mol
        As for `explain`.
    pairs
        How many pairs of orders at most; for means over many molecules one is enough.
    """
    found = [
        average_symmetric(mol, mask(engine, mol).atom_values(pairs))
        * [target.slope for target in checkpoint.targets]
        for engine, checkpoint in zip(scorer.engines, scorer.checkpoints, strict=True)
    ]
    return mean_answer(scorer.checkpoints, found)


def as_document(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as a document: all atoms and substructures, the largest first."""
    return {
        "target": explanation.target,
        "unit": explanation.unit,
        "score": round(explanation.score, DIGITS),
        "all_atoms_masked": round(explanation.left, DIGITS),
        "atoms": explanation.atoms(),
        "substructures": [
            {"smiles": found.smiles, "count": found.count, "contribution": round(found.contribution, DIGITS)}
            for found in explanation.substructures
        ],
    }


def _find_target(scorer: Scorer, name: str | None) -> int:
    names = [target.name for target in scorer.targets]
    if name is not None and name not in names:
        raise ServierError(f"the model has no target {name!r}", hint=f"choose among {', '.join(names)}")
    return 0 if name is None else names.index(name)


def _name_unit(target: Target) -> str:
    """Say what a calibrated raw score is."""
    if target.task == "binary":
        return f"log-odds of {target.name} = 1"
    if target.bound is not None:
        return f"-ln({target.bound:g} - {target.name})"
    return f"ln({target.name})" if target.transform else target.name


def _find_substructures(masked: MaskedFeatures, target: int, slope: float) -> list[Substructure]:
    """Return what the Morgan fingerprint counts, with the share of each count in the score."""
    counted = masked.counted(MorganCount.kind)
    if not counted:
        return []
    shares = masked.count_values(MorganCount.kind, PAIRS)[:, target] * slope
    found = [
        Substructure(write_substructure(masked.mol, atoms[0]), len(atoms), float(share))
        for atoms, share in zip(counted.values(), shares, strict=True)
    ]
    return sorted(found, key=lambda part: -abs(part.contribution))
