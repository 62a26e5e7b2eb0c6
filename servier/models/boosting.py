"""Training of model 1: boosters of LightGBM, several at a time."""

import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from threading import Event
from typing import Any, TypeVar

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import TrainingNotes
from servier.errors import RecipeError
from servier.metrics.measures import one_sided
from servier.models.boosting_parameters import check_booster, check_parameters
from servier.models.boosting_recipe import Problem, Recipe
from servier.models.fitted_model import FittedModel, Report
from servier.models.tree_graph import named_objective, round_thresholds, to_onnx, without_threads

T = TypeVar("T")

ROWS_PER_THREAD = 5000

lgb.register_logger(logging.getLogger("lightgbm"), "debug", "debug")


@dataclass(frozen=True)
class Run:
    """One of several training runs at the same time.

    Parameters
    ----------
    parameters
        LightGBM's parameters, the same for all runs: the number of threads is global to the process, and
        changing it while another run is at work corrupts the memory of that run.
    stopped
        Whether the run should stop.
    """

    parameters: dict[str, Any]
    stopped: Event

    def stop_if_asked(self, _: object) -> None:
        """Raise an error after a round if the run should stop; a callback of LightGBM."""
        if self.stopped.is_set():
            raise InterruptedError


@dataclass(frozen=True)
class OneSided:
    """The squared error of labels of which some are bounds; a score that satisfies its bound has none.

    Parameters
    ----------
    relations
        Which labels are bounds, as in `Problem`, shape (n_rows,).
    """

    relations: NDArray[np.int8]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of LightGBM that make it learn by this loss."""
        return {"objective": self.differentiate, "metric": "None"}

    def differentiate(
        self, scores: NDArray[np.float64], data: lgb.Dataset
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the first and second derivatives of the loss of each row, times its weight."""
        errors = self._errors(scores, data)
        weights = np.ones_like(errors) if data.get_weight() is None else data.get_weight()
        return errors * weights, weights

    def measure(self, scores: NDArray[np.float64], data: lgb.Dataset) -> tuple[str, float, bool]:
        """Return the name of the loss, its mean, and that more is not better."""
        return "l2", float(np.average(self._errors(scores, data) ** 2, weights=data.get_weight())), False

    def _errors(self, scores: NDArray[np.float64], data: lgb.Dataset) -> NDArray[np.float64]:
        rows = slice(None) if data.used_indices is None else data.used_indices
        return one_sided(np.asarray(data.get_label(), np.float64), scores, self.relations[rows])


def check(recipe: Recipe) -> None:
    """Try a recipe's parameters on a toy table, before any time is spent on a real one.

    Raises
    ------
    RecipeError
        A recipe may not set a parameter, or LightGBM refuses a value.
    """
    check_parameters(recipe.parameters)
    column = np.arange(100.0)
    with _refusals():
        for number, own in enumerate(recipe.boosters):
            check_booster(own)
            parameters = recipe.booster(number)[0] | {"num_threads": 1}
            lgb.train(parameters, lgb.Dataset(column[:, None], column), 1)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except lgb.basic.LightGBMError as error:
        reason = str(error).split(" at /")[0]
        raise RecipeError(f"LightGBM refuses the recipe's parameters: {reason}") from error


def fit(problem: Problem, recipe: Recipe, seed: int, report: Report) -> FittedModel:
    """Train one ensemble of boosters per target, and export all of them as one ONNX graph.

    Parameters
    ----------
    problem
        The learning problem.
    recipe, seed
        The recipe and the seed. On the same machine, they determine the bytes of the model.
    report
        Called with a line of text for each booster.

    Raises
    ------
    RecipeError
        LightGBM refuses the recipe's parameters.

    References
    ----------
    Ke et al., LightGBM, NeurIPS 2017.
    """
    held_out, rounds = cross_validate(problem, recipe, seed, report)

    def train(target: int, booster: int, run: Run) -> str:
        rows = problem.known(target)
        parameters = problem.parameters(target, recipe, booster, seed) | run.parameters
        if (relations := problem.relations_of(target)) is not None:
            parameters |= OneSided(relations).parameters
        data = lgb.Dataset(problem.X[rows], problem.y[rows, target], weight=problem.weights_of(target))
        trained = lgb.train(parameters, data, rounds[target][booster], callbacks=[run.stop_if_asked])
        return without_threads(named_objective(round_thresholds(trained.model_to_string())))

    report("training on all rows")
    native: dict[str, bytes] = {}
    texts: list[list[str]] = [[] for _ in problem.tasks]
    for target, booster, text in _for_each_booster(problem, recipe, train):
        native[f"model_{target}_{booster}.txt"] = text.encode()
        texts[target].append(text)
    boosters = [[lgb.Booster(model_str=text) for text in own] for own in texts]
    notes = TrainingNotes(rounds=rounds, recipe=asdict(recipe))
    return FittedModel([to_onnx(boosters).SerializeToString()], native, held_out, notes)


