"""What a model says of a molecule while its atoms are hidden one after another."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from servier.engines import Engine, FeatureEngine, SequenceEngine
from servier.features import Features
from servier.features.base import GeneratedFingerprint
from servier.features.tokens import UNKNOWN
from servier.molecules import Mol
from servier.substructures import canonical_order, spell_atoms, symmetry_classes

PAIRS = 16
MAX_ROWS = 4_000
MAX_TOKENS = 300_000

Order = NDArray[np.int64]


class Path(Protocol):
    """Scores while one thing after another is hidden."""

    def __call__(self, order: Order, pair: int) -> NDArray[np.float64]:
        """Return raw scores with none, the first, the first two, ... of an order hidden."""


class HiddenAtoms(Path, Protocol):
    """A molecule as an engine sees it, the atoms of which can be hidden."""

    max_pairs: int
    """How many pairs of orders are affordable: a large molecule gets fewer."""


class HiddenInFeatures:
    """Hides an atom from model 1: what a fingerprint counts that contains the atom is not counted.

    Descriptors, which say something of the molecule as a whole, stay as they are.

    References
    ----------
    Riniker and Landrum, J. Cheminform. 2013, 5, 43, doi:10.1186/1758-2946-5-43.
    """

    def __init__(self, engine: FeatureEngine, mol: Mol) -> None:
        self._engine = engine
        self._x = engine.features([mol]).X[0]
        self.max_pairs = max(1, MAX_ROWS // (2 * mol.GetNumAtoms() + 2))
        bins: list[int] = []
        atoms: list[tuple[int, ...]] = []
        for featurizer, columns in zip(engine.features.featurizers, engine.features.slices, strict=True):
            if isinstance(featurizer, GeneratedFingerprint):
                for place, found in featurizer.occurrences(mol).items():
                    bins += [columns.start + place] * len(found)
                    atoms += found
        width = max((len(members) for members in atoms), default=1)
        self._bins = np.array(bins, np.int64)
        padded = [[*members, *members[:1] * (width - len(members))] for members in atoms]
        self._atoms = np.array(padded, np.int64).reshape(-1, width)

    def __call__(self, order: Order, pair: int) -> NDArray[np.float64]:  # noqa: ARG002
        """Return raw scores with none, the first, the first two, ... of the atoms hidden."""
        step = np.empty(len(order), np.int64)
        step[order] = np.arange(1, len(order) + 1)
        X = np.repeat(self._x[None], len(order) + 1, axis=0)
        columns, where = np.unique(self._bins, return_inverse=True)
        lost = np.zeros((len(order) + 1, len(columns)), np.float32)
        np.add.at(lost, (step[self._atoms].min(axis=1), where), 1)
        X[:, columns] -= np.cumsum(lost, axis=0)
        return self._engine.score(Features(X, [None] * len(X))).values


class HiddenInStrings:
    """Hides an atom from model 2: its token becomes one that the model does not know.

    Parameters
    ----------
    engine
        Model 2.
    mol
        The molecule.
    views
        In how many of the engine's spellings atoms are hidden, in turn.
    """

    def __init__(self, engine: SequenceEngine, mol: Mol, views: int) -> None:
        self._engine = engine
        spelled = spell_atoms(mol, views, engine.seed)
        self._rows = [(engine.tokenizer.encode(text), places) for text, places in spelled]
        self.max_pairs = max(1, MAX_TOKENS // (len(self._rows[0][0]) * (2 * mol.GetNumAtoms() + 2)))

    def __call__(self, order: Order, pair: int) -> NDArray[np.float64]:
        """Return raw scores of the pair's spelling with none, the first, ... of the atoms hidden."""
        tokens, places = self._rows[pair % len(self._rows)]
        rows = [list(tokens)]
        for atom in order:
            rows.append(list(rows[-1]))
            rows[-1][places[atom]] = UNKNOWN
        return self._engine.score_tokens(rows)


