"""From training rows to a fitted model and an engine that runs it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.chem.spelling import augmented_smiles, canonical_mol, random_smiles
from servier.chem.tokens import Tokenizer
from servier.data.datasets import Dataset
from servier.data.folds import Indices
from servier.errors import DataError
from servier.features.computing import compute_features
from servier.features.feature_file import read_features
from servier.features.feature_set import FeatureSet
from servier.models import boosting_recipe, fine_tuning_recipe, sequence_problem
from servier.models.encoder import EncoderWeights, read_encoder
from servier.models.fitted_model import FittedModel
from servier.scoring.engines import Engine, FeatureEngine, SequenceEngine
from servier.training.options import Options
from servier.training.rows import TrainingRows
from servier.training.score_labels import ScoreLabels

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """A fitted model, ready to score.

    Parameters
    ----------
    model
        The graphs and the native model.
    engine
        The engine that scores molecules with the graphs.
    """

    model: FittedModel
    engine: Engine


def fit_features(
    rows: TrainingRows, labels: ScoreLabels, options: Options, recipe: boosting_recipe.Recipe
) -> Fitted:
    """Fit model 1.

    Parameters
    ----------
    rows
        The rows to train on.
    labels
        The labels of each raw score.
    options, recipe
        As for `train`.
    """
    from servier.models import boosting

    boosting.check(recipe)
    problem = prepare_features(rows, labels, options, recipe.folds)
    logger.info("training on %s features", problem.X.shape[1])
    model = boosting.fit(problem, recipe, options.seed, logger.info)
    return Fitted(model, FeatureEngine(options.featurizers, model.graphs))


def prepare_features(
    rows: TrainingRows, labels: ScoreLabels, options: Options, n_folds: int
) -> boosting_recipe.Problem:
    """Compute or read the features of the training rows, and divide the rows into folds.

    Parameters
    ----------
    rows, labels, options
        As for `fit_features`.
    n_folds
        The number of folds of each target, which all of its raw scores have in common.
    """
    folds = [rows.target_folds(i, n_folds, options.seed) for i in range(len(rows.data.targets))]
    featurizers = options.featurizers
    features = FeatureSet(featurizers)
    return boosting_recipe.Problem(
        X=_features(rows, featurizers, options),
        is_count=features.is_count,
        kinds=features.kinds,
        y=labels.y,
        tasks=labels.tasks,
        folds=[folds[target] for target in labels.targets],
        workers=options.workers,
        relations=labels.relations,
        weights=labels.weights,
    )


def _features(rows: TrainingRows, featurizers: list[dict[str, Any]], options: Options) -> NDArray[np.float32]:
    known = read_features(rows.data.path, featurizers, options.level)
    if known is None:
        logger.info("computing features")
        return _compute(rows.data, rows.train, featurizers, options)
    rows.data.require_unchanged()
    places = np.array(rows.data.lines)[rows.train] - 1
    X = np.asarray(known.X[places])
    lacking = np.flatnonzero([known.problems[place] is not None for place in places])
    if len(lacking):
        logger.info("computing the features of %s rows, which %s lacks", len(lacking), rows.data.path)
        X[lacking] = _compute(rows.data, rows.train[lacking], featurizers, options)
    return X


def _compute(
    data: Dataset, rows: Indices, featurizers: list[dict[str, Any]], options: Options
) -> NDArray[np.float32]:
    """Compute the features of rows; refuse a row that has none, for a model would learn from zeros."""
    found = compute_features([data.smiles[row] for row in rows], featurizers, options.workers, options.level)
    for row, problem in zip(rows, found.problems, strict=True):
        if problem is not None:
            hint = "leave this molecule out"
            raise DataError(f"no features: {problem.reason}", path=data.path, row=data.lines[row], hint=hint)
    return found.X


def fit_sequences(
    rows: TrainingRows, labels: ScoreLabels, options: Options, recipe: fine_tuning_recipe.Recipe
) -> Fitted:
    """Fit model 2; the parameters are those of `fit_features`."""
    from servier.models import smiles_network

    problem = prepare_sequences(rows, labels, options, recipe)
    model = smiles_network.fit(problem, recipe, options.seed, options.workers, logger.info)
    vocabulary = problem.tokenizer.vocabulary
    return Fitted(model, SequenceEngine(vocabulary, recipe.n_smiles, options.seed, model.graphs))


def prepare_sequences(
    rows: TrainingRows, labels: ScoreLabels, options: Options, recipe: fine_tuning_recipe.Recipe
) -> sequence_problem.Problem:
    """Write the molecules of the training rows as SMILES, and divide the rows into folds.

    Parameters
    ----------
    rows, labels, options
        As for `fit_features`.
    recipe
        The number of SMILES and of folds, and the encoder to start from.
    """
    pretrained = _read_encoder(recipe.encoder)
    randomize = partial(_randomize, [canonical_mol(mol) for mol in rows.mols], options.seed)
    if pretrained is None:
        tokenizer = Tokenizer.from_smiles(text for epoch in range(3) for text in randomize(epoch))
    else:
        tokenizer = Tokenizer(pretrained.vocabulary)
    return sequence_problem.Problem(
        randomize=randomize,
        scored=[augmented_smiles(mol, recipe.n_smiles, options.seed) for mol in rows.mols],
        tokenizer=tokenizer,
        y=labels.y,
        tasks=labels.tasks,
        folds=rows.folds(recipe.folds, options.seed),
        pretrained=pretrained,
        relations=labels.relations,
        weights=labels.weights,
    )


def _read_encoder(name: str) -> EncoderWeights | None:
    """Read the encoder that a recipe names."""
    if name == fine_tuning_recipe.NONE:
        return None
    return read_encoder(None if name == fine_tuning_recipe.SHIPPED else name)


def _randomize(mols: Sequence[Mol], seed: int, epoch: int) -> list[str]:
    """Return a randomized SMILES of each molecule, a new one for each epoch."""
    return [random_smiles(mol, 1, seed * 1_000_003 + epoch)[0] for mol in mols]
