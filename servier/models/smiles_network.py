"""Model 2: a recurrent network that reads the SMILES string itself."""

import json
import math
import os
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from numpy.typing import NDArray

from servier.archives import pack
from servier.features.tokens import Tokenizer
from servier.models import FittedModel, Standardization

Views = Callable[[int], list[str]]
Report = Callable[[str], None]
Batch = tuple[NDArray[np.int32], NDArray[np.float32]]

LENGTH_STEP = 8
N_THREADS = 2


@dataclass(frozen=True)
class Recipe:
    """How model 2 is trained.

    Parameters
    ----------
    embedding, width, dense
        Sizes of the token embedding, of the convolution and of each direction of the recurrent layer, and of
        the last hidden layer.
    dropout
        Share of values dropped after the embedding and before the output.
    batch_size, learning_rate, weight_decay
        Of the AdamW optimizer; the rate rises for one epoch and then falls along a cosine to 0.
    epochs, patience
        Training stops after `epochs`, or when the validation loss has not improved for `patience` of them.
    validation_fraction
        Share of the training rows that early stopping and calibration look at.
    views
        How many ways to write a molecule a score is averaged over.
    """

    embedding: int = 64
    width: int = 128
    dense: int = 128
    dropout: float = 0.2
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    epochs: int = 40
    patience: int = 12
    validation_fraction: float = 0.1
    views: int = 8


@dataclass(frozen=True)
class Sequences:
    """Tokens of molecules with their labels.

    Parameters
    ----------
    rows
        The tokens of each molecule.
    y
        Labels in standard units, float64, shape (n_rows, n_targets); NaN where missing.
    tokenizer
        Pads them.
    """

    rows: list[list[int]]
    y: NDArray[np.float64]
    tokenizer: Tokenizer

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Yield batches of strings of similar length, in random order."""
        jitter = rng.uniform(0, LENGTH_STEP, len(self.rows))
        order = np.argsort(
            [len(row) + extra for row, extra in zip(self.rows, jitter, strict=True)], kind="stable"
        )
        starts = np.arange(0, len(order), size)
        for start in rng.permutation(starts):
            chosen = order[start : start + size]
            rows = [self.rows[i] for i in chosen]
            length = LENGTH_STEP * math.ceil(max(map(len, rows)) / LENGTH_STEP)
            yield self.tokenizer.pad(rows, length), self.y[chosen].astype(np.float32)


def build_network(n_tokens: int, n_targets: int, recipe: Recipe) -> keras.Model:
    """Build the untrained network.

    Embedding, convolution over five tokens, bidirectional GRU, mean and maximum over the string (padding left
    out), one hidden layer, one output per target. A score does not depend on how much padding follows.

    Returns
    -------
    A model from int32 (n, length) to float32 (n, n_targets).

    References
    ----------
    Cho et al., arXiv:1406.1078: the gated recurrent unit.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    is_token = ops.not_equal(tokens, 0)
    mask = ops.expand_dims(ops.cast(is_token, "float32"), -1)
    x = layers.Embedding(n_tokens, recipe.embedding)(tokens)
    x = layers.SpatialDropout1D(recipe.dropout)(x) * mask
    x = layers.Conv1D(recipe.width, 5, padding="same", activation="silu")(x) * mask
    x = layers.Bidirectional(layers.GRU(recipe.width, return_sequences=True))(x, mask=is_token) * mask
    mean = ops.sum(x, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)
    highest = ops.max(x - 2.0 * (1.0 - mask), axis=1)
    x = layers.Dropout(recipe.dropout)(ops.concatenate([mean, highest], axis=-1))
    x = layers.Dense(recipe.dense, activation="silu")(x)
    x = layers.Dropout(recipe.dropout)(x)
    return keras.Model(tokens, layers.Dense(n_targets, name="scores")(x))


def make_loss(y: NDArray[np.float64], tasks: Sequence[str]) -> Callable[[Any, Any], Any]:
    """Return the training loss: cross-entropy with balanced classes, squared error, missing labels left out.

    Parameters
    ----------
    y
        The training labels, from which the class weights are taken.
    tasks
        `binary` or `regression` for each target.
    """
    is_binary = np.array([task == "binary" for task in tasks], np.float32)
    positive = np.clip(np.nanmean(y, axis=0), 1e-6, 1 - 1e-6)
    weight_1 = np.where(is_binary, 0.5 / positive, 1.0).astype(np.float32)
    weight_0 = np.where(is_binary, 0.5 / (1 - positive), 1.0).astype(np.float32)

    def loss(y_true: Any, y_pred: Any) -> Any:
        known = ops.cast(ops.logical_not(ops.isnan(y_true)), "float32")
        truth = ops.where(ops.isnan(y_true), 0.0, y_true)
        cross_entropy = ops.relu(y_pred) - y_pred * truth + ops.softplus(-ops.abs(y_pred))
        weight = truth * weight_1 + (1.0 - truth) * weight_0
        error = is_binary * weight * cross_entropy + (1.0 - is_binary) * ops.square(y_pred - truth)
        return ops.sum(error * known) / ops.maximum(ops.sum(known), 1.0)

    return loss


