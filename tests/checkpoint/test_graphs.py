"""The check of graphs, with the package `onnx`, which scoring never loads, as the oracle."""

import re
from itertools import pairwise

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from servier.checkpoint.file import open_checkpoint
from servier.checkpoint.graph_check import Batch, check_graph, follow_shapes
from servier.checkpoint.graphs import IR_VERSIONS, MAX_BYTES, OPSETS, read_graph
from servier.checkpoint.operators import OPERATORS
from servier.errors import CheckpointError

TREE = {
    "nodes_treeids": [0, 0, 0, 1],
    "nodes_nodeids": [0, 1, 2, 0],
    "nodes_featureids": [1, 0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
    "nodes_values": [0.5, 0.0, 0.0, 0.0],
    "nodes_hitrates": [1.0, 1.0, 1.0, 1.0],
    "nodes_missing_value_tracks_true": [0, 0, 0, 0],
    "nodes_truenodeids": [1, 0, 0, 0],
    "nodes_falsenodeids": [2, 0, 0, 0],
    "target_treeids": [0, 0, 1],
    "target_nodeids": [1, 2, 0],
    "target_ids": [0, 0, 0],
    "target_weights": [1.0, -1.0, 0.25],
    "n_targets": 1,
    "aggregate_function": "SUM",
    "post_transform": "NONE",
}
OPSET = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]


def model_of(nodes, constants=(), reads=(TensorProto.INT32, ["n", "length"]), output="scores"):
    """A model that ends in one score for each row."""
    values = [
        helper.make_tensor_value_info("X", *reads),
        helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 1]),
    ]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], list(constants))
    return helper.make_model(graph, opset_imports=OPSET, ir_version=8)


def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.array(values, dtype), name)


def trees(**changes):
    """A model of two small trees of two features."""
    node = helper.make_node("TreeEnsembleRegressor", ["X"], ["scores"], domain="ai.onnx.ml", **TREE | changes)
    return model_of([node], reads=(TensorProto.FLOAT, ["n", 2]))


def mean_of_tokens(*more, constants=()):
    """A model that sums up tokens, after some other operators."""
    nodes = [
        helper.make_node("Cast", ["X"], ["numbers"], to=TensorProto.FLOAT),
        *more,
        helper.make_node("ReduceSum", ["numbers", "axes"], ["scores"]),
    ]
    return model_of(nodes, [constant("axes", [1], np.int64), *constants])


def problem_of(model):
    """Why a model is refused; a CheckpointError in one line, and nothing else."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    with pytest.raises(CheckpointError) as caught:
        check_graph(content, "model_0.onnx", "m.servier")
    assert re.match(r"m\.servier: entry model_0\.onnx is not a graph of servier: [^\n]+$", str(caught.value))
    return caught.value.problem


def test_graphs_of_the_operators_on_the_list_are_accepted():
    """Trees and layers are read, with the number of features and scores."""
    found = check_graph(trees().SerializeToString(), "model_0.onnx")
    assert (found.n_features, found.n_tokens, found.n_targets) == (2, None, 1)
    assert check_graph(mean_of_tokens().SerializeToString(), "model_0.onnx").n_targets == 1


@pytest.fixture(scope="module")
def graphs(models_dir):
    """The graphs of both models, as they are trained."""
    return {i: open_checkpoint(models_dir / f"model_{i}.servier").graphs[0] for i in "12"}


def test_the_list_is_what_the_learners_write(graphs):
    """Their graphs are accepted, and no operator, version or format is on the list that no learner writes."""
    from servier.models import network_graph, tree_graph

    for content in graphs.values():
        check_graph(content, "model_0.onnx")
    assert {network_graph.IR_VERSION, onnx.load_from_string(graphs["1"]).ir_version} == IR_VERSIONS
    assert OPSETS["ai.onnx.ml"] == {tree_graph.OPSETS["ai.onnx.ml"]}
    assert OPSETS[""] == {network_graph.OPSET, tree_graph.OPSETS[""]}
    written = {
        (node.domain, node.op_type)
        for content in graphs.values()
        for node in onnx.load_from_string(content).graph.node
    }
    assert set(OPERATORS) - written == {("", "Exp"), ("", "ReduceSumSquare")}  # of support vectors


def test_shapes_are_those_of_the_runtime(graphs):
    """What each operator makes of shapes is what ONNX Runtime makes of them."""
    width = read_graph(graphs["1"]).input.dimensions[1]
    for content, X in (
        (graphs["1"], np.ones((8, width), np.float32)),
        (graphs["2"], np.ones((8, 24), np.int32)),
    ):
        model = onnx.load_from_string(content)
        names = [name for node in model.graph.node for name in node.output]
        del model.graph.output[:]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        session = ort.InferenceSession(model.SerializeToString())
        found = session.run(names, {session.get_inputs()[0].name: X})
        shapes = follow_shapes(read_graph(content), Batch(*X.shape, 2**60, 2**60))
        assert {name: shapes[name] for name in names} == {
            name: values.shape for name, values in zip(names, found, strict=True)
        }


def external(name="W", location="secret.bin"):
    """A tensor whose numbers are in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[2, 2])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def sparse(values):
    return onnx.SparseTensorProto(values=values, indices=constant("i", [0], np.int64), dims=[4])


