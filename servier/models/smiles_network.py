"""Model 2: a recurrent network that reads the SMILES string itself."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.features.tokens import Tokenizer
from servier.models import FittedModel, Folds
from servier.models.encoder import EncoderWeights
from servier.models.export import export_model
from servier.models.fine_tuning import FineTuner, Recipe, make_loss, make_reproducible
from servier.models.network import Architecture, add_head, build_encoder

Report = Callable[[str], None]


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
    tuner = _prepare(problem, recipe, seed)
    held_out = _cross_validate(problem, tuner, seed, report)
    losses = _train(problem, tuner, np.arange(len(problem.y)), seed)
    report(f"last network: loss {losses[-1]:.4f}")
    notes: dict[str, Any] = {"losses": losses, "recipe": asdict(recipe)}
    if problem.pretrained:
        notes["encoder"] = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    graph, native = export_model(tuner.network)
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
    return _cross_validate(problem, _prepare(problem, recipe, seed), seed, report)


def _cross_validate(problem: Problem, tuner: FineTuner, seed: int, report: Report) -> NDArray[np.float64]:
    held_out = np.full(problem.y.shape, np.nan)
    for number, (fit_rows, held_out_rows) in enumerate(problem.folds, start=1):
        losses = _train(problem, tuner, fit_rows, seed)
        held_out[held_out_rows] = _score(problem, tuner, held_out_rows)
        report(f"fold {number} of {len(problem.folds)}: loss {losses[-1]:.4f}")
    return held_out


def _prepare(problem: Problem, recipe: Recipe, seed: int) -> FineTuner:
    make_reproducible(seed)
    pretrained = problem.pretrained
    sizes = recipe.architecture if pretrained is None else pretrained.metadata["architecture"]
    encoder = build_encoder(len(problem.tokenizer), Architecture(**sizes))
    if pretrained is not None:
        encoder.set_weights(pretrained.weights)
    network = add_head(encoder, problem.y.shape[1], recipe.dropout)
    return FineTuner(network, problem.tokenizer, make_loss(problem.y, problem.tasks), recipe)


def _train(problem: Problem, tuner: FineTuner, rows: NDArray[np.int64], seed: int) -> list[float]:
    """Train a network on some rows; return the loss of each epoch."""

    def tokens(epoch: int) -> list[list[int]]:
        smiles = problem.spell(epoch)
        return [problem.tokenizer.encode(smiles[row]) for row in rows]

    return tuner.train(tokens, problem.y[rows], np.random.default_rng(seed))


def _score(problem: Problem, tuner: FineTuner, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the scores of some rows, averaged over their spellings."""
    tokens = [problem.tokenizer.encode(smiles) for row in rows for smiles in problem.scored[row]]
    scores = tuner.score(tokens)
    return np.asarray(scores.reshape(len(rows), -1, scores.shape[1]).mean(axis=1))
