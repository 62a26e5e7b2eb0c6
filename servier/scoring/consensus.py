"""Several checkpoints that answer together, with the weighted mean of their answers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.metadata import COPY
from servier.checkpoint.reference import REFERENCE
from servier.checkpoint.target import PROBABILITY_DIGITS, Target
from servier.checkpoint.target_columns import (
    answer_places,
    count_answers,
    map_answers,
    map_scores,
    score_places,
)
from servier.chem.levels import Level
from servier.errors import CheckpointError
from servier.scoring.applicability_domain import MAX_REFERENCES, Domain

# The weight of each model in the mean, chosen by cross-validation: docs/quality.md.
WEIGHTS = {"1": 2.0, "2": 1.0}


def average_models(checkpoints: Sequence[Checkpoint], values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean over several models, in which model 1 counts twice as much as model 2.

    Parameters
    ----------
    checkpoints
        The models.
    values
        An array from each model, all of one shape: float64, shape (n_models, ...).
    """
    weights = [WEIGHTS[checkpoint.model_name] for checkpoint in checkpoints]
    return np.asarray(np.average(np.asarray(values, np.float64), axis=0, weights=weights))


def average_answers(
    checkpoints: Sequence[Checkpoint], targets: Sequence[Target], raw: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the rounded mean of the models' answers, shape (n_rows, n_answers).

    Parameters
    ----------
    checkpoints, targets
        The models, and the targets from `join_targets`.
    raw
        The raw scores of each model, shape (n_rows, n_scores).
    """
    answers = [
        map_scores(Target.to_answer, checkpoint.targets, scores)
        for checkpoint, scores in zip(checkpoints, raw, strict=True)
    ]
    return map_answers(Target.round, targets, average_models(checkpoints, answers))


def average_bounds(
    checkpoints: Sequence[Checkpoint],
    targets: Sequence[Target],
    raw: Sequence[NDArray[np.float64]],
    answers: NDArray[np.float64],
    confidence: str,
) -> NDArray[np.float64]:
    """Return conformal sets and intervals, as `Predictions.bounds` has them; NaN where there is no answer.

    A set follows from the mean probabilities. The limits of an interval are the rounded means of the models'
    limits.

    Parameters
    ----------
    checkpoints, targets, raw
        As for `average_answers`.
    answers
        What it returned; NaN where a row has no answer.
    confidence
        `0.8`, `0.9` or `0.95`.
    """
    bounds = np.full((len(answers), len(targets), max(target.n_limits for target in targets)), np.nan)
    places = zip(targets, score_places(targets), answer_places(targets), strict=True)
    for i, (target, place, own) in enumerate(places):
        if target.task != "regression":
            bounds[:, i, : target.n_limits] = target.label_set(answers[:, own], confidence)
            continue
        intervals = [
            checkpoint.targets[i].interval(scores[:, place], confidence)
            for checkpoint, scores in zip(checkpoints, raw, strict=True)
        ]
        limits = average_models(checkpoints, intervals)
        limits[np.isnan(answers[:, own])] = np.nan
        bounds[:, i, :2] = np.stack([target.round(limits[:, 0]), target.round(limits[:, 1])], axis=1)
    return bounds


def join_levels(checkpoints: Sequence[Checkpoint]) -> Level:
    """Return how far all models standardize molecules.

    Raises
    ------
    CheckpointError
        They do not agree.
    """
    first, *others = [checkpoint.metadata.level for checkpoint in checkpoints]
    for other, checkpoint in zip(others, checkpoints[1:], strict=True):
        if other is not first:
            problem = f"it standardizes molecules to {other}, and the first model to {first}"
            hint = "train both with the same --standardization"
            raise CheckpointError(problem, path=checkpoint.path, hint=hint)
    return first


def join_targets(checkpoints: Sequence[Checkpoint]) -> list[Target]:
    """Return the targets that all checkpoints have, with the thresholds and limits for mean answers.

    Raises
    ------
    CheckpointError
        They do not have the same targets, or one of them is given twice.
    """
    first, *others = checkpoints
    digests = {first.digest}
    for checkpoint in others:
        require_same_targets(first, checkpoint)
        if checkpoint.digest in digests:
            raise CheckpointError("this model is given twice", path=checkpoint.path, hint="name another one")
        digests.add(checkpoint.digest)
    return [_join_target(checkpoints, i) for i in range(len(first.targets))]


def require_same_targets(first: Checkpoint, second: Checkpoint) -> None:
    """Refuse two checkpoints that predict different targets.

    Raises
    ------
    CheckpointError
        The names, the tasks or the order of their targets differ, what label 1 means, or their classes.
    """
    if [(t.name, t.task) for t in second.targets] != [(t.name, t.task) for t in first.targets]:
        problem = "its targets are not those of the other checkpoint"
        raise CheckpointError(problem, path=second.path, hint="train both on the same targets")
    for a, b in zip(first.targets, second.targets, strict=True):
        if [word.casefold() for word in a.classes] != [word.casefold() for word in b.classes]:
            problem = f"the classes of {b.name} are {', '.join(b.classes)}"
            hint = f"train both on the classes {', '.join(a.classes)}"
            raise CheckpointError(problem, path=second.path, hint=hint)
        if a.task == "binary" and a.words and b.words and a.words[1].casefold() != b.words[1].casefold():
            problem = f"label 1 of {b.name} is {b.words[1]!r}, and {a.words[1]!r} in the other checkpoint"
            raise CheckpointError(problem, path=second.path, hint="train both with the same --positive")
        if a.unit != b.unit:
            said, other = (found.unit or "no unit that is known" for found in (b, a))
            problem = f"{b.name} is answered in {said}, and in {other} by the other checkpoint"
            raise CheckpointError(problem, path=second.path, hint="train both in the same --unit")


def _join_target(checkpoints: Sequence[Checkpoint], i: int) -> Target:
    """Return a target with the means of thresholds and conformal limits, without calibration.

    Its bounds are the widest, and none where a model has none.
    """
    first, *others = targets = [checkpoint.targets[i] for checkpoint in checkpoints]
    threshold = None
    if any(target.threshold is not None for target in targets):
        thresholds = [target.decision_threshold for target in targets]
        threshold = round(float(average_models(checkpoints, thresholds)), PROBABILITY_DIGITS)
    levels = [level for level in first.conformal if all(level in target.conformal for target in others)]
    limits = {
        level: average_models(checkpoints, [target.conformal[level] for target in targets]).tolist()
        for level in levels
    }
    words = next((target.words for target in targets if target.words), None)
    lowest, highest = ([getattr(target, side) for target in targets] for side in ("lowest", "highest"))
    return Target(
        first.name,
        first.task,
        threshold=threshold,
        conformal=limits,
        words=words,
        unit=first.unit,
        lowest=None if None in lowest else min(lowest),
        highest=None if None in highest else max(highest),
    )


def open_domains(checkpoints: Sequence[Checkpoint]) -> list[Domain]:
    """Return the applicability domains of the models, one for all that learnt from the same molecules."""
    domains = {}
    for checkpoint in checkpoints:
        arrays, limits = checkpoint.reference, checkpoint.metadata.domain
        if len(arrays.domain_rows) > MAX_REFERENCES:
            problem = f"entry {REFERENCE} is damaged: more than {MAX_REFERENCES} domain_rows"
            raise CheckpointError(problem, path=checkpoint.path, hint=COPY)
        fingerprints = arrays.train_fingerprints[arrays.domain_rows]
        trained_on = fingerprints.tobytes(), arrays.environments.tobytes(), limits
        domains[trained_on] = Domain(fingerprints, arrays.environments, limits)
    return list(domains.values())


def open_ranks(checkpoints: Sequence[Checkpoint]) -> NDArray[np.float64] | None:
    """Return the sorted answers for the reference molecules; None unless all models have the same ones."""
    references = {checkpoint.metadata.reference for checkpoint in checkpoints}
    if len({reference and reference.digest for reference in references}) > 1 or None in references:
        return None
    answers = average_models(checkpoints, [_reference_answers(checkpoint) for checkpoint in checkpoints])
    known = answers[~np.isnan(answers).any(axis=1)]
    targets = checkpoints[0].targets
    return np.sort(map_answers(Target.rank, targets, known), axis=0) if len(known) else None


def _reference_answers(checkpoint: Checkpoint) -> NDArray[np.float64]:
    answers = checkpoint.reference.reference_answers
    if answers is None:
        problem = f"entry {REFERENCE} lacks reference_answers"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY)
    facts = checkpoint.metadata.reference
    if facts is None or answers.shape != (facts.molecules, count_answers(checkpoint.targets)):
        problem = f"entry {REFERENCE} has other answers than reference.molecules says"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY)
    return answers