def inner_graph():
    return helper.make_graph([], "inner", [], [], [external()])


def with_attribute(**attribute):
    """Trees with one more attribute of a kind."""
    model = trees()
    model.graph.node[0].attribute.add(name="more", **attribute)
    return model


def with_function():
    model = trees()
    node = helper.make_node("Constant", [], ["y"])
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR, t=external())
    model.functions.append(helper.make_function("d", "F", [], ["y"], [node], OPSET))
    return model


def with_training():
    model = trees()
    model.training_info.add().algorithm.CopyFrom(inner_graph())
    return model


def with_initializer(tensor, field="initializer"):
    model = trees()
    getattr(model.graph, field).append(tensor)
    return model


def merged(part):
    """Trees, and after them a second part of the model, which protobuf merges with the first."""
    return trees().SerializeToString() + part.SerializeToString()


EXTERNAL = {
    "initializer": lambda: with_initializer(external()),
    "initializer in memory": lambda: with_initializer(external(location="*/_ORT_MEM_ADDR_/*")),
    "sparse initializer": lambda: with_initializer(sparse(external()), "sparse_initializer"),
    "tensor": lambda: with_attribute(type=onnx.AttributeProto.TENSOR, t=external()),
    "tensors": lambda: with_attribute(type=onnx.AttributeProto.TENSORS, tensors=[external()]),
    "sparse": lambda: with_attribute(
        type=onnx.AttributeProto.SPARSE_TENSOR, sparse_tensor=sparse(external())
    ),
    "sparses": lambda: with_attribute(
        type=onnx.AttributeProto.SPARSE_TENSORS, sparse_tensors=[sparse(external())]
    ),
    "graph": lambda: with_attribute(type=onnx.AttributeProto.GRAPH, g=inner_graph()),
    "graphs": lambda: with_attribute(type=onnx.AttributeProto.GRAPHS, graphs=[inner_graph()]),
    "function": with_function,
    "training": with_training,
    "merged": lambda: merged(onnx.ModelProto(graph=onnx.GraphProto(initializer=[external()]))),
}


@pytest.mark.parametrize("place", EXTERNAL)
def test_data_in_another_file_is_refused_wherever_it_stands(place):
    """The oracle finds it in each of these models, and none of them is accepted."""
    model = EXTERNAL[place]()
    content = model if isinstance(model, bytes) else model.SerializeToString()
    assert oracle(onnx.ModelProto.FromString(content))
    problem_of(content)


