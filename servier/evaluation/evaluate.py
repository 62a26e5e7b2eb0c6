"""Evaluation of a checkpoint on rows that it was not trained on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target import CONFIDENCES, Target
from servier.checkpoint.target_columns import answer_places
from servier.chem.molecules import Mol, parse_all
from servier.data.datasets import Dataset
from servier.errors import DataError
from servier.evaluation.baselines import Reference, measure_baselines
from servier.evaluation.bootstrap import STANDARD, Resampling, Scores, bootstrap
from servier.evaluation.confusion import count_labels
from servier.evaluation.leakage import Overlap, find_leaks
from servier.evaluation.unseen import Unseen, find_unseen, require_scored
from servier.explaining.importance import measure_importance
from servier.metrics.measures import measure, measure_coverage
from servier.scoring.predictions import Predictions
from servier.scoring.scorer import Scorer

HEADLINE = {"binary": "auroc", "regression": "mae", "multiclass": "auroc", "ordinal": "quadratic_kappa"}

Metrics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class TargetEvaluation:
    """How good the predictions of one target are.

    Parameters
    ----------
    metrics
        Every metric with its 95 % interval.
    baselines
        The metrics of the baselines on the same rows, as `measure_baselines` returns them.
    coverage
        The coverage of the conformal bounds at each confidence, as `measure_coverage` returns it.
    by_similarity
        The number of rows, and the headline metric, for each range of the similarity to the nearest training
        molecule.
    by_domain
        The same inside and outside the applicability domain.
    importance
        What the model relies on, as `measure_importance` returns it.
    confusion
        How many rows of each label got which label, a row for each observed one; empty for a regression
        target.
    classes
        What the labels of a target with classes are called; empty for others.
    unit
        The unit of values and of errors; None where the model does not say it.
    """

    metrics: Metrics
    baselines: Metrics
    coverage: Metrics
    by_similarity: list[dict[str, float]]
    by_domain: dict[str, dict[str, float]]
    importance: dict[str, list[dict[str, Any]]]
    confusion: list[list[int]]
    classes: list[str]
    unit: str | None = None


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Parameters
    ----------
    unseen
        The rows that were scored.
    counts
        The number of rows that were scored, and of those that were not: trained on, unreadable, unlabelled;
        and of those with `bounds`, if the table has any.
    overlap
        How similar the rows are to the training molecules.
    targets
        The evaluation of each target.
    rows, values
        The rows with a prediction, as numbers in the table, and the predictions, shape (n_rows, n_answers).
    """

    unseen: Unseen
    counts: dict[str, int]
    overlap: Overlap
    targets: dict[str, TargetEvaluation]
    rows: NDArray[np.int64]
    values: NDArray[np.float64]


def evaluate(checkpoint: Checkpoint, data: Dataset, resampling: Resampling = STANDARD) -> Evaluation:
    """Score the rows of a data set that the model was not trained on.

    In the data set that the model was trained on, these are the rows that training held out; in any other,
    all rows except those whose molecule, without its salts, was trained on.

    Parameters
    ----------
    checkpoint
        The model.
    data
        A labelled table with the model's targets.
    resampling
        How rows are resampled for the intervals.

    Raises
    ------
    DataError
        No row is left, or none of them has a molecule that can be scored and a label.
    """
    mols = parse_all(data.smiles, level=checkpoint.metadata.level)
    unseen = find_unseen(checkpoint, data, mols)
    if not len(unseen.rows):
        hint = "evaluate on other molecules, or train with a --test_fraction above 0"
        raise DataError("the model was trained on every row of this table", path=data.path, hint=hint)
    scorer = Scorer([checkpoint], confidences=[str(level) for level in CONFIDENCES])
    predictions = scorer.score_molecules([mols[i] for i in unseen.rows])
    is_readable = np.array([problem is None for problem in predictions.problems])
    rows = unseen.rows[is_readable]
    require_scored(data, unseen.rows, rows)
    answered, readable = predictions.select(is_readable), [mols[i] for i in rows]
    overlap = find_leaks(checkpoint, data, rows, readable)
    exact = data.exact_y[rows]
    baselines = _measure_baselines(checkpoint, readable, exact)
    importance = measure_importance(scorer, readable, exact)
    targets, places = {}, answer_places(checkpoint.targets)
    for i, target in enumerate(checkpoint.targets):
        y, values = exact[:, i], answered.values[:, places[i]]
        targets[target.name] = TargetEvaluation(
            metrics=_measure_intervals(data, rows, i, Scores(values, target.threshold), resampling),
            baselines=baselines[i],
            coverage=_measure_coverages(y, i, target, answered),
            by_similarity=_measure_bins(overlap, y, values, target),
            by_domain=_measure_domain(answered, values, y, target),
            importance=importance[i],
            confusion=count_labels(y, values, target),
            classes=target.classes,
            unit=target.unit,
        )
    return Evaluation(unseen, _count(unseen, is_readable, data), overlap, targets, rows, answered.values)


