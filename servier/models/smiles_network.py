"""Model 2: a recurrent network that reads the SMILES string itself."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from servier.errors import ServierError
from servier.features.tokens import Tokenizer
from servier.metrics import mean_score
from servier.models import FittedModel, Folds, Report
from servier.models.encoder import EncoderWeights
from servier.models.export import export_model
from servier.models.fine_tuning import FineTuner, Recipe, make_loss
from servier.models.network import Architecture, add_head, build_encoder, make_reproducible, use_cores
from servier.parallel import ordered_map

Rows = NDArray[np.int64]
Task = tuple[Rows, Rows]
"""The rows to fit on, and those that are held out."""


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
    losses
        Of each epoch.
    held_out
        Raw scores of the rows that were held out, after each number of epochs that is tried, float64, shape
        (n_numbers, n_held_out, n_targets).
    """

    losses: list[float]
    held_out: NDArray[np.float64]


@dataclass(frozen=True)
class NetworkWork:
    """Networks that are fitted on some rows and score others, for worker processes.

    Parameters
    ----------
    problem, recipe, seed
        As for `fit`.
    cores
        How many each process uses.
    """

    problem: Problem
    recipe: Recipe
    seed: int
    cores: int = 1

    @cached_property
    def tuner(self) -> FineTuner:
        """The network, which is built and traced once."""
        make_reproducible(self.seed)
        use_cores(self.cores)
        loss = make_loss(self.problem.y, self.problem.tasks)
        return FineTuner(build_network(self.problem, self.recipe), self.problem.tokenizer, loss, self.recipe)

    def prepare(self) -> Callable[[Sequence[Task]], list[Trained]]:
        """Return what trains a network for each task."""
        return lambda tasks: [self.train(self.recipe.epochs, *task) for task in tasks]

    def give_up(self, item: Task, status: str, reason: str) -> list[Trained]:
        """Refuse to go on: a model needs all of its networks."""
        raise ServierError(f"{status} while training on {len(item[0])} molecules: {reason}")

    def join(self, answers: list[list[Trained]]) -> list[Trained]:
        """Put lists after lists."""
        return [trained for part in answers for trained in part]

    def train(self, numbers: Sequence[int], rows: Rows, held_out_rows: Rows) -> Trained:
        """Train the network from its start, and score held-out rows after each of some numbers of epochs."""
        problem, encode = self.problem, self.problem.tokenizer.encode

        def tokens(epoch: int) -> list[list[int]]:
            smiles = problem.spell(epoch)
            return [encode(smiles[row]) for row in rows]

        views = [encode(smiles) for row in held_out_rows for smiles in problem.scored[row]]
        shape = len(held_out_rows), len(problem.scored[0]), problem.y.shape[1]
        losses, held_out = [], []
        rng = np.random.default_rng(self.seed)
        for loss in self.tuner.train(tokens, problem.y[rows], max(numbers), rng):
            losses.append(round(loss, 5))
            if len(losses) in numbers:
                held_out.append(self.tuner.score(views).reshape(shape).mean(axis=1))
        return Trained(losses, np.stack(held_out))


def fit(problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report) -> FittedModel:
    """Train networks that score the rows held out, and one on all rows; export that one as ONNX.

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
    work = NetworkWork(problem, recipe, seed)
    held_out, epochs = _cross_validate(work, workers, report)
    work = work if workers == 1 else replace(work, cores=workers)
    final = work.train([epochs], np.arange(len(problem.y)), np.arange(0))
    report(f"last network: {len(problem.y)} molecules, {epochs} epochs, loss {final.losses[-1]:.4f}")
    notes: dict[str, Any] = {"losses": final.losses, "recipe": asdict(recipe)}
    if problem.pretrained:
        notes["encoder"] = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    graph, native = export_model(work.tuner.network)
    return FittedModel(graph, {"model.keras": native}, held_out, notes)


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
    Raw scores, float64, shape (n_rows, n_targets), of the number of epochs that is best.
    """
    return _cross_validate(NetworkWork(problem, recipe, seed), workers, report)[0]


def _cross_validate(work: NetworkWork, workers: int, report: Report) -> tuple[NDArray[np.float64], int]:
    """Return held-out scores, and the best number of epochs."""
    problem, numbers = work.problem, sorted(set(work.recipe.epochs))
    scores = np.full((len(numbers), *problem.y.shape), np.nan)
    for (_, rows), one in zip(problem.folds, _train_all(work, workers, report), strict=True):
        scores[:, rows] = one.held_out
    quality = [mean_score(problem.y, found, problem.tasks) for found in scores]
    for epochs, score in zip(numbers, quality, strict=True):
        report(f"{epochs} epochs: AUROC or R2 of held-out rows {score:.4f}")
    best = int(np.argmax(quality))
    return scores[best], numbers[best]


def build_network(problem: Problem, recipe: Recipe) -> keras.Model:
    """Build the network that training starts from."""
    pretrained = problem.pretrained
    sizes = recipe.architecture if pretrained is None else pretrained.metadata["architecture"]
    encoder = build_encoder(len(problem.tokenizer), Architecture(**sizes))
    if pretrained is not None:
        encoder.set_weights(pretrained.weights)
    return add_head(encoder, problem.y.shape[1], recipe.dropout)


def _train_all(work: NetworkWork, workers: int, report: Report) -> Iterator[Trained]:
    """Train one network for each fold."""
    folds = work.problem.folds
    chunks = [[fold] for fold in folds]
    workers = min(workers, len(folds))
    answers = map(work.prepare(), chunks) if workers == 1 else ordered_map(work, chunks, workers, math.inf)
    for number, ((rows, _), (trained,)) in enumerate(zip(folds, answers, strict=True), start=1):
        epochs, loss = len(trained.losses), trained.losses[-1]
        report(f"network {number} of {len(folds)}: {len(rows)} molecules, {epochs} epochs, loss {loss:.4f}")
        yield trained
