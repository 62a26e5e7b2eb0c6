"""The network that reads SMILES; TensorFlow is loaded where a test uses it, not by all that read this."""

import io
from dataclasses import replace

import numpy as np
import onnxruntime as ort
import pytest
from molecules_for_tests import SMILES

from servier.chem.tokens import PADDING, Tokenizer, pad_tokens
from servier.models.batches import similar_lengths
from servier.models.encoder import EncoderWeights
from servier.models.sequence_problem import Problem

pytestmark = pytest.mark.training

SIZES = {"embedding": 8, "convolution": 8, "width": 8, "dense": 8}
TOKENIZER = Tokenizer.from_smiles(SMILES, min_count=1)
TASKS = ["binary", "regression"]
FOLDS = [(np.flatnonzero(np.arange(len(SMILES)) % 2 != k), np.arange(k, len(SMILES), 2)) for k in range(2)]


def randomize(_epoch):
    return SMILES


def make_recipe(**settings):
    from servier.models.fine_tuning_recipe import Recipe

    return Recipe(**settings)


def small_recipe(**settings):
    small = {"encoder": "none", "architecture": SIZES, "epochs": [3], "batch_size": 8}
    return make_recipe(**small | settings)


def train(seed=1, pretrained=None, recipe=None, workers=1):
    from servier.models.smiles_network import fit

    rng = np.random.default_rng(0)
    y = np.stack([rng.integers(0, 2, len(SMILES)).astype(float), [float(len(s)) for s in SMILES]], axis=1)
    y[3, 0] = np.nan
    scored = [[smiles] * 2 for smiles in SMILES]
    problem = Problem(randomize, scored, TOKENIZER, y, TASKS, FOLDS, pretrained)
    return fit(problem, recipe or small_recipe(), seed, workers, lambda _: None)


@pytest.fixture(scope="module")
def fitted():
    return train()


def run(graph, tokens):
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: tokens})[0]


def load(model, folder, name="model.keras"):
    """The network that Keras reads from a native file."""
    import keras

    path = folder / "model.keras"
    path.write_bytes(model.native[name])
    return keras.models.load_model(path)


def test_onnx_agrees_with_keras(fitted, tmp_path):
    """The graph gives the scores of the network that Keras loads from the native file."""
    tokens = pad_tokens([TOKENIZER.encode(smiles) for smiles in SMILES])
    native = load(fitted, tmp_path).predict(tokens, verbose=0)
    np.testing.assert_allclose(run(fitted.graphs[0], tokens), native, atol=1e-5)


def test_padding_does_not_change_scores(fitted):
    """More padding at the right is no more to read."""
    tokens = pad_tokens([TOKENIZER.encode(smiles) for smiles in SMILES])
    wider = np.pad(tokens, ((0, 0), (0, 24)), constant_values=PADDING)
    np.testing.assert_array_equal(run(fitted.graphs[0], tokens), run(fitted.graphs[0], wider))


def test_same_seed_same_bytes(fitted):
    """Training again, in two processes, gives the same losses, scores and files; another seed not."""
    tokens = pad_tokens([TOKENIZER.encode(smiles) for smiles in SMILES])
    again, other = train(workers=2), train(seed=2)
    assert again.notes == fitted.notes
    np.testing.assert_array_equal(again.held_out, fitted.held_out)
    assert (again.graphs, again.native) == (fitted.graphs, fitted.native)
    assert (run(other.graphs[0], tokens) != run(fitted.graphs[0], tokens)).all()


def test_fewer_epochs_are_the_beginning_of_more(fitted):
    """What a longer training has after some epochs a shorter one ends with: one run tries them all."""
    longer = train(recipe=small_recipe(epochs=[3, 4]))
    shorter = train(recipe=small_recipe(epochs=[4]))
    chosen = fitted if len(longer.notes.losses) == 3 else shorter
    np.testing.assert_array_equal(longer.held_out, chosen.held_out)
    assert shorter.notes.losses[:3] == fitted.notes.losses


def test_every_row_was_held_out(fitted):
    """All rows have scores of networks that had not seen them, and those are not the final one's."""
    tokens = pad_tokens([TOKENIZER.encode(smiles) for smiles in SMILES])
    assert not np.isnan(fitted.held_out).any()
    assert (fitted.held_out != run(fitted.graphs[0], tokens)).all()


def make_encoder():
    """An encoder that was trained on nothing, and what its file would hold."""
    from servier.models.architecture import Architecture
    from servier.models.network import build_encoder

    encoder = build_encoder(len(TOKENIZER), Architecture(**SIZES))
    metadata = {"architecture": SIZES, "library": {}, "versions": {}, "vocabulary": TOKENIZER.vocabulary}
    return encoder, EncoderWeights(metadata, encoder.get_weights())


