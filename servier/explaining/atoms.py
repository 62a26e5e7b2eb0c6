"""Explanation of the score of a molecule: the contribution of each of its atoms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS, ORDINAL
from servier.checkpoint.explained_score import ExplainedScore, explained_scores
from servier.checkpoint.target_columns import Place, score_places
from servier.chem.changes import changes_of
from servier.chem.molecules import Mol
from servier.chem.spelling import canonical_mol
from servier.chem.substructures import write_substructure
from servier.errors import ServierError
from servier.explaining.shapley import PAIRS, MaskedFeatures, average_symmetric, mask
from servier.features.morgan import MorganCount
from servier.scoring.consensus import average_models
from servier.scoring.scorer import Scorer

DIGITS = 6


@dataclass(frozen=True)
class Substructure:
    """A circular substructure of a molecule that a fingerprint counts.

    Parameters
    ----------
    smiles
        Its SMILES, in which `*` stands for the rest of the molecule.
    count
        How often it occurs.
    contribution
        The contribution of its count to the score of model 1.
    """

    smiles: str
    count: int
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """The contributions of the atoms of a molecule to its score.

    Parameters
    ----------
    mol
        The molecule as it was scored.
    scored_smiles
        Its canonical SMILES, whose atoms are in this order, if it is not what was written; else empty.
    target
        The target that is explained.
    unit
        Of the score and all contributions.
    contributions
        Of the atoms, float64, shape (n_atoms,).
    score
        The calibrated score, of several models the mean.
    substructures
        The substructures that model 1 counts, by absolute contribution; empty without model 1.
    """

    mol: Mol
    scored_smiles: str
    target: str
    unit: str
    contributions: NDArray[np.float64]
    score: float
    substructures: list[Substructure]

    @property
    def base_value(self) -> float:
        """The score with all atoms masked."""
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


def explain(scorer: Scorer, mol: Mol, target: str | None = None, word: str | None = None) -> Explanation:
    """Compute the contribution of each atom to the score of a molecule.

    The contribution of an atom is its Shapley value: how much the score falls when the atom is masked, on
    average over the orders in which all atoms can be masked. Symmetric atoms have equal contributions, and
    these do not depend on how the SMILES was written. Contributions to the score of several models are the
    means over the models, in which model 1 counts twice.

    Parameters
    ----------
    scorer
        The models.
    mol
        A molecule that can be scored. If standardization changed it, its atoms are explained in the order of
        its canonical SMILES.
    target
        Which target; None for the first.
    word
        Of a target with classes the one that is explained; None for the most probable class of a multiclass
        target, and for an ordinal target as a whole.

    Raises
    ------
    ServierError
        There is no such target or class, or the scores of the models have different units.
    """
    number = _find_target(scorer, target)
    scored_smiles, _ = changes_of(mol) or ("", "")
    mol = canonical_mol(mol) if scored_smiles else mol
    place = score_places(scorer.targets)[number]
    masks = [mask(engine, mol) for engine in scorer.engines]
    raw = [masked.score[place] for masked in masks]
    label = _choose_label(scorer, number, raw) if word is None else _find_label(scorer, number, word)
    own = [ExplainedScore(checkpoint.targets[number], label) for checkpoint in scorer.checkpoints]
    units = list(dict.fromkeys(explained.unit for explained in own))
    if len(units) > 1:
        raise ServierError(f"the models have learnt {' and '.join(units)}", hint="explain them one by one")
    atom_values = []
    substructures: list[Substructure] = []
    for masked, explained in zip(masks, own, strict=True):
        values = average_symmetric(mol, masked.atom_values(PAIRS))[:, place]
        atom_values.append(explained.difference(values))
        if isinstance(masked, MaskedFeatures):
            substructures += _find_substructures(masked, place, explained)
    scores = [explained.score(found) for explained, found in zip(own, raw, strict=True)]
    contributions, score = (average_models(scorer.checkpoints, found) for found in (atom_values, scores))
    name = scorer.targets[number].name
    is_cut = any(explained.is_beyond_bounds(found) for explained, found in zip(own, raw, strict=True))
    unit = f"{units[0]} before its bounds" if is_cut else units[0]
    return Explanation(mol, scored_smiles, name, unit, contributions, float(score), substructures)


def atom_contributions(scorer: Scorer, mol: Mol, pairs: int = PAIRS) -> NDArray[np.float64]:
    """Return the contribution of each atom to all scores that matter, shape (n_atoms, n_explained).

    Parameters
    ----------
    scorer, mol
        As for `explain`.
    pairs
        The largest number of pairs of permutations; one is enough for means over many molecules.

    Returns
    -------
    A column for each of the `explained_scores` of each target.
    """
    contributions = []
    for engine, checkpoint in zip(scorer.engines, scorer.checkpoints, strict=True):
        values = average_symmetric(mol, mask(engine, mol).atom_values(pairs))
        places = zip(checkpoint.targets, score_places(checkpoint.targets), strict=True)
        own = [
            explained.difference(values[:, place])
            for target, place in places
            for explained in explained_scores(target)
        ]
        contributions.append(np.stack(own, axis=1))
    return average_models(scorer.checkpoints, contributions)


def as_document(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as a document: atoms and substructures, the largest contribution first."""
    scored = {"scored_smiles": explanation.scored_smiles} if explanation.scored_smiles else {}
    return {
        **scored,
        "target": explanation.target,
        "unit": explanation.unit,
        "score": round(explanation.score, DIGITS),
        "all_atoms_masked": round(explanation.base_value, DIGITS),
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


def _find_label(scorer: Scorer, number: int, word: str) -> int:
    """Return the label of a word of a target with classes."""
    target = scorer.targets[number]
    if not target.has_classes:
        raise ServierError(f"{target.name} is no target with classes", hint="leave out --label")
    first = int(target.task == ORDINAL)
    known = {known.casefold(): label for label, known in enumerate(target.classes) if label >= first}
    if word.casefold() not in known:
        hint = f"choose among {', '.join(target.classes[first:])}"
        is_lowest = word.casefold() == target.classes[0].casefold()
        why = ", the lowest: a class is explained against the next lower one" if is_lowest else ""
        problem = f"there is nothing to explain for the class {word!r} of {target.name}{why}"
        raise ServierError(problem, hint=hint)
    return known[word.casefold()]


def _choose_label(scorer: Scorer, number: int, raw: Sequence[NDArray[np.float64]]) -> int | None:
    """Return the most probable class of a multiclass target; None for other targets."""
    target = scorer.targets[number]
    if target.task != MULTICLASS:
        return None
    own = zip(scorer.checkpoints, raw, strict=True)
    answers = [checkpoint.targets[number].to_answer(found[None]) for checkpoint, found in own]
    return int(target.label(average_models(scorer.checkpoints, answers))[0])


def _find_substructures(
    masked: MaskedFeatures, place: Place, explained: ExplainedScore
) -> list[Substructure]:
    """Return the substructures that the Morgan fingerprint counts, with the contribution of each count."""
    counted = masked.counted(MorganCount.kind)
    if not counted:
        return []
    contributions = explained.difference(masked.count_values(MorganCount.kind, PAIRS)[:, place])
    found = [
        Substructure(write_substructure(masked.mol, atoms[0]), len(atoms), float(contribution))
        for atoms, contribution in zip(counted.values(), contributions, strict=True)
    ]
    return sorted(found, key=lambda part: -abs(part.contribution))
