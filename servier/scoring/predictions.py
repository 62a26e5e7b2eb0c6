"""Predictions: probabilities and values with their uncertainty, and what they fill into a table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS, ORDINAL
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import answer_places, map_answers
from servier.chem.molecules import InvalidMolecule, Status
from servier.scoring.applicability_domain import DomainMeasures
from servier.scoring.prediction_fields import prediction_fields
from servier.scoring.spreads import STATISTICS, Spread

DOMAIN_DIGITS = 4
PERCENTILE_DIGITS = 1

Note = TypeVar("Note")


@dataclass(frozen=True)
class Predictions:
    """The answers for a batch of rows.

    Parameters
    ----------
    targets
        The targets that were predicted.
    values
        float64, shape (n_rows, n_answers): a calibrated probability of label 1, or of each class, rounded to
        6 decimals, or a value, rounded to 7 significant digits; NaN where a row has no answer.
    problems
        For each row None, or why it has no answer.
    bounds
        For each confidence that was requested the conformal sets and intervals, float64, shape (n_rows,
        n_targets, n_limits). Sets are 1 where label 0, label 1, ... belongs to them, else 0; for a
        regression target they are the lower and the upper limit of the interval. Where another target has
        more labels, the numbers beyond are NaN.
    domain
        How the molecules compare with the training molecules, where that was requested.
    percentiles
        float64, shape (n_rows, n_targets): the percentage of reference molecules with a lower answer, where
        that was requested and the models have reference molecules; NaN for a multiclass target.
    changes
        For each row the canonical SMILES that was scored, and what was changed, or None where nothing was,
        where that was requested and the models standardize molecules.
    open_stereo
        For each row how many stereo centres and double bonds have no stereochemistry, where that was
        requested and answers may depend on it.
    spreads
        The answers for the forms of the molecules, by their kind, where they were requested.
    """

    targets: Sequence[Target]
    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]
    bounds: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    domain: DomainMeasures | None = None
    percentiles: NDArray[np.float64] | None = None
    changes: Sequence[tuple[str, str] | None] | None = None
    open_stereo: Sequence[int | None] | None = None
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def select(self, chosen: NDArray[np.bool_]) -> "Predictions":
        """Return the answers of the chosen rows: bool, shape (n_rows,)."""
        problems = [problem for problem, is_chosen in zip(self.problems, chosen, strict=True) if is_chosen]
        bounds = {level: found[chosen] for level, found in self.bounds.items()}
        domain = None if self.domain is None else self.domain.select(chosen)
        percentiles = None if self.percentiles is None else self.percentiles[chosen]
        return replace(
            self, values=self.values[chosen], problems=problems, bounds=bounds, domain=domain,
            percentiles=percentiles, changes=_choose(self.changes, chosen),
            open_stereo=_choose(self.open_stereo, chosen),
            spreads={kind: spread.select(chosen) for kind, spread in self.spreads.items()},
        )  # fmt: skip

    def labels(self) -> NDArray[np.float64]:
        """Return the predicted labels and values, shape (n_rows, n_targets); NaN where there is none."""
        return map_answers(Target.label, self.targets, self.values)


def _choose(notes: Sequence[Note] | None, chosen: NDArray[np.bool_]) -> list[Note] | None:
    if notes is None:
        return None
    return [note for note, is_chosen in zip(notes, chosen, strict=True) if is_chosen]


def rank_among(values: NDArray[np.float64], references: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return percentiles: the percentage of references that are lower, those that are equal counting half.

    Parameters
    ----------
    values
        What rows are ranked by, float64, shape (n_rows, n_targets); NaN where there is none.
    references
        float64, shape (n_references, n_targets), sorted along the first axis.
    """
    ranks = np.full(values.shape, np.nan)
    for i, known in enumerate(references.T):
        below, up_to = (np.searchsorted(known, values[:, i], side) for side in ("left", "right"))
        ranks[:, i] = np.round(50 * (below + up_to) / len(known), PERCENTILE_DIGITS)
    ranks[np.isnan(values)] = np.nan
    return ranks


