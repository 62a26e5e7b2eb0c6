"""What a model says of a molecule while its parts are masked one after another."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.chem.substructures import canonical_order, spell_atoms, symmetry_classes
from servier.chem.tokens import UNKNOWN
from servier.errors import CheckpointError
from servier.features.base import GeneratedFingerprint
from servier.features.feature_set import Features
from servier.scoring.engines import Engine, FeatureEngine, SequenceEngine

PAIRS = 16
MAX_ROWS = 4_000
MAX_TOKENS = 300_000

Order = NDArray[np.int64]
Path = Callable[[Order, int], NDArray[np.float64]]
"""From an order of players, and the number of the pair that it belongs to, to raw scores with none, the
first, the first two, ... of them masked, float64, shape (n_players + 1, n_targets)."""


class MaskedFeatures:
    """A molecule as model 1 sees it, while some of it is masked.

    Where an atom is masked, nothing that contains it is counted in a fingerprint. Descriptors, which say
    something of the molecule as a whole, stay as they are.

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
        """Share the raw score out among the atoms, shape (n_atoms, n_targets)."""
        return shapley_values(
            self._without_atoms, canonical_order(self.mol), _afford(pairs, self.mol.GetNumAtoms())
        )

    def count_values(self, kind: str, pairs: int) -> NDArray[np.float64]:
        """Share the raw score out among the counts of a fingerprint, in the order of its `counted`."""
        start, counted = self._counted[kind]
        places = start + np.array(list(counted), np.int64)

        def path(order: Order, _: int) -> NDArray[np.float64]:
            X = np.repeat(self._x[None], len(order) + 1, axis=0)
            for step, player in enumerate(order, start=1):
                X[step:, places[player]] = 0
            return self._run(X)

        return shapley_values(path, np.arange(len(places)), _afford(pairs, len(places)))

    def counted(self, kind: str) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Return by bin the atoms of each substructure that a fingerprint counts; empty if there is none."""
        return self._counted[kind][1] if kind in self._counted else {}

    def _without_atoms(self, order: Order, _: int) -> NDArray[np.float64]:
        step = np.empty(len(order), np.int64)
        step[order] = np.arange(1, len(order) + 1)
        lost = np.zeros((len(order) + 1, len(self._columns)), np.float32)
        if len(self._atoms):
            np.add.at(lost, (step[self._atoms].min(axis=1), self._column_of_item), 1)
        X = np.repeat(self._x[None], len(order) + 1, axis=0)
        X[:, self._columns] -= np.cumsum(lost, axis=0)
        return self._run(X)

    def _run(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._engine.score(Features(X, [None] * len(X))).values


class MaskedTokens:
    """A molecule as model 2 sees it, while some of it is masked: tokens become one that it does not know.

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
        """Share the raw score out among the atoms, shape (n_atoms, n_targets).

        The pairs take the engine's SMILES in turn.
        """
        spelled = spell_atoms(self.mol, min(pairs, self._engine.n_smiles), self._engine.seed)
        rows = [(self._engine.tokenizer.encode(text), places) for text, places in spelled]

        def path(order: Order, pair: int) -> NDArray[np.float64]:
            tokens, places = rows[pair % len(rows)]
            masked = [list(tokens)]
            for atom in order:
                masked.append(list(masked[-1]))
                masked[-1][places[atom]] = UNKNOWN
            return self._engine.score_tokens(masked, pair % len(rows))

        steps = 2 * self.mol.GetNumAtoms() + 2
        affordable = max(1, MAX_TOKENS // (len(rows[0][0]) * steps))
        return shapley_values(path, canonical_order(self.mol), min(pairs, affordable))


def mask(engine: Engine, mol: Mol) -> MaskedFeatures | MaskedTokens:
    """Return a molecule as an engine sees it, ready to be masked in parts."""
    if isinstance(engine, FeatureEngine):
        return MaskedFeatures(engine, mol)
    if isinstance(engine, SequenceEngine):
        return MaskedTokens(engine, mol)
    raise CheckpointError("the scores of this model cannot be explained")


def average_symmetric(mol: Mol, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give atoms that stand alike in a molecule the mean of their shares, shape (n_atoms, n_targets)."""
    classes = symmetry_classes(mol)
    sums = np.zeros((classes.max() + 1, shares.shape[1]))
    np.add.at(sums, classes, shares)
    return np.asarray((sums / np.bincount(classes)[:, None])[classes])


def shapley_values(path: Path, players: Order, pairs: int) -> NDArray[np.float64]:
    """Estimate Shapley values: how much a score falls when a player is masked, on average over all orders.

    Parameters
    ----------
    path
        Scores while players are masked one after another.
    players
        Their numbers, from 0 on without a gap.
    pairs
        How many pairs of a random order and its reverse are tried.

    Returns
    -------
    The values, float64, shape (n_players, n_targets). They add up to the mean fall of the score from nothing
    masked to everything masked.

    References
    ----------
    Strumbelj and Kononenko, Knowl. Inf. Syst. 2014, 41, 647, doi:10.1007/s10115-013-0679-x. Mitchell et al.,
    J. Mach. Learn. Res. 2022, 23 (43), 1: pairs of orders.
    """
    rng = np.random.default_rng(0)
    shares = []
    for pair in range(pairs):
        forth = players[rng.permutation(len(players))]
        for order in (forth, forth[::-1]):
            scores = path(order, pair)
            falls = np.empty((len(players), scores.shape[1]))
            falls[order] = scores[:-1] - scores[1:]
            shares.append(falls)
    return np.asarray(np.mean(shares, axis=0))


def _afford(pairs: int, n_players: int) -> int:
    """Return how many pairs of orders are tried where there are so many players."""
    return min(pairs, max(1, MAX_ROWS // (2 * n_players + 2)))
