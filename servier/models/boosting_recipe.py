"""The learning problem and the recipe of model 1, gradient-boosted trees on molecular features."""

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
        The number of cross-validation folds, in which the number of rounds is chosen.
    max_rounds, patience
        Cross-validation stops after `max_rounds`, or after `patience` rounds without improvement.
    parameters
        LightGBM's own parameters, shared by all boosters; those of `servier.models.boosting_parameters`.
    boosters
        The boosters whose scores are averaged. Each has the parameters in which it differs; `without`, the
        kinds of features that it does not see; and `fingerprint_gain`, the weight of the gain of a split on a
        fingerprint count relative to one on a descriptor. A weight below 1 guards against the one among
        thousands of sparse columns that happens to fit the noise.
    repeats
        The most times that each booster is trained, with different seeds: 3,000 divided by the number of
        labelled rows. On a small table chance matters more, and trees are few and quickly grown.
    """

    folds: int = 5
    max_rounds: int = 3000
    patience: int = 100
    parameters: dict[str, Any] = field(default_factory=PARAMETERS.copy)
    boosters: list[dict[str, Any]] = field(default_factory=BOOSTERS.copy)
    repeats: int = 3

    def booster(self, number: int) -> tuple[dict[str, Any], float, list[str]]:
        """Return the parameters of a booster for LightGBM, its fingerprint gain, and what it does not see."""
        own = dict(self.boosters[number % len(self.boosters)])
        gain, without = own.pop("fingerprint_gain", 1.0), own.pop("without", [])
        return self.parameters | own | _FROZEN, gain, without

    def count_boosters(self, n_rows: int) -> int:
        """Return the number of boosters for a number of labelled rows."""
        return len(self.boosters) * min(self.repeats, max(1, round(LARGE_TABLE / n_rows)))


PRESETS = {
    "fast": Recipe(max_rounds=500, boosters=[{"fingerprint_gain": 0.2}], repeats=1),
    "accurate": Recipe(),
}
"""The default recipe of each preset; with fast features, trees are a large part of the cost of scoring."""


@dataclass(frozen=True)
class Problem:
    """What model 1 is to learn.

    Parameters
    ----------
    X
        float32, shape (n_rows, n_features), finite.
    is_count
        bool, shape (n_features,): whether a feature is a fingerprint count.
    kinds
        str, shape (n_features,): the kind of each feature.
    y
        The transformed labels of each raw score, float64, shape (n_rows, n_scores); NaN where missing. For
        a learner each raw score is a target of its own.
    tasks
        `binary` or `regression` for each of them.
    folds
        The folds of each target: the labelled rows to fit on, and those to hold out.
    workers
        The number of boosters to train at a time.
    relations
        Which labels are bounds, int8, in the shape of `y`: 1 where the true value is at least the label, -1
        where it is at most the label, else 0; None where none is.
    weights
        How much each label counts, float64, in the shape of `y`, 1 on average over the labels of a target;
        None where all count the same.
    """

    X: NDArray[np.float32]
    is_count: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    y: NDArray[np.float64]
    tasks: Sequence[str]
    folds: Sequence[Folds]
    workers: int = 1
    relations: NDArray[np.int8] | None = None
    weights: NDArray[np.float64] | None = None

    def relations_of(self, target: int) -> NDArray[np.int8] | None:
        """Return which labels of the rows with a label of one target are bounds; None where none is."""
        if self.relations is None or not self.relations[:, target].any():
            return None
        of_known: NDArray[np.int8] = self.relations[self.known(target), target]
        return of_known

    def weights_of(self, target: int) -> NDArray[np.float64] | None:
        """Return the weights of the rows with a label of one target; None where all count the same."""
        return None if self.weights is None else self.weights[self.known(target), target]

    def known(self, target: int) -> NDArray[np.int64]:
        """Return the rows with a label of one target."""
        return np.flatnonzero(~np.isnan(self.y[:, target]))

    def count_boosters(self, recipe: Recipe) -> list[int]:
        """Return the number of boosters of each target."""
        return [recipe.count_boosters(len(self.known(target))) for target in range(len(self.tasks))]

    def parameters(self, target: int, recipe: Recipe, booster: int, seed: int) -> dict[str, Any]:
        """Return all parameters of one booster of a target for LightGBM."""
        objective, metric = OBJECTIVES[self.tasks[target]]
        parameters, fingerprint_gain, without = recipe.booster(booster)
        gain = np.where(self.is_count, fingerprint_gain, 1.0)
        gain[self._are_of(without)] = 0.0
        return parameters | {
            "objective": objective, "metric": metric, "seed": seed + booster, "feature_contri": gain.tolist(),
        }  # fmt: skip

    def _are_of(self, kinds: Sequence[str]) -> NDArray[np.bool_]:
        """Return which features are of these kinds; each must exist, and another must remain."""
        known = set(self.kinds.tolist())
        unknown = [kind for kind in kinds if kind not in known]
        if unknown or known == set(kinds):
            problem = f"no feature is of kind {unknown[0]!r}" if unknown else "a booster sees no features"
            raise RecipeError(problem, hint=f"there are {', '.join(sorted(known))}")
        return np.isin(self.kinds, list(kinds))
