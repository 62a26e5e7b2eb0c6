"""What matters to a model over many molecules: features, tokens and fragments."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS
from servier.chem.molecules import Mol
from servier.chem.substructures import locate_atoms, write_substructure
from servier.chem.tokens import split_tokens
from servier.explaining.atoms import atom_contributions
from servier.explaining.permutation import PermutationImportance
from servier.scoring.engines import FeatureEngine
from servier.scoring.scorer import Scorer

SHUFFLED = 500
EXPLAINED = 150
MIN_MOLECULES = 10
SHOWN = 15

Found = list[dict[str, Any]]
Cut = Callable[[Mol], Iterator[tuple[str, list[int]]]]


def measure_importance(scorer: Scorer, mols: Sequence[Mol], y: NDArray[np.float64]) -> list[dict[str, Found]]:
    """Measure the importance of features, or tokens, and fragments to a model.

    Parameters
    ----------
    scorer
        Of one checkpoint.
    mols, y
        Molecules that it was not trained on, and their labels, float64, shape (n_mols, n_targets); NaN where
        missing. Permutation importance is measured on at most 500 of them, drawn at random; at most 150 are
        explained.

    Returns
    -------
    For each target the most important `features` of model 1 or `tokens` of model 2, and the `fragments` with
    the largest mean contribution; for model 1 also the importance of its `blocks` of features.
    """
    (engine,), (checkpoint,) = scorer.engines, scorer.checkpoints
    drawn = np.sort(np.random.default_rng(0).permutation(len(mols))[:SHUFFLED])
    chosen = [mols[i] for i in drawn]
    explained = chosen[:EXPLAINED]
    contributions = [atom_contributions(scorer, mol, pairs=1) for mol in explained]
    found: list[dict[str, Found]] = [{} for _ in checkpoint.targets]
    first = 0
    for number, (target, entry) in enumerate(zip(checkpoint.targets, found, strict=True)):
        words = target.classes if target.task == MULTICLASS else [None]
        own = {word: [values[:, first + i] for values in contributions] for i, word in enumerate(words)}
        first += len(words)
        if isinstance(engine, FeatureEngine):
            permuted = PermutationImportance(engine, checkpoint, chosen, y[drawn])
            entry["features"] = permuted.rank_features(number, SHOWN)
            entry["blocks"] = permuted.rank_blocks(number)
        else:
            entry["tokens"] = _rank_parts(explained, own, _tokens)
        entry["fragments"] = _rank_parts(explained, own, _fragments)
    return found


def _rank_parts(
    mols: Sequence[Mol], contributions: Mapping[str | None, Sequence[NDArray[np.float64]]], cut: Cut
) -> Found:
    """Return the parts with the largest contributions, of a multiclass target with the class of each.

    Parameters
    ----------
    mols, cut
        As for `_mean_contributions`.
    contributions
        The contributions of the atoms to the score of each class; of other targets under None.
    """
    found = [
        row | ({} if word is None else {"class": word})
        for word, own in contributions.items()
        for row in _mean_contributions(mols, own, cut)
    ]
    return (
        sorted(found, key=lambda row: -abs(row["contribution"]))[:SHOWN] if len(contributions) > 1 else found
    )


def _mean_contributions(mols: Sequence[Mol], contributions: Sequence[NDArray[np.float64]], cut: Cut) -> Found:
    """Return the parts with the largest contributions, each the mean over all its occurrences.

    Parameters
    ----------
    mols, contributions
        Molecules and the contributions of their atoms.
    cut
        Yields the name and the atoms of each part of a molecule.
    """
    sums: dict[str, list[float]] = defaultdict(list)
    molecules: dict[str, set[int]] = defaultdict(set)
    for i, (mol, values) in enumerate(zip(mols, contributions, strict=True)):
        for name, atoms in cut(mol):
            sums[name].append(float(values[atoms].sum()))
            molecules[name].add(i)
    enough = min(MIN_MOLECULES, max(1, len(mols) // 4))
    means = {name: float(np.mean(own)) for name, own in sums.items() if len(molecules[name]) >= enough}
    best = sorted(means, key=lambda name: -abs(means[name]))[:SHOWN]
    return [
        {"name": name, "contribution": round(means[name], 6), "molecules": len(molecules[name])}
        for name in best
    ]


def _fragments(mol: Mol) -> Iterator[tuple[str, list[int]]]:
    """Yield the circular fragment of radius 1 around each atom, with its atoms."""
    for atom in mol.GetAtoms():
        atoms = [atom.GetIdx(), *(neighbour.GetIdx() for neighbour in atom.GetNeighbors())]
        yield write_substructure(mol, atoms), atoms


def _tokens(mol: Mol) -> Iterator[tuple[str, list[int]]]:
    """Yield the token of each atom in the canonical SMILES, with that atom."""
    text, places = locate_atoms(mol, 1, 0)[0]
    tokens = split_tokens(text)
    for atom, place in enumerate(places):
        yield tokens[place], [atom]
