"""The fields of ONNX that a graph of a checkpoint may have, for `servier.checkpoint.protobuf`.

They are what the learners write. External data, subgraphs, functions, sparse tensors and training steps are
not among them.
"""

from servier.checkpoint.protobuf import Field, Fields, Refused

FLOAT, INT32, INT64 = 1, 6, 7
"""The types of numbers, `TensorProto.DataType`."""

MODES = (b"BRANCH_LEQ", b"LEAF")
"""The modes of the nodes of a tree, the only attribute that is a list of words."""

_EXTERNAL = Refused("a tensor takes its numbers from another file")
_SUBGRAPH = Refused("an operator has a graph of its own")
_SPARSE = Refused("it has sparse tensors")
_DOC, _METADATA = Field("doc_string", "bytes"), Refused("it has properties")

TENSOR: Fields = {
    1: Field("dims", "ints"),
    2: Field("data_type", "int"),
    8: Field("name", "bytes"),
    9: Field("raw_data", "bytes"),
    12: _DOC,
    13: _EXTERNAL,
    14: _EXTERNAL,
    16: _METADATA,
}

_DIMENSION: Fields = {1: Field("value", "int"), 2: Field("symbol", "bytes")}
_TENSOR_TYPE: Fields = {
    1: Field("elem_type", "int"),
    2: Field("shape", {1: Field("dim", _DIMENSION, is_repeated=True)}),
}
_VALUE: Fields = {
    1: Field("name", "bytes"),
    2: Field("type", {1: Field("tensor_type", _TENSOR_TYPE)}),
    3: _DOC,
}

_ATTRIBUTE: Fields = {
    1: Field("name", "bytes"),
    2: Field("f", "float"),
    3: Field("i", "int"),
    4: Field("s", "bytes"),
    5: Refused("an operator has a tensor of its own"),
    6: _SUBGRAPH,
    7: Field("floats", "floats"),
    8: Field("ints", "ints"),
    9: Field("strings", MODES),
    10: Refused("an operator has tensors of its own"),
    11: _SUBGRAPH,
    13: _DOC,
    20: Field("type", "int"),
    21: Refused("it has functions"),
    22: _SPARSE,
    23: _SPARSE,
}

ATTRIBUTE_TYPES = {1: "f", 2: "i", 3: "s", 6: "floats", 7: "ints", 8: "strings"}
"""Which field has the value of an attribute, by its type."""

_NODE: Fields = {
    1: Field("input", "bytes", is_repeated=True),
    2: Field("output", "bytes", is_repeated=True),
    3: Field("name", "bytes"),
    4: Field("op_type", "bytes"),
    5: Field("attribute", _ATTRIBUTE, is_repeated=True),
    6: _DOC,
    7: Field("domain", "bytes"),
    8: Refused("it has functions"),
    9: _METADATA,
}

_GRAPH: Fields = {
    1: Field("node", _NODE, is_repeated=True),
    2: Field("name", "bytes"),
    5: Field("initializer", TENSOR, is_repeated=True),
    10: _DOC,
    11: Field("input", _VALUE, is_repeated=True),
    12: Field("output", _VALUE, is_repeated=True),
    15: _SPARSE,
    16: _METADATA,
}

MODEL: Fields = {
    1: Field("ir_version", "int"),
    2: Field("producer_name", "bytes"),
    3: Field("producer_version", "bytes"),
    4: Field("domain", "bytes"),
    5: Field("model_version", "int"),
    6: _DOC,
    7: Field("graph", _GRAPH),
    8: Field("opset_import", {1: Field("domain", "bytes"), 2: Field("version", "int")}, is_repeated=True),
    14: _METADATA,
    20: Refused("it has steps of training"),
    25: Refused("it has functions"),
}
