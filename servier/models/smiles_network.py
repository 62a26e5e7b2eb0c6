"""Model 2: a recurrent network that reads the SMILES string itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from servier.errors import ServierError
from servier.features.tokens import Tokenizer
from servier.models import FittedModel, Fold, Folds
from servier.models.encoder import EncoderWeights
from servier.models.export import export_model
from servier.models.fine_tuning import FineTuner, Recipe, make_loss, make_reproducible
from servier.models.network import Architecture, add_head, build_encoder
from servier.parallel import ordered_map

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


@dataclass(frozen=True)
class Trained:
    """One trained network.

    Parameters
    ----------
    weights
        As Keras lists them.
    losses
        Of each epoch.
    held_out
        Raw scores of the rows that were held out, float64, shape (n_held_out, n_targets).
    """

    weights: list[NDArray[np.float32]]
    losses: list[float]
    held_out: NDArray[np.float64]


@dataclass(frozen=True)
class NetworkWork:
    """Networks that are fitted on some rows and score others, for worker processes.

    Parameters
    ----------
    problem, recipe, seed
        As for `fit`.
    """

    problem: Problem
    recipe: Recipe
    seed: int

    def prepare(self) -> Callable[[Sequence[Fold]], list[Trained]]:
        """Build and trace the network."""
        make_reproducible(self.seed)
        tuner = FineTuner(
            build_network(self.problem, self.recipe),
            self.problem.tokenizer,
            make_loss(self.problem.y, self.problem.tasks),
            self.recipe,
        )
        return lambda folds: [self._train(tuner, *fold) for fold in folds]

    def give_up(self, item: Fold, status: str, reason: str) -> list[Trained]:
        """Refuse to go on: a model needs all of its networks."""
        raise ServierError(f"{status} while training on {len(item[0])} molecules: {reason}")

    def join(self, answers: list[list[Trained]]) -> list[Trained]:
        """Put lists after lists."""
        return [trained for part in answers for trained in part]

    def _train(self, tuner: FineTuner, rows: NDArray[np.int64], held_out_rows: NDArray[np.int64]) -> Trained:
        problem, encode = self.problem, self.problem.tokenizer.encode

        def tokens(epoch: int) -> list[list[int]]:
            smiles = problem.spell(epoch)
            return [encode(smiles[row]) for row in rows]

        losses = tuner.train(tokens, problem.y[rows], np.random.default_rng(self.seed))
        views = [encode(smiles) for row in held_out_rows for smiles in problem.scored[row]]
        shape = len(held_out_rows), len(problem.scored[0]), problem.y.shape[1]
        return Trained(tuner.network.get_weights(), losses, tuner.score(views).reshape(shape).mean(axis=1))


def fit(problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report) -> FittedModel:
    """Train the network, and one for each fold that scores the rows held out; export it as ONNX.

    Parameters
    ----------
    problem
        What is to be learnt.
    recipe, seed
        The same two on the same machine give the same scores.
    workers
        Number of processes; the scores do not depend on it.
    report
        Is given a line of text now and then.
    """
    everything = (np.arange(len(problem.y)), np.arange(0))
    final, *of_folds = _train_all(problem, recipe, seed, workers, report, [everything, *problem.folds])
    notes: dict[str, Any] = {"losses": final.losses, "recipe": asdict(recipe)}
    if problem.pretrained:
        notes["encoder"] = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    network = build_network(problem, recipe)
    network.set_weights(final.weights)
    graph, native = export_model(network)
    return FittedModel(graph, {"model.keras": native}, _held_out(problem, of_folds), notes)


def cross_validate(
    problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report
) -> NDArray[np.float64]:
    """Score every row with a network that had not seen it.

    Parameters
    ----------
    problem, recipe, seed, workers, report
        As for `fit`.

    Returns
    -------
    Raw scores, float64, shape (n_rows, n_targets).
    """
    return _held_out(problem, _train_all(problem, recipe, seed, workers, report, problem.folds))


def build_network(problem: Problem, recipe: Recipe) -> keras.Model:
    """Build the network that training starts from."""
    pretrained = problem.pretrained
    sizes = recipe.architecture if pretrained is None else pretrained.metadata["architecture"]
    encoder = build_encoder(len(problem.tokenizer), Architecture(**sizes))
    if pretrained is not None:
        encoder.set_weights(pretrained.weights)
    return add_head(encoder, problem.y.shape[1], recipe.dropout)


def _train_all(
    problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report, folds: Folds
) -> list[Trained]:
    """Train one network for each pair of rows to fit on and rows to hold out."""
    work = NetworkWork(problem, recipe, seed)
    chunks = [[fold] for fold in folds]
    answers = map(work.prepare(), chunks) if workers == 1 else ordered_map(
        work, chunks, min(workers, len(chunks)), timeout=math.inf
    )  # fmt: skip
    trained: list[Trained] = []
    for number, ((rows, _), answer) in enumerate(zip(folds, answers, strict=True), start=1):
        trained += answer
        report(f"network {number} of {len(folds)}: {len(rows)} molecules, loss {trained[-1].losses[-1]:.4f}")
    return trained


def _held_out(problem: Problem, trained: Sequence[Trained]) -> NDArray[np.float64]:
    scores = np.full(problem.y.shape, np.nan)
    for (_, rows), one in zip(problem.folds, trained, strict=True):
        scores[rows] = one.held_out
    return scores
