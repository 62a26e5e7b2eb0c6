"""Model 1: gradient-boosted trees on molecular features."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import lightgbm as lgb
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from servier.errors import RecipeError
from servier.models import FittedModel, Folds

OPSETS = {"": 15, "ai.onnx.ml": 2}
OBJECTIVES = {"binary": ("binary", "auc"), "regression": ("regression", "l2")}
PARAMETERS: dict[str, Any] = {
    "learning_rate": 0.03,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 63,
}
_FROZEN = {"verbosity": -1, "deterministic": True, "force_row_wise": True, "use_missing": False}


@dataclass(frozen=True)
class Recipe:
    """How model 1 is trained.

    Parameters
    ----------
    folds
        Number of cross-validation folds, in which the number of rounds is chosen.
    ensemble
        How many boosters, which differ in their seed, are averaged.
    max_rounds, patience
        Cross-validation stops after `max_rounds`, or when `patience` rounds brought nothing.
    fingerprint_gain
        How much the gain of a split on a fingerprint count weighs beside one on a descriptor. Below 1, since
        among thousands of sparse columns there is always one that fits the noise.
    parameters
        LightGBM's own parameters.
    """

    folds: int = 5
    ensemble: int = 3
    max_rounds: int = 600
    patience: int = 100
    fingerprint_gain: float = 0.2
    parameters: dict[str, Any] = field(default_factory=PARAMETERS.copy)


PRESETS = {
    "fast": Recipe(ensemble=1, max_rounds=500, parameters=PARAMETERS | {"learning_rate": 0.05}),
    "accurate": Recipe(),
}
"""Recipes for the presets of features; with `fast` ones the trees are a good part of the cost of a score."""


def fit(
    X: NDArray[np.float32],
    is_count: NDArray[np.bool_],
    y: NDArray[np.float64],
    tasks: Sequence[str],
    folds: Sequence[Folds],
    recipe: Recipe,
    seed: int,
    n_threads: int,
) -> FittedModel:
    """Train one ensemble of boosters per target, and export all of them as one ONNX graph.

    Parameters
    ----------
    X
        float32, shape (n_rows, n_features), finite.
    is_count
        bool, shape (n_features,): which features are fingerprint counts.
    y
        Labels, those of a regression target in standard units, float64, shape (n_rows, n_targets); NaN where
        missing.
    tasks
        `binary` or `regression` for each target.
    folds
        For each target its folds: which of its labelled rows to fit on, and which to hold out.
    recipe, seed, n_threads
        The same three on the same machine give the same bytes.

    References
    ----------
    Ke et al., LightGBM, NeurIPS 2017.
    """
    held_out = np.full(y.shape, np.nan)
    native: dict[str, bytes] = {}
    boosters: list[list[lgb.Booster]] = []
    rounds: list[int] = []
    for target, task in enumerate(tasks):
        known = np.flatnonzero(~np.isnan(y[:, target]))
        objective, metric = OBJECTIVES[task]
        parameters = recipe.parameters | _FROZEN | {
            "objective": objective, "metric": metric, "seed": seed, "num_threads": n_threads,
            "feature_contri": np.where(is_count, recipe.fingerprint_gain, 1.0).tolist(),
        }  # fmt: skip
        labels = y[known, target]
        within = [(np.searchsorted(known, fit), np.searchsorted(known, out)) for fit, out in folds[target]]
        try:
            n_rounds, scores = _cross_validate(X[known], labels, within, parameters, recipe)
        except lgb.basic.LightGBMError as error:
            raise RecipeError(f"LightGBM refuses the recipe's parameters: {error}") from error
        held_out[known, target] = scores
        rounds.append(n_rounds)
        boosters.append([])
        for member in range(recipe.ensemble):
            data = lgb.Dataset(X[known], labels)
            text = lgb.train(parameters | {"seed": seed + member}, data, n_rounds).model_to_string()
            text = without_threads(round_thresholds(text))
            native[f"model_{target}_{member}.txt"] = text.encode()
            boosters[-1].append(lgb.Booster(model_str=text))
    notes = {"rounds": rounds, "recipe": asdict(recipe)}
    return FittedModel(to_onnx(boosters).SerializeToString(), native, held_out, notes)


def _cross_validate(
    X: NDArray[np.float32],
    labels: NDArray[np.float64],
    folds: Folds,
    parameters: dict[str, Any],
    recipe: Recipe,
) -> tuple[int, NDArray[np.float64]]:
    """Choose the number of rounds; return it with the raw scores of the rows while they were held out."""
    result = lgb.cv(
        parameters,
        lgb.Dataset(X, labels, free_raw_data=False),
        recipe.max_rounds,
        folds=folds,
        stratified=False,
        callbacks=[lgb.early_stopping(recipe.patience, verbose=False)],
        return_cvbooster=True,
    )
    cv_booster = result["cvbooster"]
    n_rounds = max(1, cv_booster.best_iteration)
    scores = np.full(len(labels), np.nan)
    for booster, (_, rows) in zip(cv_booster.boosters, folds, strict=True):
        scores[rows] = booster.predict(X[rows], num_iteration=n_rounds, raw_score=True)
    return n_rounds, scores


def round_thresholds(model: str) -> str:
    """Round the thresholds of a model text down to float32.

    LightGBM puts a threshold, in float64, between two values of a feature. ONNX stores it as float32; rounded
    to the nearest it may land on the upper value and send it the other way. Rounded down it never does, and
    features are float32 themselves, so both read every molecule alike.
    """

    def round_line(match: re.Match[str]) -> str:
        exact = np.array(match[1].split(), np.float64)
        rounded = exact.astype(np.float32)
        too_high = rounded.astype(np.float64) > exact
        rounded[too_high] = np.nextafter(rounded[too_high], np.float32(-np.inf))
        return "threshold=" + " ".join(repr(float(value)) for value in rounded)

    # The sizes of the trees in bytes change with their texts; without the line the reader does not need them.
    model = re.sub(r"^tree_sizes=.*\n", "", model, flags=re.MULTILINE)
    return re.sub(r"^threshold=(.*)$", round_line, model, flags=re.MULTILINE)


def without_threads(model: str) -> str:
    """Leave the number of threads out of a model text: it changes nothing else."""
    return re.sub(r"^\[num_threads: .*\n", "", model, flags=re.MULTILINE)


def to_onnx(boosters: Sequence[Sequence[lgb.Booster]]) -> onnx.ModelProto:
    """Join boosters into one ONNX graph with a single tree ensemble.

    Parameters
    ----------
    boosters
        For each target the boosters whose raw scores are averaged.

    Returns
    -------
    A graph from `X`, float32 (n_rows, n_features), to `scores`, float32 (n_rows, n_targets).
    """
    joined: dict[str, list[Any]] = {}
    n_trees = 0
    n_features = boosters[0][0].num_feature()
    for target, members in enumerate(boosters):
        for booster in members:
            attributes = _tree_attributes(booster, n_features)
            for name in ("nodes_treeids", "target_treeids"):
                attributes[name] = [tree + n_trees for tree in attributes[name]]
            n_trees = attributes["nodes_treeids"][-1] + 1
            attributes["target_ids"] = [target] * len(attributes["target_ids"])
            attributes["target_weights"] = [weight / len(members) for weight in attributes["target_weights"]]
            for name, values in attributes.items():
                joined.setdefault(name, []).extend(values)
    node = helper.make_node(
        "TreeEnsembleRegressor", ["X"], ["scores"], domain="ai.onnx.ml",
        n_targets=len(boosters), aggregate_function="SUM", post_transform="NONE", **joined,
    )  # fmt: skip
    graph = helper.make_graph(
        [node],
        "servier_model_1",
        [helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, ["n", n_features])],
        [helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, ["n", len(boosters)])],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="servier")
    onnx.checker.check_model(model)
    return model


def _tree_attributes(booster: lgb.Booster, n_features: int) -> dict[str, list[Any]]:
    """Return the per-node and per-leaf lists of the tree ensemble that the converter makes of a booster."""
    converted = convert_lightgbm(
        booster,
        initial_types=[("X", FloatTensorType([None, n_features]))],
        target_opset=OPSETS[""],
        zipmap=False,
    )
    node = next(node for node in converted.graph.node if node.op_type.startswith("TreeEnsemble"))
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return {
        name.replace("class_", "target_"): list(values)
        for name, values in attributes.items()
        if name.startswith(("nodes_", "target_", "class_"))
    }
