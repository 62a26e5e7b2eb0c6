from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_for_tests import METADATA
from molecules_for_tests import SMILES
from onnx import TensorProto, helper, numpy_helper

from servier.checkpoint.file import make_checkpoint, open_checkpoint
from servier.chem.molecules import parse_all
from servier.chem.spelling import augmented_smiles
from servier.chem.tokens import Tokenizer
from servier.errors import CheckpointError
from servier.scoring.engines import SequenceEngine, build_engine
from servier.scoring.inputs import write_input

ROWS = [*SMILES, "nope", "", "C" * 600]
MOLS = parse_all(ROWS)


@pytest.fixture(scope="module", params=["1", "2"])
def engine(request, models_dir):
    checkpoint = open_checkpoint(models_dir / f"model_{request.param}.servier")
    return build_engine(checkpoint)


def test_problems_stay_problems(engine):
    """A row without a molecule has no score, and a row with one has."""
    raw = engine(MOLS)
    assert np.isnan(raw.values[:, 0]).tolist() == [problem is not None for problem in raw.problems]
    assert [problem.status for problem in raw.problems if problem] == ["invalid", "empty", "too_large"]


def test_a_score_never_depends_on_its_neighbours(engine):
    """Alone, in any order and in any company a molecule has the same score, bit for bit."""
    together = engine(MOLS).values

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.integers(0, len(MOLS) - 1), min_size=1, max_size=30))
    def check(chosen):
        np.testing.assert_array_equal(engine([MOLS[i] for i in chosen]).values, together[chosen])

    check()


def count_graph(factor):
    """A graph whose score is so many times the sum of the tokens."""
    tokens = helper.make_tensor_value_info("tokens", TensorProto.INT32, [None, None])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [None, 1])
    constants = [numpy_helper.from_array(np.array([1], np.int64), "axes")]
    constants.append(numpy_helper.from_array(np.array(factor, np.float32), "factor"))
    nodes = [
        helper.make_node("Cast", ["tokens"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["numbers", "axes"], ["sums"]),
        helper.make_node("Mul", ["sums", "factor"], ["scores"]),
    ]
    graph = helper.make_graph(nodes, "count", [tokens], [scores], constants)
    opset = [helper.make_opsetid("", 15)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


@pytest.mark.parametrize("n_smiles", [1, 3, 8])
def test_graphs_take_turns(n_smiles):
    """A score is the mean over randomized SMILES, of which each graph scores every other one."""
    vocabulary = Tokenizer.from_smiles(SMILES, min_count=1).vocabulary
    engine = SequenceEngine(vocabulary, n_smiles, 5, [count_graph(1.0), count_graph(100.0)])
    mols = parse_all(SMILES)
    expected = [
        np.mean([
            sum(engine.tokenizer.encode(smiles)) * (1.0, 100.0)[i % 2]
            for i, smiles in enumerate(augmented_smiles(mol, n_smiles, 5))
        ])
        for mol in mols
    ]  # fmt: skip
    np.testing.assert_allclose(engine(mols).values[:, 0], expected, rtol=1e-6)


def test_no_molecules_no_scores(engine):
    """An empty run, and a run without a molecule, are fine."""
    assert engine([]).values.shape == (0, 1)
    assert np.isnan(engine(parse_all(["nope"])).values).all()


def test_specification_builds_the_same_engine(engine, models_dir):
    """What the checkpoint stores is what the engine says of itself."""
    kinds = {"features": "1", "smiles": "2"}
    path = models_dir / f"model_{kinds[engine.input.kind]}.servier"
    assert open_checkpoint(path).metadata.input == write_input(engine.input)


DAMAGED = "its metadata is damaged: "
SMILES_INPUT = {"kind": "smiles", "vocabulary": ["C"], "n_smiles": 4, "seed": 0}


def checkpoint_that_reads(spec, entries=None):
    """A checkpoint whose graphs read this."""
    entries = {"model_0.onnx": b"graph"} if entries is None else entries
    return replace(make_checkpoint(replace(METADATA, input=spec), entries), path="m.servier")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"kind": "telepathy"}, "no engine is called 'telepathy'"),
        ({"kind": ["smiles"]}, "no engine is called ['smiles']"),
        ({}, "no engine is called None"),
        (SMILES_INPUT | {"n_smiles": "x"}, DAMAGED + "input.n_smiles is not a whole number"),
        (SMILES_INPUT | {"n_smiles": 0}, DAMAGED + "input.n_smiles is not above 0"),
        (SMILES_INPUT | {"vocabulary": "C"}, DAMAGED + "input.vocabulary is not a list"),
        (SMILES_INPUT | {"case": "upper"}, DAMAGED + "input.case is not known"),
        ({"kind": "smiles", "n_smiles": 4, "seed": 0}, DAMAGED + "input.vocabulary is missing"),
        ({"kind": "features"}, DAMAGED + "input.featurizers is missing"),
        (
            {"kind": "features", "featurizers": [{"kind": "horoscope"}]},
            DAMAGED + "input.featurizers: no featurizer is called 'horoscope'",
        ),
        (
            {"kind": "features", "featurizers": [{"kind": "morgan_count", "radius": "2"}]},
            DAMAGED + "input.featurizers: radius of morgan_count is '2'",
        ),
    ],
)
def test_an_input_that_cannot_be_read_is_refused(spec, problem):
    """Whatever is wrong with what a model reads, one line says which file it is and which field."""
    with pytest.raises(CheckpointError) as caught:
        build_engine(checkpoint_that_reads(spec))
    assert caught.value.problem == problem
    assert caught.value.path == "m.servier"


@pytest.mark.parametrize("spec", [SMILES_INPUT, {"kind": "features", "featurizers": [{"kind": "erg"}]}])
def test_a_checkpoint_without_a_graph_is_refused(spec):
    """The first graph cannot be missing."""
    with pytest.raises(CheckpointError, match=r"m\.servier: it has no entry model_0\.onnx; copy or train"):
        build_engine(checkpoint_that_reads(spec, {}))