@pytest.mark.slow
def test_support_vectors_join_a_network_that_knows_less(tmp_path):
    """Beside a network that does not learn a machine on the encoder scores every other SMILES."""
    _, pretrained = make_encoder()
    still = make_recipe(epochs=[1], learning_rate=0.0, weight_decay=0.0)
    model, again, alone = (
        train(pretrained=pretrained, recipe=recipe, workers=workers)
        for recipe, workers in ((still, 1), (still, 2), (replace(still, kernel_rows=0), 1))
    )
    assert [len(found.graphs) for found in (model, again, alone)] == [2, 2, 1]
    np.testing.assert_array_equal(model.held_out, again.held_out)
    assert (model.graphs, model.native) == (again.graphs, again.native)
    tokens = pad_tokens([TOKENIZER.encode(smiles) for smiles in SMILES])
    native = load(model, tmp_path, "kernel.keras").predict(tokens, verbose=0)
    np.testing.assert_allclose(run(model.graphs[1], tokens), native, atol=1e-5)
    lengths = [float(len(smiles)) for smiles in SMILES]
    better, worse = (np.corrcoef(found.held_out[:, 1], lengths)[0, 1] for found in (model, alone))
    assert better > worse


def test_training_starts_from_the_encoder(tmp_path):
    """Without a step to learn the network is the pre-trained encoder, whose sizes and weights it takes."""
    encoder, pretrained = make_encoder()
    still = make_recipe(epochs=[1], learning_rate=0.0, weight_decay=0.0, kernel_rows=0)
    network = load(train(pretrained=pretrained, recipe=still), tmp_path)
    for found, expected in zip(network.get_weights(), encoder.get_weights(), strict=False):
        np.testing.assert_array_equal(found, expected)


def test_loss_is_the_weighted_mean_over_known_labels():
    """Balanced cross-entropy and squared error, by hand; a missing label counts nothing."""
    from servier.models.fine_tuning import make_loss

    y = np.array([[1.0, 0.5], [1.0, -0.5], [0.0, np.nan], [np.nan, 0.0]])
    scores = np.array([[0.3, 0.1], [-1.0, 0.2], [2.0, 9.0], [9.0, 1.0]])
    found = float(make_loss(y, TASKS)(y.astype(np.float32), scores.astype(np.float32)))
    p = 1 / (1 + np.exp(-scores[:3, 0]))
    cross_entropy = np.array([-np.log(p[0]) * 0.75, -np.log(p[1]) * 0.75, -np.log(1 - p[2]) * 1.5])
    squared = np.array([0.4**2, 0.7**2, 1.0])
    assert found == pytest.approx((cross_entropy.sum() + squared.sum()) / 6, rel=1e-5)


def test_loss_of_bounds_is_one_sided():
    """A score that satisfies its bound has neither loss nor gradient; classes are as without bounds."""
    import tensorflow as tf

    from servier.models.fine_tuning import make_loss

    y = np.array([[1.0, 0.5], [1.0, -0.5], [0.0, np.nan], [np.nan, 0.0], [0.0, 1.0]], np.float32)
    relations = np.array([[0, 1], [0, 1], [0, 0], [0, -1], [0, -1]], np.float32)
    scores = tf.Variable(np.array([[0.3, 0.1], [-1.0, 0.2], [2.0, 9.0], [9.0, 1.0], [0.0, 0.5]], np.float32))
    with tf.GradientTape() as tape:
        found = make_loss(y, TASKS, with_bounds=True)(np.hstack([y, relations]), scores)
    gradient = tape.gradient(found, scores).numpy()
    np.testing.assert_allclose(gradient[:, 1], np.array([2 * -0.4, 0, 0, 2 * 1.0, 0]) / 8, rtol=1e-5)
    classes = np.where([[True, False]], y, np.nan)
    of_classes = float(make_loss(y, TASKS)(classes, scores.numpy())) * 4
    assert float(found) * 8 == pytest.approx(of_classes + 0.4**2 + 1.0**2, rel=1e-5)


def test_batches_hold_each_row_once_and_are_padded_to_multiples():
    """An epoch is all rows, in batches of like length."""
    rows = [TOKENIZER.encode(smiles) for smiles in SMILES]
    batches = list(similar_lengths([len(row) for row in rows], 8, np.random.default_rng(0)))
    assert sorted(np.concatenate(batches)) == list(range(len(rows)))
    for chosen in batches:
        tokens = pad_tokens([rows[i] for i in chosen])
        assert tokens.shape[1] % 8 == 0
        for row, i in zip(tokens, chosen, strict=True):
            assert row[row > 0].tolist() == rows[i]


def test_native_file_is_a_keras_archive(fitted):
    """The file has the entries that Keras writes, and no date."""
    import json
    import zipfile

    with zipfile.ZipFile(io.BytesIO(fitted.native["model.keras"])) as archive:
        assert {"config.json", "metadata.json", "model.weights.h5"} <= set(archive.namelist())
        assert "date_saved" not in json.loads(archive.read("metadata.json"))


def test_equal_networks_are_equal_bytes(fitted, tmp_path):
    """The network that Keras loads, twice, is written alike: no address, no date, no chance."""
    from servier.models.export import export_model

    first, second = (export_model(load(fitted, tmp_path)) for _ in range(2))
    assert first == second
    assert first[0] == fitted.graphs[0]