def cross_validate(
    problem: Problem, recipe: Recipe, seed: int, report: Report
) -> tuple[NDArray[np.float64], list[list[int]]]:
    """Score every row out of fold, and find the best number of rounds.

    Parameters
    ----------
    problem, recipe, seed, report
        As for `fit`.

    Returns
    -------
    Raw scores, float64, shape (n_rows, n_targets), NaN where there is no label; and for each target the best
    number of rounds of each booster.

    Raises
    ------
    RecipeError
        LightGBM refuses the recipe's parameters.
    """

    def run_cv(target: int, booster: int, run: Run) -> tuple[int, NDArray[np.float64]]:
        parameters = problem.parameters(target, recipe, booster, seed) | run.parameters
        return _cross_validate_booster(problem, target, recipe, parameters, run)

    rounds: list[list[int]] = [[] for _ in problem.tasks]
    scores: list[list[NDArray[np.float64]]] = [[] for _ in problem.tasks]
    sizes = problem.count_boosters(recipe)
    for target, booster, (n_rounds, own_scores) in _for_each_booster(problem, recipe, run_cv):
        rounds[target].append(n_rounds)
        scores[target].append(own_scores)
        number = sum(sizes[:target]) + booster + 1
        report(f"cross-validated booster {number} of {sum(sizes)}: {n_rounds} rounds")
    return np.stack([np.mean(own, axis=0) for own in scores], axis=1), rounds


def _cross_validate_booster(
    problem: Problem, target: int, recipe: Recipe, parameters: dict[str, Any], run: Run
) -> tuple[int, NDArray[np.float64]]:
    rows = problem.known(target)
    folds = [
        (np.searchsorted(rows, fit_rows), np.searchsorted(rows, held_out))
        for fit_rows, held_out in problem.folds[target]
    ]
    relations = problem.relations_of(target)
    loss = None if relations is None else OneSided(relations)
    result = lgb.cv(
        parameters if loss is None else parameters | loss.parameters,
        lgb.Dataset(
            problem.X[rows], problem.y[rows, target], weight=problem.weights_of(target), free_raw_data=False
        ),
        recipe.max_rounds,
        folds=folds,
        stratified=False,
        feval=None if loss is None else loss.measure,
        callbacks=[lgb.early_stopping(recipe.patience, verbose=False), run.stop_if_asked],
        return_cvbooster=True,
    )
    cv_booster = result["cvbooster"]
    n_rounds = max(1, cv_booster.best_iteration)
    scores = np.full(len(problem.y), np.nan)
    for booster, (_, held_out) in zip(cv_booster.boosters, problem.folds[target], strict=True):
        scores[held_out] = booster.predict(
            problem.X[held_out], num_iteration=n_rounds, raw_score=True, **run.parameters
        )
    return n_rounds, scores


def _for_each_booster(
    problem: Problem, recipe: Recipe, do: Callable[[int, int, Run], T]
) -> Iterator[tuple[int, int, T]]:
    """Call a function for each booster, several at a time; yield target, booster and result."""
    jobs = [(t, booster) for t, size in enumerate(problem.count_boosters(recipe)) for booster in range(size)]
    # On few rows, threads spend more time waiting for each other than working, above all on a busy machine.
    n_threads = min(problem.workers // len(jobs), len(problem.y) // ROWS_PER_THREAD)
    run = Run({"num_threads": max(1, n_threads)}, Event())
    # After a substructure search by RDKit, Ctrl-C would not interrupt the wait for a booster.
    signal.siginterrupt(signal.SIGINT, True)
    with ThreadPoolExecutor(min(problem.workers, len(jobs))) as pool:
        try:
            results = pool.map(lambda job: do(job[0], job[1], run), jobs)
            with _refusals():
                for (target, booster), result in zip(jobs, results, strict=True):
                    yield target, booster, result
        finally:
            run.stopped.set()
