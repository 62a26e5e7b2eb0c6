"""What several checkpoints that score together have in common."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target import PROBABILITY_DIGITS, Target
from servier.errors import CheckpointError
from servier.scoring.applicability_domain import Domain

# What a model counts in a mean of several: chosen by cross-validation, docs/quality.md.
WEIGHTS = {"1": 2.0, "2": 1.0}


def mean_answer(checkpoints: Sequence[Checkpoint], values: ArrayLike) -> NDArray[np.float64]:
    """Return the mean over several models, in which model 1 counts twice as much as model 2.

    Parameters
    ----------
    checkpoints
        The models.
    values
        Something of each model, float64, shape (n_models, ...).
    """
    weights = [WEIGHTS[checkpoint.model_name] for checkpoint in checkpoints]
    return np.asarray(np.average(np.asarray(values, np.float64), axis=0, weights=weights))


def join_targets(checkpoints: Sequence[Checkpoint]) -> list[Target]:
    """Return the targets that all checkpoints have, with what holds of the mean of their answers.

    Raises
    ------
    CheckpointError
        They do not have the same targets, or one of them is given twice.
    """
    first, *others = [checkpoint.targets for checkpoint in checkpoints]
    digests = {checkpoints[0].digest}
    for checkpoint, targets in zip(checkpoints[1:], others, strict=True):
        if [(t.name, t.task) for t in targets] != [(t.name, t.task) for t in first]:
            problem = "its targets are not those of the other checkpoint"
            raise CheckpointError(problem, path=checkpoint.path, hint="train both on the same targets")
        if checkpoint.digest in digests:
            raise CheckpointError("this model is given twice", path=checkpoint.path, hint="name another one")
        digests.add(checkpoint.digest)
    return [_join_target(checkpoints, i) for i in range(len(first))]


def _join_target(checkpoints: Sequence[Checkpoint], i: int) -> Target:
    """Return what holds of the mean of several models: the means of their thresholds and conformal tables."""
    first, *others = targets = [checkpoint.targets[i] for checkpoint in checkpoints]
    thresholds = [target.threshold for target in targets if target.threshold is not None]
    threshold = round(float(mean_answer(checkpoints, thresholds)), PROBABILITY_DIGITS) if thresholds else None
    levels = [level for level in first.conformal if all(level in target.conformal for target in others)]
    tables = {
        level: mean_answer(checkpoints, [target.conformal[level] for target in targets]).tolist()
        for level in levels
    }
    return Target(first.name, first.task, threshold=threshold, conformal=tables)


def open_domains(checkpoints: Sequence[Checkpoint]) -> list[Domain]:
    """Return what each model was trained on, once where several were trained on the same."""
    domains = {}
    for checkpoint in checkpoints:
        arrays, limits = checkpoint.reference, checkpoint.metadata.domain
        fingerprints = arrays["train_fingerprints"][arrays["domain_rows"]]
        trained_on = fingerprints.tobytes(), arrays["environments"].tobytes(), limits
        domains[trained_on] = Domain(fingerprints, arrays["environments"], limits)
    return list(domains.values())


def open_ranks(checkpoints: Sequence[Checkpoint]) -> NDArray[np.float64] | None:
    """Return the answers for the reference molecules, sorted; None unless all models have the same ones."""
    references = [checkpoint.metadata.reference for checkpoint in checkpoints]
    digests = {None if reference is None else reference.digest for reference in references}
    if len(digests) > 1 or None in digests:
        return None
    answers = mean_answer(
        checkpoints, [checkpoint.reference["reference_answers"] for checkpoint in checkpoints]
    )
    return np.sort(answers[~np.isnan(answers).any(axis=1)], axis=0)
