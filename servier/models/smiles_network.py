"""Model 2: a network that reads SMILES strings, with a support vector machine beside it where that helps."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import TrainingNotes
from servier.metrics.measures import mean_score
from servier.models.export import export_model
from servier.models.fine_tuning_recipe import Recipe
from servier.models.fitted_model import FittedModel, Report
from servier.models.kernel_scorer import cross_validate_kernel
from servier.models.network_work import NetworkWork, Task, Trained
from servier.models.sequence_problem import Problem
from servier.processes.ordered_map import ordered_map


@dataclass(frozen=True)
class CrossValidated:
    """The result of cross-validation.

    Parameters
    ----------
    scores
        Out-of-fold raw scores of every row, float64, shape (n_rows, n_targets); NaN for rows that were never
        held out.
    epochs
        The best number of epochs.
    build_kernel
        Builds the support vector machine, if its scores together with the network's are better than those of
        the network alone; else None.
    """

    scores: NDArray[np.float64]
    epochs: int
    build_kernel: Callable[[], keras.Model] | None


def fit(problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report) -> FittedModel:
    """Train networks in cross-validation and a final one on all rows, and export that as ONNX.

    Where that improves the scores, a support vector machine on the pre-trained encoder, the second graph,
    scores every other SMILES of a molecule.

    Parameters
    ----------
    problem
        The learning problem.
    recipe, seed
        The recipe and the seed. On the same machine, they determine the scores.
    workers
        The number of processes; the scores do not depend on it.
    report
        Called with a line of text now and then.
    """
    work = NetworkWork(problem, recipe, seed)
    found = _cross_validate(work, workers, report)
    work = work if workers == 1 else replace(work, cores=workers)
    rows = np.arange(len(problem.y))
    final = work.train(Task(rows, rows[:0], [found.epochs]))
    report(f"last network: {len(rows)} molecules, {found.epochs} epochs, loss {final.losses[-1]:.4f}")
    encoder = None
    if problem.pretrained:
        encoder = {key: problem.pretrained.metadata[key] for key in ("library", "versions")}
    notes = TrainingNotes(losses=final.losses, recipe=asdict(recipe), encoder=encoder)
    networks = {"model.keras": work.tuner.network}
    if found.build_kernel is not None:
        networks["kernel.keras"] = found.build_kernel()
    exported = {name: export_model(network) for name, network in networks.items()}
    native = {name: file for name, (_, file) in exported.items()}
    return FittedModel([graph for graph, _ in exported.values()], native, found.scores, notes)


def cross_validate(
    problem: Problem, recipe: Recipe, seed: int, workers: int, report: Report
) -> NDArray[np.float64]:
    """Score every row out of fold.

    Parameters
    ----------
    problem, recipe, seed, workers, report
        As for `fit`.

    Returns
    -------
    Raw scores, float64, shape (n_rows, n_targets), after the best number of epochs.
    """
    return _cross_validate(NetworkWork(problem, recipe, seed), workers, report).scores


def _cross_validate(work: NetworkWork, workers: int, report: Report) -> CrossValidated:
    problem, numbers = work.problem, sorted(set(work.recipe.epochs))
    n_rows, n_targets = problem.y.shape
    by_smiles = np.full((len(numbers), n_rows, len(problem.scored[0]), n_targets), np.nan)
    tasks = [Task(rows, held_out, numbers) for rows, held_out in problem.folds]
    for task, one in zip(tasks, _train_all(work, tasks, workers, report), strict=True):
        by_smiles[:, task.held_out] = one.held_out
    quality = [
        mean_score(problem.y, scores.mean(axis=1), problem.tasks, problem.relations, problem.weights)
        for scores in by_smiles
    ]
    for epochs, score in zip(numbers, quality, strict=True):
        report(f"{epochs} epochs: AUROC or R2 of held-out rows {score:.4f}")
    best = int(np.argmax(quality))
    alone = CrossValidated(by_smiles[best].mean(axis=1), numbers[best], None)
    if problem.pretrained is None or not work.recipe.kernel_rows or by_smiles.shape[2] < 2:
        return alone
    together, build = cross_validate_kernel(
        problem, by_smiles[best], work.recipe.kernel_rows, work.seed, workers
    )
    score = mean_score(problem.y, together, problem.tasks, problem.relations, problem.weights)
    report(f"with support vectors on the encoder: AUROC or R2 of held-out rows {score:.4f}")
    return CrossValidated(together, numbers[best], build) if score > quality[best] else alone


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