@pytest.mark.parametrize(
    "operator", ["Loop", "Scan", "If", "ConstantOfShape", "Expand", "Tile", "Resize", "Constant"]
)
def test_operators_that_are_not_on_the_list_are_refused(operator):
    """Nothing that loops, branches, or makes much of little."""
    model = mean_of_tokens(helper.make_node(operator, ["numbers"], ["more"]))
    assert problem_of(model).endswith(f"operator {operator!r} of 'ONNX' is not one that servier writes")


def dimension(model):
    return model.graph.input[0].type.tensor_type.shape.dim[0]


CHANGES = {
    "its format has version 99": lambda m: setattr(m, "ir_version", 99),
    "operators of 'ONNX' in version 16": lambda m: setattr(m.opset_import[0], "version", 16),
    "operators of 'com.microsoft'": lambda m: setattr(m.opset_import[1], "domain", "com.microsoft"),
    "of a domain in two versions": lambda m: m.opset_import.add(domain="", version=15),
    "is of domain 'com.microsoft'": lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"),
    "has 2 outputs": lambda m: m.graph.node[0].output.append("more"),
    "has an attribute twice": lambda m: m.graph.node[0].attribute.append(m.graph.node[0].attribute[0]),
    "is not of its type": lambda m: setattr(m.graph.node[0].attribute[0], "type", 1),
    "has the attribute 'base'": lambda m: m.graph.node[0].attribute.add(name="base", type=6, floats=[1.0]),
    "it has 2 outputs": lambda m: m.graph.output.append(m.graph.input[0]),
    "does not have its inputs": lambda m: m.graph.input[0].CopyFrom(m.graph.output[0]),
    "it has properties": lambda m: m.metadata_props.add(key="ort_config", value="{}"),
    "reads neither features": lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 7),
    "any number of rows": lambda m: setattr(dimension(m), "dim_value", 4),
    "no table of scores": lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", 6),
    "its input has an impossible shape": lambda m: setattr(dimension(m), "dim_value", -1),
    "its input is no table": lambda m: m.graph.input[0].type.tensor_type.shape.dim.add(dim_value=1),
    "it has 0 inputs": lambda m: m.ClearField("graph"),
}


@pytest.mark.parametrize("words", CHANGES)
def test_what_no_learner_writes_is_refused(words):
    """Other versions and domains, and two answers to one question."""
    model = trees()
    CHANGES[words](model)
    assert words in problem_of(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"nodes_truenodeids": [0, 0, 0, 0]},  # a circle
        {"nodes_truenodeids": [2, 0, 0, 0]},  # both ways lead to one leaf
        {"nodes_truenodeids": [3, 0, 0, 0]},  # to another tree
        {"nodes_truenodeids": [-1, 0, 0, 0]},
        {"nodes_falsenodeids": [2**40, 0, 0, 0]},
        {"nodes_featureids": [2, 0, 0, 0]},
        {"nodes_featureids": [-(2**31), 0, 0, 0]},
        {"nodes_treeids": [0, 0, 0, 0]},
        {"nodes_nodeids": [0, 1, 1, 0]},
        {"nodes_values": [0.5]},
        {"nodes_modes": ["LEAF"] * 4},
        {"nodes_modes": ["BRANCH_LEQ"] * 4},
        {"target_ids": [0, 0, 1]},
        {"target_ids": [0, 0, -1]},
        {"target_nodeids": [1, 1, 0]},
        {"target_nodeids": [1, 2, 7]},
        {"target_treeids": [0, 0, 2]},
        {"target_weights": [1.0]},
        {"n_targets": 0},
        {"n_targets": 2**40},
        {"post_transform": "PROBIT"},
        {"aggregate_function": "MAX"},
    ],
    ids=str,
)
def test_trees_that_are_no_trees_are_refused(changes):
    """ONNX Runtime would climb for ever, or read and write what is not its own."""
    problem_of(trees(**changes))


def test_graphs_have_a_size():
    """Reading one takes about ten times its size, so that nobody's memory is filled by half a gigabyte."""
    assert problem_of(bytes(MAX_BYTES + 1)).endswith("it has more than 512 MiB")


