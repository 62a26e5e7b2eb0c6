"""Networks that are fitted on some rows and score others, in worker processes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from servier.errors import RecipeError, ServierError
from servier.models.architecture import make_architecture
from servier.models.fine_tuning import FineTuner, make_loss
from servier.models.fine_tuning_recipe import Recipe
from servier.models.network import add_head, build_encoder, make_reproducible, use_cores
from servier.models.sequence_problem import Problem

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """A network to train.

    Parameters
    ----------
    rows, held_out
        The rows to fit on, and those to score.
    epochs
        The numbers of epochs after which held-out rows are scored; training stops after the last.
    """

    rows: Rows
    held_out: Rows
    epochs: Sequence[int]


@dataclass(frozen=True)
class Trained:
    """One trained network.

    Parameters
    ----------
    losses
        The loss of each epoch.
    held_out
        Raw scores of each SMILES of the held-out rows, after each number of epochs that is tried, float64,
        shape (n_numbers, n_held_out, n_smiles, n_targets).
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
        The number of cores of each process.
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
        with_bounds = self.problem.relations is not None
        loss = make_loss(self.problem.y, self.problem.tasks, with_bounds=with_bounds)
        return FineTuner(build_network(self.problem, self.recipe), loss, self.recipe)

    def prepare(self) -> Callable[[Sequence[Task]], list[Trained]]:
        """Return the function that trains a network for each task."""
        return lambda tasks: [self.train(task) for task in tasks]

    def give_up(self, item: Task, status: str, reason: str) -> list[Trained]:
        """Raise an error, since a model needs all of its networks."""
        raise ServierError(f"{status} while training on {len(item.rows)} molecules: {reason}")

    def join(self, answers: list[list[Trained]]) -> list[Trained]:
        """Concatenate the lists."""
        return [trained for part in answers for trained in part]

    def train(self, task: Task) -> Trained:
        """Train the network from the start, and score held-out rows after each number of epochs."""
        problem, encode = self.problem, self.problem.tokenizer.encode

        def tokens(epoch: int) -> list[list[int]]:
            smiles = problem.randomize(epoch)
            return [encode(smiles[row]) for row in task.rows]

        encoded = [encode(smiles) for row in task.held_out for smiles in problem.scored[row]]
        shape = len(task.held_out), len(problem.scored[0]), problem.y.shape[1]
        losses, held_out = [], []
        rng = np.random.default_rng(self.seed)
        y = problem.y if problem.relations is None else np.hstack([problem.y, problem.relations])
        for loss in self.tuner.train(tokens, y[task.rows], max(task.epochs), rng):
            losses.append(round(loss, 5))
            if len(losses) in task.epochs:
                held_out.append(self.tuner.score(encoded).reshape(shape))
        return Trained(losses, np.stack(held_out))


def build_network(problem: Problem, recipe: Recipe) -> keras.Model:
    """Build the network that training starts from."""
    encoder = start_encoder(problem, recipe.architecture)
    return add_head(encoder, problem.y.shape[1], recipe.dropout)


def start_encoder(problem: Problem, sizes: Mapping[str, int]) -> keras.Model:
    """Build the encoder: the pre-trained one, or one of these sizes with random weights."""
    pretrained = problem.pretrained
    if pretrained is None:
        return build_encoder(len(problem.tokenizer), make_architecture(sizes))
    encoder = build_encoder(len(problem.tokenizer), make_architecture(pretrained.metadata["architecture"]))
    try:
        encoder.set_weights(pretrained.weights)
    except ValueError as error:
        reason = "the weights of the encoder do not fit its architecture and vocabulary"
        raise RecipeError(reason, hint="make one with: servier pretrain") from error
    return encoder