def _measure_baselines(checkpoint: Checkpoint, mols: Sequence[Mol], y: NDArray[np.float64]) -> list[Metrics]:
    trained = checkpoint.reference.exact_y.astype(np.float64)  # sums of large labels need the range
    reference = Reference(checkpoint.reference.train_fingerprints, trained)
    return measure_baselines(reference, mols, y, [target.task for target in checkpoint.targets])


def _count(unseen: Unseen, is_readable: NDArray[np.bool_], data: Dataset) -> dict[str, int]:
    is_labelled = ~np.isnan(data.y[unseen.rows]).all(axis=1)
    counts = {
        "scored": int(np.sum(is_readable & is_labelled)),
        "trained_on": unseen.n_trained_on,
        "unreadable": int(np.sum(~is_readable)),
        "unlabelled": int(np.sum(is_readable & ~is_labelled)),
    }
    if data.relations is not None:
        counts["bounds"] = int(data.relations[unseen.rows[is_readable]].any(axis=1).sum())
    return counts


def _measure_intervals(
    data: Dataset, rows: NDArray[np.int64], i: int, scores: Scores, resampling: Resampling
) -> Metrics:
    y = data.y[rows, i]
    known = ~np.isnan(y)
    relations = None if data.relations is None else data.relations[rows[known], i]
    scores = Scores(scores.values[known], scores.threshold)
    return bootstrap(y[known], scores, data.tasks[i], resampling, relations)


def _measure_coverages(y: NDArray[np.float64], i: int, target: Target, answered: Predictions) -> Metrics:
    return {
        level: measure_coverage(y, bounds[:, i, : target.n_limits], target.task)
        for level, bounds in answered.bounds.items()
    }


def _measure_bins(
    overlap: Overlap, y: NDArray[np.float64], values: NDArray[np.float64], target: Target
) -> list[dict[str, float]]:
    found = []
    for low, high, is_inside in overlap.bins():
        found.append({"low": low, "high": high, **_measure_headline(is_inside, y, values, target)})
    return found


def _measure_domain(
    answered: Predictions, values: NDArray[np.float64], y: NDArray[np.float64], target: Target
) -> dict[str, dict[str, float]]:
    domain = answered.domain
    assert domain is not None
    return {
        name: _measure_headline(domain.is_inside == inside, y, values, target)
        for name, inside in (("inside", 1), ("outside", 0))
    }


def _measure_headline(
    chosen: NDArray[np.bool_], y: NDArray[np.float64], values: NDArray[np.float64], target: Target
) -> dict[str, float]:
    """Return the number of chosen rows with a label, and the headline metric if it is defined."""
    rows = chosen & ~np.isnan(y)
    measured = measure(y[rows], values[rows], target.task, target.threshold)
    name = HEADLINE[target.task]
    return {"rows": int(rows.sum()), **({name: measured[name]} if name in measured else {})}


def as_document(checkpoint: Checkpoint, evaluation: Evaluation, data: Dataset) -> dict[str, Any]:
    """Return an evaluation as a document that can be stored."""
    return {
        "model_name": checkpoint.model_name,
        "checkpoint": checkpoint.digest,
        "dataset": data.digest,
        "rows": evaluation.unseen.description,
        "columns": dict(zip([target.name for target in checkpoint.targets], data.targets, strict=True)),
        "counts": evaluation.counts,
        **{
            field.name: {name: getattr(found, field.name) for name, found in evaluation.targets.items()}
            for field in fields(TargetEvaluation)
        },
        "leakage": {
            "counts": evaluation.overlap.counts,
            "rows": [asdict(leak) for leak in evaluation.overlap.leaks],
        },
        "trained_on_lines": evaluation.unseen.trained_on,
    }
