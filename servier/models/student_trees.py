"""A student of boosted trees, which LightGBM grows."""

from dataclasses import asdict

import lightgbm as lgb
import numpy as np

from servier.checkpoint.metadata import TrainingNotes
from servier.checkpoint.native import booster_name
from servier.models.boosting import ROWS_PER_THREAD
from servier.models.fitted_model import FittedModel, Report
from servier.models.student import Lesson, Recipe
from servier.models.tree_graph import round_thresholds, to_onnx, without_threads

MAX_BIN = 63
"""Most features are counts, and few of these are large."""


def fit(lesson: Lesson, recipe: Recipe, seed: int, workers: int, report: Report) -> FittedModel:
    """Grow trees for each score, and export all of them as one ONNX graph.

    Parameters
    ----------
    lesson
        What is learnt.
    recipe, seed
        They determine the bytes of the model, on any number of threads.
    workers
        The largest number of threads.
    report
        Called with a line of text for each score.

    References
    ----------
    Ke et al., LightGBM, NeurIPS 2017.
    """
    n_threads = max(1, min(workers, len(lesson.X) // ROWS_PER_THREAD))
    parameters = {
        "objective": "regression", "num_leaves": recipe.num_leaves, "learning_rate": recipe.learning_rate,
        "min_child_samples": recipe.min_child_samples, "feature_fraction": recipe.feature_fraction,
        "bagging_fraction": recipe.bagging_fraction, "bagging_freq": 1, "max_bin": MAX_BIN, "seed": seed,
        "deterministic": True, "force_col_wise": True, "num_threads": n_threads, "verbosity": -1,
    }  # fmt: skip
    native: dict[str, bytes] = {}
    texts = []
    for score, y in enumerate(lesson.y.T):
        known = np.flatnonzero(~np.isnan(y))
        data = lgb.Dataset(lesson.X[known], y[known], weight=lesson.weights[known])
        trained = lgb.train(parameters, data, recipe.n_trees)
        texts.append(without_threads(round_thresholds(trained.model_to_string())))
        native[booster_name(score, 0)] = texts[-1].encode()
        report(f"score {score + 1} of {lesson.y.shape[1]} is learnt")
    graph = to_onnx([[lgb.Booster(model_str=text)] for text in texts]).SerializeToString()
    notes = TrainingNotes(rounds=[[recipe.n_trees] for _ in texts], recipe=asdict(recipe))
    return FittedModel([graph], native, np.full(lesson.y.shape, np.nan), notes)
