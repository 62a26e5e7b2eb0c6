"""The one scoring path: what predict, predict-file, evaluate and the server all call."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target import in_set, intervals, round_answers, to_answers
from servier.chem.molecules import MAX_ATOMS, InvalidMolecule, Mol, Row, SmilesRows, parse_all, parse_smiles
from servier.errors import CheckpointError
from servier.features.feature_set import Features
from servier.scoring.applicability_domain import DomainMeasures, find_environments
from servier.scoring.consensus import join_targets, mean_answer, open_domains, open_ranks
from servier.scoring.engines import Engine, FeatureEngine, RawScores, SequenceEngine, build_engine
from servier.scoring.predictions import Predictions, prediction_fields, rank_among

SENTINELS = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@H](N)C(=O)N1CCC[C@H]1C(=O)O",
    "O=C([O-])c1ccc(cc1)S(=O)(=O)NCC[NH3+].Cl",
)
SENTINEL_TOLERANCE = 1e-4


class Scorer:
    """Scores molecules with a checkpoint, or with the mean of several, in which model 1 counts twice.

    Parameters
    ----------
    checkpoints
        One or more, with the same targets.
    max_atoms
        The largest number of heavy atoms that is scored.
    n_smiles
        How many SMILES of a molecule model 2 averages over (test-time augmentation); None for as many as in
        training.
    confidences
        Of the conformal bounds that answers shall have: some of `0.8`, `0.9` and `0.95`. The bounds of
        several models are the mean of theirs. With any of them answers also say how familiar a molecule is,
        and which percentile of the reference molecules its scores are.

    Raises
    ------
    CheckpointError
        A checkpoint is damaged, does not fit the others, or reads molecules differently here from where it
        was trained.
    """

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        max_atoms: int = MAX_ATOMS,
        n_smiles: int | None = None,
        confidences: Sequence[str] = (),
    ) -> None:
        self.checkpoints = list(checkpoints)
        self.max_atoms = max_atoms
        self._confidences = confidences
        self.targets = join_targets(self.checkpoints)
        self._engines = [
            build_engine(checkpoint.metadata["input"], checkpoint.graphs) for checkpoint in self.checkpoints
        ]
        if n_smiles is not None and not any(isinstance(engine, SequenceEngine) for engine in self._engines):
            raise CheckpointError("model 1 averages over no randomized SMILES", hint="leave out --n_smiles")
        self._domains = open_domains(self.checkpoints) if confidences else []
        self._ranks = open_ranks(self.checkpoints) if confidences else None
        for checkpoint, engine in zip(self.checkpoints, self._engines, strict=True):
            _check_sentinels(checkpoint, engine)
            if n_smiles is not None and isinstance(engine, SequenceEngine):
                engine.n_smiles = n_smiles

    def score(self, smiles: Sequence[str]) -> Predictions:
        """Score SMILES strings, one answer for each, in order."""
        return self.score_rows([(text, None) for text in smiles])

    def score_rows(self, rows: Sequence[Row]) -> Predictions:
        """Score rows: a SMILES string each, and why the row cannot be used, or None."""
        constitution_only = all(engine.constitution_only for engine in self._engines)
        return self.score_molecules(SmilesRows(rows, self.max_atoms, constitution_only))

    def score_molecules(self, mols: Collection[Mol | InvalidMolecule]) -> Predictions:
        """Score molecules."""
        are_read_once = len(self._engines) == 1 and (
            not self._domains or self._engines[0].counts_environments
        )
        mols = mols if are_read_once else list(mols)
        return self._join([engine(mols) for engine in self._engines], mols)

    def score_features(self, features: Features, rows: Sequence[Row]) -> Predictions:
        """Score the features of molecules, computed by the `featurizers`.

        Parameters
        ----------
        features
            The features.
        rows
            The molecules; they are read only where answers shall say how familiar they are.
        """
        mols = SmilesRows(rows, constitution_only=True)
        return self._join([engine.score(features) for engine in self._feature_engines()], mols)

    @property
    def engines(self) -> list[Engine]:
        """What scores, one for each checkpoint."""
        return list(self._engines)

    @property
    def fields(self) -> dict[str, type]:
        """The columns that predictions add to a table, with the type of their values."""
        return prediction_fields(self.targets, self._confidences, has_percentiles=self._ranks is not None)

    @property
    def featurizers(self) -> list[dict[str, Any]]:
        """The specification of the features that all engines read.

        Raises
        ------
        CheckpointError
            A model reads no features, or others than the first one.
        """
        first, *others = [engine.features.specs for engine in self._feature_engines()]
        if any(specs != first for specs in others):
            raise CheckpointError("the models read different features", hint="score them one by one")
        return first

    def _feature_engines(self) -> list[FeatureEngine]:
        engines = [engine for engine in self._engines if isinstance(engine, FeatureEngine)]
        if len(engines) < len(self._engines):
            raise CheckpointError("model 2 reads SMILES strings, not features", hint="score the table itself")
        return engines

    def _join(self, scores: Sequence[RawScores], mols: Collection[Mol | InvalidMolecule]) -> Predictions:
        answers = []
        problems: list[InvalidMolecule | None] = [None] * len(scores[0].problems)
        for checkpoint, raw in zip(self.checkpoints, scores, strict=True):
            answers.append(to_answers(raw.values, checkpoint.targets))
            problems = [known or new for known, new in zip(problems, raw.problems, strict=True)]
        values = round_answers(mean_answer(self.checkpoints, answers), self.targets)
        is_missing = np.array([problem is not None for problem in problems], bool)
        values[is_missing] = np.nan
        bounds = {level: self._bound(scores, values, level) for level in self._confidences}
        domain = self._compare(scores, mols, ~is_missing) if self._domains else None
        percentiles = None if self._ranks is None else rank_among(values, self._ranks)
        return Predictions(self.targets, values, problems, bounds, domain, percentiles)

    def _compare(
        self,
        scores: Sequence[RawScores],
        mols: Collection[Mol | InvalidMolecule],
        is_scored: NDArray[np.bool_],
    ) -> DomainMeasures:
        """Say how familiar the molecules are that have a score."""
        counted = [
            raw.environments
            for raw in scores
            if raw.environments is not None and len(raw.environments) == is_scored.sum()
        ]
        environments = (
            counted[0]
            if counted
            else find_environments([mol for mol, is_ok in zip(mols, is_scored, strict=True) if is_ok])
        )
        found = [domain(environments) for domain in self._domains]
        return DomainMeasures.join(found).spread(is_scored)

    def _bound(
        self, scores: Sequence[RawScores], values: NDArray[np.float64], level: str
    ) -> NDArray[np.float64]:
        """Return conformal bounds: sets by the mean of the models' tables, else intervals with mean ends."""
        pairs = zip(self.checkpoints, scores, strict=True)
        own = [intervals(raw.values, model.targets, level) for model, raw in pairs]
        ends = mean_answer(self.checkpoints, own)
        bounds = np.stack([round_answers(ends[:, :, end], self.targets) for end in (0, 1)], axis=2)
        for i, target in enumerate(self.targets):
            if target.task == "binary":
                bounds[:, i] = in_set(values[:, i], target.conformal.get(level))
        bounds[np.isnan(values)] = np.nan
        return bounds


