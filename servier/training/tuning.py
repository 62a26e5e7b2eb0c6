"""A search for the recipe that scores best in cross-validation on the training rows."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from servier.data.datasets import Dataset
from servier.errors import ServierError
from servier.metrics import mean_score
from servier.progress import format_seconds
from servier.tables import write_whole
from servier.training.fitting import prepare_features, prepare_sequences
from servier.training.options import Options
from servier.training.rows import TrainingRows, select_rows
from servier.training.train import transform_labels

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

RANDOM_TRIALS = 8
TUNED_BOOSTERS = 2
BASE, RECIPE = "base", "recipe"

CrossValidate = Callable[[dict[str, Any]], NDArray[np.float64]]
"""From fields of a recipe to raw scores of rows that were held out."""
Objective = Callable[["optuna.Trial"], float]
"""From a trial to the score of the recipe that it suggests."""


@dataclass(frozen=True)
class Found:
    """The best recipe of a search.

    Parameters
    ----------
    recipe
        The fields of the recipe.
    score, base_score
        The scores of this recipe and of the one that the search started from: AUROC, or R2 of the transformed
        labels, of held-out training rows, averaged over targets.
    trials
        The number of recipes that were tried.
    """

    recipe: dict[str, Any]
    score: float
    base_score: float
    trials: int


def tune(
    data: Dataset,
    options: Options,
    base: dict[str, Any],
    storage: str | Path,
    n_trials: int,
    minutes: float | None = None,
) -> Found:
    """Search for a recipe, or continue a search.

    Only training rows are used: the test rows are those that `train` holds out with the same options. The
    base recipe is tried first. Ctrl-C ends the search with the best recipe so far.

    Parameters
    ----------
    data
        The labelled table.
    options
        The model, and how its rows are split.
    base
        Fields of the recipe that differ from the defaults; the search replaces some of them.
    storage
        An SQLite file that keeps every recipe tried, so that the same call continues the search.
    n_trials
        The number of recipes to try in all, including those of earlier calls.
    minutes
        The time after which to stop in any case.

    Raises
    ------
    ServierError
        The file is not that of a search.

    References
    ----------
    Akiba et al., Optuna, KDD 2019, doi:10.1145/3292500.3330701. Bergstra et al., NeurIPS 2011: the sampler.
    """
    objective = _make_objective(data, options, base)
    study = _open_study(storage, _study_name(data, options, base), options.seed)
    _search(study, objective, n_trials, minutes)
    completed = _completed(study)
    base_score = next(trial.values[0] for trial in completed if trial.user_attrs.get(BASE))
    return Found(study.best_trial.user_attrs[RECIPE], study.best_value, base_score, len(completed))


def _make_objective(data: Dataset, options: Options, base: dict[str, Any]) -> Objective:
    """Return the function from a trial to the score of its recipe in cross-validation."""
    rows = select_rows(data, options)
    labels = transform_labels(rows)[1]
    prepare, suggest = _MODELS[options.model_name]
    cross_validate = prepare(rows, labels, options, base)

    def objective(trial: "optuna.Trial") -> float:
        recipe = base if trial.user_attrs.get(BASE) else base | suggest(trial)
        trial.set_user_attr(RECIPE, recipe)
        return mean_score(labels, cross_validate(recipe), rows.data.tasks)

    return objective


def _search(study: "optuna.Study", objective: Objective, n_trials: int, minutes: float | None) -> None:
    """Run the trials that are missing, the base recipe first, until all are done or the time is up."""
    missing = n_trials - len(_completed(study))
    if missing <= 0:
        return
    if not any(trial.user_attrs.get(BASE) for trial in _completed(study)):
        study.enqueue_trial({}, user_attrs={BASE: True})
    seconds = None if minutes is None else 60 * minutes
    try:
        study.optimize(objective, missing, seconds, callbacks=[_Progress(n_trials, seconds)])
    except KeyboardInterrupt:
        if not _completed(study):
            raise
        logger.warning("interrupted; the same command continues")


def write_recipe(found: Found, options: Options, path: str | Path) -> None:
    """Write the best recipe as a file for `train --config`."""
    import yaml

    settings: dict[str, Any] = {"model_name": int(options.model_name)}
    if options.model_name == "1":
        settings["preset"] = options.preset
    text = (
        f"# The best of {found.trials} recipes: {found.score:.4f} in cross-validation (AUROC or R2, mean of\n"
        f"# the targets); the one it started from: {found.base_score:.4f}.\n"
        f"{yaml.safe_dump(settings | found.recipe, sort_keys=False)}"
    )
    with write_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _study_name(data: Dataset, options: Options, base: dict[str, Any]) -> str:
    """Return a name for everything that scores depend on, so that only comparable recipes are compared."""
    everything = asdict(options) | {"workers": None, "data": data.digest, "base": base}
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"model {options.model_name}, {digest[:16]}"


def _open_study(storage: str | Path, name: str, seed: int) -> "optuna.Study":
    """Open the study of a name, or create it; a study that is continued draws new recipes."""
    import optuna
    from sqlalchemy.exc import DatabaseError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{storage}", study_name=name, direction="maximize", load_if_exists=True
        )
    except DatabaseError as error:
        hint = "name another with --storage"
        raise ServierError("this is not the file of a search", path=storage, hint=hint) from error
    n_trials = len(study.trials)
    if n_trials:
        logger.info("continuing after %s trials", len(_completed(study)))
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=RANDOM_TRIALS, seed=seed + n_trials)
    return study


def _completed(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    import optuna

    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])


class _Progress:
    """Logs the score of each trial and the estimated time left."""

    def __init__(self, n_trials: int, seconds: float | None) -> None:
        self._n_trials, self._seconds = n_trials, seconds
        self._started = time.monotonic()
        self._n_done = 0

    def __call__(self, study: "optuna.Study", trial: "optuna.trial.FrozenTrial") -> None:
        self._n_done += 1
        passed = time.monotonic() - self._started
        n_all = len(_completed(study))
        left = passed / self._n_done * (self._n_trials - n_all)
        if self._seconds is not None:
            left = min(left, self._seconds - passed)
        logger.info(
            "trial %s of %s: %.4f, best %.4f, %s left",
            n_all, self._n_trials, trial.value, study.best_value, format_seconds(max(left, 0.0)),
        )  # fmt: skip


def _prepare_features(
    rows: TrainingRows, labels: NDArray[np.float64], options: Options, base: dict[str, Any]
) -> CrossValidate:
    from servier.models import boosting, boosting_recipe

    default = replace(boosting_recipe.PRESETS[options.preset], **base)
    boosting.check(default)
    problem = prepare_features(rows, labels, options, default.folds)

    def cross_validate(changes: dict[str, Any]) -> NDArray[np.float64]:
        return boosting.cross_validate(problem, replace(default, **changes), options.seed, logger.debug)[0]

    return cross_validate


def _suggest_trees(trial: "optuna.Trial") -> dict[str, Any]:
    boosters = [
        {
            "fingerprint_gain": trial.suggest_float(f"fingerprint_gain_{i}", 0.05, 1.0, log=True),
            "num_leaves": trial.suggest_int(f"num_leaves_{i}", 4, 64, log=True),
            "min_data_in_leaf": trial.suggest_int(f"min_data_in_leaf_{i}", 3, 60, log=True),
            "extra_trees": trial.suggest_categorical(f"extra_trees_{i}", [False, True]),
        }
        for i in range(TUNED_BOOSTERS)
    ]
    parameters = {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.03, 0.6, log=True),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "bagging_freq": 1,
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 30.0, log=True),
        "max_bin": 63,
    }
    return {"parameters": parameters, "boosters": boosters}


def _prepare_sequences(
    rows: TrainingRows, labels: NDArray[np.float64], options: Options, base: dict[str, Any]
) -> CrossValidate:
    from servier.models import fine_tuning, smiles_network

    default = replace(fine_tuning.Recipe(), **base)
    problem = prepare_sequences(rows, labels, options, default)

    def cross_validate(changes: dict[str, Any]) -> NDArray[np.float64]:
        recipe = replace(default, **changes)
        return smiles_network.cross_validate(problem, recipe, options.seed, options.workers, logger.debug)

    return cross_validate


def _suggest_network(trial: "optuna.Trial") -> dict[str, Any]:
    return {
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "batch_size": trial.suggest_categorical("batch_size", [16, 32, 64]),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-4, 1e-1, log=True),
    }


_MODELS = {"1": (_prepare_features, _suggest_trees), "2": (_prepare_sequences, _suggest_network)}
"""For each model, the function that prepares cross-validation and the one that suggests a recipe."""
