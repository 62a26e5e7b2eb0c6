"""How good a checkpoint is on rows that it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.baselines import Reference, measure_baselines
from servier.checkpoint import Checkpoint
from servier.datasets import Dataset
from servier.errors import DataError
from servier.molecules import InvalidMolecule, Mol, molecule_hash, parse_all
from servier.resampling import Scores, bootstrap
from servier.scoring import Scorer


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate`.

    Parameters
    ----------
    rows
        In words, which rows were scored.
    counts
        Rows scored, and rows that were not: trained on, unreadable, unlabelled.
    metrics
        For each target the metrics, each with its 95 % interval.
    baselines
        For each target the metrics of simple methods on the same rows, as `measure_baselines` returns them.
    """

    rows: str
    counts: dict[str, int]
    metrics: dict[str, dict[str, dict[str, float]]]
    baselines: dict[str, dict[str, dict[str, float]]]


def evaluate(checkpoint: Checkpoint, data: Dataset, seed: int = 0, workers: int = 1) -> Evaluation:
    """Score the rows of a data set that the model never saw.

    For the very data set that the model was trained on these are the rows that training held out. For any
    other they are all rows but those whose molecule, without its salts, was trained on.

    Parameters
    ----------
    checkpoint
        The model.
    data
        A labelled table with the model's targets.
    seed, workers
        Of the bootstrap, and number of processes, on which the result does not depend.

    Raises
    ------
    DataError
        No row is left.
    """
    mols = parse_all(data.smiles)
    unseen, n_trained_on, rows = unseen_rows(checkpoint, data, mols)
    if not len(unseen):
        mend = "evaluate on other molecules, or train with a --test_fraction above 0"
        raise DataError("the model was trained on every row of this table", path=data.path, mend=mend)
    predictions = Scorer([checkpoint]).score_molecules([mols[i] for i in unseen])
    measured = {}
    for i, target in enumerate(checkpoint.targets):
        y, values = data.y[unseen, i], predictions.values[:, i]
        known = ~np.isnan(y) & ~np.isnan(values)
        scores = Scores(values[known], target.threshold)
        measured[target.name] = bootstrap(y[known], scores, target.task, seed, workers)
    is_readable = np.array([problem is None for problem in predictions.problems])
    is_labelled = ~np.isnan(data.y[unseen]).all(axis=1)
    counts = {
        "scored": int(np.sum(is_readable & is_labelled)),
        "trained_on": n_trained_on,
        "unreadable": int(np.sum(~is_readable)),
        "unlabelled": int(np.sum(is_readable & ~is_labelled)),
    }
    return Evaluation(rows, counts, measured, _measure_baselines(checkpoint, data, unseen[is_readable], mols))


def _measure_baselines(
    checkpoint: Checkpoint, data: Dataset, rows: NDArray[np.int64], mols: Sequence[Any]
) -> dict[str, dict[str, dict[str, float]]]:
    reference = Reference(checkpoint.reference["train_fingerprints"], checkpoint.reference["train_y"])
    tasks = [target.task for target in checkpoint.targets]
    found = measure_baselines(reference, [mols[i] for i in rows], data.y[rows], tasks)
    return {target.name: methods for target, methods in zip(checkpoint.targets, found, strict=True)}


def unseen_rows(
    checkpoint: Checkpoint, data: Dataset, mols: Sequence[Mol | InvalidMolecule]
) -> tuple[NDArray[np.int64], int, str]:
    """Return the rows that a model never saw, how many it was trained on, and in words which rows these are.

    Parameters
    ----------
    checkpoint, data
        As for `evaluate`.
    mols
        What the rows of the table hold.
    """
    dataset = checkpoint.metadata["dataset"]
    if data.digest == dataset["digest"]:
        return checkpoint.reference["test_rows"], dataset["train_rows"], "the rows that training held out"
    trained = set(checkpoint.reference["train_molecules"].tolist())
    unseen = [
        i
        for i, mol in enumerate(mols)
        if isinstance(mol, InvalidMolecule) or molecule_hash(mol) not in trained
    ]
    what = "all rows but those with a molecule that the model was trained on"
    return np.array(unseen, np.int64), len(data) - len(unseen), what


def as_document(checkpoint: Checkpoint, evaluation: Evaluation, data: Dataset) -> dict[str, Any]:
    """Return an evaluation as a document that can be stored."""
    return {
        "model_name": checkpoint.model_name,
        "checkpoint": checkpoint.digest,
        "dataset": data.digest,
        "rows": evaluation.rows,
        "columns": dict(zip([target.name for target in checkpoint.targets], data.targets, strict=True)),
        "counts": evaluation.counts,
        "metrics": evaluation.metrics,
        "baselines": evaluation.baselines,
    }
