"""Model 2: a recurrent network that reads the SMILES string itself."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
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
SPELLINGS_APART = 1000


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
class Task:
    """A network to be trained.

    Parameters
    ----------
    rows, held_out
        The rows to fit on, and those to score.
    epochs
        The numbers of epochs after which it scores; the last one ends the training.
    member
        Networks with other numbers see the rows in another order and in other spellings.
    """

    rows: Rows
    held_out: Rows
    epochs: Sequence[int]
    member: int = 0


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
    weights
        In Keras's order.
    """

    losses: list[float]
    held_out: NDArray[np.float64]
    weights: list[NDArray[np.float32]]


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

    @cached_property
    def tuner(self) -> FineTuner:
        """The network, which is built and traced once."""
        make_reproducible(self.seed)
        use_cores(1)
        loss = make_loss(self.problem.y, self.problem.tasks)
        return FineTuner(build_network(self.problem, self.recipe), self.problem.tokenizer, loss, self.recipe)

    def prepare(self) -> Callable[[Sequence[Task]], list[Trained]]:
        """Return what trains a network for each task."""
        return lambda tasks: [self.train(task) for task in tasks]

    def give_up(self, item: Task, status: str, reason: str) -> list[Trained]:
        """Refuse to go on: a model needs all of its networks."""
        raise ServierError(f"{status} while training on {len(item.rows)} molecules: {reason}")

    def join(self, answers: list[list[Trained]]) -> list[Trained]:
        """Put lists after lists."""
        return [trained for part in answers for trained in part]

    def train(self, task: Task) -> Trained:
        """Train the network from its start, and score held-out rows after each of some numbers of epochs."""
        problem, encode = self.problem, self.problem.tokenizer.encode

        def tokens(epoch: int) -> list[list[int]]:
            smiles = problem.spell(SPELLINGS_APART * task.member + epoch)
            return [encode(smiles[row]) for row in task.rows]

        views = [encode(smiles) for row in task.held_out for smiles in problem.scored[row]]
        shape = len(task.held_out), len(problem.scored[0]), problem.y.shape[1]
        losses, held_out = [], []
        rng = np.random.default_rng([self.seed, task.member])
        for loss in self.tuner.train(tokens, problem.y[task.rows], max(task.epochs), rng):
            losses.append(round(loss, 5))
            if len(losses) in task.epochs:
                held_out.append(self.tuner.score(views).reshape(shape).mean(axis=1))
        return Trained(losses, np.stack(held_out), self.tuner.network.get_weights())


def fit(problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report) -> FittedModel:
    """Train networks that score the rows held out, and several on all rows; export these as ONNX.

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
    rows, nothing = np.arange(len(problem.y)), np.arange(0)
    members = range(min(recipe.networks, recipe.views))
    tasks = [Task(rows, nothing, [epochs], member) for member in members]
    trained = list(_train_all(work, tasks, workers, report))
    notes: dict[str, Any] = {"losses": [one.losses for one in trained], "recipe": asdict(recipe)}
    if problem.pretrained:
        notes["encoder"] = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    graphs, native = [], {}
    for member, one in zip(members, trained, strict=True):
        work.tuner.network.set_weights(one.weights)
        graph, native[f"model_{member}.keras"] = export_model(work.tuner.network)
        graphs.append(graph)
    return FittedModel(graphs, native, held_out, notes)


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
    tasks = [Task(rows, held_out, numbers) for rows, held_out in problem.folds]
    for task, one in zip(tasks, _train_all(work, tasks, workers, report), strict=True):
        scores[:, task.held_out] = one.held_out
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


def _train_all(work: NetworkWork, tasks: Sequence[Task], workers: int, report: Report) -> Iterator[Trained]:
    """Train one network for each task."""
    chunks = [[task] for task in tasks]
    workers = min(workers, len(tasks))
    answers = map(work.prepare(), chunks) if workers == 1 else ordered_map(work, chunks, workers, math.inf)
    for number, (task, (trained,)) in enumerate(zip(tasks, answers, strict=True), start=1):
        epochs, loss = len(trained.losses), trained.losses[-1]
        fitted = f"{len(task.rows)} molecules, {epochs} epochs, loss {loss:.4f}"
        report(f"network {number} of {len(tasks)}: {fitted}")
        yield trained
