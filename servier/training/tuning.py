"""A search for the recipe that scores best in cross-validation on the training rows."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servier.data.datasets import Dataset
from servier.errors import EndedError, ServierError
from servier.metrics.measures import mean_score
from servier.progress import format_seconds
from servier.tables import write_whole
from servier.training.options import Options
from servier.training.rows import TrainingRows, select_rows
from servier.training.score_labels import code_labels
from servier.training.search_spaces import SEARCHES
from servier.training.train import transform_labels

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

RANDOM_TRIALS = 8
BASE, RECIPE = "base", "recipe"

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
        labels, of held-out training rows, averaged over raw scores.
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
    rows = select_rows(data, options)
    study = _open_study(storage, _study_name(data, options, base), options.seed)
    try:
        _search(study, _make_objective(rows, options, base), n_trials, minutes)
    except (KeyboardInterrupt, EndedError) as end:
        end.add_note(f"Run the same command again to continue; {storage} has what was tried.")
        raise
    completed = _completed(study)
    base_score = next(trial.values[0] for trial in completed if trial.user_attrs.get(BASE))
    return Found(study.best_trial.user_attrs[RECIPE], study.best_value, base_score, len(completed))


def _make_objective(rows: TrainingRows, options: Options, base: dict[str, Any]) -> Objective:
    """Return the function from a trial to the score of its recipe in cross-validation."""
    labels = code_labels(transform_labels(rows)[1], rows.data, rows.relations, rows.weights)
    prepare, suggest = SEARCHES[options.model_name]
    cross_validate = prepare(rows, labels, options, base)

    def objective(trial: "optuna.Trial") -> float:
        recipe = base if trial.user_attrs.get(BASE) else base | suggest(trial)
        trial.set_user_attr(RECIPE, recipe)
        return mean_score(labels.y, cross_validate(recipe), labels.tasks, labels.relations, labels.weights)

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
        logger.warning("interrupted; run the same command again to continue")


def write_recipe(found: Found, options: Options, path: str | Path) -> None:
    """Write the best recipe as a file for `train --config`."""
    import yaml

    settings: dict[str, Any] = {"model_name": int(options.model_name)}
    if options.model_name == "1":
        settings |= {"preset": options.preset, "stereo": options.stereo}
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
    everything |= {"tasks": data.tasks, "split_column": data.split}
    if data.weights is not None:
        everything["weights"] = data.weights.digest
    digest = hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()
    return f"model {options.model_name}, {digest[:16]}"


def _open_study(storage: str | Path, name: str, seed: int) -> "optuna.Study":
    """Open the study of a name, or create it; a study that is continued draws new recipes."""
    import optuna
    from sqlalchemy.exc import DatabaseError, OperationalError

    if set(str(storage)) & set("?{}"):  # SQLAlchemy and Optuna would read something else in it
        hint = "name another with --storage, without a question mark and braces"
        raise ServierError("the file of a search cannot have this name", path=storage, hint=hint)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{storage}", study_name=name, direction="maximize", load_if_exists=True
        )
    except OperationalError as error:
        raise ServierError(f"cannot write here: {error.orig}", path=storage) from error
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