def fit(
    views: Views,
    y: NDArray[np.float64],
    tasks: Sequence[str],
    validation: NDArray[np.int64],
    tokenizer: Tokenizer,
    recipe: Recipe,
    seed: int,
    report: Report,
) -> FittedModel:
    """Train the network, keep the epoch with the best validation loss, and export it as ONNX.

    Parameters
    ----------
    views
        From the number of an epoch to a SMILES string of every row: new random ones each time; epoch 0 gives
        the canonical ones, which validation uses.
    y
        float64, shape (n_rows, n_targets); NaN where a label is missing.
    tasks
        `binary` or `regression` for each target.
    validation
        Indices of the rows that are held out for early stopping.
    report
        Is given a line of text after each epoch.

    Returns
    -------
    The model; its `held_out` is all NaN, for the scores are averages over views that only scoring knows.
    """
    _make_reproducible(seed)
    units = Standardization.fit(y, list(tasks))
    labels = units.apply(y)
    is_training = np.ones(len(y), bool)
    is_training[validation] = False
    training = np.flatnonzero(is_training)
    model = build_network(len(tokenizer), y.shape[1], recipe)
    n_steps = math.ceil(len(training) / recipe.batch_size)
    model.compile(_optimizer(recipe, n_steps), make_loss(y[training], tasks))
    canonical = [tokenizer.encode(smiles) for smiles in views(0)]
    watched = Sequences([canonical[i] for i in validation], labels[validation], tokenizer)
    rng = np.random.default_rng(seed)
    best, best_weights, best_epoch = math.inf, model.get_weights(), 0
    history = []
    for epoch in range(1, recipe.epochs + 1):
        smiles = views(epoch)
        epoch_rows = Sequences([tokenizer.encode(smiles[i]) for i in training], labels[training], tokenizer)
        train_loss = _mean_loss(model.train_on_batch, epoch_rows.batches(recipe.batch_size, rng))
        loss = _mean_loss(model.test_on_batch, watched.batches(recipe.batch_size, rng))
        history.append({"epoch": epoch, "loss": round(train_loss, 5), "validation_loss": round(loss, 5)})
        report(f"epoch {epoch}/{recipe.epochs}: loss {train_loss:.4f}, validation loss {loss:.4f}")
        if loss < best:
            best, best_weights, best_epoch = loss, model.get_weights(), epoch
        elif epoch - best_epoch >= recipe.patience:
            break
    model.set_weights(best_weights)
    notes = {"best_epoch": best_epoch, "history": history, "recipe": asdict(recipe)}
    graph, native = _export(model)
    return FittedModel(graph, {"model.keras": native}, np.full(y.shape, np.nan), notes)


def _mean_loss(step: Callable[..., Any], batches: Iterator[Batch]) -> float:
    """Run one step for each batch; return the mean loss over rows."""
    total, n_rows = 0.0, 0
    for tokens, y in batches:
        step.__self__.reset_metrics()  # type: ignore[attr-defined]
        total += float(step(tokens, y)) * len(y)
        n_rows += len(y)
    return total / n_rows


def _make_reproducible(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(N_THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(N_THREADS)
    except RuntimeError:  # the runtime has started already, with the threads that an earlier fit set
        return


def _optimizer(recipe: Recipe, n_steps: int) -> keras.optimizers.Optimizer:
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 10,
        decay_steps=n_steps * max(recipe.epochs - 1, 1),
        warmup_target=recipe.learning_rate,
        warmup_steps=n_steps,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=1.0)


def _export(model: keras.Model) -> tuple[bytes, bytes]:
    """Return the ONNX graph and the Keras file of a model."""
    bare = keras.Model(model.inputs[0], model.outputs[0], name="servier_model_2")
    bare(np.ones((2, LENGTH_STEP), np.int32))
    with tempfile.TemporaryDirectory() as folder:
        onnx_path, keras_path = Path(folder) / "model.onnx", Path(folder) / "model.keras"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the exporter asks NumPy for a name to come
            bare.export(str(onnx_path), format="onnx", verbose=False)
        bare.save(keras_path)
        return onnx_path.read_bytes(), _without_date(keras_path)


def _without_date(path: Path) -> bytes:
    """Return a Keras file without the date of its making, so that equal networks are equal bytes."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(contents["metadata.json"])
    metadata.pop("date_saved", None)
    return pack(contents | {"metadata.json": json.dumps(metadata).encode()})
