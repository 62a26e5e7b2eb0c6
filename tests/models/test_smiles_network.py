import io

import numpy as np
import onnxruntime as ort
import pytest
from molecules_for_tests import SMILES

from servier.features.tokens import Tokenizer
from servier.models.smiles_network import Recipe, Sequences, fit, make_loss

RECIPE = Recipe(embedding=8, width=8, dense=8, epochs=3, batch_size=8)
TOKENIZER = Tokenizer.from_smiles(SMILES, min_count=1)
TASKS = ["binary", "regression"]


def train(seed=1):
    rng = np.random.default_rng(0)
    y = np.stack([rng.integers(0, 2, len(SMILES)).astype(float), [float(len(s)) for s in SMILES]], axis=1)
    y[3, 0] = np.nan
    validation = np.arange(0, len(SMILES), 6)
    return fit(lambda _: SMILES, y, TASKS, validation, TOKENIZER, RECIPE, seed, lambda _: None)


@pytest.fixture(scope="module")
def fitted():
    return train()


def run(graph, tokens):
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: tokens})[0]


def test_onnx_agrees_with_keras(fitted, tmp_path):
    """The graph gives the scores of the network that Keras loads from the native file."""
    import keras

    path = tmp_path / "model.keras"
    path.write_bytes(fitted.native["model.keras"])
    tokens = TOKENIZER.pad([TOKENIZER.encode(smiles) for smiles in SMILES])
    native = keras.models.load_model(path).predict(tokens, verbose=0)
    np.testing.assert_allclose(run(fitted.graph, tokens), native, atol=1e-5)


def test_padding_does_not_change_scores(fitted):
    """More padding at the right is no more to read."""
    rows = [TOKENIZER.encode(smiles) for smiles in SMILES]
    np.testing.assert_array_equal(
        run(fitted.graph, TOKENIZER.pad(rows, 40)), run(fitted.graph, TOKENIZER.pad(rows, 64))
    )


def test_same_seed_same_scores(fitted):
    """Training again gives the same losses and scores, bit for bit; another seed gives others."""
    tokens = TOKENIZER.pad([TOKENIZER.encode(smiles) for smiles in SMILES])
    again, other = train(), train(seed=2)
    assert again.notes == fitted.notes
    np.testing.assert_array_equal(run(again.graph, tokens), run(fitted.graph, tokens))
    assert (run(other.graph, tokens) != run(fitted.graph, tokens)).all()


def test_loss_is_the_weighted_mean_over_known_labels():
    """Balanced cross-entropy and squared error, by hand; a missing label counts nothing."""
    y = np.array([[1.0, 0.5], [1.0, -0.5], [0.0, np.nan], [np.nan, 0.0]])
    scores = np.array([[0.3, 0.1], [-1.0, 0.2], [2.0, 9.0], [9.0, 1.0]])
    found = float(make_loss(y, TASKS)(y.astype(np.float32), scores.astype(np.float32)))
    p = 1 / (1 + np.exp(-scores[:3, 0]))
    cross_entropy = np.array([-np.log(p[0]) * 0.75, -np.log(p[1]) * 0.75, -np.log(1 - p[2]) * 1.5])
    squared = np.array([0.4**2, 0.7**2, 1.0])
    assert found == pytest.approx((cross_entropy.sum() + squared.sum()) / 6, rel=1e-5)


def test_batches_hold_each_row_once_and_are_padded_to_multiples():
    """An epoch is all rows, in batches of like length."""
    rows = [TOKENIZER.encode(smiles) for smiles in SMILES]
    y = np.arange(len(rows), dtype=float)[:, None]
    batches = list(Sequences(rows, y, TOKENIZER).batches(8, np.random.default_rng(0)))
    assert sorted(np.concatenate([labels[:, 0] for _, labels in batches])) == list(range(len(rows)))
    for tokens, labels in batches:
        assert tokens.shape[1] % 8 == 0
        for row, label in zip(tokens, labels[:, 0], strict=True):
            assert row[row > 0].tolist() == rows[int(label)]


def test_native_file_is_a_keras_archive(fitted):
    """The file has the members that Keras writes, and no date."""
    import json
    import zipfile

    with zipfile.ZipFile(io.BytesIO(fitted.native["model.keras"])) as archive:
        assert {"config.json", "metadata.json", "model.weights.h5"} <= set(archive.namelist())
        assert "date_saved" not in json.loads(archive.read("metadata.json"))
