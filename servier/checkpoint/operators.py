"""The operators that a graph may have, with what each makes of shapes and how much work it is.

The list is what `servier.models.tree_graph` and `servier.models.network_graph` write. None of them repeats a
part of a graph, so every graph ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.graphs import LAYERS, MAX_RANK, TREES, GraphError, Node
from servier.checkpoint.onnx_fields import FLOAT, INT32, INT64
from servier.checkpoint.trees import count_splits

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Applied:
    """An operator, applied to values of known shapes.

    Parameters
    ----------
    node
        The operator.
    shapes
        The shapes of its inputs.
    constants
        Those of its inputs that are numbers of the graph; None for the others.
    """

    node: Node
    shapes: list[Shape]
    constants: list[NDArray[Any] | None]

    def require(self, *, holds: bool) -> None:
        """Refuse the operator unless something holds of it."""
        if not holds:
            raise GraphError(f"operator {self.node.operator} is applied to what it cannot be applied to")

    def setting(self, name: str, *choices: Any) -> Any:
        """Return an attribute, which must be one of the choices."""
        value = self.node.attributes.get(name)
        self.require(holds=value in choices)
        return value

    def whole_numbers(self, values: Any, least: int, most: int) -> list[int]:
        """Return what must be an array of whole numbers from `least` to `most`."""
        self.require(holds=isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype == np.int64)
        self.require(holds=len(values) <= MAX_RANK)
        numbers: list[int] = values.tolist()
        self.require(holds=all(least <= number <= most for number in numbers))
        return numbers

    def axes(self, values: Any) -> list[int]:
        """Return what must be different dimensions of the first input."""
        found = self.whole_numbers(values, 0, len(self.shapes[0]) - 1)
        self.require(holds=len(set(found)) == len(found) > 0)
        return found


Rule = Callable[[Applied], tuple[Shape, int]]
"""What shape comes out, and how many multiplications, or steps like them, that takes."""


def _broadcast(it: Applied) -> tuple[Shape, int]:
    try:
        shape = np.broadcast_shapes(*it.shapes)
    except ValueError as error:
        raise GraphError(f"operator {it.node.operator} is applied to shapes that do not fit") from error
    return shape, prod(shape) * len(it.shapes)


def _normalize(it: Applied) -> tuple[Shape, int]:
    it.require(holds=all(shape == it.shapes[0][-1:] for shape in it.shapes[1:]))
    return it.shapes[0], 8 * prod(it.shapes[0])


def _cast(it: Applied) -> tuple[Shape, int]:
    it.setting("to", FLOAT, INT32, INT64)
    return it.shapes[0], prod(it.shapes[0])


def _concat(it: Applied) -> tuple[Shape, int]:
    rank = len(it.shapes[0])
    (axis,) = it.axes(np.array([it.node.attributes.get("axis", -1)], np.int64))
    it.require(holds=all(len(shape) == rank for shape in it.shapes))
    others = [shape[:axis] + shape[axis + 1 :] for shape in it.shapes]
    it.require(holds=all(other == others[0] for other in others))
    shape = (*others[0][:axis], sum(shape[axis] for shape in it.shapes), *others[0][axis:])
    return shape, prod(shape)


def _convolve(it: Applied) -> tuple[Shape, int]:
    it.setting("auto_pad", b"SAME_UPPER")
    it.require(holds=[len(shape) for shape in it.shapes] == [3, 3, 1])
    (n, channels, length), (features, of_kernel, width), (of_bias,) = it.shapes
    it.require(holds=channels == of_kernel and features == of_bias)
    return (n, features, length), n * features * length * channels * width


def _gather(it: Applied) -> tuple[Shape, int]:
    table, places = it.shapes
    it.require(holds=len(table) > 0)
    shape = places + table[1:]
    return shape, prod(shape)


def _multiply(it: Applied) -> tuple[Shape, int]:
    it.require(holds=[len(shape) for shape in it.shapes] == [2, 2, 1])
    (rows, inner), (of_kernel, columns), (of_bias,) = it.shapes
    it.require(holds=inner == of_kernel and columns == of_bias)
    return (rows, columns), rows * inner * columns


def _recur(it: Applied) -> tuple[Shape, int]:
    it.setting("direction", b"bidirectional")
    it.setting("linear_before_reset", 1)
    it.require(holds=len(it.shapes[0]) == 3)
    length, n, channels = it.shapes[0]
    width = it.node.attributes.get("hidden_size", 0)
    gates = 3 * width
    weights = [(2, gates, channels), (2, gates, width), (2, 2 * gates), (n,)]
    it.require(holds=it.shapes[1:] == weights)
    return (length, 2, n, width), length * n * 2 * gates * (channels + width)


def _reduce(it: Applied) -> tuple[Shape, int]:
    values = it.constants[1] if len(it.shapes) > 1 else it.node.attributes.get("axes")
    axes, shape = it.axes(values), it.shapes[0]
    if it.setting("keepdims", None, 0, 1) != 0:
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    else:
        kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    return kept, prod(shape)


def _reshape(it: Applied) -> tuple[Shape, int]:
    sizes = it.whole_numbers(it.constants[1], -1, 2**31)
    it.require(holds=sizes.count(-1) <= 1 and 0 not in sizes[len(it.shapes[0]) :])
    found = [it.shapes[0][axis] if size == 0 else size for axis, size in enumerate(sizes)]
    if -1 in found:
        found[found.index(-1)] = prod(it.shapes[0]) // -prod(found)
    it.require(holds=prod(found) == prod(it.shapes[0]))
    return tuple(found), prod(found)


def _transpose(it: Applied) -> tuple[Shape, int]:
    axes = it.axes(it.node.attributes.get("perm"))
    it.require(holds=len(axes) == len(it.shapes[0]))
    return tuple(it.shapes[0][axis] for axis in axes), prod(it.shapes[0])


def _unsqueeze(it: Applied) -> tuple[Shape, int]:
    (axis,) = it.whole_numbers(it.constants[1], 0, len(it.shapes[0]))
    return (*it.shapes[0][:axis], 1, *it.shapes[0][axis:]), prod(it.shapes[0])


def _climb(it: Applied) -> tuple[Shape, int]:
    it.require(holds=len(it.shapes[0]) == 2)
    rows, n_features = it.shapes[0]
    n_targets, n_splits = count_splits(it.node.attributes, n_features)
    return (rows, n_targets), rows * n_splits


@dataclass(frozen=True)
class Operator:
    """An operator that a graph may have.

    Parameters
    ----------
    rule
        What it does to shapes.
    inputs
        How many inputs it may have.
    attributes
        The attributes that it may have.
    """

    rule: Rule
    inputs: tuple[int, ...]
    attributes: frozenset[str] = frozenset()


_TREE_ATTRIBUTES = frozenset({
    "aggregate_function", "n_targets", "nodes_falsenodeids", "nodes_featureids", "nodes_hitrates",
    "nodes_missing_value_tracks_true", "nodes_modes", "nodes_nodeids", "nodes_treeids", "nodes_truenodeids",
    "nodes_values", "post_transform", "target_ids", "target_nodeids", "target_treeids", "target_weights",
})  # fmt: skip

OPERATORS: Mapping[tuple[str, str], Operator] = {
    **{(LAYERS, name): Operator(_broadcast, (2,)) for name in ("Add", "Div", "Greater", "Max", "Mul", "Sub")},
    **{(LAYERS, name): Operator(_broadcast, (1,)) for name in ("Exp", "Sigmoid")},
    (LAYERS, "Cast"): Operator(_cast, (1,), frozenset({"to"})),
    (LAYERS, "Concat"): Operator(_concat, (2,), frozenset({"axis"})),
    (LAYERS, "Conv"): Operator(_convolve, (3,), frozenset({"auto_pad"})),
    (LAYERS, "GRU"): Operator(_recur, (5,), frozenset({"hidden_size", "direction", "linear_before_reset"})),
    (LAYERS, "Gather"): Operator(_gather, (2,)),
    (LAYERS, "Gemm"): Operator(_multiply, (3,)),
    (LAYERS, "LayerNormalization"): Operator(_normalize, (3,), frozenset({"epsilon"})),
    (LAYERS, "ReduceMax"): Operator(_reduce, (1,), frozenset({"axes", "keepdims"})),
    (LAYERS, "ReduceSum"): Operator(_reduce, (2,), frozenset({"keepdims"})),
    (LAYERS, "ReduceSumSquare"): Operator(_reduce, (1,), frozenset({"axes", "keepdims"})),
    (LAYERS, "Reshape"): Operator(_reshape, (2,)),
    (LAYERS, "Transpose"): Operator(_transpose, (1,), frozenset({"perm"})),
    (LAYERS, "Unsqueeze"): Operator(_unsqueeze, (2,)),
    (TREES, "TreeEnsembleRegressor"): Operator(_climb, (1,), _TREE_ATTRIBUTES),
}
"""The operators by domain and name."""


def apply(
    node: Node, shapes: Mapping[str, Shape], constants: Mapping[str, NDArray[Any]]
) -> tuple[Shape, int]:
    """Return the shape of what comes out of an operator, and the work that it is.

    Parameters
    ----------
    node
        The operator.
    shapes
        The shapes of all values before it, by name.
    constants
        The numbers that the graph holds.

    Raises
    ------
    GraphError
        It is not on the list, or is applied in a way in which servier never applies it.
    """
    found = OPERATORS.get((node.domain, node.operator))
    if found is None:
        raise GraphError(
            f"operator {node.operator!r} of {node.domain or 'ONNX'!r} is not one that servier writes"
        )
    unknown = [name for name in node.attributes if name not in found.attributes]
    if unknown:
        raise GraphError(f"operator {node.operator} has the attribute {unknown[0]!r}")
    missing = [name for name in node.inputs if name not in shapes]
    if missing or len(node.inputs) not in found.inputs:
        raise GraphError(f"operator {node.operator} does not have its inputs")
    inputs = [shapes[name] for name in node.inputs]
    return found.rule(Applied(node, inputs, [constants.get(name) for name in node.inputs]))
