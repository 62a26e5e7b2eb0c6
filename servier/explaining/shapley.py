"""Shapley values of the parts of a molecule, from raw scores while the parts are masked one by one."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.chem.substructures import canonical_order, locate_atoms, symmetry_classes
from servier.chem.tokens import UNKNOWN
from servier.errors import CheckpointError
from servier.features.base import GeneratedFingerprint
from servier.features.feature_set import Features
from servier.scoring.engines import Engine, FeatureEngine, SequenceEngine

PAIRS = 16
MAX_ROWS = 4_000
MAX_TOKENS = 300_000

Players = NDArray[np.int64]
"""Numbers of the parts that can be masked, in some order, shape (n_players,)."""

ScoreMasked = Callable[[Players, int], NDArray[np.float64]]
"""From a permutation of the players and the index of its pair to the raw scores with none, the first, the
first two, ... of the players masked, float64, shape (n_players + 1, n_targets)."""


class MaskedFeatures:
    """The features of a molecule for model 1, with parts of the molecule masked.

    Masking an atom removes all substructures that contain it from the counts of the fingerprints.
    Descriptors of the whole molecule keep their values.

    Parameters
    ----------
    engine, mol
        Model 1 and the molecule.

    References
    ----------
    Riniker and Landrum, J. Cheminform. 2013, 5, 43, doi:10.1186/1758-2946-5-43.
    """

    def __init__(self, engine: FeatureEngine, mol: Mol) -> None:
        self.mol = mol
        self._engine = engine
        self._x = engine.features([mol]).X[0]
        self._counted = {
            featurizer.kind: (columns.start, featurizer.occurrences(mol))
            for featurizer, columns in zip(engine.features.featurizers, engine.features.slices, strict=True)
            if isinstance(featurizer, GeneratedFingerprint)
        }
        items = [
            (start + place, atoms)
            for start, counted in self._counted.values()
            for place, found in counted.items()
            for atoms in found
        ]
        width = max((len(atoms) for _, atoms in items), default=1)
        columns = [column for column, _ in items]
        self._columns, self._column_of_item = np.unique(np.array(columns, np.int64), return_inverse=True)
        self._atoms = np.array([[*atoms, *atoms[:1] * (width - len(atoms))] for _, atoms in items], np.int64)

    @property
    def score(self) -> NDArray[np.float64]:
        """The raw scores of the molecule, shape (n_targets,)."""
        return np.asarray(self._run(self._x[None])[0])

    def atom_values(self, pairs: int) -> NDArray[np.float64]:
        """Return the Shapley values of the atoms, in units of the raw score, shape (n_atoms, n_targets)."""
        n_pairs = _limit_pairs(pairs, self.mol.GetNumAtoms())
        return shapley_values(self._score_without_atoms, canonical_order(self.mol), n_pairs)

    def count_values(self, kind: str, pairs: int) -> NDArray[np.float64]:
        """Return the Shapley values of the counts of a fingerprint, in the order of `counted`."""
        start, counted = self._counted[kind]
        places = start + np.array(list(counted), np.int64)

        def score_without_counts(players: Players, _: int) -> NDArray[np.float64]:
            X = np.repeat(self._x[None], len(players) + 1, axis=0)
            for step, player in enumerate(players, start=1):
                X[step:, places[player]] = 0
            return self._run(X)

        return shapley_values(score_without_counts, np.arange(len(places)), _limit_pairs(pairs, len(places)))

    def counted(self, kind: str) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Return the atoms of each substructure that a fingerprint counts, by bin; empty without it."""
        return self._counted[kind][1] if kind in self._counted else {}

    def _score_without_atoms(self, players: Players, _: int) -> NDArray[np.float64]:
        step = np.empty(len(players), np.int64)
        step[players] = np.arange(1, len(players) + 1)
        lost = np.zeros((len(players) + 1, len(self._columns)), np.float32)
        if len(self._atoms):
            np.add.at(lost, (step[self._atoms].min(axis=1), self._column_of_item), 1)
        X = np.repeat(self._x[None], len(players) + 1, axis=0)
        X[:, self._columns] -= np.cumsum(lost, axis=0)
        return self._run(X)

    def _run(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._engine.score(Features(X, [None] * len(X))).values


class MaskedTokens:
    """The tokens of a molecule for model 2; those of masked atoms are replaced by the unknown token.

    Parameters
    ----------
    engine, mol
        Model 2 and the molecule.
    """

    def __init__(self, engine: SequenceEngine, mol: Mol) -> None:
        self.mol = mol
        self._engine = engine

    @property
    def score(self) -> NDArray[np.float64]:
        """The raw scores of the molecule, shape (n_targets,)."""
        return np.asarray(self._engine([self.mol]).values[0])

    def atom_values(self, pairs: int) -> NDArray[np.float64]:
        """Return the Shapley values of the atoms, in units of the raw score, shape (n_atoms, n_targets).

        The pairs of permutations take turns with the randomized SMILES of the engine.
        """
        located = locate_atoms(self.mol, min(pairs, self._engine.n_smiles), self._engine.seed)
        strings = [(self._engine.tokenizer.encode(text), places) for text, places in located]

        def score_without_atoms(players: Players, pair: int) -> NDArray[np.float64]:
            i = pair % len(strings)
            tokens, places = strings[i]
            masked = [list(tokens)]
            for atom in players:
                masked.append(list(masked[-1]))
                masked[-1][places[atom]] = UNKNOWN
            return self._engine.score_tokens(masked, i)

        n_scored = 2 * self.mol.GetNumAtoms() + 2
        affordable = max(1, MAX_TOKENS // (len(strings[0][0]) * n_scored))
        return shapley_values(score_without_atoms, canonical_order(self.mol), min(pairs, affordable))


def mask(engine: Engine, mol: Mol) -> MaskedFeatures | MaskedTokens:
    """Return the input of an engine for a molecule, parts of which can be masked."""
    if isinstance(engine, FeatureEngine):
        return MaskedFeatures(engine, mol)
    if isinstance(engine, SequenceEngine):
        return MaskedTokens(engine, mol)
    raise CheckpointError("the scores of this model cannot be explained")


def average_symmetric(mol: Mol, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace the values of symmetric atoms of a molecule by their mean, shape (n_atoms, n_targets)."""
    classes = symmetry_classes(mol)
    sums = np.zeros((classes.max() + 1, values.shape[1]))
    np.add.at(sums, classes, values)
    return np.asarray((sums / np.bincount(classes)[:, None])[classes])


def shapley_values(score_masked: ScoreMasked, players: Players, pairs: int) -> NDArray[np.float64]:
    """Estimate Shapley values by antithetic sampling of permutations.

    The Shapley value of a player is its mean marginal contribution: how much the score falls when the player
    is masked, on average over all orders in which the players can be masked.

    Parameters
    ----------
    score_masked
        Returns the scores while the players are masked one by one.
    players
        Each number from 0 to n_players - 1 once.
    pairs
        How many random permutations are sampled, each together with its reverse.

    Returns
    -------
    The values, float64, shape (n_players, n_targets). They add up to the difference between the score with
    nothing masked and the score with everything masked, averaged over the permutations.

    References
    ----------
    Strumbelj and Kononenko, Knowl. Inf. Syst. 2014, 41, 647, doi:10.1007/s10115-013-0679-x. Mitchell et al.,
    J. Mach. Learn. Res. 2022, 23 (43), 1: antithetic sampling.
    """
    rng = np.random.default_rng(0)
    samples = []
    for pair in range(pairs):
        permutation = players[rng.permutation(len(players))]
        for ordered in (permutation, permutation[::-1]):
            scores = score_masked(ordered, pair)
            marginal = np.empty((len(players), scores.shape[1]))
            marginal[ordered] = scores[:-1] - scores[1:]
            samples.append(marginal)
    return np.asarray(np.mean(samples, axis=0))


def _limit_pairs(pairs: int, n_players: int) -> int:
    """Return how many pairs of permutations are sampled, so that their rows stay within `MAX_ROWS`."""
    return min(pairs, max(1, MAX_ROWS // (2 * n_players + 2)))
