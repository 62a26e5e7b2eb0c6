"""From a labelled table to a checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier import __version__, metrics
from servier.archives import pack_arrays
from servier.calibration import calibrate
from servier.checkpoint import GRAPH, REFERENCE, Checkpoint, Target, make_checkpoint
from servier.datasets import Dataset
from servier.engines import FeatureEngine, SequenceEngine
from servier.errors import DataError
from servier.features import PRESETS, FeatureSet
from servier.features.computing import compute_features
from servier.features.store import feature_specification, read_features
from servier.models import FittedModel
from servier.molecules import InvalidMolecule, Mol, molecule_hash, parse_all, scaffold_smiles, smiles_views
from servier.scoring import Scorer, make_sentinels, to_answers
from servier.splitting import Indices, group_numbers, split_by_column, split_folds, split_test

logger = logging.getLogger(__name__)

SHOWN = 5
PACKAGES = ("rdkit", "numpy", "onnxruntime", "onnx", "lightgbm", "tensorflow-cpu", "tensorflow", "keras")


@dataclass(frozen=True)
class Options:
    """How to train, apart from the recipe.

    Parameters
    ----------
    model_name
        `1` or `2`.
    preset
        `fast` or `accurate`: the features of model 1.
    split, test_fraction
        How rows are held out for testing: `scaffold` or `random`, and which share; 0 trains on all rows. A
        split column of the data set takes precedence.
    seed, workers
        The same seed gives the same model; the number of processes does not matter.
    """

    model_name: str = "1"
    preset: str = "accurate"
    split: str = "scaffold"
    test_fraction: float = 0.2
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class _Rows:
    """The rows that can be used, and what they are used for."""

    data: Dataset
    mols: list[Mol]
    kept: Indices
    train: Indices
    test: Indices
    groups: Indices

    @property
    def y_train(self) -> NDArray[np.float64]:
        return self.data.y[self.kept[self.train]]

    @property
    def train_mols(self) -> list[Mol]:
        return [self.mols[i] for i in self.train]

    def train_folds(self, n_folds: int, seed: int) -> list[tuple[Indices, Indices]]:
        n_folds = max(2, min(n_folds, len(np.unique(self.groups[self.train]))))
        return split_folds(self.y_train[:, 0], self.data.tasks[0], self.groups[self.train], n_folds, seed)


def train(data: Dataset, options: Options, recipe: dict[str, Any]) -> Checkpoint:
    """Train a model from scratch.

    Parameters
    ----------
    data
        The labelled table.
    options
        Which model, and how its rows are split.
    recipe
        Fields of the model's recipe that differ from the defaults.

    Returns
    -------
    The checkpoint, with the metrics on the rows that were held out.

    Raises
    ------
    DataError
        Too few molecules are readable, or the test rows cannot be split off.
    """
    for name, task in zip(data.targets, data.tasks, strict=True):
        logger.info("target %s: %s", name, task)
    rows = _select_rows(data, options)
    logger.info(
        "%s rows for training, %s for testing, %s left out (unreadable or unlabelled)",
        len(rows.train), len(rows.test), len(data) - len(rows.kept),
    )  # fmt: skip
    fit = _fit_features if options.model_name == "1" else _fit_sequences
    fitted, engine, held_out = fit(rows, options, recipe)
    targets = [
        calibrate(name, task, rows.y_train[:, i], held_out[:, i])
        for i, (name, task) in enumerate(zip(data.targets, data.tasks, strict=True))
    ]
    metadata: dict[str, Any] = {
        "model_name": options.model_name,
        "preset": options.preset if options.model_name == "1" else None,
        "input": engine.spec,
        "dataset": {
            "file": Path(data.path).name,
            "digest": data.digest,
            "rows": len(data),
            "left_out": len(data) - len(rows.kept),
            "train_rows": len(rows.train),
            "test_rows": len(rows.test),
        },
        "split": {
            "strategy": "column" if data.split else options.split,
            "test_fraction": options.test_fraction,
        },
        "seed": options.seed,
        "training": fitted.notes,
        "metrics": {"held_out": _measure_held_out(rows, targets, held_out)},
        "sentinels": make_sentinels(engine),
        "versions": {"servier": __version__, **_installed_versions()},
    }
    arrays = {
        "train_molecules": np.unique(np.array([molecule_hash(mol) for mol in rows.train_mols], np.uint64)),
        "test_rows": rows.kept[rows.test],
    }
    members = {GRAPH: fitted.graph, REFERENCE: pack_arrays(arrays), **fitted.native}
    checkpoint = make_checkpoint(metadata, targets, members)
    tested = _measure_test(rows, checkpoint)
    return replace(
        checkpoint, metadata=checkpoint.metadata | {"metrics": metadata["metrics"] | {"test": tested}}
    )


def _select_rows(data: Dataset, options: Options) -> _Rows:
    parsed = parse_all(data.smiles)
    has_label = ~np.isnan(data.y).all(axis=1)
    readable = np.array([not isinstance(mol, InvalidMolecule) for mol in parsed])
    unreadable = np.flatnonzero(has_label & ~readable)
    for row in unreadable[:SHOWN]:
        logger.warning("%s, line %s: left out: %s", data.path, data.lines[row], parsed[row].reason)
    if len(unreadable) > SHOWN:
        logger.warning("and %s more unreadable molecules", len(unreadable) - SHOWN)
    kept = np.flatnonzero(has_label & readable)
    if len(kept) < 20:
        mend = "check the SMILES column, or name it with --smiles_column"
        raise DataError(
            f"only {len(kept)} rows have a readable molecule and a label", path=data.path, mend=mend
        )
    mols = [parsed[i] for i in kept]
    groups = np.arange(len(kept))
    if options.split == "scaffold":
        groups = group_numbers([scaffold_smiles(mol) for mol in mols])
    if data.split is not None:
        train_rows, test_rows = split_by_column([data.split[i] for i in kept], data.path, "split")
    else:
        labels = data.y[kept, 0]
        train_rows, test_rows = split_test(labels, data.tasks[0], groups, options.test_fraction, options.seed)
    return _Rows(data, mols, kept, train_rows, test_rows, groups)


def _fit_features(
    rows: _Rows, options: Options, changes: dict[str, Any]
) -> tuple[FittedModel, FeatureEngine, NDArray[np.float64]]:
    from servier.models import lightgbm

    recipe = replace(lightgbm.PRESETS[options.preset], **changes)
    featurizers = PRESETS[options.preset]
    if feature_specification(rows.data.path) is not None:
        features = read_features(rows.data.path, featurizers)
        X = features.X[np.array(rows.data.lines)[rows.kept[rows.train]] - 1]
    else:
        logger.info("computing features")
        smiles = [rows.data.smiles[i] for i in rows.kept[rows.train]]
        X = compute_features(smiles, featurizers, options.workers).X
    logger.info("training on %s features", X.shape[1])
    folds = rows.train_folds(recipe.folds, options.seed)
    fitted = lightgbm.fit(
        X, FeatureSet(featurizers).is_count, rows.y_train, rows.data.tasks, folds, recipe, options.seed,
        options.workers,
    )  # fmt: skip
    return fitted, FeatureEngine(featurizers, fitted.graph), fitted.held_out


def _fit_sequences(
    rows: _Rows, options: Options, changes: dict[str, Any]
) -> tuple[FittedModel, SequenceEngine, NDArray[np.float64]]:
    from servier.features.tokens import Tokenizer
    from servier.models import smiles_network

    recipe = replace(smiles_network.Recipe(), **changes)
    mols = rows.train_mols
    views = partial(_epoch_views, mols, options.seed)
    tokenizer = Tokenizer.from_smiles(text for epoch in range(3) for text in views(epoch))
    n_folds = round(1 / recipe.validation_fraction)
    _, validation = rows.train_folds(n_folds, options.seed)[0]
    fitted = smiles_network.fit(
        views, rows.y_train, rows.data.tasks, validation, tokenizer, recipe, options.seed, logger.info
    )
    engine = SequenceEngine(tokenizer.vocabulary, recipe.views, options.seed, fitted.graph)
    held_out = fitted.held_out.copy()
    held_out[validation] = engine([mols[i] for i in validation]).values
    return fitted, engine, held_out


def _epoch_views(mols: Sequence[Mol], seed: int, epoch: int) -> list[str]:
    """Return a SMILES string of each molecule: canonical for epoch 0, random for the others."""
    if epoch == 0:
        return [smiles_views(mol, 1, seed)[0] for mol in mols]
    return [smiles_views(mol, 2, seed * 1_000_003 + epoch)[1] for mol in mols]


def _measure_held_out(
    rows: _Rows, targets: list[Target], raw: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    return _measure(rows.y_train, to_answers(raw, targets), targets)


def _measure_test(rows: _Rows, checkpoint: Checkpoint) -> dict[str, dict[str, float]]:
    if not len(rows.test):
        return {}
    predictions = Scorer([checkpoint]).score_molecules([rows.mols[i] for i in rows.test])
    return _measure(rows.data.y[rows.kept[rows.test]], predictions.values, checkpoint.targets)


def _measure(
    y: NDArray[np.float64], values: NDArray[np.float64], targets: Sequence[Target]
) -> dict[str, dict[str, float]]:
    measured = {}
    for i, target in enumerate(targets):
        known = ~np.isnan(y[:, i]) & ~np.isnan(values[:, i])
        measured[target.name] = metrics.measure(y[known, i], values[known, i], target.task, target.threshold)
    return measured


def _installed_versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