def hide_atoms(
    engine: Engine, mol: Mol, pairs: int = PAIRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share a raw score out among the atoms of a molecule.

    The contribution of an atom is its Shapley value: how much the score falls when the atom is hidden, on
    average over the orders in which all atoms can be hidden. It is estimated from pairs of a random order and
    its reverse; these depend on the molecule, not on how its SMILES was written.

    Parameters
    ----------
    engine, mol
        The model and the molecule.
    pairs
        How many pairs of orders at most.

    Returns
    -------
    Contributions, float64, shape (n_atoms, n_targets), and what is left with all atoms hidden, shape
    (n_targets,): together they are the raw score.

    References
    ----------
    Strumbelj and Kononenko, Knowl. Inf. Syst. 2014, 41, 647, doi:10.1007/s10115-013-0679-x. Mitchell et al.,
    J. Mach. Learn. Res. 2022, 23 (43): pairs of orders.
    """
    hidden: HiddenAtoms
    if isinstance(engine, SequenceEngine):
        hidden = HiddenInStrings(engine, mol, min(engine.views, pairs))
    elif isinstance(engine, FeatureEngine):
        hidden = HiddenInFeatures(engine, mol)
    else:
        raise TypeError(engine)
    shares, left = share_out(hidden, canonical_order(mol), min(pairs, hidden.max_pairs))
    classes = symmetry_classes(mol)
    sums = np.zeros((classes.max() + 1, shares.shape[1]))
    np.add.at(sums, classes, shares)
    return (sums / np.bincount(classes)[:, None])[classes], left


def share_out(path: Path, players: Order, pairs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate Shapley values from pairs of random orders.

    Parameters
    ----------
    path
        Scores while players are hidden one after another.
    players
        Their numbers, from 0 on without a gap.
    pairs
        How many pairs of a random order and its reverse.

    Returns
    -------
    The values, float64, shape (n_players, n_targets), and the mean score with all players hidden.
    """
    rng = np.random.default_rng(0)
    shares: list[NDArray[np.float64]] = []
    left: list[NDArray[np.float64]] = []
    for pair in range(pairs):
        forth = players[rng.permutation(len(players))]
        for order in (forth, forth[::-1]):
            scores = path(order, pair)
            falls = np.empty((len(players), scores.shape[1]))
            falls[order] = scores[:-1] - scores[1:]
            shares.append(falls)
            left.append(scores[-1])
    return np.mean(shares, axis=0), np.mean(left, axis=0)


def hide_counts(
    engine: FeatureEngine, mol: Mol, kind: str, pairs: int = PAIRS
) -> dict[int, tuple[NDArray[np.float64], Sequence[tuple[int, ...]]]]:
    """Share a raw score out among the counts of one fingerprint of a molecule.

    Parameters
    ----------
    engine, mol, pairs
        As for `hide_atoms`; a count is hidden by making it 0.
    kind
        The kind of the fingerprint.

    Returns
    -------
    For each bin that is not empty its contribution, shape (n_targets,), and the atoms of what it counts.
    """
    features = engine.features
    x = features([mol]).X[0]
    for featurizer, columns in zip(features.featurizers, features.slices, strict=True):
        if isinstance(featurizer, GeneratedFingerprint) and featurizer.kind == kind:
            found = featurizer.occurrences(mol)
            places = columns.start + np.array(list(found), np.int64)
            break
    else:
        return {}

    def path(order: Order, pair: int) -> NDArray[np.float64]:  # noqa: ARG001
        X = np.repeat(x[None], len(order) + 1, axis=0)
        for step, player in enumerate(order, start=1):
            X[step:, places[player]] = 0
        return engine.score(Features(X, [None] * len(X))).values

    affordable = max(1, MAX_ROWS // (2 * len(found) + 2))
    shares, _ = share_out(path, np.arange(len(found)), min(pairs, affordable))
    return {place: (shares[i], atoms) for i, (place, atoms) in enumerate(found.items())}
