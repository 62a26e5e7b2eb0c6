"""Engines: from molecules to the raw scores of an ONNX graph."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

# Structures are confidential: ONNX Runtime must not send telemetry. It reads this once, when it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.metadata import COPY
from servier.chem.molecules import InvalidMolecule, Mol, augmented_smiles
from servier.chem.tokens import Tokenizer, by_length, pad_tokens
from servier.errors import CheckpointError, RecipeError
from servier.features.feature_set import Features, FeatureSet
from servier.features.morgan import Environments
from servier.scoring.inputs import FeatureInput, Input, SequenceInput, read_input

ROWS_STEP = 8
MAX_ROWS = 64

GRAPH_ERRORS = (
    states.EPFail,
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NotImplemented,
    states.RuntimeException,
    IndexError,
    TypeError,
    ValueError,
)
"""What ONNX Runtime, or the reading of what it returns, raises where a graph is not what an engine needs."""


@dataclass(frozen=True)
class RawScores:
    """The raw scores of a batch of molecules.

    Parameters
    ----------
    values
        float64, shape (n_rows, n_targets); NaN where there is no molecule.
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
    def constitution_only(self) -> bool:
        """Whether a score depends on the constitution of a molecule alone."""

    @property
    def counts_environments(self) -> bool:
        """Whether scores come with the circular substructures of the molecules."""

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Score molecules, in order; an invalid one becomes the problem of its row."""

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the graph's input for one molecule."""

    def probe(self) -> NDArray[np.float64]:
        """Return scores of the largest input that the specification allows, one row for each graph."""


class FeatureEngine:
    """The engine of model 1, which scores features.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    graphs
        One ONNX graph, from float32 (n, n_features) to float32 (n, n_targets).
    """

    def __init__(self, featurizers: list[dict[str, Any]], graphs: Sequence[bytes]) -> None:
        self.features = FeatureSet(featurizers)
        self._session = _open_session(graphs[0])

    @property
    def input(self) -> FeatureInput:
        """The feature set."""
        return FeatureInput(self.features.specs)

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
        return np.asarray(self._session.run(None, {self._session.get_inputs()[0].name: X})[0], np.float64)

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the features of one molecule."""
        return hashlib.sha256(self.features([mol]).X.tobytes()).hexdigest()

    def probe(self) -> NDArray[np.float64]:
        """Return scores of features that are all 0, shape (1, n_targets)."""
        return self._run(np.zeros((1, len(self.features)), np.float32))


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
    """

    constitution_only = False
    counts_environments = False

    def __init__(self, vocabulary: list[str], n_smiles: int, seed: int, graphs: Sequence[bytes]) -> None:
        self.tokenizer = Tokenizer(vocabulary)
        self.n_smiles, self.seed = n_smiles, seed
        self._sessions = [_open_session(graph) for graph in graphs]
        self._n_targets = int(self._sessions[0].get_outputs()[0].shape[1])

    @property
    def input(self) -> SequenceInput:
        """The vocabulary, and the number and seed of the randomized SMILES."""
        return SequenceInput(self.tokenizer.vocabulary, self.n_smiles, self.seed)

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
        name = session.get_inputs()[0].name
        for batch in by_length(rows, MAX_ROWS):
            padded = [rows[row] for row in batch]
            padded += [padded[-1]] * (-len(batch) % ROWS_STEP)
            values[batch] = session.run(None, {name: pad_tokens(padded)})[0][: len(batch)]
        return values

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the tokens of one molecule."""
        return hashlib.sha256(repr(self._encode(mol)).encode()).hexdigest()

    def probe(self) -> NDArray[np.float64]:
        """Return the scores that each graph gives the last token, shape (n_graphs, n_targets)."""
        last = [[len(self.tokenizer) - 1]]
        return np.concatenate([self.score_tokens(last, i) for i in range(len(self._sessions))])


def build_engine(checkpoint: Checkpoint) -> Engine:
    """Build the engine of a checkpoint.

    Raises
    ------
    CheckpointError
        This version has no such engine, or a part of the checkpoint that it needs is damaged.
    """
    found, graphs = read_input(checkpoint.metadata.input, checkpoint.path), checkpoint.graphs
    try:
        engine = _make_engine(found, graphs)
        n_targets = engine.probe().shape[1]
    except RecipeError as error:
        problem = f"its metadata is damaged: input.featurizers: {error.problem}"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY) from error
    except GRAPH_ERRORS as error:
        problem = "its graph cannot be run on what its metadata says that it reads (input)"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY) from error
    if n_targets != len(checkpoint.targets):
        problem = f"its graph gives {n_targets} scores for its {len(checkpoint.targets)} targets"
        raise CheckpointError(problem, path=checkpoint.path, hint=COPY)
    return engine


def _make_engine(found: Input, graphs: Sequence[bytes]) -> Engine:
    if isinstance(found, SequenceInput):
        return SequenceEngine(found.vocabulary, found.n_smiles, found.seed, graphs)
    return FeatureEngine(found.featurizers, graphs)


def _blank(values: NDArray[np.float64], problems: list[InvalidMolecule | None]) -> NDArray[np.float64]:
    values[[problem is not None for problem in problems]] = np.nan
    return values


def _open_session(graph: bytes) -> ort.InferenceSession:
    """Open a graph on one thread: with several, the rounding of a sum over trees depends on the batch."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # lines of its own, which would name nodes of the graph as they are
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