def make_sentinels(engine: Engine) -> list[dict[str, object]]:
    """Score the sentinel molecules, for a checkpoint to remember."""
    mols = parse_all(SENTINELS)
    scores = engine(mols).values.tolist()
    return [
        {"smiles": smiles, "input_sha256": engine.digest(mol), "scores": values}
        for smiles, mol, values in zip(SENTINELS, mols, scores, strict=True)
    ]


def sentinel_errors(checkpoint: Checkpoint, engine: Engine) -> NDArray[np.float64]:
    """Return for each sentinel molecule how far its scores are from those that the checkpoint remembers."""
    sentinels = checkpoint.metadata["sentinels"]
    expected = np.array([sentinel["scores"] for sentinel in sentinels])
    found = engine([parse_smiles(sentinel["smiles"]) for sentinel in sentinels]).values
    return np.asarray(np.abs(found - expected).max(axis=1))


def _check_sentinels(checkpoint: Checkpoint, engine: Engine) -> None:
    if not np.all(sentinel_errors(checkpoint, engine) <= SENTINEL_TOLERANCE):
        from rdkit import __version__ as here

        there = checkpoint.metadata["versions"].get("rdkit", "another version")
        problem = f"molecules read differently here (RDKit {here}) from where it was trained (RDKit {there})"
        raise CheckpointError(problem, path=checkpoint.path, hint="install that version, or train again")
