"""Support vectors on an encoder; TensorFlow is loaded where a test uses it, not by all that read this."""

import numpy as np
import onnxruntime as ort
import pytest
from molecules_for_tests import SMILES
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from servier.chem.tokens import Tokenizer, pad_tokens

pytestmark = pytest.mark.training

N_FEATURES = 12


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(3, 2, (120, N_FEATURES))
    signal = np.sin(features[:, 0]) + features[:, 1]
    y = np.stack([signal > 3, (signal - signal.mean()) / signal.std()], axis=1).astype(float)
    y[:20, 0] = np.nan
    return features, y, rng.normal(3, 2, (30, N_FEATURES))


def test_scores_are_scikit_learns(data):
    """Several targets, with labels missing, have the scores of scikit-learn's own machines."""
    from servier.models.kernel import fit_kernel

    features, y, new = data
    found = fit_kernel(features, y, ["binary", "regression"])(new)
    scaler = StandardScaler().fit(features)
    binary = SVC(C=1.0, gamma=1 / N_FEATURES, class_weight="balanced")
    binary.fit(scaler.transform(features[20:]), y[20:, 0])
    regression = make_pipeline(StandardScaler(), SVR(C=3.0, gamma=1 / N_FEATURES, epsilon=0.1))
    regression.fit(features, y[:, 1])
    # Each solver stops within a tolerance of 0.001.
    np.testing.assert_allclose(found[:, 0], binary.decision_function(scaler.transform(new)), atol=0.01)
    np.testing.assert_allclose(found[:, 1], regression.predict(new), atol=0.01)


def test_factors_stretch_scores(data):
    """A scaled machine gives scores so many times as large."""
    from servier.models.kernel import fit_kernel

    features, y, new = data
    machine = fit_kernel(features, y, ["binary", "regression"])
    np.testing.assert_allclose(machine.scaled(np.array([2.0, 1.0]))(new), machine(new) * [2.0, 1.0])


def test_one_class_teaches_nothing(data):
    """A target that has a single label scores all molecules alike."""
    from servier.models.kernel import fit_kernel

    features, y, new = data
    machine = fit_kernel(features, np.stack([np.ones(120), y[:, 1]], axis=1), ["binary", "regression"])
    assert not machine(new)[:, 0].any()
    assert machine(new)[:, 1].any()


def test_graph_agrees_with_the_machine():
    """The ONNX graph upon an encoder gives the machine's scores of the encoder's features."""
    from servier.models.architecture import Architecture
    from servier.models.export import export_model
    from servier.models.kernel import add_kernel, features_of, fit_kernel
    from servier.models.network import build_encoder

    tokenizer = Tokenizer.from_smiles(SMILES, min_count=1)
    encoder = build_encoder(len(tokenizer), Architecture(embedding=8, convolution=8, width=8, dense=16))
    tokens = pad_tokens([tokenizer.encode(smiles) for smiles in SMILES])
    features = features_of(encoder)
    values = features.predict(tokens, verbose=0).astype(np.float64)
    y = np.array([[float("c" in smiles), len(smiles) / 10] for smiles in SMILES])
    machine = fit_kernel(values, y, ["binary", "regression"])
    graph, _ = export_model(add_kernel(features, machine))
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    scores = session.run(None, {session.get_inputs()[0].name: tokens})[0]
    np.testing.assert_allclose(scores, machine(values), atol=1e-4)


def test_bounds_that_are_broken_are_values(data):
    """A bound that scores satisfy changes nothing; one far away pulls the scores of its molecules to it."""
    from servier.models.kernel import fit_kernel

    features, y, new = data
    tasks = ["binary", "regression"]
    is_bound = np.arange(120) % 3 == 0
    exact = np.where(np.stack([np.zeros(120, bool), is_bound], axis=1), np.nan, y)
    without = fit_kernel(features, exact, tasks)
    relations = np.stack([np.zeros(120), is_bound], axis=1).astype(np.int8)
    satisfied = np.where(relations == 1, -9, y)
    np.testing.assert_array_equal(fit_kernel(features, satisfied, tasks, relations)(new), without(new))
    broken = np.where(relations == 1, 3, y)
    pulled = fit_kernel(features, broken, tasks, relations)(features)
    assert (pulled - without(features))[is_bound, 1].mean() > 0.5
    np.testing.assert_allclose(pulled[:, 0], without(features)[:, 0], atol=1e-9)