def test_a_shape_of_millions_of_dimensions_is_refused():
    """It is not made a list before somebody asks how long it is."""
    reshaped = mean_of_tokens(
        helper.make_node("Reshape", ["numbers", "shape"], ["more"]),
        constants=[constant("shape", np.ones(1_000_000), np.int64)],
    )
    assert problem_of(reshaped).endswith("operator Reshape is applied to what it cannot be applied to")


def test_trees_are_not_endlessly_deep():
    """A chain of splits, which the runtime follows by recursion, is refused from 2,000 on."""
    for depth, is_refused in ((1500, False), (2500, True)):
        n = 2 * depth + 1
        inner, leaves = np.arange(0, n - 1, 2), np.arange(n) % 2 == 1
        leaves[-1] = True
        children = np.zeros((2, n), int)
        children[0, inner], children[1, inner] = inner + 1, inner + 2
        places = np.flatnonzero(leaves)
        model = trees(
            nodes_treeids=[0] * n, nodes_nodeids=range(n), nodes_featureids=[0] * n, nodes_values=[0.0] * n,
            nodes_modes=["LEAF" if leaf else "BRANCH_LEQ" for leaf in leaves], nodes_hitrates=[1.0] * n,
            nodes_missing_value_tracks_true=[0] * n, nodes_truenodeids=children[0].tolist(),
            nodes_falsenodeids=children[1].tolist(), target_treeids=[0] * len(places),
            target_nodeids=places.tolist(), target_ids=[0] * len(places), target_weights=[1.0] * len(places),
        )  # fmt: skip
        if is_refused:
            assert problem_of(model).endswith("its trees are deeper than 2000 splits")
        else:
            check_graph(model.SerializeToString(), "model_0.onnx")


def doubling(times):
    """Operators that join a value with itself again and again."""
    names = ["numbers", *(f"value_{i}" for i in range(times))]
    return [helper.make_node("Concat", [a, a], [b], axis=1) for a, b in pairwise(names)]


LONG = 2**18
LINES = [constant("column", np.zeros((LONG, 1))), constant("row", np.zeros((1, LONG)))]
BOMBS = {
    "broadcast": (
        [helper.make_node("Add", ["column", "row"], ["more"])],
        LINES,
    ),
    "product": (
        [helper.make_node("Gemm", ["column", "row", "bias"], ["more"])],
        [*LINES, constant("bias", np.zeros(LONG))],
    ),
    "doubling": (doubling(40), []),
    "lookup": (
        [helper.make_node("Gather", ["row", "zeros"], ["more"])],
        [LINES[1], constant("zeros", np.zeros(LONG), np.int32)],
    ),
    "squares": (
        [helper.make_node("Transpose", ["numbers"], ["turned"], perm=[1, 0]),
         helper.make_node("Unsqueeze", ["turned", "axes"], ["tall"]),
         helper.make_node("Add", ["tall", "turned"], ["more"])],
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_graphs_that_make_much_of_little_are_refused(name):
    """A few thousand numbers never become terabytes."""
    nodes, constants = BOMBS[name]
    assert "it takes too much" in problem_of(mean_of_tokens(*nodes, constants=constants))


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("ReduceSum", ["numbers", "axes"], ["more"], keepdims=2),
        helper.make_node("ReduceMax", ["numbers"], ["more"]),
        helper.make_node("ReduceSum", ["numbers", "X"], ["more"]),
        helper.make_node("Transpose", ["numbers"], ["more"], perm=[0, 0]),
        helper.make_node("Transpose", ["numbers"], ["more"], perm=[1]),
        helper.make_node("Concat", ["numbers", "numbers"], ["more"], axis=5),
        helper.make_node("Reshape", ["numbers", "X"], ["more"]),
        helper.make_node("Unsqueeze", ["numbers", "X"], ["more"]),
        helper.make_node("Gemm", ["numbers", "numbers", "axes"], ["more"]),
        helper.make_node("Cast", ["numbers"], ["more"], to=TensorProto.STRING),
        helper.make_node("Conv", ["numbers", "numbers", "axes"], ["more"], auto_pad="VALID"),
        helper.make_node("GRU", ["numbers"] * 5, ["more"], hidden_size=2**40, direction="bidirectional"),
        helper.make_node("Mul", ["numbers", "nothing"], ["more"]),
        helper.make_node("Mul", ["numbers", "numbers"], ["numbers"]),
        helper.make_node("Mul", ["numbers"], ["more"]),
    ],
    ids=lambda node: f"{node.op_type} {len(node.SerializeToString())}",
)
def test_operators_that_do_not_fit_are_refused(node):
    """Settings that the runtime may read otherwise, shapes that do not fit, values that are not there."""
    problem_of(mean_of_tokens(node))


