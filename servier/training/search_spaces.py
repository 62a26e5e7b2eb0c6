"""The recipes that a search may suggest for each model, and how they are cross-validated."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from servier.training.fitting import prepare_features, prepare_sequences
from servier.training.options import Options
from servier.training.rows import TrainingRows
from servier.training.score_labels import ScoreLabels

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

TUNED_BOOSTERS = 2

CrossValidate = Callable[[dict[str, Any]], NDArray[np.float64]]
"""From fields of a recipe to raw scores of rows that were held out."""


def _prepare_features(
    rows: TrainingRows, labels: ScoreLabels, options: Options, base: dict[str, Any]
) -> CrossValidate:
    from servier.models import boosting, boosting_recipe

    default = replace(boosting_recipe.PRESETS[options.preset], **base)
    boosting.check(default)
    problem = prepare_features(rows, labels, options, default.folds)

    def cross_validate(changes: dict[str, Any]) -> NDArray[np.float64]:
        return boosting.cross_validate(problem, replace(default, **changes), options.seed, logger.debug)[0]

    return cross_validate


def _suggest_trees(trial: "optuna.Trial") -> dict[str, Any]:
    boosters = [
        {
            "fingerprint_gain": trial.suggest_float(f"fingerprint_gain_{i}", 0.05, 1.0, log=True),
            "num_leaves": trial.suggest_int(f"num_leaves_{i}", 4, 64, log=True),
            "min_data_in_leaf": trial.suggest_int(f"min_data_in_leaf_{i}", 3, 60, log=True),
            "extra_trees": trial.suggest_categorical(f"extra_trees_{i}", [False, True]),
        }
        for i in range(TUNED_BOOSTERS)
    ]
    parameters = {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.03, 0.6, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "bagging_freq": 1,
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 30.0, log=True),
        "max_bin": 63,
    }
    return {"parameters": parameters, "boosters": boosters}


def _prepare_sequences(
    rows: TrainingRows, labels: ScoreLabels, options: Options, base: dict[str, Any]
) -> CrossValidate:
    from servier.models import fine_tuning_recipe, smiles_network

    default = replace(fine_tuning_recipe.Recipe(), **base)
    problem = prepare_sequences(rows, labels, options, default)

    def cross_validate(changes: dict[str, Any]) -> NDArray[np.float64]:
        recipe = replace(default, **changes)
        return smiles_network.cross_validate(problem, recipe, options.seed, options.workers, logger.debug)

    return cross_validate


def _suggest_network(trial: "optuna.Trial") -> dict[str, Any]:
    return {
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "batch_size": trial.suggest_categorical("batch_size", [16, 32, 64]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
    }


SEARCHES = {"1": (_prepare_features, _suggest_trees), "2": (_prepare_sequences, _suggest_network)}
"""For each model, the function that prepares cross-validation and the one that suggests a recipe."""