def output_rows(predictions: Predictions) -> list[list[object]]:
    """Return for each row a value for each of the `prediction_fields`; None where there is no answer."""
    columns: list[Sequence[object]] = []
    places = answer_places(predictions.targets)
    for i, (target, place) in enumerate(zip(predictions.targets, places, strict=True)):
        columns += _answer_columns(target, predictions.values[:, place])
        for bounds in predictions.bounds.values():
            own = bounds[:, i, : target.n_limits]
            if target.task != "regression":
                columns.append(_name_sets(target, own))
            else:
                columns += [_cells(own[:, limit]) for limit in (0, 1)]
        if predictions.percentiles is not None and target.task != MULTICLASS:
            columns.append(_cells(predictions.percentiles[:, i]))
        for spread in predictions.spreads.values():
            answers = spread.answers[:, place]
            columns += map(_cells, answers.reshape(len(answers), target.n_answers * len(STATISTICS)).T)
    if (domain := predictions.domain) is not None:
        columns += [
            _cells(np.round(measure, DOMAIN_DIGITS)) for measure in (domain.similarity, domain.unseen)
        ]
        columns.append([None if inside is None else int(inside) for inside in _cells(domain.is_inside)])
    if (changes := predictions.changes) is not None:
        columns += [[(found and found[i]) or None for found in changes] for i in (0, 1)]
    if predictions.open_stereo is not None:
        columns.append(predictions.open_stereo)
    for spread in predictions.spreads.values():
        columns.append([None if n_forms is None else int(n_forms) for n_forms in _cells(spread.n_forms)])
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


def _answer_columns(target: Target, answer: NDArray[np.float64]) -> list[Sequence[object]]:
    """Return the values of the `_answer_fields`."""
    if target.task == "regression":
        return [_cells(answer)]
    names = target.label_names
    labels = [None if label is None else names[int(label)] for label in _cells(target.label(answer))]
    if not target.has_classes:
        return [labels, _cells(answer)]
    mean = [_cells(target.rank(answer))] if target.task == ORDINAL else []
    return [labels, *map(_cells, answer.T), *mean]


def _name_sets(target: Target, belongs: NDArray[np.float64]) -> list[str | None]:
    """Return conformal sets as `0`, `1`, `0 or 1`, or `neither`; of classes with their words."""
    rows = [tuple(row) for row in belongs.tolist()]
    names = {row: _name_set(target, row) for row in set(rows)}
    return [names[row] for row in rows]


def _name_set(target: Target, is_in_set: Sequence[float]) -> str | None:
    if math.isnan(is_in_set[0]):
        return None
    words = target.classes or ("0", "1")
    found = " or ".join(word for word, belongs in zip(words, is_in_set, strict=True) if belongs)
    return found or ("no class" if target.has_classes else "neither")


def as_answer(smiles: str, model_name: str, predictions: Predictions) -> dict[str, object]:
    """Return the only row of predictions by column name, after what was asked for."""
    return {"smile": smiles, "model_name": model_name, **as_answers(predictions)[0]}


def as_answers(predictions: Predictions) -> list[dict[str, object]]:
    """Return each row of predictions by column name, without empty columns, with thresholds and units."""
    has_percentiles = predictions.percentiles is not None
    names = prediction_fields(
        predictions.targets,
        list(predictions.bounds),
        has_percentiles=has_percentiles,
        has_changes=predictions.changes is not None,
        has_stereo=predictions.open_stereo is not None,
        forms=list(predictions.spreads),
    )
    answers = []
    for values in output_rows(predictions):
        answer = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for target in predictions.targets:
            if target.threshold is not None and f"{target.name}_pred" in answer:
                answer[f"{target.name}_threshold"] = target.threshold
            if target.unit is not None and f"{target.name}_pred" in answer:
                answer[f"{target.name}_unit"] = target.unit
        answers.append(answer)
    return answers
