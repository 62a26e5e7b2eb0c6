"""Nested cross-validation: training is repeated, each time without some of the molecules."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from servier.checkpoint.documents import show
from servier.checkpoint.file import Checkpoint
from servier.data.datasets import Dataset
from servier.errors import RecipeError
from servier.evaluation.bootstrap import CONFIDENCE
from servier.models.fine_tuning_recipe import ENCODERS
from servier.scoring.inputs import read_input
from servier.training.options import Options
from servier.training.recipes import make_recipe, sort_settings
from servier.training.rows import TrainingRows, usable_rows
from servier.training.train import train_on

logger = logging.getLogger(__name__)

Metrics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class NestedRuns:
    """The metrics of every fold of every repetition.

    Parameters
    ----------
    strategy
        How rows were divided into folds.
    metrics
        For each run, the metrics of each target on the test molecules.
    test_share
        The mean ratio of test rows to training rows.
    """

    strategy: str
    metrics: list[Metrics]
    test_share: float

    def as_document(self, checkpoint: Checkpoint, data: Dataset) -> dict[str, Any]:
        """Return the metrics as a document that can be stored."""
        return {
            "model_name": checkpoint.model_name,
            "checkpoint": checkpoint.digest,
            "dataset": data.digest,
            "split": self.strategy,
            "units": {target.name: target.unit for target in checkpoint.targets if target.unit is not None},
            "runs": self.metrics,
            "metrics": self.summary(),
        }

    def summary(self) -> dict[str, dict[str, dict[str, float]]]:
        """Return the mean over all runs, `value`, and its 95 % interval, for each target and metric.

        Training sets overlap, so runs vary less than on independent data; the interval is widened for that.

        References
        ----------
        Nadeau and Bengio, Machine Learning 2003, 52, 239, doi:10.1023/A:1024068626366.
        """
        names = {
            target: dict.fromkeys(name for run in self.metrics for name in run[target])
            for target in self.metrics[0]
        }
        return {
            target: {
                name: self._summarize([run[target].get(name, np.nan) for run in self.metrics])
                for name in found
            }
            for target, found in names.items()
        }

    def _summarize(self, values: list[float]) -> dict[str, float]:
        known = np.array(values)[~np.isnan(values)]
        mean, n = float(known.mean()), len(known)
        width = 0.0
        if n > 1:
            error = float(np.sqrt(known.var(ddof=1) * (1 / n + self.test_share)))
            width = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
        return {"value": mean, "low": mean - width, "high": mean + width}


def repeat_training(
    checkpoint: Checkpoint,
    data: Dataset,
    n_folds: int,
    n_repeats: int,
    split: str | None = None,
    workers: int = 1,
    encoder: str | None = None,
) -> NestedRuns:
    """Train again as a checkpoint was trained, in each fold of a table, and test on the held-out rows.

    Every choice that training makes is made anew within the rows of each run: the folds are nested.

    Parameters
    ----------
    checkpoint
        The checkpoint whose recipe and options are used.
    data
        A labelled table with its targets.
    n_folds, n_repeats
        The number of folds, and how often they are drawn anew with another seed.
    split
        How rows are divided into folds; None for the strategy of the checkpoint, or for scaffolds if that was
        by time or predefined.
    workers
        The number of processes.
    encoder
        The file of the encoder that networks start from, where the recipe names one: a checkpoint does not
        choose which files are read.

    Raises
    ------
    RecipeError
        The checkpoint names a recipe, or rules for its rows, that this version does not know, or an encoder
        and none was given, or the other way round.
    """
    _check_notes(checkpoint)
    changes = checkpoint.metadata.training.recipe | _choose_encoder(checkpoint, encoder)
    metrics: list[Metrics] = []
    shares = []
    strategy = ""
    for options, rows in _runs(checkpoint, data, n_folds, n_repeats, split, workers):
        recipe = make_recipe(options, changes, checkpoint.path)
        found = train_on(rows, options, recipe).metadata.metrics.test
        metrics.append(found)
        shares.append(len(rows.test) / len(rows.train))
        strategy = rows.strategy
        logger.info("run %s of %s is done", len(metrics), n_folds * n_repeats)
    return NestedRuns(strategy, metrics, float(np.mean(shares)))


def _check_notes(checkpoint: Checkpoint) -> None:
    """Check what is read of a checkpoint only to train again."""
    notes = checkpoint.metadata
    if notes.distillation is not None:
        hint = "give one of its teachers: " + ", ".join(found.file for found in notes.distillation.teachers)
        raise RecipeError("a student is not trained from labels", path=checkpoint.path, hint=hint)
    said = {"preset": notes.preset, "split": notes.split.strategy, **vars(notes.duplicates)}
    given = {name: value for name, value in said.items() if value is not None}
    sort_settings(given | notes.training.recipe, checkpoint.model_name, checkpoint.path)


def _choose_encoder(checkpoint: Checkpoint, encoder: str | None) -> dict[str, str]:
    """Return the encoder that takes the place of a file that the recipe names."""
    named = checkpoint.metadata.training.recipe.get("encoder")
    if named in (None, *ENCODERS):
        if encoder is not None:
            raise RecipeError(
                "its recipe names no file of an encoder", path=checkpoint.path, hint="leave out --encoder"
            )
        return {}
    if encoder is None:
        hint = "give the file with --encoder"
        raise RecipeError(
            f"its networks start from the encoder {show(named)}", path=checkpoint.path, hint=hint
        )
    return {"encoder": encoder}


def _runs(
    checkpoint: Checkpoint, data: Dataset, n_folds: int, n_repeats: int, split: str | None, workers: int
) -> Iterator[tuple[Options, TrainingRows]]:
    metadata = checkpoint.metadata
    strategy = metadata.split.strategy
    options = Options(
        model_name=checkpoint.model_name,
        preset=metadata.preset or Options.preset,
        split=split or ("scaffold" if strategy in ("predefined", "time") else strategy),
        same_molecule=metadata.duplicates.same_molecule,
        conflicts=metadata.duplicates.conflicts,
        standardization=metadata.standardization,
        stereo=str(read_input(metadata.input, checkpoint.path).stereo),
        workers=workers,
    )
    for repeat in range(n_repeats):
        options = replace(options, seed=metadata.seed + repeat)
        usable = usable_rows(data, options)
        for train, test in usable.splitter.folds(n_folds, options.seed):
            yield options, usable.divide(train, test)
