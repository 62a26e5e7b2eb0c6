"""Permutation importance of the features of model 1: how much worse it gets when they are shuffled."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, roc_auc_score

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.native import split_gains
from servier.checkpoint.target_columns import score_places
from servier.chem.molecules import Mol
from servier.chem.substructures import write_substructure
from servier.features.base import GeneratedFingerprint
from servier.features.feature_set import Features
from servier.metrics.measures import macro_auroc
from servier.scoring.engines import FeatureEngine

CANDIDATES = 40
SHUFFLES = 3
NAMED_FROM = 200


@dataclass(frozen=True)
class PermutationImportance:
    """Permutation importance of features, measured on some molecules.

    Parameters
    ----------
    engine, checkpoint
        Model 1.
    mols, y
        Molecules that it was not trained on, and their labels, float64, shape (n_mols, n_targets); NaN where
        missing.
    """

    engine: FeatureEngine
    checkpoint: Checkpoint
    mols: Sequence[Mol]
    y: NDArray[np.float64]

    @cached_property
    def _features(self) -> NDArray[np.float32]:
        return self.engine.features(self.mols).X

    def rank_features(self, target: int, n: int) -> list[dict[str, Any]]:
        """Return the `n` most important of the 40 features with the highest gain in training.

        Parameters
        ----------
        target, n
            The number of the target, and how many features.

        References
        ----------
        Breiman, Mach. Learn. 2001, 45, 5, doi:10.1023/A:1010933404324.
        """
        gains = split_gains(self.checkpoint, target, len(self.engine.features))
        candidates = [column for column in np.argsort(-gains)[:CANDIDATES] if gains[column] > 0]
        names = self.engine.features.column_names()
        decrease = {int(column): self._decrease(target, [int(column)]) for column in candidates}
        best = sorted(decrease, key=lambda column: -decrease[column])[:n]
        return [{"name": names[i], "fragment": self._fragment(i), "importance": decrease[i]} for i in best]

    def rank_blocks(self, target: int) -> list[dict[str, Any]]:
        """Return the importance of each block of features, the highest first."""
        features = self.engine.features
        decrease = [
            {
                "name": featurizer.kind,
                "importance": self._decrease(target, np.arange(columns.start, columns.stop)),
            }
            for featurizer, columns in zip(features.featurizers, features.slices, strict=True)
        ]
        return sorted(decrease, key=lambda block: -block["importance"])

    @cached_property
    def _raw(self) -> NDArray[np.float64]:
        return self._score(self._features)

    def _score(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return self.engine.score(Features(X, [None] * len(X))).values

    def _decrease(self, target: int, columns: Sequence[int] | NDArray[np.int64]) -> float:
        """Return how much AUROC falls, or the mean absolute error rises, when columns are shuffled.

        Only rows that get other values than their own are scored again.
        """
        rng = np.random.default_rng(0)
        known = np.flatnonzero(~np.isnan(self.y[:, target]))
        raw, own = self._raw[known], self._features[:, columns][known]
        after = []
        for _ in range(SHUFFLES):
            shuffled = own[rng.permutation(len(known))]
            changed = np.flatnonzero((shuffled != own).any(axis=1))
            X, scores = self._features[known[changed]], raw.copy()
            X[:, columns] = shuffled[changed]
            scores[changed] = self._score(X)
            after.append(self._quality(target, scores, known))
        return round(float(self._quality(target, raw, known) - np.mean(after)), 6)

    def _quality(self, target: int, raw: NDArray[np.float64], rows: NDArray[np.int64]) -> float:
        predicted = self.checkpoint.targets[target]
        values = predicted.to_answer(raw[:, score_places(self.checkpoint.targets)[target]])
        y = self.y[rows, target]
        if predicted.task == "regression":
            return -float(mean_absolute_error(y, values))
        if len(np.unique(y)) < 2:
            return 0.0
        return macro_auroc(y, values) if predicted.has_classes else float(roc_auc_score(y, values))

    def _fragment(self, column: int) -> str | None:
        """Return the most frequent substructure in a bin of a fingerprint; None for other features."""
        for featurizer, columns in zip(
            self.engine.features.featurizers, self.engine.features.slices, strict=True
        ):
            if columns.start <= column < columns.stop and isinstance(featurizer, GeneratedFingerprint):
                place = column - columns.start
                rows = np.flatnonzero(self._features[:, column])[:NAMED_FROM]
                found = Counter(
                    write_substructure(self.mols[row], atoms)
                    for row in rows
                    for atoms in featurizer.occurrences(self.mols[row])[place]
                )
                return found.most_common(1)[0][0] if found else None
        return None
