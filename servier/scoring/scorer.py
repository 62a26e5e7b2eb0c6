"""The one scoring path, which predict, predict-file, evaluate and the server all call."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import map_answers
from servier.chem.changes import Noted, changes_of
from servier.chem.forms import count_open_stereo
from servier.chem.levels import Level
from servier.chem.molecules import MAX_ATOMS, InvalidMolecule, Mol, Row, SmilesRows, parse_all
from servier.errors import CheckpointError
from servier.features.feature_set import Features
from servier.features.morgan import Environments
from servier.scoring.applicability_domain import DomainMeasures, find_environments
from servier.scoring.consensus import (
    average_answers,
    average_bounds,
    join_levels,
    join_targets,
    open_domains,
    open_ranks,
)
from servier.scoring.engines import Engine, FeatureEngine, RawScores, SequenceEngine, build_engine
from servier.scoring.inputs import any_reads_stereo
from servier.scoring.prediction_fields import prediction_fields, require_unlike_fields
from servier.scoring.predictions import Predictions, rank_among
from servier.scoring.sentinels import require_sentinels
from servier.scoring.spreads import NO_FORMS, Forms, measure_spread, require_unlike_forms


class Scorer:
    """Scores molecules with one checkpoint, or with the mean of several, in which model 1 counts twice.

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
        The confidences of the conformal sets and intervals that answers shall have: some of `0.8`, `0.9` and
        `0.95`. With any of them answers also have the measures of the applicability domain, and percentiles
        among the reference molecules.
    forms
        Of which forms of a molecule there are answers too, where rows are scored.

    Raises
    ------
    CheckpointError
        A checkpoint is damaged, does not fit the others, or does not reproduce the sentinels' scores here; or
        all forms have one answer.
    """

    def __init__(
        self,
        checkpoints: Sequence[Checkpoint],
        max_atoms: int = MAX_ATOMS,
        n_smiles: int | None = None,
        confidences: Sequence[str] = (),
        forms: Forms = NO_FORMS,
    ) -> None:
        self.checkpoints = list(checkpoints)
        self.max_atoms = max_atoms
        self._confidences = confidences
        self.targets = join_targets(self.checkpoints)
        require_unlike_fields(self.targets, self.checkpoints[0].path)
        self.level = join_levels(self.checkpoints)
        self._engines = [build_engine(checkpoint) for checkpoint in self.checkpoints]
        if n_smiles is not None and not any(isinstance(engine, SequenceEngine) for engine in self._engines):
            raise CheckpointError("model 1 averages over no randomized SMILES", hint="leave out --n_smiles")
        self._domains = open_domains(self.checkpoints) if confidences else []
        self._ranks = open_ranks(self.checkpoints) if confidences else None
        reads_stereo = any_reads_stereo(self.checkpoints)
        self._has_stereo = bool(confidences) and reads_stereo
        self._forms = forms
        require_unlike_forms(forms, self.level, reads_stereo=reads_stereo)
        for checkpoint, engine in zip(self.checkpoints, self._engines, strict=True):
            require_sentinels(checkpoint, engine)
            if n_smiles is not None and isinstance(engine, SequenceEngine):
                engine.n_smiles = n_smiles

    def score(self, smiles: Sequence[str]) -> Predictions:
        """Score SMILES strings, one answer for each, in order."""
        return self.score_rows([(text, None) for text in smiles])

    def score_rows(self, rows: Sequence[Row]) -> Predictions:
        """Score rows: a SMILES string each, and why the row cannot be used, or None."""
        return self.add_spreads(self.score_molecules(self._read(rows)), rows, self._forms)

    def parse(self, smiles: Sequence[str]) -> list[Mol | InvalidMolecule]:
        """Read molecules as the models read them."""
        return parse_all(smiles, self.max_atoms, self.level)

    def score_molecules(self, mols: Collection[Mol | InvalidMolecule]) -> Predictions:
        """Score molecules."""
        if self._reads_molecules_again:
            mols = list(mols)
        if self._looks:
            mols = Noted(mols, self._looks)
        return self._join([engine(mols) for engine in self._engines], mols)

    def score_features(self, features: Features, rows: Sequence[Row]) -> Predictions:
        """Score the features of molecules, computed by the `featurizers`.

        Parameters
        ----------
        features
            The features.
        rows
            The molecules; they are parsed only where answers say something of them, or of their forms.
        """
        mols: Collection[Mol | InvalidMolecule] = SmilesRows(
            rows, constitution_only=not self._has_stereo, level=self.level
        )
        if self._looks:
            mols = Noted(list(mols), self._looks)
            list(mols)
        joined = self._join([engine.score(features) for engine in self._feature_engines()], mols)
        return self.add_spreads(joined, rows, self._forms)

    def add_spreads(self, predictions: Predictions, rows: Sequence[Row], forms: Forms) -> Predictions:
        """Return answers with those for forms of the molecules.

        Parameters
        ----------
        predictions, rows
            The answers, and the rows that they are for.
        forms
            Which forms, such as `require_unlike_forms` passes.
        """
        spreads = {}
        for kind, limit in forms.limits.items():
            mols = SmilesRows(rows, self.max_atoms, level=self.level)
            found = measure_spread(kind, limit, mols, predictions.values, self._answer)
            found.answers[..., 0] = map_answers(Target.round, self.targets, found.answers[..., 0])
            spreads[kind] = found
        return replace(predictions, spreads=spreads) if spreads else predictions

    @property
    def engines(self) -> list[Engine]:
        """The engines, one for each checkpoint."""
        return list(self._engines)

    @property
    def fields(self) -> dict[str, type]:
        """The columns that predictions add to a table, with the type of their values."""
        return prediction_fields(
            self.targets,
            self._confidences,
            has_percentiles=self._ranks is not None,
            has_changes=self._has_changes,
            has_stereo=self._has_stereo,
            forms=list(self._forms.limits),
        )

    @property
    def featurizers(self) -> list[dict[str, Any]]:
        """The specification of the features that all engines read.

        Raises
        ------
        CheckpointError
            A model does not read features, or reads other ones than the first model.
        """
        first, *others = [engine.features.specs for engine in self._feature_engines()]
        if any(specs != first for specs in others):
            raise CheckpointError("the models read different features", hint="score them one by one")
        return first

    @property
    def _has_changes(self) -> bool:
        """Whether answers say what was changed of a molecule."""
        return bool(self._confidences) and self.level is not Level.NONE

    @property
    def _looks(self) -> dict[str, Callable[[Mol], Any]]:
        """What answers say of a molecule itself, by their fields."""
        looks: dict[str, Callable[[Mol], Any]] = {"changes": changes_of} if self._has_changes else {}
        return looks | ({"open_stereo": count_open_stereo} if self._has_stereo else {})

    def _feature_engines(self) -> list[FeatureEngine]:
        engines = [engine for engine in self._engines if isinstance(engine, FeatureEngine)]
        if len(engines) < len(self._engines):
            raise CheckpointError("model 2 reads SMILES strings, not features", hint="score the table itself")
        return engines

    @property
    def _reads_molecules_again(self) -> bool:
        """Whether molecules are needed after the first engine has read them, so that they must be kept."""
        if len(self._engines) > 1:
            return True
        return bool(self._domains) and not self._engines[0].counts_environments

    def _read(self, rows: Sequence[Row]) -> SmilesRows:
        constitution_only = all(engine.constitution_only for engine in self._engines)
        return SmilesRows(rows, self.max_atoms, constitution_only, self.level)

    def _answer(self, smiles: Sequence[str]) -> NDArray[np.float64]:
        """Return the answers for SMILES strings alone, as `score` gives them."""
        mols: Collection[Mol | InvalidMolecule] = self._read([(text, None) for text in smiles])
        mols = list(mols) if len(self._engines) > 1 else mols
        return self._join_answers([engine(mols) for engine in self._engines])[0]

    def _join_answers(
        self, scores: Sequence[RawScores]
    ) -> tuple[NDArray[np.float64], list[InvalidMolecule | None]]:
        """Return the answers of the models, and why rows have none."""
        problems: list[InvalidMolecule | None] = [None] * len(scores[0].problems)
        for raw in scores:
            problems = [known or new for known, new in zip(problems, raw.problems, strict=True)]
        values = average_answers(self.checkpoints, self.targets, [raw.values for raw in scores])
        values[[problem is not None for problem in problems]] = np.nan
        return values, problems

    def _join(self, scores: Sequence[RawScores], mols: Collection[Mol | InvalidMolecule]) -> Predictions:
        values, problems = self._join_answers(scores)
        is_scored = np.array([problem is None for problem in problems], np.bool_)
        raw_values = [raw.values for raw in scores]
        bounds = {
            confidence: average_bounds(self.checkpoints, self.targets, raw_values, values, confidence)
            for confidence in self._confidences
        }
        domain = None
        if self._domains:
            environments = _take_environments(scores, mols, is_scored)
            domain = DomainMeasures.join([compare(environments) for compare in self._domains])
            domain = domain.expand(is_scored)
        percentiles = None
        if self._ranks is not None:
            percentiles = rank_among(map_answers(Target.rank, self.targets, values), self._ranks)
        notes = mols.notes if isinstance(mols, Noted) else {}
        return Predictions(
            self.targets, values, problems, bounds, domain, percentiles,
            notes.get("changes"), notes.get("open_stereo"),
        )  # fmt: skip


def _take_environments(
    scores: Sequence[RawScores], mols: Collection[Mol | InvalidMolecule], is_scored: NDArray[np.bool_]
) -> list[Environments]:
    """Return the circular substructures of the rows that all engines scored.

    They come from the first engine that counted them; if none did, they are counted here.
    """
    for raw in scores:
        if raw.environments is not None:
            is_chosen = is_scored[raw.is_scored]
            return [found for found, chosen in zip(raw.environments, is_chosen, strict=True) if chosen]
    return find_environments([mol for mol, chosen in zip(mols, is_scored, strict=True) if chosen])
