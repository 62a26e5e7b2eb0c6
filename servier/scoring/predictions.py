"""Raw scores to answers: probabilities, values, how sure they are, and how all that is written."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.target import Target
from servier.chem.molecules import InvalidMolecule, Status
from servier.scoring.applicability_domain import DomainMeasures

SHARE_DIGITS = 4
PERCENTILE_DIGITS = 1

DOMAIN_FIELDS = {"nearest_similarity": float, "unseen_share": float, "in_domain": int}


@dataclass(frozen=True)
class Predictions:
    """Answers for a run of rows.

    Parameters
    ----------
    targets
        What was predicted.
    values
        float64, shape (n_rows, n_targets): a calibrated probability of label 1, rounded to 6 decimals, or a
        value, rounded to 7 significant digits; NaN where a row has no answer.
    problems
        For each row None, or why it has no answer.
    bounds
        How sure the answers are, for each confidence that was asked for, float64, shape (n_rows, n_targets,
        2): for a binary target 1 where label 0, and where label 1, is in the conformal set, else 0; for a
        regression target the ends of its interval.
    domain
        How much like the training molecules the molecules are, where that was asked for.
    percentiles
        float64, shape (n_rows, n_targets): which share of the reference molecules has a lower answer, in
        percent, where the models have such molecules and it was asked for.
    """

    targets: Sequence[Target]
    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]
    bounds: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    domain: DomainMeasures | None = None
    percentiles: NDArray[np.float64] | None = None

    def select(self, chosen: NDArray[np.bool_]) -> "Predictions":
        """Return the answers of some rows: bool, shape (n_rows,)."""
        problems = [problem for problem, is_chosen in zip(self.problems, chosen, strict=True) if is_chosen]
        bounds = {level: found[chosen] for level, found in self.bounds.items()}
        domain = None if self.domain is None else self.domain.select(chosen)
        percentiles = None if self.percentiles is None else self.percentiles[chosen]
        return Predictions(self.targets, self.values[chosen], problems, bounds, domain, percentiles)

    def labels(self) -> NDArray[np.float64]:
        """Return the predicted labels and values, shape (n_rows, n_targets); NaN where there is none."""
        labels = self.values.copy()
        for i, target in enumerate(self.targets):
            if target.threshold is not None:
                labels[:, i] = np.where(np.isnan(labels[:, i]), np.nan, labels[:, i] >= target.threshold)
        return labels


def rank_among(values: NDArray[np.float64], references: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return which share of the references is lower, those that are equal counting half, in percent.

    Parameters
    ----------
    values
        float64, shape (n_rows, n_targets); NaN where there is none.
    references
        float64, shape (n_references, n_targets), sorted along the first axis.
    """
    ranks = np.full(values.shape, np.nan)
    for i, known in enumerate(references.T):
        below, up_to = (np.searchsorted(known, values[:, i], side) for side in ("left", "right"))
        ranks[:, i] = np.round(50 * (below + up_to) / len(known), PERCENTILE_DIGITS)
    ranks[np.isnan(values)] = np.nan
    return ranks


def prediction_fields(
    targets: Sequence[Target], confidences: Sequence[str] = (), *, has_percentiles: bool = False
) -> dict[str, type]:
    """Return the columns that predictions add to a table, with the type of their values.

    Parameters
    ----------
    targets
        What is predicted.
    confidences
        Of the bounds that the predictions have; with any, they also say how familiar a molecule is.
    has_percentiles
        Whether they say where an answer stands among those for reference molecules.
    """
    fields: dict[str, type] = {}
    for target in targets:
        fields[f"{target.name}_pred"] = int if target.task == "binary" else float
        if target.task == "binary":
            fields[f"{target.name}_probability"] = float
        for confidence in confidences:
            percent = f"{100 * float(confidence):.0f}"
            if target.task == "binary":
                fields[f"{target.name}_set_{percent}"] = str
            else:
                fields |= {f"{target.name}_low_{percent}": float, f"{target.name}_high_{percent}": float}
        if has_percentiles:
            fields[f"{target.name}_percentile"] = float
    if confidences:
        fields |= DOMAIN_FIELDS
    return {**fields, "status": str, "reason": str}


def output_rows(predictions: Predictions) -> list[list[object]]:
    """Return for each row a value for each of the `prediction_fields`; None where there is no answer."""
    labels = predictions.labels()
    columns: list[Sequence[object]] = []
    for i, target in enumerate(predictions.targets):
        if target.task == "binary":
            columns.append([None if label is None else int(label) for label in _cells(labels[:, i])])
        columns.append(_cells(predictions.values[:, i]))
        for bounds in predictions.bounds.values():
            if target.task == "binary":
                columns.append([_name_set(*found) for found in bounds[:, i].tolist()])
            else:
                columns += [_cells(bounds[:, i, end]) for end in (0, 1)]
        if predictions.percentiles is not None:
            columns.append(_cells(predictions.percentiles[:, i]))
    if (domain := predictions.domain) is not None:
        columns += [_cells(np.round(share, SHARE_DIGITS)) for share in (domain.similarity, domain.unseen)]
        columns.append([None if inside is None else int(inside) for inside in _cells(domain.is_inside)])
    columns.append([str(problem.status if problem else Status.OK) for problem in predictions.problems])
    columns.append([problem.reason if problem else None for problem in predictions.problems])
    return [list(row) for row in zip(*columns, strict=True)]


def empty_row(n_fields: int, problem: InvalidMolecule) -> list[object]:
    """Return what `output_rows` gives for a row that has no answer.

    Parameters
    ----------
    n_fields
        How many `prediction_fields` there are.
    problem
        Why it has none.
    """
    return [*[None] * (n_fields - 2), str(problem.status), problem.reason]


def _cells(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


def _name_set(has_0: float, has_1: float) -> str | None:
    """Return a conformal set as `0`, `1`, `0 or 1`, or `neither`."""
    if math.isnan(has_0):
        return None
    return {(1, 0): "0", (0, 1): "1", (1, 1): "0 or 1"}.get((int(has_0), int(has_1)), "neither")


def as_answers(predictions: Predictions) -> list[dict[str, object]]:
    """Return each row of predictions by column name, without the empty ones, and with the thresholds."""
    has_percentiles = predictions.percentiles is not None
    names = prediction_fields(predictions.targets, list(predictions.bounds), has_percentiles=has_percentiles)
    answers = []
    for values in output_rows(predictions):
        answer = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for target in predictions.targets:
            if target.threshold is not None and f"{target.name}_pred" in answer:
                answer[f"{target.name}_threshold"] = target.threshold
        answers.append(answer)
    return answers
