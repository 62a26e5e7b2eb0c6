import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molecules_for_tests import SMILES

from servier.checkpoint import open_checkpoint
from servier.engines import build_engine
from servier.errors import CheckpointError
from servier.molecules import parse_all, smiles_views

ROWS = [*SMILES, "nope", "", "C" * 600]
MOLS = parse_all(ROWS)


@pytest.fixture(scope="module", params=["1", "2"])
def engine(request, models_dir):
    checkpoint = open_checkpoint(models_dir / f"model_{request.param}.servier")
    return build_engine(checkpoint.metadata["input"], checkpoint.graphs)


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


@pytest.mark.parametrize("views", [1, 3, 5])
def test_networks_take_turns(models_dir, views):
    """A score is the mean over spellings, of which the networks score every other one."""
    checkpoint = open_checkpoint(models_dir / "model_2.servier")
    engine = build_engine(checkpoint.metadata["input"], checkpoint.graphs)
    engine.views = views
    mols = parse_all(SMILES[:10])
    expected = []
    for mol in mols:
        scores = []
        for i, smiles in enumerate(smiles_views(mol, views, engine.seed)):
            session = ort.InferenceSession(checkpoint.graphs[i % 2], providers=["CPUExecutionProvider"])
            tokens = engine.tokenizer.pad([engine.tokenizer.encode(smiles)])
            scores.append(session.run(None, {session.get_inputs()[0].name: tokens})[0][0, 0])
        expected.append(np.mean(scores))
    np.testing.assert_allclose(engine(mols).values[:, 0], expected, atol=1e-5)


def test_no_molecules_no_scores(engine):
    """An empty run, and a run without a molecule, are fine."""
    assert engine([]).values.shape == (0, 1)
    assert np.isnan(engine(parse_all(["nope"])).values).all()


def test_specification_builds_the_same_engine(engine, models_dir):
    """What the checkpoint stores is what the engine says of itself."""
    kinds = {"features": "1", "smiles": "2"}
    path = models_dir / f"model_{kinds[engine.spec['kind']]}.servier"
    assert open_checkpoint(path).metadata["input"] == engine.spec


def test_unknown_engine_is_refused():
    """A kind from the future is an error, not an exception from deep inside."""
    with pytest.raises(CheckpointError, match="'telepathy'"):
        build_engine({"kind": "telepathy"}, [])
