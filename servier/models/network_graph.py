"""The network of model 2 as an ONNX graph, the same bytes for the same weights."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8

Layers = Mapping[str, keras.layers.Layer]


class _Graph:
    """A graph under construction, in which values are named by their number."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, array: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def axes(self, *axes: int) -> str:
        return self.constant(axes, np.int64)


def network_to_onnx(network: keras.Model) -> onnx.ModelProto:
    """Write a network as a graph with ONNX's own recurrent layer.

    Parameters
    ----------
    network
        As `servier.models.network.add_head` or `servier.models.kernel.add_kernel` returns it.

    Returns
    -------
    A graph from `tokens`, int32 (n, length), to `scores`, float32 (n, n_targets).
    """
    layers = {layer.name: layer for layer in network.layers}
    graph = _Graph()
    first = _dense(graph, _pool(graph, layers), layers["dense_1"])
    scores = _kernel(graph, first, layers) if "support" in layers else _hidden(graph, first, layers)
    _linear(graph, scores, layers["scores"], output="scores")
    values = [
        helper.make_tensor_value_info("tokens", TensorProto.INT32, ["n", "length"]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", layers["scores"].units]),
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "servier_model_2", values[:1], values[1:], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="servier",
    )
    onnx.checker.check_model(model)
    return model


def _pool(graph: _Graph, layers: Layers) -> str:
    """Embedding, convolution, recurrent layer, then mean and maximum over the string, normalized."""
    zero = graph.constant(0, np.int32)
    is_token = graph.add("Cast", graph.add("Greater", "tokens", zero), to=TensorProto.FLOAT)
    mask = graph.add("Unsqueeze", is_token, graph.axes(1))
    table = graph.constant(layers["embedding"].embeddings.numpy())
    embedded = graph.add("Transpose", graph.add("Gather", table, "tokens"), perm=[0, 2, 1])
    convolved = _convolution(graph, graph.add("Mul", embedded, mask), layers["convolution"])
    lengths = graph.add("ReduceSum", is_token, graph.axes(1), keepdims=0)
    sequence = graph.add("Transpose", graph.add("Mul", convolved, mask), perm=[2, 0, 1])
    read = _recurrent(graph, sequence, lengths, layers["recurrent"])
    count = graph.add("Max", graph.add("ReduceSum", mask, graph.axes(2), keepdims=0), graph.constant([1]))
    mean = graph.add("Div", graph.add("ReduceSum", read, graph.axes(2), keepdims=0), count)
    padding = graph.add("Mul", graph.add("Sub", mask, graph.constant([1])), graph.constant([2]))
    highest = graph.add("ReduceMax", graph.add("Add", read, padding), axes=[2], keepdims=0)
    return _normalize(graph, graph.add("Concat", mean, highest, axis=1), layers["norm_1"])


def _convolution(graph: _Graph, x: str, layer: keras.layers.Layer) -> str:
    kernel, bias = (weight.numpy() for weight in layer.weights)
    weights = graph.constant(kernel.transpose(2, 1, 0)), graph.constant(bias)
    return _silu(graph, graph.add("Conv", x, *weights, auto_pad="SAME_UPPER"))


def _recurrent(graph: _Graph, x: str, lengths: str, layer: keras.layers.Layer) -> str:
    """Return both directions of the recurrent layer, (n, 2 * width, length), zero after the string."""
    both = [
        [weight.numpy() for weight in direction.cell.weights]
        for direction in (layer.forward_layer, layer.backward_layer)
    ]
    kernels, recurrent_kernels, biases = (np.stack(parts) for parts in zip(*both, strict=True))
    weights = [
        graph.constant(kernels.transpose(0, 2, 1)),
        graph.constant(recurrent_kernels.transpose(0, 2, 1)),
        graph.constant(biases.reshape(2, -1)),
        graph.add("Cast", lengths, to=TensorProto.INT32),
    ]
    width = recurrent_kernels.shape[1]
    read = graph.add("GRU", x, *weights, hidden_size=width, direction="bidirectional", linear_before_reset=1)
    apart = graph.add("Transpose", read, perm=[2, 1, 3, 0])
    return graph.add("Reshape", apart, graph.axes(0, 2 * width, -1))


def _hidden(graph: _Graph, first: str, layers: Layers) -> str:
    second = _dense(graph, first, layers["dense_2"])
    return _normalize(graph, graph.add("Add", first, second), layers["norm_2"])


def _kernel(graph: _Graph, x: str, layers: Layers) -> str:
    """Return the similarity of the rows to each support vector."""
    mean, variance = (weight.numpy() for weight in layers["standard"].weights)
    centred = graph.add("Sub", x, graph.constant(mean))
    units = graph.add("Mul", centred, graph.constant(1 / np.sqrt(variance)))
    squares = graph.add("ReduceSumSquare", units, axes=[1])
    length = graph.add("Div", squares, graph.constant(len(mean)))
    return graph.add("Exp", graph.add("Sub", _linear(graph, units, layers["support"]), length))


def _dense(graph: _Graph, x: str, layer: keras.layers.Layer) -> str:
    return _silu(graph, _linear(graph, x, layer))


def _linear(graph: _Graph, x: str, layer: keras.layers.Layer, output: str = "") -> str:
    kernel, bias = (graph.constant(weight.numpy()) for weight in layer.weights)
    return graph.add("Gemm", x, kernel, bias, output=output)


def _normalize(graph: _Graph, x: str, layer: keras.layers.Layer) -> str:
    weights: list[NDArray[np.float32]] = [weight.numpy() for weight in layer.weights]
    scale, centre = map(graph.constant, weights)
    return graph.add("LayerNormalization", x, scale, centre, epsilon=layer.epsilon)


def _silu(graph: _Graph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))
