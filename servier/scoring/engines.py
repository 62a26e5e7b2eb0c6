"""Engines: from molecules to the raw scores of an ONNX graph."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint, graph_name
from servier.checkpoint.graph_check import GraphShape
from servier.checkpoint.metadata import COPY
from servier.checkpoint.target_columns import count_scores
from servier.chem.molecules import InvalidMolecule, Mol
from servier.chem.spelling import augmented_smiles
from servier.chem.tokens import Tokenizer, by_length, pad_tokens
from servier.errors import CheckpointError, RecipeError
from servier.features.feature_set import Features, FeatureSet
from servier.features.morgan import Environments
from servier.scoring.inputs import FeatureInput, Input, SequenceInput, read_input
from servier.scoring.session import Session

ROWS_STEP = 8
MAX_ROWS = 64


@dataclass(frozen=True)
class RawScores:
    """The raw scores of a batch of molecules.

    Parameters
    ----------
    values
        float64, shape (n_rows, n_scores); NaN where there is no molecule.
    problems
        For each row None, or why it has no score.
    environments
        The circular substructures of the rows in `is_scored`, in order; None where the engine does not count
        them.
    """

    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]
    environments: list[Environments] | None = None

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """Which rows have a score, bool, shape (n_rows,)."""
        return np.array([problem is None for problem in self.problems], np.bool_)


class Engine(Protocol):
    """A callable from molecules to raw scores; no score depends on the other molecules of the batch."""

    @property
    def input(self) -> Input:
        """What, with the graphs, `build_engine` builds this engine from again."""

    @property
    def shapes(self) -> list[GraphShape]:
        """What goes into each graph, and what comes out."""

    @property
    def constitution_only(self) -> bool:
        """Whether a score depends on the constitution of a molecule alone."""

    @property
    def counts_environments(self) -> bool:
        """Whether scores come with the circular substructures of the molecules."""

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Score molecules, in order; an invalid one becomes the problem of its row."""

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the graph's input for one molecule."""


class FeatureEngine:
    """The engine of model 1, which scores features.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    graphs
        One ONNX graph, from float32 (n, n_features) to float32 (n, n_targets).
    path
        The checkpoint, to be named where something is wrong.
    """

    def __init__(
        self, featurizers: list[dict[str, Any]], graphs: Sequence[bytes], path: str | None = None
    ) -> None:
        self.features = FeatureSet(featurizers)
        self._session = Session(graphs[0], 0, path)

    @property
    def input(self) -> FeatureInput:
        """The feature set."""
        return FeatureInput(self.features.specs)

    @property
    def shapes(self) -> list[GraphShape]:
        """What goes into the graph, and what comes out."""
        return [self._session.shape]

    @property
    def constitution_only(self) -> bool:
        """Whether all features depend on the constitution of a molecule alone."""
        return self.features.constitution_only

    @property
    def counts_environments(self) -> bool:
        """Whether the features count circular substructures."""
        return self.features.counts_environments

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Compute features, then score them."""
        features, environments = self.features.with_environments(mols)
        return replace(self.score(features), environments=environments)

    def score(self, features: Features) -> RawScores:
        """Score features that have been computed already."""
        return RawScores(_blank(self._run(features.X), features.problems), features.problems)

    def _run(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(self._session(X), np.float64)

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the features of one molecule."""
        return hashlib.sha256(self.features([mol]).X.tobytes()).hexdigest()


