"""Model 2: a recurrent network that reads the SMILES string itself."""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from servier.features.tokens import Tokenizer
from servier.models import FittedModel, Folds
from servier.models.batches import pad_tokens, similar_lengths
from servier.models.encoder import EncoderWeights
from servier.models.export import export_model
from servier.models.network import Architecture, add_head, build_encoder

Report = Callable[[str], None]

N_THREADS = 2
SCORED_ROWS = 256


@dataclass(frozen=True)
class Recipe:
    """How model 2 is trained.

    Parameters
    ----------
    encoder
        The pre-trained encoder to start from: `shipped`, the path of a file that `servier pretrain` made, or
        `none`.
    architecture
        Sizes of the network that differ from the defaults; only where there is no pre-trained encoder.
    dropout
        Share of values dropped before the output.
    batch_size, learning_rate, weight_decay
        Of the AdamW optimizer; the rate rises for a tenth of the steps and then falls along a cosine to 0.
    epochs
        How often every row is seen, each time in another spelling.
    folds
        Number of cross-validation folds whose held-out scores calibrate the model.
    views
        How many ways to write a molecule a score is averaged over.
    """

    encoder: str = "shipped"
    architecture: dict[str, int] = field(default_factory=dict)
    dropout: float = 0.2
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    epochs: int = 15
    folds: int = 5
    views: int = 8


@dataclass(frozen=True)
class Problem:
    """What is to be learnt.

    Parameters
    ----------
    spell
        From the number of an epoch, counted from 1, to a SMILES string of every row; another one each time.
    scored
        For each row the strings that a score is averaged over.
    tokenizer
        What the network is to see of the strings.
    y
        Labels, those of a regression target in standard units, float64, shape (n_rows, n_targets); NaN where
        missing.
    tasks
        `binary` or `regression` for each target.
    folds
        For each fold the rows to fit on, and those to hold out.
    pretrained
        What the encoder starts from; None for random weights.
    """

    spell: Callable[[int], list[str]]
    scored: Sequence[Sequence[str]]
    tokenizer: Tokenizer
    y: NDArray[np.float64]
    tasks: Sequence[str]
    folds: Folds
    pretrained: EncoderWeights | None


def fit(problem: Problem, recipe: Recipe, seed: int, report: Report) -> FittedModel:
    """Train the network, and one for each fold that scores the rows held out; export it as ONNX.

    Parameters
    ----------
    problem
        What is to be learnt.
    recipe, seed
        The same two on the same machine give the same scores.
    report
        Is given a line of text now and then.
    """
    held_out = cross_validate(problem, recipe, seed, report)
    network, losses = _train(problem, np.arange(len(problem.y)), recipe, seed)
    report(f"last network: loss {losses[-1]:.4f}")
    notes: dict[str, Any] = {"losses": losses, "recipe": asdict(recipe)}
    if problem.pretrained:
        notes["encoder"] = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    graph, native = export_model(network)
    return FittedModel(graph, {"model.keras": native}, held_out, notes)


def cross_validate(problem: Problem, recipe: Recipe, seed: int, report: Report) -> NDArray[np.float64]:
    """Score every row with a network that had not seen it.

    Parameters
    ----------
    problem, recipe, seed, report
        As for `fit`.

    Returns
    -------
    Raw scores, float64, shape (n_rows, n_targets).
    """
    make_reproducible(seed)
    held_out = np.full(problem.y.shape, np.nan)
    for number, (fit_rows, held_out_rows) in enumerate(problem.folds, start=1):
        network, losses = _train(problem, fit_rows, recipe, seed)
        held_out[held_out_rows] = _score(problem, network, held_out_rows)
        report(f"fold {number} of {len(problem.folds)}: loss {losses[-1]:.4f}")
    return held_out


def _train(
    problem: Problem, rows: NDArray[np.int64], recipe: Recipe, seed: int
) -> tuple[keras.Model, list[float]]:
    """Train a network on some rows; return it and the loss of each epoch."""
    keras.utils.set_random_seed(seed)
    network = _build(problem, recipe)
    n_steps = recipe.epochs * math.ceil(len(rows) / recipe.batch_size)
    network.compile(make_optimizer(recipe, n_steps), make_loss(problem.y, problem.tasks))
    rng = np.random.default_rng(seed)
    losses: list[float] = []
    for epoch in range(1, recipe.epochs + 1):
        smiles = problem.spell(epoch)
        tokens = [problem.tokenizer.encode(smiles[row]) for row in rows]
        total = 0.0
        for chosen in similar_lengths([len(row) for row in tokens], recipe.batch_size, rng):
            network.reset_metrics()
            batch = pad_tokens(problem.tokenizer, [tokens[i] for i in chosen])
            labels = problem.y[rows[chosen]].astype(np.float32)
            total += float(network.train_on_batch(batch, labels)) * len(chosen)
        losses.append(round(total / len(rows), 5))
    return network, losses


def _build(problem: Problem, recipe: Recipe) -> keras.Model:
    pretrained = problem.pretrained
    sizes = recipe.architecture if pretrained is None else pretrained.metadata["architecture"]
    encoder = build_encoder(len(problem.tokenizer), Architecture(**sizes))
    if pretrained is not None:
        encoder.set_weights(pretrained.weights)
    return add_head(encoder, problem.y.shape[1], recipe.dropout)


def _score(problem: Problem, network: keras.Model, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the scores of some rows, averaged over their spellings."""
    tokens = [problem.tokenizer.encode(smiles) for row in rows for smiles in problem.scored[row]]
    scores = np.empty((len(tokens), problem.y.shape[1]))
    order = np.argsort([len(row) for row in tokens], kind="stable")
    for start in range(0, len(order), SCORED_ROWS):
        chosen = order[start : start + SCORED_ROWS]
        batch = pad_tokens(problem.tokenizer, [tokens[i] for i in chosen])
        scores[chosen] = network.predict_on_batch(batch)
    return np.asarray(scores.reshape(len(rows), -1, problem.y.shape[1]).mean(axis=1))


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


def make_optimizer(recipe: Recipe, n_steps: int) -> keras.optimizers.Optimizer:
    """Return AdamW with the recipe's learning rate over so many steps."""
    warm_up = max(1, n_steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 10,
        decay_steps=max(n_steps - warm_up, 1),
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay, clipnorm=1.0)


def make_reproducible(seed: int) -> None:
    """Let the same seed give the same weights, with a fixed number of threads."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    try:
        tf.config.threading.set_intra_op_parallelism_threads(N_THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(N_THREADS)
    except RuntimeError:  # the runtime has started already, with the threads that an earlier fit set
        return
