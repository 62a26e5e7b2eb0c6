"""Boosters of LightGBM as one ONNX graph."""

import re
from collections.abc import Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
import onnx
from onnx import helper
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

OPSETS = {"": 15, "ai.onnx.ml": 2}


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


def named_objective(model: str) -> str:
    """Let a model text that names no objective, since it is one of our own, say that scores are values."""
    named = re.sub(r"^\[objective: custom\]$", "[objective: regression]", model, flags=re.MULTILINE)
    return (
        named
        if named == model
        else re.sub(r"\nfeature_names=", r"\nobjective=regression\g<0>", named, count=1)
    )


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
    for target, ensemble in enumerate(boosters):
        for booster in ensemble:
            attributes = _tree_attributes(booster, n_features)
            for name in ("nodes_treeids", "target_treeids"):
                attributes[name] = [tree + n_trees for tree in attributes[name]]
            n_trees = attributes["nodes_treeids"][-1] + 1
            attributes["target_ids"] = [target] * len(attributes["target_ids"])
            attributes["target_weights"] = [weight / len(ensemble) for weight in attributes["target_weights"]]
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
