"""From a labelled table to a checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.archive import pack_lines
from servier.checkpoint.file import Checkpoint, graph_name, make_checkpoint
from servier.checkpoint.metadata import DatasetFacts, DuplicateRules, Metadata, Metrics, SplitFacts
from servier.checkpoint.reference import REFERENCE, ReferenceArrays, encode_reference
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import answer_places
from servier.checkpoint.versions import installed_versions
from servier.chem.identity import identity_hashes
from servier.chem.molecules import canonical_smiles
from servier.chem.similarity import fingerprints
from servier.data.datasets import Dataset
from servier.metrics import measures
from servier.models import boosting_recipe
from servier.scoring.applicability_domain import fit_domain
from servier.scoring.inputs import write_input
from servier.scoring.scorer import Scorer
from servier.scoring.sentinels import make_sentinels
from servier.training.fitting import Fitted, fit_features, fit_sequences
from servier.training.options import Options
from servier.training.recipes import Recipe
from servier.training.reference import ReferenceMolecules, read_reference
from servier.training.rows import TrainingRows, select_rows
from servier.training.score_labels import code_labels
from servier.training.target_transform import TargetTransform
from servier.training.targets import make_target, measure_held_out
from servier.training.weights import describe_weights, log_weights

__all__ = ["Options", "train", "train_on", "transform_labels"]

logger = logging.getLogger(__name__)

PACKAGES = ("rdkit", "numpy", "onnxruntime", "onnx", "lightgbm", "tensorflow-cpu", "tensorflow", "keras")


def train(data: Dataset, options: Options, recipe: Recipe) -> Checkpoint:
    """Train a model from scratch.

    Parameters
    ----------
    data
        The labelled table.
    options
        Which model, and how its rows are split.
    recipe
        How it learns.

    Returns
    -------
    The checkpoint, with the metrics on the rows that were held out.

    Raises
    ------
    DataError
        Too few molecules are readable, or the test rows cannot be split off.
    """
    return train_on(select_rows(data, options), options, recipe)


def train_on(rows: TrainingRows, options: Options, recipe: Recipe) -> Checkpoint:
    """Train a model from scratch on rows that are chosen already; parameters and result as for `train`."""
    reference = read_reference(options.reference, options.level) if options.reference else None
    transforms, transformed = transform_labels(rows)
    labels = code_labels(transformed, rows.data, rows.relations, rows.weights)
    _describe(rows, transforms)
    if isinstance(recipe, boosting_recipe.Recipe):
        fitted = fit_features(rows, labels, options, recipe)
    else:
        fitted = fit_sequences(rows, labels, options, recipe)
    raw, data = fitted.model.held_out, rows.data
    learnt = [rows.labels_of(i) for i in range(len(data.targets))]
    targets = [
        replace(make_target(own, transform, raw[:, place]), unit=data.units.get(own.name))
        for own, transform, place in zip(learnt, transforms, labels.places, strict=True)
    ]
    held_out = {
        own.name: measure_held_out(own, transform, raw[:, place], options.seed)
        for own, transform, place in zip(learnt, transforms, labels.places, strict=True)
    }
    measured = Metrics(
        held_out={name: found.metrics for name, found in held_out.items()},
        coverage={name: found.coverage for name, found in held_out.items()},
        test={},
    )
    checkpoint = _make_checkpoint(rows, options, fitted, targets, measured, reference)
    measured = replace(measured, test=_measure_test(rows, checkpoint))
    return make_checkpoint(replace(checkpoint.metadata, metrics=measured), checkpoint.entries)


def transform_labels(rows: TrainingRows) -> tuple[list[TargetTransform], NDArray[np.float64]]:
    """Return the transform of each target, and the labels in its units, shape (n_train, n_targets)."""
    transforms = [
        TargetTransform.fit(y, task, rows.relations_of(i))
        for i, (y, task) in enumerate(zip(rows.y.T, rows.data.tasks, strict=True))
    ]
    return transforms, np.stack([t.apply(y) for t, y in zip(transforms, rows.y.T, strict=True)], axis=1)


def _describe(rows: TrainingRows, transforms: Sequence[TargetTransform]) -> None:
    for name, task, fitted in zip(rows.data.targets, rows.data.tasks, transforms, strict=True):
        logger.info("target %s: %s%s", name, task, ", learnt as a logarithm" if fitted.transform else "")
    reasons = ["unreadable", "unlabelled"]
    reasons += ["without weight"] if rows.data.weights is not None else []
    reasons += ["in conflict"] if rows.conflicts else []
    logger.info(
        "%s molecules for training, %s rows for testing, %s left out (%s), %s duplicates",
        len(rows.train), len(rows.test), rows.left_out, ", ".join(reasons), rows.duplicates,
    )  # fmt: skip
    if rows.relations is not None:
        logger.info("%s labels for training are bounds", np.count_nonzero(rows.relations))
    if rows.data.weights is not None:
        log_weights(rows.data.weights.column, rows.weights, rows.data.targets)
    if rows.conflicts:
        logger.warning("%s molecules have labels that differ; servier check shows them", rows.conflicts)


def _make_checkpoint(
    rows: TrainingRows,
    options: Options,
    fitted: Fitted,
    targets: list[Target],
    measured: Metrics,
    reference: ReferenceMolecules | None,
) -> Checkpoint:
    known = fingerprints(rows.mols)
    domain = fit_domain(known, rows.mols, options.seed)
    metadata = Metadata(
        model_name=options.model_name,
        preset=options.preset if options.model_name == "1" else None,
        input=write_input(fitted.engine.input),
        standardization=options.standardization,
        dataset=_describe_dataset(rows),
        split=SplitFacts(rows.strategy, rows.data.split_column, options.test_fraction),
        duplicates=DuplicateRules(options.same_molecule, options.conflicts),
        seed=options.seed,
        training=fitted.model.notes,
        metrics=measured,
        domain=domain.limits,
        sentinels=make_sentinels(fitted.engine, options.level),
        versions=installed_versions(*PACKAGES),
        reference=None if reference is None else reference.describe(),
        targets=targets,
    )
    arrays = ReferenceArrays(
        train_lines=np.array(rows.data.lines, np.int64)[rows.train],
        train_identities=np.array([identity_hashes(mol) for mol in rows.mols], np.uint64),
        test_rows=rows.test,
        train_smiles=pack_lines([canonical_smiles(mol) for mol in rows.mols]),
        train_fingerprints=known,
        train_y=rows.y.astype(np.float32),
        train_relations=rows.relations,
        train_scores=fitted.model.held_out.astype(np.float32),
        domain_rows=domain.rows,
        environments=domain.environments,
        reference_answers=None if reference is None else reference.answer(fitted.engine, targets),
    )
    graphs = {graph_name(i): graph for i, graph in enumerate(fitted.model.graphs)}
    entries = {**graphs, REFERENCE: encode_reference(arrays), **fitted.model.native}
    return make_checkpoint(metadata, entries)


def _describe_dataset(rows: TrainingRows) -> DatasetFacts:
    weights = rows.data.weights
    return DatasetFacts(
        file=Path(rows.data.path).name,
        digest=rows.data.digest,
        rows=len(rows.data),
        train_rows=len(rows.train),
        test_rows=len(rows.test),
        left_out=rows.left_out,
        duplicates=rows.duplicates,
        conflicts=rows.conflicts,
        bounds=None if rows.relations is None else int(np.count_nonzero(rows.relations)),
        weights=None if weights is None else describe_weights(weights.column, rows.weights, rows.y),
    )


def _measure_test(rows: TrainingRows, checkpoint: Checkpoint) -> dict[str, dict[str, float]]:
    if not len(rows.test):
        return {}
    predictions = Scorer([checkpoint]).score_molecules(rows.test_mols)
    y, relations, values = rows.data.y[rows.test], rows.data.relations, predictions.values
    measured = {}
    for i, (target, place) in enumerate(
        zip(checkpoint.targets, answer_places(checkpoint.targets), strict=True)
    ):
        known = ~np.isnan(y[:, i]) & ~np.isnan(target.label(values[:, place]))
        measured[target.name] = measures.measure(
            y[known, i], values[known, place], target.task, target.threshold,
            None if relations is None else relations[rows.test[known], i],
        )  # fmt: skip
    return measured