class SequenceEngine:
    """The engine of model 2, which averages over randomized SMILES of a molecule (test-time augmentation).

    Strings of similar length are scored together. Both dimensions of such a batch are padded to multiples of
    8, because with these shapes ONNX Runtime computes a row identically whatever the other rows are.

    Parameters
    ----------
    vocabulary
        The tokens that the network knows.
    n_smiles, seed
        How many SMILES strings of a molecule are scored: the canonical one and randomized ones, and the seed
        of the latter.
    graphs
        ONNX graphs of an ensemble of networks, from int32 (n, length) to float32 (n, n_targets). They take
        turns: string i of a molecule is scored by graph i modulo their number.
    path
        The checkpoint, to be named where something is wrong.
    """

    constitution_only = False
    counts_environments = False

    def __init__(
        self,
        vocabulary: list[str],
        n_smiles: int,
        seed: int,
        graphs: Sequence[bytes],
        path: str | None = None,
    ) -> None:
        self.tokenizer = Tokenizer(vocabulary)
        self.n_smiles, self.seed = n_smiles, seed
        self._sessions = [Session(graph, i, path) for i, graph in enumerate(graphs)]
        self._n_targets = self._sessions[0].shape.n_targets

    @property
    def input(self) -> SequenceInput:
        """The vocabulary, and the number and seed of the randomized SMILES."""
        return SequenceInput(self.tokenizer.vocabulary, self.n_smiles, self.seed)

    @property
    def shapes(self) -> list[GraphShape]:
        """What goes into each graph, and what comes out."""
        return [session.shape for session in self._sessions]

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Average the scores of the canonical and the randomized SMILES of each molecule."""
        mols = list(mols)
        problems = [mol if isinstance(mol, InvalidMolecule) else None for mol in mols]
        encoded = [self._encode(mol) for mol in mols if not isinstance(mol, InvalidMolecule)]
        scores = np.empty((len(encoded), self.n_smiles, self._n_targets))
        n_graphs = len(self._sessions)
        for i in range(min(n_graphs, self.n_smiles)):
            rows = [tokens for strings in encoded for tokens in strings[i::n_graphs]]
            shape = scores[:, i::n_graphs].shape
            scores[:, i::n_graphs] = self.score_tokens(rows, i).reshape(shape)
        values = np.full((len(mols), self._n_targets), np.nan)
        values[[problem is None for problem in problems]] = scores.mean(axis=1)
        return RawScores(values, problems)

    def _encode(self, mol: Mol) -> list[list[int]]:
        return [self.tokenizer.encode(smiles) for smiles in augmented_smiles(mol, self.n_smiles, self.seed)]

    def score_tokens(self, rows: Sequence[Sequence[int]], i: int) -> NDArray[np.float64]:
        """Return the raw scores of encoded SMILES strings, float64, shape (n_rows, n_targets).

        Parameters
        ----------
        rows
            The strings.
        i
            Which string of its molecule each of them is, from 0, the canonical one, on.
        """
        session = self._sessions[i % len(self._sessions)]
        values = np.empty((len(rows), self._n_targets))
        for batch in by_length(rows, MAX_ROWS):
            padded = [rows[row] for row in batch]
            padded += [padded[-1]] * (-len(batch) % ROWS_STEP)
            values[batch] = session(pad_tokens(padded))[: len(batch)]
        return values

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the tokens of one molecule."""
        return hashlib.sha256(repr(self._encode(mol)).encode()).hexdigest()


def build_engine(checkpoint: Checkpoint) -> Engine:
    """Build the engine of a checkpoint.

    Raises
    ------
    CheckpointError
        This version has no such engine, or a part of the checkpoint that it needs is damaged.
    """
    found, graphs = read_input(checkpoint.metadata.input, checkpoint.path), checkpoint.graphs
    try:
        engine = _make_engine(found, graphs, checkpoint.path)
    except RecipeError as error:
        problem = f"its metadata is damaged: input.featurizers: {error.problem}"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY) from error
    _require_shapes(checkpoint, engine)
    return engine


def _make_engine(found: Input, graphs: Sequence[bytes], path: str | None) -> Engine:
    if isinstance(found, SequenceInput):
        return SequenceEngine(found.vocabulary, found.n_smiles, found.seed, graphs, path)
    return FeatureEngine(found.featurizers, graphs, path)


def _require_shapes(checkpoint: Checkpoint, engine: Engine) -> None:
    """Require that the graphs read what the engine feeds them, and give the scores of all targets."""
    for i, shape in enumerate(engine.shapes):
        if isinstance(engine, SequenceEngine):
            is_read = shape.n_tokens is not None and shape.n_tokens >= len(engine.tokenizer)
        else:
            is_read = isinstance(engine, FeatureEngine) and shape.n_features == len(engine.features)
        if not is_read or shape.n_targets != count_scores(checkpoint.targets):
            problem = f"entry {graph_name(i)} does not fit the metadata"
            raise CheckpointError(problem, path=checkpoint.path, hint=COPY)


def _blank(values: NDArray[np.float64], problems: list[InvalidMolecule | None]) -> NDArray[np.float64]:
    values[[problem is not None for problem in problems]] = np.nan
    return values