def test_dimensions_are_few():
    """No value gets one dimension after another."""
    names = ["numbers", *(f"value_{i}" for i in range(20))]
    nodes = [helper.make_node("Unsqueeze", [a, "axes"], [b]) for a, b in pairwise(names)]
    assert problem_of(mean_of_tokens(*nodes)).endswith("more than 8 dimensions")


def test_long_work_is_refused():
    """A few products of large matrices, each of which fits in memory, take too long together."""
    side = 2**11
    constants = [constant("m", np.zeros((side, side))), constant("bias", np.zeros(side))]
    nodes = [
        helper.make_node("Gemm", ["m" if i == 0 else f"m_{i - 1}", "m", "bias"], [f"m_{i}"])
        for i in range(20)
    ]
    assert problem_of(mean_of_tokens(*nodes, constants=constants)).endswith(
        "it takes too much time for 8 rows"
    )


def test_what_is_cut_off_is_refused():
    """However much of the end is missing, there is one clear error."""
    content = trees().SerializeToString()
    for length in range(len(content)):
        problem_of(content[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 20,
        b"\x0b\x0c",  # a group
        b"\x0a\x01\x08",  # the version as bytes
        b"\x08" + b"\x80" * 10 + b"\x01",
        b"\x08\x08\x08\x08",  # the version twice
        b"\x3a" * 10_000,
        b"\x08\x08\x3a\x00\x3a\x00",  # two graphs
        b"\x08\x08" + b"\x42\x00" * 100_000,
        b"\x08\x08\x12\x07ORTM" + trees().SerializeToString(),  # what the runtime takes for its own format
    ],
)
def test_malformed_messages_are_refused(content):
    """Groups, wrong wire types, repetitions, and numbers without an end."""
    problem_of(content)


def oracle(message):
    """What may not be accepted of a model, as the package `onnx` reads it."""
    if isinstance(message, TensorProto) and (message.data_location or message.external_data):
        return ["external data"]
    if isinstance(message, onnx.NodeProto) and (message.domain, message.op_type) not in OPERATORS:
        return [message.op_type]
    if isinstance(message, onnx.FunctionProto | onnx.TrainingInfoProto | onnx.SparseTensorProto):
        return [type(message).__name__]
    found = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            many = value if field.is_repeated else [value]
            found += [problem for part in many for problem in oracle(part)]
    return found


LOOP = helper.make_node("Loop", [], [])
PARTS = {
    "model": [
        onnx.ModelProto(graph=onnx.GraphProto(initializer=[external()])),
        onnx.ModelProto(functions=[{}]),
    ],
    "graph": [onnx.GraphProto(initializer=[external()]), onnx.GraphProto(node=[LOOP])],
    "node": [onnx.NodeProto(op_type="Loop"), onnx.NodeProto(domain="d", attribute=[{"g": inner_graph()}])],
}
"""What a message of a model may have more, so that protobuf merges it with what is there."""

SPLICES = [b"", b"\x00", b"\x70\x01", b"\x6a\x00"]


def wrap(tag, content):
    """A field of a message, with any content."""
    length, encoded = len(content), b""
    while length > 127:
        length, encoded = length >> 7, encoded + bytes([length & 127 | 128])
    return tag + encoded + bytes([length]) + content


