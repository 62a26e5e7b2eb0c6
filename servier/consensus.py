"""What several checkpoints that score together have in common."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from servier.answers import PROBABILITY_DIGITS
from servier.checkpoint import Checkpoint, Target
from servier.domain import Domain
from servier.errors import CheckpointError


def join_targets(checkpoints: Sequence[Checkpoint]) -> list[Target]:
    """Return the targets that all checkpoints have, with what holds of the mean of their answers.

    Raises
    ------
    CheckpointError
        They do not have the same targets.
    """
    first, *others = [checkpoint.targets for checkpoint in checkpoints]
    for checkpoint, targets in zip(checkpoints[1:], others, strict=True):
        if [(t.name, t.task) for t in targets] != [(t.name, t.task) for t in first]:
            problem = "its targets are not those of the other checkpoint"
            raise CheckpointError(problem, path=checkpoint.path, mend="train both on the same targets")
    return [_join_target([own[i] for own in (first, *others)]) for i in range(len(first))]


def _join_target(models: Sequence[Target]) -> Target:
    """Return what holds of the mean of several models: the means of their thresholds and conformal tables."""
    thresholds = [target.threshold for target in models if target.threshold is not None]
    threshold = round(float(np.mean(thresholds)), PROBABILITY_DIGITS) if thresholds else None
    levels = [level for level in models[0].conformal if all(level in target.conformal for target in models)]
    tables = {
        level: np.mean([target.conformal[level] for target in models], axis=0).tolist() for level in levels
    }
    return Target(models[0].name, models[0].task, threshold=threshold, conformal=tables)


def open_domains(checkpoints: Sequence[Checkpoint]) -> list[Domain]:
    """Return what each model was trained on, once where several were trained on the same."""
    domains = {}
    for checkpoint in checkpoints:
        arrays, limits = checkpoint.reference, checkpoint.metadata["domain"]
        fingerprints = arrays["train_fingerprints"][arrays["domain_rows"]]
        trained_on = fingerprints.tobytes(), arrays["environments"].tobytes(), tuple(limits.values())
        domains[trained_on] = Domain(fingerprints, arrays["environments"], limits)
    return list(domains.values())


def open_ranks(checkpoints: Sequence[Checkpoint]) -> NDArray[np.float64] | None:
    """Return the answers for the reference molecules, sorted; None unless all models have the same ones."""
    digests = {checkpoint.metadata.get("reference", {}).get("digest") for checkpoint in checkpoints}
    if len(digests) > 1 or None in digests:
        return None
    answers = np.mean([checkpoint.reference["reference_answers"] for checkpoint in checkpoints], axis=0)
    return np.sort(answers[~np.isnan(answers).any(axis=1)], axis=0)
