"""The check that every graph passes before ONNX Runtime sees it: what it is made of, and what it may cost."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from servier.checkpoint.graphs import MAX_RANK, Graph, GraphError, read_graph
from servier.checkpoint.operators import Shape, apply
from servier.checkpoint.protobuf import ProtobufError
from servier.errors import CheckpointError


@dataclass(frozen=True)
class Batch:
    """The shape of what a graph is tried with, and what it may cost then.

    Parameters
    ----------
    rows, length
        The dimensions of the input that are not fixed.
    numbers
        The most numbers that may be kept at a time.
    steps
        The most multiplications, or steps like them.
    """

    rows: int
    length: int
    numbers: int
    steps: int


FEATURES = [Batch(4096, 1, 2**27, 2**36)]
TOKENS = [Batch(8, 64, 2**26, 2**34), Batch(64, 5_000, 2**30, 2**41)]
"""A usual batch and the largest that a graph is given, of features and of encoded SMILES strings.

The usual one is what opening a checkpoint scores, and may take about a second; a shipped model takes a
hundredth of that.
"""


@dataclass(frozen=True)
class GraphShape:
    """What goes into a graph, and what comes out.

    Parameters
    ----------
    n_features
        The number of features that it reads; None where it reads encoded SMILES strings.
    n_tokens
        The number of tokens that it knows; None where it reads features.
    n_targets
        The number of scores of a row.
    """

    n_features: int | None
    n_tokens: int | None
    n_targets: int


def check_graph(content: bytes, name: str, path: str | Path | None = None) -> GraphShape:
    """Check a graph without running it.

    Parameters
    ----------
    content, name
        The entry of a checkpoint, and its name.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        It is damaged, is made of other parts than the graphs that servier writes, or may take more memory or
        time than they do.
    """
    try:
        graph = read_graph(content)
        reads_features = graph.input.dtype == np.float32
        for batch in FEATURES if reads_features else TOKENS:
            _require_scores(graph, batch, follow_shapes(graph, batch).get(graph.output.name))
    except (GraphError, ProtobufError) as error:
        problem = f"entry {name} is not a graph of servier: {error}"
        raise CheckpointError(
            problem, path=path, hint="use no checkpoint that servier did not write"
        ) from error
    n_features, n_targets = graph.input.dimensions[1], graph.output.dimensions[1] or 0
    if reads_features:
        return GraphShape(n_features, None, n_targets)
    return GraphShape(None, _count_tokens(graph), n_targets)


def _require_scores(graph: Graph, batch: Batch, scores: Shape | None) -> None:
    """Require that what goes in is a table of rows, and what comes out has a row of scores for each."""
    reads, gives = graph.input, graph.output
    is_fixed = reads.dimensions[1] is not None
    if reads.dtype not in (np.float32, np.int32) or is_fixed != (reads.dtype == np.float32):
        raise GraphError("it reads neither features nor encoded strings")
    if reads.dimensions[0] is not None or gives.dimensions[0] is not None:
        raise GraphError("it does not read any number of rows")
    if gives.dtype != np.float32 or scores != (batch.rows, gives.dimensions[1]):
        raise GraphError("its output is no table of scores")


def follow_shapes(graph: Graph, batch: Batch) -> dict[str, Shape]:
    """Return the shapes of all values of a graph for a batch.

    Raises
    ------
    GraphError
        An operator is not accepted, or the graph takes more memory or time than it may.
    """
    shapes: dict[str, Shape] = {name: values.shape for name, values in graph.constants.items()}
    given = [batch.rows, batch.length]
    shape = [size or given[axis] for axis, size in enumerate(graph.input.dimensions)]
    last = {name: i for i, node in enumerate(graph.nodes) for name in node.inputs}
    steps, kept = 0, _add(shapes, graph.input.name, tuple(shape))
    for i, node in enumerate(graph.nodes):
        made, work = apply(node, shapes, graph.constants)
        if len(made) > MAX_RANK:
            raise GraphError(f"it has values of more than {MAX_RANK} dimensions")
        steps, kept = steps + work, kept + _add(shapes, node.output, made)
        if kept > batch.numbers or steps > batch.steps:
            what = "memory" if kept > batch.numbers else "time"
            raise GraphError(f"it takes too much {what} for {batch.rows} rows")
        done = [name for name in {*node.inputs, node.output} if last.get(name, i) == i]
        kept -= sum(prod(shapes[name]) for name in done if name not in graph.constants)
    return shapes


def _add(shapes: dict[str, Shape], name: str, shape: Shape) -> int:
    if name in shapes:
        raise GraphError("two of its values have one name")
    shapes[name] = shape
    return prod(shape)


def _count_tokens(graph: Graph) -> int:
    """Return the length of the shortest table that the tokens are looked up in."""
    tables = [
        node.inputs[0]
        for node in graph.nodes
        if node.operator == "Gather" and node.inputs[1] == graph.input.name
    ]
    return min((len(graph.constants[name]) for name in tables if name in graph.constants), default=0)
