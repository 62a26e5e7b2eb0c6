"""The applicability domain of a model: whether a molecule resembles the training molecules.

Two measures decide, both from Morgan fingerprints: the similarity to the nearest training molecule, and the
fraction of the molecule's circular substructures that occur in no training molecule. Their limits come from
the training molecules themselves, each of which is compared with the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import DomainLimits
from servier.chem.molecules import Mol
from servier.chem.similarity import FP_SIZE, Neighbours, PackedBits, pick_distant
from servier.features.morgan import Environments, MorganCount

MAX_REFERENCES = 2048
MAX_QUERIES = 2000
COVERED = 0.95

_MORGAN = MorganCount()


@dataclass(frozen=True)
class DomainMeasures:
    """How molecules compare with the training molecules.

    Parameters
    ----------
    similarity
        Tanimoto similarity to the nearest training molecule, float64, shape (n_mols,).
    unseen
        Fraction of its substructures that occur in no training molecule, float64, shape (n_mols,).
    is_inside
        1 where both are within their limits, else 0, float64, shape (n_mols,).
    """

    similarity: NDArray[np.float64]
    unseen: NDArray[np.float64]
    is_inside: NDArray[np.float64]

    def expand(self, rows: NDArray[np.bool_]) -> "DomainMeasures":
        """Return the measures of all rows of a table, NaN where `rows` says that there is no molecule."""
        expanded = np.full((3, len(rows)), np.nan)
        expanded[:, rows] = self.similarity, self.unseen, self.is_inside
        return DomainMeasures(*expanded)

    def select(self, chosen: NDArray[np.bool_]) -> "DomainMeasures":
        """Return the measures of the chosen molecules: bool, shape (n_mols,)."""
        return DomainMeasures(self.similarity[chosen], self.unseen[chosen], self.is_inside[chosen])

    @classmethod
    def join(cls, models: Sequence["DomainMeasures"]) -> "DomainMeasures":
        """Combine the measures of several models: a molecule is inside where it is inside for all of them."""
        similarity, unseen, is_inside = (
            np.stack([getattr(model, name) for model in models])
            for name in ("similarity", "unseen", "is_inside")
        )
        return cls(similarity.min(axis=0), unseen.max(axis=0), is_inside.min(axis=0))


class Domain:
    """The applicability domain of a model: a callable from molecules to measures.

    Parameters
    ----------
    fingerprints
        Of the training molecules, or of a diverse subset.
    environments
        The identifiers of all circular substructures of the training molecules, sorted, uint32.
    limits
        The lowest `similarity` and the highest fraction of `unseen` substructures inside the domain.
    """

    def __init__(
        self, fingerprints: PackedBits, environments: NDArray[np.uint32], limits: DomainLimits
    ) -> None:
        self._neighbours = Neighbours(fingerprints)
        self._environments = environments
        self._limits = limits

    def __call__(self, environments: Sequence[Environments]) -> DomainMeasures:
        """Compare molecules, given by their circular substructures, with the training molecules."""
        rows, identifiers = _flatten(environments)
        similarity = np.array(
            [self._neighbours.similarities(bits).max() for bits in _fold(rows, identifiers)]
        )
        unseen = self._unseen(rows, identifiers)
        is_inside = (similarity >= self._limits.similarity) & (unseen <= self._limits.unseen)
        return DomainMeasures(similarity, unseen, is_inside.astype(np.float64))

    def _unseen(self, rows: NDArray[np.int64], identifiers: NDArray[np.int64]) -> NDArray[np.float64]:
        places = np.searchsorted(self._environments, identifiers.astype(np.uint32))
        places[places == len(self._environments)] = 0
        return _fraction(self._environments[places] != identifiers, rows)


def find_environments(mols: Sequence[Mol]) -> list[Environments]:
    """Return the circular substructures of molecules, with their counts."""
    return [_MORGAN.compute(mol) for mol in mols]


@dataclass(frozen=True)
class FittedDomain:
    """What `Domain` is made of.

    Parameters
    ----------
    rows
        Of the training molecules, which the similarity is taken to, int64.
    environments, limits
        As for `Domain`.
    """

    rows: NDArray[np.int64]
    environments: NDArray[np.uint32]
    limits: DomainLimits


def fit_domain(fingerprints: PackedBits, mols: Sequence[Mol], seed: int) -> FittedDomain:
    """Fit the limits of the applicability domain, which 95 % of the training molecules meet.

    Each training molecule, or 2,000 drawn at random, is compared with the others: how similar the nearest of
    them is, and which fraction of its substructures occurs in none of them. Where there are more than 2,048
    training molecules, the nearest is sought in a diverse subset of that size.

    Parameters
    ----------
    fingerprints, mols
        The training molecules.
    seed
        Of the random draw and the subset.
    """
    environments = find_environments(mols)
    n = len(mols)
    references = np.arange(n) if n <= MAX_REFERENCES else pick_distant(fingerprints, MAX_REFERENCES, seed)
    identifiers, counts = np.unique(_flatten(environments)[1], return_counts=True)
    queries = np.sort(np.random.default_rng(seed).choice(n, min(n, MAX_QUERIES), replace=False))
    neighbours = Neighbours(fingerprints[references])
    rows, own = _flatten([environments[i] for i in queries])
    pairs = zip(queries, _fold(rows, own), strict=True)
    similarity = [neighbours.similarities(bits)[references != i].max(initial=0.0) for i, bits in pairs]
    unseen = _fraction(counts[np.searchsorted(identifiers, own)] == 1, rows)
    limits = DomainLimits(
        similarity=round(float(np.quantile(similarity, 1 - COVERED)), 4),
        unseen=round(float(np.quantile(unseen, COVERED)), 4),
        molecules=len(references),
    )
    return FittedDomain(references, identifiers.astype(np.uint32), limits)


def _flatten(environments: Sequence[Environments]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each substructure of each molecule the molecule's row, and the substructure's identifier."""
    sizes = [len(found) for found in environments]
    identifiers = np.fromiter(chain.from_iterable(environments), np.int64, sum(sizes))
    return np.repeat(np.arange(len(environments)), sizes), identifiers


def _fold(rows: NDArray[np.int64], identifiers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the bits that are set in the folded fingerprint of each molecule."""
    has_bit = np.zeros((rows[-1] + 1 if len(rows) else 0, FP_SIZE), np.bool_)
    has_bit[rows, identifiers % FP_SIZE] = True
    molecules, bits = np.nonzero(has_bit)
    return np.split(bits, np.flatnonzero(np.diff(molecules)) + 1) if len(bits) else []


def _fraction(flags: NDArray[np.bool_], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the fraction of each molecule's substructures whose flag is set."""
    return np.asarray(np.bincount(rows, flags) / np.bincount(rows))
