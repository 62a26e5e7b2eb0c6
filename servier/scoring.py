"""The one scoring path: what predict, predict-file, evaluate and the server all call."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint import GRAPH, LOG, Checkpoint, Target
from servier.engines import Engine, FeatureEngine, RawScores, SequenceEngine, build_engine
from servier.errors import CheckpointError
from servier.features import Features
from servier.molecules import (
    MAX_ATOMS,
    InvalidMolecule,
    Mol,
    Row,
    SmilesRows,
    Status,
    parse_all,
    parse_smiles,
)

SENTINELS = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@H](N)C(=O)N1CCC[C@H]1C(=O)O",
    "O=C([O-])c1ccc(cc1)S(=O)(=O)NCC[NH3+].Cl",
)
SENTINEL_TOLERANCE = 1e-4
PROBABILITY_DIGITS = 6
MAX_EXPONENT = 500


@dataclass(frozen=True)
class Predictions:
    """Answers for a run of rows.

    Parameters
    ----------
    targets
        What was predicted.
    values
        float64, shape (n_rows, n_targets): a calibrated probability of label 1, rounded to 6 decimals, or a
        value, rounded to 7 significant digits; NaN where a row has no answer.
    problems
        For each row None, or why it has no answer.
    """

    targets: Sequence[Target]
    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]

    def labels(self) -> NDArray[np.float64]:
        """Return the predicted labels and values, shape (n_rows, n_targets); NaN where there is none."""
        labels = self.values.copy()
        for i, target in enumerate(self.targets):
            if target.threshold is not None:
                labels[:, i] = np.where(np.isnan(labels[:, i]), np.nan, labels[:, i] >= target.threshold)
        return labels


class Scorer:
    """Scores molecules with a checkpoint, or with the mean of several.

    Parameters
    ----------
    checkpoints
        One or more, with the same targets.
    max_atoms
        The largest number of heavy atoms that is scored.
    views
        How many ways to write a molecule model 2 averages over; None for as many as in training.

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
        views: int | None = None,
    ) -> None:
        self.checkpoints = list(checkpoints)
        self.max_atoms = max_atoms
        self.targets = _join_targets(self.checkpoints)
        self._engines = [
            build_engine(checkpoint.metadata["input"], checkpoint.members[GRAPH])
            for checkpoint in self.checkpoints
        ]
        if views is not None and not any(isinstance(engine, SequenceEngine) for engine in self._engines):
            raise CheckpointError(
                "no spellings of molecules are averaged in model 1", mend="leave out --views"
            )
        for checkpoint, engine in zip(self.checkpoints, self._engines, strict=True):
            _check_sentinels(checkpoint, engine)
            if views is not None and isinstance(engine, SequenceEngine):
                engine.views = views

    def score(self, smiles: Sequence[str]) -> Predictions:
        """Score SMILES strings, one answer for each, in order."""
        return self.score_rows([(text, None) for text in smiles])

    def score_rows(self, rows: Sequence[Row]) -> Predictions:
        """Score rows: a SMILES string each, and why the row cannot be used, or None."""
        constitution_only = all(engine.constitution_only for engine in self._engines)
        return self.score_molecules(SmilesRows(rows, self.max_atoms, constitution_only))

    def score_molecules(self, mols: Collection[Mol | InvalidMolecule]) -> Predictions:
        """Score molecules."""
        if len(self._engines) > 1:
            mols = list(mols)
        return self._join([engine(mols) for engine in self._engines])

    def score_features(self, features: Features) -> Predictions:
        """Score the features of molecules, computed by the `featurizers`."""
        return self._join([engine.score(features) for engine in self._feature_engines()])

    def refuse(self, problem: InvalidMolecule) -> Predictions:
        """Return the predictions of a single row that has no answer."""
        return Predictions(self.targets, np.full((1, len(self.targets)), np.nan), [problem])

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
            raise CheckpointError("the models read different features", mend="score them one by one")
        return first

    def _feature_engines(self) -> list[FeatureEngine]:
        engines = [engine for engine in self._engines if isinstance(engine, FeatureEngine)]
        if len(engines) < len(self._engines):
            raise CheckpointError("model 2 reads SMILES strings, not features", mend="score the table itself")
        return engines

    def _join(self, scores: Sequence[RawScores]) -> Predictions:
        answers = []
        problems: list[InvalidMolecule | None] = [None] * len(scores[0].problems)
        for checkpoint, raw in zip(self.checkpoints, scores, strict=True):
            answers.append(to_answers(raw.values, checkpoint.targets))
            problems = [known or new for known, new in zip(problems, raw.problems, strict=True)]
        values = _round(np.mean(answers, axis=0), self.targets)
        values[[problem is not None for problem in problems]] = np.nan
        return Predictions(self.targets, values, problems)


