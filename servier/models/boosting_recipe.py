"""What model 1, gradient-boosted trees on molecular features, learns and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.errors import RecipeError
from servier.models.fitted_model import Folds

OBJECTIVES = {"binary": ("binary", "auc"), "regression": ("regression", "l2")}
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 63,
}
_EXTRA = {"fingerprint_gain": 0.5, "num_leaves": 31, "min_data_in_leaf": 5, "extra_trees": True}
_CHAINS = ["atom_pair_count", "torsion_count"]
BOOSTERS: list[dict[str, Any]] = [
    {"without": ["torsion_count"]},
    {"without": _CHAINS, "num_leaves": 8},
    _EXTRA | {"without": _CHAINS, "num_leaves": 15, "fingerprint_gain": 0.2},
    _EXTRA | {"without": ["morgan_count"]},
    _EXTRA | {"without": ["descriptors_2d"]},
]
LARGE_TABLE = 3000
_FROZEN = {"verbosity": -1, "deterministic": True, "force_col_wise": True, "use_missing": False}


@dataclass(frozen=True)
class Recipe:
    """How model 1 is trained.

    Parameters
    ----------
    folds
        Number of cross-validation folds, in which the number of rounds is chosen.
    max_rounds, patience
        Cross-validation stops after `max_rounds`, or when `patience` rounds brought nothing.
    parameters
        LightGBM's own parameters, of all boosters.
    boosters
        The boosters whose scores are averaged: for each the parameters in which it differs, `without`, the
        kinds of features that it does not see, and its `fingerprint_gain`: how much the gain of a split on a
        fingerprint count weighs beside one on a descriptor. Below 1 it guards against the one among thousands
        of sparse columns that fits the noise.
    repeats
        How often at most each booster is trained, with other seeds: as often as the labelled rows go into
        3,000. On a small table chance decides more, and trees are few and soon grown.
    """

    folds: int = 5
    max_rounds: int = 3000
    patience: int = 100
    parameters: dict[str, Any] = field(default_factory=PARAMETERS.copy)
    boosters: list[dict[str, Any]] = field(default_factory=BOOSTERS.copy)
    repeats: int = 3

    def booster(self, number: int) -> tuple[dict[str, Any], float, list[str]]:
        """Return LightGBM's parameters for a booster, its gain of fingerprints, and what it does not see."""
        own = dict(self.boosters[number % len(self.boosters)])
        gain, without = own.pop("fingerprint_gain", 1.0), own.pop("without", [])
        return self.parameters | own | _FROZEN, gain, without

    def count_boosters(self, n_rows: int) -> int:
        """Return the size of the ensemble for so many labelled rows."""
        return len(self.boosters) * min(self.repeats, max(1, round(LARGE_TABLE / n_rows)))


PRESETS = {
    "fast": Recipe(max_rounds=500, boosters=[{"fingerprint_gain": 0.2}], repeats=1),
    "accurate": Recipe(),
}
"""Recipes for the presets of features; with `fast` ones the trees are a good part of the cost of a score."""


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Parameters
    ----------
    X
        float32, shape (n_rows, n_features), finite.
    is_count
        bool, shape (n_features,): which features are fingerprint counts.
    kinds
        str, shape (n_features,): the kinds of the features.
    y
        Labels, those of a regression target in standard units, float64, shape (n_rows, n_targets); NaN where
        missing.
    tasks
        `binary` or `regression` for each target.
    folds
        For each target its folds: which of its labelled rows to fit on, and which to hold out.
    workers
        How many boosters are trained at a time.
    """

    X: NDArray[np.float32]
    is_count: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    y: NDArray[np.float64]
    tasks: Sequence[str]
    folds: Sequence[Folds]
    workers: int = 1

    def known(self, target: int) -> NDArray[np.int64]:
        """Return the rows with a label of one target."""
        return np.flatnonzero(~np.isnan(self.y[:, target]))

    def count_boosters(self, recipe: Recipe) -> list[int]:
        """Return the size of the ensemble of each target."""
        return [recipe.count_boosters(len(self.known(target))) for target in range(len(self.tasks))]

    def parameters(self, target: int, recipe: Recipe, booster: int, seed: int) -> dict[str, Any]:
        """Return all of LightGBM's parameters for one target and one booster of its ensemble."""
        objective, metric = OBJECTIVES[self.tasks[target]]
        parameters, fingerprint_gain, without = recipe.booster(booster)
        gain = np.where(self.is_count, fingerprint_gain, 1.0)
        gain[self._are_of(without)] = 0.0
        return parameters | {
            "objective": objective, "metric": metric, "seed": seed + booster, "feature_contri": gain.tolist(),
        }  # fmt: skip

    def _are_of(self, kinds: Sequence[str]) -> NDArray[np.bool_]:
        """Return which features are of some kinds, of which there must be features."""
        known = set(self.kinds.tolist())
        unknown = [kind for kind in kinds if kind not in known]
        if unknown or known == set(kinds):
            problem = (
                f"no feature is of kind {unknown[0]!r}" if unknown else "a booster is without all features"
            )
            raise RecipeError(problem, hint=f"there are {', '.join(sorted(known))}")
        return np.isin(self.kinds, list(kinds))
