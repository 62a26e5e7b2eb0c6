"""The ONNX graph of a checkpoint, read without running it, and only if servier could have written it."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.onnx_fields import ATTRIBUTE_TYPES, FLOAT, INT32, INT64, MODEL
from servier.checkpoint.protobuf import ProtobufError, Reader

TREES, LAYERS = "ai.onnx.ml", ""
IR_VERSIONS = {8}
OPSETS = {LAYERS: {15, 17}, TREES: {2}}
"""The domains of operators, and their versions."""

MAX_BYTES = 512 * 1024**2
MAX_NODES = 1_000
MAX_RANK = 8
TABLE = ("rows", "columns")
DTYPES: dict[int, Any] = {FLOAT: np.dtype("<f4"), INT32: np.dtype("<i4"), INT64: np.dtype("<i8")}

_FORMAT_OF_RUNTIME = b"ORTM"
_MAX_DIMENSION = 2**31


class GraphError(ValueError):
    """A graph is not one that servier writes."""


@dataclass(frozen=True)
class Value:
    """What goes into a graph, or comes out of it.

    Parameters
    ----------
    name, dtype
        Its name, and the type of its numbers.
    dimensions
        Its shape; None where a dimension may be anything.
    """

    name: str
    dtype: np.dtype[Any]
    dimensions: tuple[int | None, ...]


@dataclass(frozen=True)
class Node:
    """An operator that is applied.

    Parameters
    ----------
    domain, operator
        The operator.
    inputs, output
        The names of what it is applied to, and of what comes out.
    attributes
        Its settings: a number, bytes, or an array.
    """

    domain: str
    operator: str
    inputs: list[str]
    output: str
    attributes: dict[str, Any]


@dataclass(frozen=True)
class Graph:
    """A graph.

    Parameters
    ----------
    nodes
        The operators, in an order in which they can be applied.
    constants
        The numbers that it holds, by name.
    input, output
        What goes in, and what comes out.
    """

    nodes: list[Node]
    constants: dict[str, NDArray[Any]]
    input: Value
    output: Value


def read_graph(content: bytes) -> Graph:
    """Read a graph.

    Raises
    ------
    GraphError, ProtobufError
        It is malformed, or has something that the learners of servier do not write: data in another file, a
        graph inside, functions, unknown domains or versions.
    """
    if len(content) > MAX_BYTES:
        raise GraphError(f"it has more than {MAX_BYTES // 1024**2} MiB")
    if content[4:8] == _FORMAT_OF_RUNTIME:
        raise GraphError("it is in the format of ONNX Runtime")
    model = Reader(content).read(MODEL)
    if model.get("ir_version") not in IR_VERSIONS:
        raise GraphError(f"its format has version {model.get('ir_version')}")
    opsets = [(_text(opset, "domain"), opset.get("version", 0)) for opset in model.get("opset_import", [])]
    for domain, version in opsets:
        if version not in OPSETS.get(domain, set()):
            raise GraphError(f"it has operators of {domain or 'ONNX'!r} in version {version}")
    domains = [domain for domain, _ in opsets]
    if len(set(domains)) < len(domains):
        raise GraphError("it has the operators of a domain in two versions")
    graph = model.get("graph", {})
    if len(graph.get("node", [])) > MAX_NODES:
        raise GraphError(f"it has more than {MAX_NODES} operators")
    found = Graph(
        nodes=[_node(node, domains) for node in graph.get("node", [])],
        constants=dict(_tensor(tensor) for tensor in graph.get("initializer", [])),
        input=_only_value(graph.get("input", []), "input"),
        output=_only_value(graph.get("output", []), "output"),
    )
    if len(found.constants) < len(graph.get("initializer", [])):
        raise GraphError("two of its tensors have one name")
    return found


def _node(node: dict[str, Any], domains: list[str]) -> Node:
    domain, operator = _text(node, "domain"), _text(node, "op_type")
    if domain not in domains:
        raise GraphError(f"operator {operator!r} is of domain {domain!r}")
    outputs = [_decode(name) for name in node.get("output", [])]
    if len(outputs) != 1:
        raise GraphError(f"operator {operator!r} has {len(outputs)} outputs")
    inputs = [_decode(name) for name in node.get("input", [])]
    attributes = [_attribute(attribute) for attribute in node.get("attribute", [])]
    if len(dict(attributes)) < len(attributes):
        raise GraphError(f"operator {operator!r} has an attribute twice")
    return Node(domain, operator, inputs, outputs[0], dict(attributes))


def _attribute(attribute: dict[str, Any]) -> tuple[str, Any]:
    name = _text(attribute, "name")
    field = ATTRIBUTE_TYPES.get(attribute.get("type", 0))
    if field is None or attribute.keys() - {"name", "type", "doc_string"} != {field}:
        raise GraphError(f"attribute {name!r} is not of its type")
    return name, attribute[field]


def _tensor(tensor: dict[str, Any]) -> tuple[str, NDArray[Any]]:
    name, dtype = _text(tensor, "name"), DTYPES.get(tensor.get("data_type", 0))
    shape = tuple(np.asarray(tensor.get("dims", ())).tolist())
    raw = tensor.get("raw_data", b"")
    is_shape = len(shape) <= MAX_RANK and all(size > 0 for size in shape)
    if dtype is None or not is_shape or prod(shape) * dtype.itemsize != len(raw):
        raise GraphError(f"tensor {name!r} does not have the type and shape that it says")
    return name, np.frombuffer(raw, dtype).reshape(shape)


def _only_value(values: list[dict[str, Any]], kind: str) -> Value:
    if len(values) != 1:
        raise GraphError(f"it has {len(values)} {kind}s")
    tensor = values[0].get("type", {}).get("tensor_type", {})
    dtype = DTYPES.get(tensor.get("elem_type", 0))
    if dtype is None:
        raise GraphError(f"its {kind} is of another type")
    dimensions = tuple(_dimensions(tensor.get("shape", {}), kind))
    if len(dimensions) != len(TABLE):
        raise GraphError(f"its {kind} is no table")
    return Value(_text(values[0], "name"), dtype, dimensions)


def _dimensions(shape: dict[str, Any], kind: str) -> Iterator[int | None]:
    for dimension in shape.get("dim", []):
        size = dimension.get("value")
        if ("symbol" in dimension and size is not None) or not 0 < (size or 1) < _MAX_DIMENSION:
            raise GraphError(f"its {kind} has an impossible shape")
        yield size


def _text(message: dict[str, Any], name: str) -> str:
    return _decode(message.get(name, b""))


def _decode(name: bytes) -> str:
    try:
        return name.decode("ascii")
    except UnicodeDecodeError as error:
        raise ProtobufError("a name in it is not ASCII") from error
