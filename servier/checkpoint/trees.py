"""The trees of a graph: each is a tree, every way through it ends, and it reads features that exist."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.graphs import GraphError
from servier.checkpoint.onnx_fields import MODES

MAX_DEPTH = 2_000

_LEAF = MODES.index(b"LEAF")
_OF_NODES = (
    "falsenodeids",
    "featureids",
    "missing_value_tracks_true",
    "modes",
    "nodeids",
    "treeids",
    "truenodeids",
)

Numbers = NDArray[np.int64]


def count_splits(attributes: dict[str, Any], n_features: int) -> tuple[int, int]:
    """Return the number of targets, and the most splits that one row of features goes through in all trees.

    ONNX Runtime trusts the numbers of features, nodes and targets, so they are looked at here.

    Parameters
    ----------
    attributes
        Of a `TreeEnsembleRegressor`.
    n_features
        The number of features that it is given.

    Raises
    ------
    GraphError
        Something leads in circles, to what does not exist, or deeper than 2,000 splits.
    """
    nodes = [_array(attributes, f"nodes_{name}") for name in _OF_NODES]
    no, features, _, modes, numbers, trees, yes = nodes
    weights = [_array(attributes, f"target_{name}") for name in ("ids", "nodeids", "treeids", "weights")]
    floats = [_array(attributes, f"nodes_{name}", np.float32) for name in ("values", "hitrates")]
    n_targets = int(attributes.get("n_targets", 0))
    _require(holds=len({len(array) for array in (*nodes, *floats)}) == 1)
    _require(holds=len({len(array) for array in weights}) == 1)
    _require(holds=attributes.get("aggregate_function") == b"SUM")
    _require(holds=attributes.get("post_transform") == b"NONE")
    _require(holds=n_targets > 0)
    _require(holds=_within(features, n_features) and _within(weights[0], n_targets))
    begins = numbers == 0
    _require(holds=bool(begins[:1].any()) and np.array_equal(trees, np.cumsum(begins) - 1))
    firsts = np.flatnonzero(begins)
    _require(holds=np.array_equal(numbers, np.arange(len(numbers)) - firsts[trees]))
    is_leaf = modes == _LEAF
    _require_weights(is_leaf, firsts, weights[2], weights[1])
    return n_targets, _count_levels(np.where(is_leaf, 0, [no, yes]), is_leaf, firsts[trees], begins)


def _count_levels(
    children: Numbers, is_leaf: NDArray[np.bool_], firsts: Numbers, begins: NDArray[np.bool_]
) -> int:
    """Return at most the sum of the depths of all trees.

    Each node but the first of a tree has one parent, which stands before it.
    """
    places = (children + firsts)[:, ~is_leaf]
    _require(holds=_within(places.ravel(), len(begins)))
    _require(holds=np.array_equal(firsts[places], np.broadcast_to(firsts[~is_leaf], places.shape)))
    _require(holds=bool((places > np.flatnonzero(~is_leaf)).all()))
    parents = np.bincount(places.ravel(), minlength=len(begins))
    _require(holds=np.array_equal(parents, ~begins))
    n_trees, splits, level = int(begins.sum()), 0, np.flatnonzero(begins & ~is_leaf)
    for _ in range(MAX_DEPTH):
        if not len(level):
            return splits
        splits += min(len(level), n_trees)
        below = (children[:, level] + firsts[level]).ravel()
        level = below[~is_leaf[below]]
    raise GraphError(f"its trees are deeper than {MAX_DEPTH} splits")


def _require_weights(is_leaf: NDArray[np.bool_], firsts: Numbers, trees: Numbers, numbers: Numbers) -> None:
    """Require a weight of each leaf, and of nothing else."""
    _require(holds=_within(trees, len(firsts)) and _within(numbers, len(is_leaf)))
    places = firsts[trees] + numbers
    _require(holds=_within(places, len(is_leaf)))
    _require(holds=np.array_equal(np.bincount(places, minlength=len(is_leaf)), is_leaf))


def _array(attributes: dict[str, Any], name: str, dtype: Any = None) -> NDArray[Any]:
    found = attributes.get(name)
    wanted = dtype or (
        np.uint8 if name == "nodes_modes" else np.float32 if name == "target_weights" else np.int64
    )
    if not isinstance(found, np.ndarray) or found.dtype != wanted:
        raise GraphError(f"its trees have no {name}")
    return found


def _within(numbers: NDArray[np.integer[Any]], limit: Any) -> bool:
    return bool(numbers.min(initial=0) >= 0 and numbers.max(initial=-1) < limit)


def _require(*, holds: bool) -> None:
    if not holds:
        raise GraphError("its trees lead in circles, or to what does not exist")
