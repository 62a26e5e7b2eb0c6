"""Whether a molecule is like those that a model was trained on: its domain of applicability.

Two things are looked at, both by Morgan fingerprints: how similar the nearest training molecule is, and
which share of the molecule's circular substructures no training molecule has. What is usual for either is
taken from the training molecules themselves, each held against the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import DomainLimits
from servier.chem.molecules import Mol
from servier.chem.similarity import FP_SIZE, Neighbours, PackedBits, pick_distant
from servier.features.morgan import Environments, MorganCount

MAX_REFERENCES = 2048
MAX_QUERIES = 2000
USUAL = 0.95

_MORGAN = MorganCount()


@dataclass(frozen=True)
class DomainMeasures:
    """How much like the training molecules some molecules are.

    Parameters
    ----------
    similarity
        Tanimoto similarity to the nearest training molecule, float64, shape (n_mols,).
    unseen
        Share of its substructures that no training molecule has, float64, shape (n_mols,).
    is_inside
        1 where both are usual, else 0, float64, shape (n_mols,).
    """

    similarity: NDArray[np.float64]
    unseen: NDArray[np.float64]
    is_inside: NDArray[np.float64]

    def spread(self, rows: NDArray[np.bool_]) -> "DomainMeasures":
        """Return the same for more rows, of which these are the molecules; NaN for the others."""
        wide = np.full((3, len(rows)), np.nan)
        wide[:, rows] = self.similarity, self.unseen, self.is_inside
        return DomainMeasures(*wide)

    def select(self, chosen: NDArray[np.bool_]) -> "DomainMeasures":
        """Return the same for some rows: bool, shape (n_mols,)."""
        return DomainMeasures(self.similarity[chosen], self.unseen[chosen], self.is_inside[chosen])

    @classmethod
    def join(cls, models: Sequence["DomainMeasures"]) -> "DomainMeasures":
        """Return what several models have in common: a molecule is inside where it is for all of them."""
        similarity, unseen, is_inside = (
            np.stack([getattr(model, name) for model in models])
            for name in ("similarity", "unseen", "is_inside")
        )
        return cls(similarity.min(axis=0), unseen.max(axis=0), is_inside.min(axis=0))


class Domain:
    """What a model was trained on, to hold molecules against: a callable.

    Parameters
    ----------
    fingerprints
        Of the training molecules, or of so many that stand for them.
    environments
        The numbers of all circular substructures of all training molecules, sorted, uint32.
    limits
        What is usual.
    """

    def __init__(
        self, fingerprints: PackedBits, environments: NDArray[np.uint32], limits: DomainLimits
    ) -> None:
        self._neighbours = Neighbours(fingerprints)
        self._environments = environments
        self._limits = limits

    def __call__(self, environments: Sequence[Environments]) -> DomainMeasures:
        """Hold molecules, by their circular substructures, against the training molecules."""
        rows, numbers = _flatten(environments)
        similarity = np.array([self._neighbours.similarities(bits).max() for bits in _fold(rows, numbers)])
        unseen = self._unseen(rows, numbers)
        is_usual = (similarity >= self._limits.similarity) & (unseen <= self._limits.unseen)
        return DomainMeasures(similarity, unseen, is_usual.astype(np.float64))

    def _unseen(self, rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        places = np.searchsorted(self._environments, numbers.astype(np.uint32))
        places[places == len(self._environments)] = 0
        return _share(self._environments[places] != numbers, rows)


def find_environments(mols: Sequence[Mol]) -> list[Environments]:
    """Return the circular substructures of molecules."""
    return [_MORGAN.compute(mol) for mol in mols]


def fit_domain(
    fingerprints: PackedBits, mols: Sequence[Mol], seed: int
) -> tuple[dict[str, NDArray[Any]], DomainLimits]:
    """Find out what is usual among the training molecules.

    For each of them, or 2,000 drawn at random, the nearest of the others is looked for, and the share of
    its substructures that none of the others has. Usual is what 95 % of them are. Of more than 2,048 so many
    stand for all when the nearest is looked for: those that lie furthest apart.

    Parameters
    ----------
    fingerprints, mols
        The training molecules.
    seed
        Decides which are drawn.

    Returns
    -------
    The arrays `domain_rows`, which molecules stand for all, and `environments`, and the limits, for `Domain`.
    """
    environments = find_environments(mols)
    n = len(mols)
    references = np.arange(n) if n <= MAX_REFERENCES else pick_distant(fingerprints, MAX_REFERENCES, seed)
    known = _flatten(environments)[1]
    numbers, counts = np.unique(known, return_counts=True)
    queries = np.sort(np.random.default_rng(seed).choice(n, min(n, MAX_QUERIES), replace=False))
    neighbours = Neighbours(fingerprints[references])
    rows, own = _flatten([environments[i] for i in queries])
    pairs = zip(queries, _fold(rows, own), strict=True)
    similarity = [neighbours.similarities(bits)[references != i].max(initial=0.0) for i, bits in pairs]
    unseen = _share(counts[np.searchsorted(numbers, own)] == 1, rows)
    limits = DomainLimits(
        similarity=round(float(np.quantile(similarity, 1 - USUAL)), 4),
        unseen=round(float(np.quantile(unseen, USUAL)), 4),
        molecules=len(references),
    )
    return {"domain_rows": references, "environments": numbers.astype(np.uint32)}, limits


def _flatten(environments: Sequence[Environments]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each substructure of each molecule the molecule's place in the list, and its number."""
    sizes = [len(found) for found in environments]
    numbers = np.fromiter(chain.from_iterable(environments), np.int64, sum(sizes))
    return np.repeat(np.arange(len(environments)), sizes), numbers


def _fold(rows: NDArray[np.int64], numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the fingerprint bits of each molecule, each once."""
    has_bit = np.zeros((rows[-1] + 1 if len(rows) else 0, FP_SIZE), np.bool_)
    has_bit[rows, numbers % FP_SIZE] = True
    molecules, bits = np.nonzero(has_bit)
    return np.split(bits, np.flatnonzero(np.diff(molecules)) + 1) if len(bits) else []


def _share(is_so: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return of which share of the substructures of each molecule something is so."""
    return np.asarray(np.bincount(rows, is_so) / np.bincount(rows))