def to_answers(raw: NDArray[np.float64], targets: Sequence[Target]) -> NDArray[np.float64]:
    """Turn raw scores, shape (n_rows, n_targets), into probabilities and values."""
    answers = raw * [target.slope for target in targets] + [target.intercept for target in targets]
    for i, target in enumerate(targets):
        exponent = np.clip(answers[:, i], -MAX_EXPONENT, MAX_EXPONENT)
        if target.task == "binary":
            answers[:, i] = 1 / (1 + np.exp(-exponent))
        elif target.transform == LOG:
            answers[:, i] = np.exp(exponent)
        elif target.bound is not None:
            answers[:, i] = target.bound - np.exp(-exponent)
    return answers


def make_sentinels(engine: Engine) -> list[dict[str, object]]:
    """Score the sentinel molecules, for a checkpoint to remember."""
    mols = parse_all(SENTINELS)
    scores = engine(mols).values.tolist()
    return [
        {"smiles": smiles, "input_sha256": engine.digest(mol), "scores": values}
        for smiles, mol, values in zip(SENTINELS, mols, scores, strict=True)
    ]


def _check_sentinels(checkpoint: Checkpoint, engine: Engine) -> None:
    sentinels = checkpoint.metadata["sentinels"]
    expected = np.array([sentinel["scores"] for sentinel in sentinels])
    found = engine([parse_smiles(sentinel["smiles"]) for sentinel in sentinels]).values
    if not np.allclose(found, expected, rtol=0, atol=SENTINEL_TOLERANCE):
        from rdkit import __version__ as here

        there = checkpoint.metadata["versions"].get("rdkit", "another version")
        problem = f"molecules read differently here (RDKit {here}) from where it was trained (RDKit {there})"
        raise CheckpointError(problem, path=checkpoint.path, mend="install that version, or train again")


def _join_targets(checkpoints: Sequence[Checkpoint]) -> list[Target]:
    first, *others = [checkpoint.targets for checkpoint in checkpoints]
    for checkpoint, targets in zip(checkpoints[1:], others, strict=True):
        if [(t.name, t.task) for t in targets] != [(t.name, t.task) for t in first]:
            problem = "its targets are not those of the other checkpoint"
            raise CheckpointError(problem, path=checkpoint.path, mend="train both on the same targets")
    return [
        Target(own.name, own.task, threshold=_mean_threshold([t[i].threshold for t in (first, *others)]))
        for i, own in enumerate(first)
    ]


def _mean_threshold(thresholds: Sequence[float | None]) -> float | None:
    known = [threshold for threshold in thresholds if threshold is not None]
    return round(float(np.mean(known)), PROBABILITY_DIGITS) if known else None


def _round(values: NDArray[np.float64], targets: Sequence[Target]) -> NDArray[np.float64]:
    rounded = np.round(values, PROBABILITY_DIGITS)
    for i, target in enumerate(targets):
        if target.task == "regression":
            rounded[:, i] = [float(f"{value:.7g}") for value in values[:, i]]
    return rounded


def prediction_fields(targets: Sequence[Target]) -> dict[str, type]:
    """Return the columns that predictions add to a table, with the type of their values."""
    fields: dict[str, type] = {}
    for target in targets:
        fields[f"{target.name}_pred"] = int if target.task == "binary" else float
        if target.task == "binary":
            fields[f"{target.name}_probability"] = float
    return {**fields, "status": str, "reason": str}


def output_rows(predictions: Predictions) -> list[list[object]]:
    """Return for each row a value for each of the `prediction_fields`; None where there is no answer."""
    labels = predictions.labels()
    rows: list[list[object]] = []
    for label, value, problem in zip(
        labels.tolist(), predictions.values.tolist(), predictions.problems, strict=True
    ):
        row: list[object] = []
        for i, target in enumerate(predictions.targets):
            if target.task == "binary":
                row += [None, None] if problem else [int(label[i]), value[i]]
            else:
                row.append(None if problem else value[i])
        row += [str(problem.status), problem.reason] if problem else [str(Status.OK), None]
        rows.append(row)
    return rows


def as_answer(predictions: Predictions, row: int = 0) -> dict[str, object]:
    """Return one row of predictions by column name, without the empty ones, and with the thresholds."""
    names = prediction_fields(predictions.targets)
    values = output_rows(predictions)[row]
    answer = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    for target in predictions.targets:
        if target.threshold is not None and f"{target.name}_pred" in answer:
            answer[f"{target.name}_threshold"] = target.threshold
    return answer