def serialize(model, level, edit):
    """A model of which the bytes of one message are edited, and the lengths around it are right."""
    if level == "model":
        return edit(model.SerializeToString())
    graph, *others = model.graph.node, onnx.GraphProto(), onnx.ModelProto()
    others[0].CopyFrom(model.graph)
    others[1].CopyFrom(model)
    others[1].ClearField("graph")
    if level == "graph":
        return others[1].SerializeToString() + wrap(b"\x3a", edit(others[0].SerializeToString()))
    del others[0].node[:]
    first, *rest = (node.SerializeToString() for node in graph)
    nodes = b"".join(wrap(b"\x0a", node) for node in [edit(first), *rest])
    return others[1].SerializeToString() + wrap(b"\x3a", nodes + others[0].SerializeToString())


@settings(max_examples=300)
@given(st.booleans(), st.sampled_from(sorted(PARTS)), st.data())
def test_what_the_oracle_finds_is_refused(of_trees, level, data):
    """Whatever bytes are changed, added or removed: what `onnx` finds there is refused, or read alike."""
    parts = [part.SerializeToString() for part in PARTS[level]]
    inserted = st.one_of(st.sampled_from([*SPLICES, *parts]), st.binary(max_size=4))
    places = st.one_of(st.just(1.0), st.floats(0, 1))
    changes = data.draw(st.lists(st.tuples(places, st.integers(0, 3), inserted), max_size=3))

    def edit(content):
        edited = bytearray(content)
        for place, removed, more in changes:
            start = int(place * len(edited))
            edited[start : start + removed] = more
        return bytes(edited)

    require_agreement(serialize(trees() if of_trees else mean_of_tokens(), level, edit))


@pytest.mark.parametrize("level", sorted(PARTS))
def test_merged_messages_are_refused(level):
    """Each message with a second one behind it: `onnx` merges both, and finds what is in the second."""
    for part in PARTS[level]:
        more = part.SerializeToString()
        content = serialize(trees(), level, lambda content, more=more: content + more)
        assert oracle(onnx.ModelProto.FromString(content))
        problem_of(content)


def require_agreement(content):
    """Require that the reader refuses a model, or reads in it what the oracle reads."""
    try:
        check_graph(content, "model_0.onnx")
    except CheckpointError:
        return
    model = onnx.ModelProto.FromString(content)
    assert not oracle(model)
    found = read_graph(content)
    assert [node.operator for node in found.nodes] == [node.op_type for node in model.graph.node]
    assert [node.inputs for node in found.nodes] == [list(node.input) for node in model.graph.node]
    for node, known in zip(found.nodes, model.graph.node, strict=True):
        assert set(node.attributes) == {attribute.name for attribute in known.attribute}
    for tensor in model.graph.initializer:
        np.testing.assert_array_equal(found.constants[tensor.name], numpy_helper.to_array(tensor))


@pytest.mark.slow
def test_changed_bytes_of_trained_graphs_are_refused_or_read_alike(graphs):
    """The same for the graphs of trained models, all along them."""
    random = np.random.default_rng(0)
    for content in graphs.values():
        for place in range(0, len(content), 7):
            changed = bytearray(content)
            changed[place] = random.integers(256)
            require_agreement(bytes(changed))


@settings(max_examples=200)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60))
def test_numbers_are_those_of_the_oracle(numbers):
    """Integers of any length, alone and in long runs, come back as `onnx` wrote them."""
    model = trees(nodes_hitrates=[0.5] * 4)
    attribute = next(found for found in model.graph.node[0].attribute if found.name == "nodes_nodeids")
    attribute.ints[:] = numbers
    (node,) = read_graph(model.SerializeToString()).nodes
    assert node.attributes["nodes_nodeids"].tolist() == numbers
    assert node.attributes["nodes_values"].tolist() == TREE["nodes_values"]
    assert node.attributes["nodes_modes"].tolist() == [0, 1, 1, 1]
    assert node.attributes["n_targets"] == 1
