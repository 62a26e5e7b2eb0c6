"""Whether one checkpoint is better than another."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target_columns import answer_places
from servier.chem.molecules import parse_all
from servier.data.datasets import Dataset
from servier.errors import DataError
from servier.evaluation.bootstrap import STANDARD, Difference, Resampling, Scores, compare
from servier.evaluation.unseen import find_unseen, require_scored
from servier.metrics.measures import LOWER_IS_BETTER
from servier.scoring.consensus import require_same_targets
from servier.scoring.scorer import Scorer

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """The result of `compare_checkpoints`.

    Parameters
    ----------
    scored, seen
        The number of rows that both models were compared on, and of those left out because one of the models
        was trained on the molecule.
    metrics
        For each target and metric, what `servier.evaluation.bootstrap.compare` returns.
    """

    scored: int
    seen: int
    metrics: dict[str, dict[str, Difference]]


def compare_checkpoints(
    first: Checkpoint, second: Checkpoint, data: Dataset, resampling: Resampling = STANDARD
) -> Comparison:
    """Compare two models on the rows that neither of them was trained on.

    Parameters
    ----------
    first, second
        The models, with the same targets.
    data
        A labelled table with these targets.
    resampling
        How rows are resampled for the intervals.

    Raises
    ------
    CheckpointError
        The targets differ.
    DataError
        No row is left, or none of them has a molecule that can be scored and a label.
    """
    require_same_targets(first, second)
    levels = {first.metadata.level, second.metadata.level}
    read = {level: parse_all(data.smiles, level=level) for level in levels}
    models = [(model, read[model.metadata.level]) for model in (first, second)]
    unseen = [find_unseen(model, data, mols).rows for model, mols in models]
    rows = np.intersect1d(unseen[0], unseen[1])
    if not len(rows):
        hint = "compare them on molecules that are new to both"
        raise DataError("one of the models was trained on every row of this table", path=data.path, hint=hint)
    both = [Scorer([model]).score_molecules([mols[i] for i in rows]).values for model, mols in models]
    has_score = ~np.isnan(both[0]).any(axis=1) & ~np.isnan(both[1]).any(axis=1)
    require_scored(data, rows, rows[has_score])
    is_labelled = ~np.isnan(data.y[rows]).all(axis=1)
    metrics = {}
    places = answer_places(first.targets)
    for i, (a, b, place) in enumerate(zip(first.targets, second.targets, places, strict=True)):
        y = data.y[rows, i]
        known = has_score & ~np.isnan(y)
        scores = [Scores(v[known, place], target.threshold) for v, target in zip(both, (a, b), strict=True)]
        relations = None if data.relations is None else data.relations[rows[known], i]
        metrics[a.name] = compare(y[known], scores[0], scores[1], a.task, resampling, relations)
    return Comparison(int(np.sum(has_score & is_labelled)), len(data) - len(rows), metrics)


def judge(name: str, found: Difference) -> str:
    """Return which of two models a metric favours: `first`, `second` or `neither`."""
    if found.p_value > SIGNIFICANT:
        return "neither"
    return "second" if (found.difference > 0) != (name in LOWER_IS_BETTER) else "first"


def as_document(first: Checkpoint, second: Checkpoint, data: Dataset, found: Comparison) -> dict[str, Any]:
    """Return a comparison as a document that can be stored."""
    return {
        "first": _identify(first),
        "second": _identify(second),
        "dataset": data.digest,
        "counts": {"scored": found.scored, "seen": found.seen},
        "units": {target.name: target.unit for target in first.targets if target.unit is not None},
        "metrics": {
            target: {
                name: asdict(values) | {"better": judge(name, values)} for name, values in measured.items()
            }
            for target, measured in found.metrics.items()
        },
    }


def _identify(checkpoint: Checkpoint) -> dict[str, str]:
    name = Path(checkpoint.path or "").name
    return {"model_name": checkpoint.model_name, "file": name, "checkpoint": checkpoint.digest}
