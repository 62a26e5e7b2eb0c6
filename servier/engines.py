"""From molecules to raw scores: an ONNX graph, and what it wants to be fed."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Structures are confidential: ONNX Runtime is to collect and send nothing. It looks once, at its start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from servier.errors import CheckpointError
from servier.features import Features, FeatureSet
from servier.features.tokens import Tokenizer
from servier.molecules import InvalidMolecule, Mol, smiles_views

ROWS_STEP = 8
LENGTH_STEP = 8
MAX_ROWS = 64


@dataclass(frozen=True)
class RawScores:
    """What a graph says of a run of molecules.

    Parameters
    ----------
    values
        float64, shape (n_rows, n_targets); NaN where there is no molecule.
    problems
        For each row None, or why it has no score.
    """

    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]


class Engine(Protocol):
    """A callable from molecules to raw scores; a score never depends on its neighbours."""

    @property
    def spec(self) -> dict[str, Any]:
        """What is needed, beside the graph, to build this engine again."""

    @property
    def constitution_only(self) -> bool:
        """Whether a score depends on the constitution of a molecule alone."""

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Score molecules, in order; what is no molecule stays a problem."""

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of what the graph is fed for one molecule."""


class FeatureEngine:
    """Scores features: the engine of model 1.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    graph
        ONNX, from float32 (n, n_features) to float32 (n, n_targets).
    """

    kind = "features"

    def __init__(self, featurizers: list[dict[str, Any]], graph: bytes) -> None:
        self.features = FeatureSet(featurizers)
        self._session = _open_session(graph)

    @property
    def spec(self) -> dict[str, Any]:
        """The feature set."""
        return {"kind": self.kind, "featurizers": self.features.specs}

    @property
    def constitution_only(self) -> bool:
        """Whether all features depend on the constitution of a molecule alone."""
        return self.features.constitution_only

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Compute features, then score them."""
        return self.score(self.features(mols))

    def score(self, features: Features) -> RawScores:
        """Score features that were computed before."""
        return RawScores(_blank(self._run(features.X), features.problems), features.problems)

    def _run(self, X: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(self._session.run(None, {self._session.get_inputs()[0].name: X})[0], np.float64)

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the features of one molecule."""
        return hashlib.sha256(self.features([mol]).X.tobytes()).hexdigest()


class SequenceEngine:
    """Scores SMILES strings, averaged over several ways to write each molecule: the engine of model 2.

    Strings are scored in groups of similar length. Both sides of a group are filled up to multiples of 8, for
    with such shapes ONNX Runtime computes each row in one way, whatever stands beside it.

    Parameters
    ----------
    vocabulary
        The tokens that the network knows.
    views, seed
        How many SMILES strings of a molecule are scored, and the seed of the random ones among them.
    graph
        ONNX, from int32 (n, length) to float32 (n, n_targets).
    """

    kind = "smiles"
    constitution_only = False

    def __init__(self, vocabulary: list[str], views: int, seed: int, graph: bytes) -> None:
        self.tokenizer = Tokenizer(vocabulary)
        self.views, self.seed = views, seed
        self._session = _open_session(graph)
        self._n_targets = int(self._session.get_outputs()[0].shape[1])

    @property
    def spec(self) -> dict[str, Any]:
        """The vocabulary and the views."""
        vocabulary = self.tokenizer.vocabulary
        return {"kind": self.kind, "vocabulary": vocabulary, "views": self.views, "seed": self.seed}

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Write each molecule in several ways, score the strings, average."""
        mols = list(mols)
        problems = [mol if isinstance(mol, InvalidMolecule) else None for mol in mols]
        rows = [
            tokens for mol in mols if not isinstance(mol, InvalidMolecule) for tokens in self._encode(mol)
        ]
        values = np.full((len(mols), self._n_targets), np.nan)
        readable = [i for i, problem in enumerate(problems) if problem is None]
        scores = self.score_tokens(rows).reshape(len(readable), self.views, self._n_targets)
        values[readable] = scores.mean(axis=1)
        return RawScores(values, problems)

    def _encode(self, mol: Mol) -> list[list[int]]:
        return [self.tokenizer.encode(smiles) for smiles in smiles_views(mol, self.views, self.seed)]

    def score_tokens(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Return the raw scores of encoded SMILES strings, float64, shape (n_rows, n_targets)."""
        values = np.empty((len(rows), self._n_targets))
        name = self._session.get_inputs()[0].name
        order = np.argsort([len(row) for row in rows], kind="stable")
        for start in range(0, len(rows), MAX_ROWS):
            group = order[start : start + MAX_ROWS]
            filled = [rows[i] for i in group]
            filled += [filled[-1]] * (-len(group) % ROWS_STEP)
            length = len(filled[-1]) + (-len(filled[-1]) % LENGTH_STEP)
            tokens = self.tokenizer.pad(filled, length)
            values[group] = self._session.run(None, {name: tokens})[0][: len(group)]
        return values

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the tokens of one molecule."""
        return hashlib.sha256(repr(self._encode(mol)).encode()).hexdigest()


def build_engine(spec: dict[str, Any], graph: bytes) -> Engine:
    """Build an engine from its specification.

    Raises
    ------
    CheckpointError
        A kind that this version does not know.
    """
    parameters = dict(spec)
    kind = parameters.pop("kind", None)
    for engine in (FeatureEngine, SequenceEngine):
        if kind == engine.kind:
            return engine(**parameters, graph=graph)
    raise CheckpointError(f"no engine is called {kind!r}", mend="a newer servier may read it")


def _blank(values: NDArray[np.float64], problems: list[InvalidMolecule | None]) -> NDArray[np.float64]:
    values[[problem is not None for problem in problems]] = np.nan
    return values


def _open_session(graph: bytes) -> ort.InferenceSession:
    """Open a graph on one thread: with several, how a sum over trees is rounded depends on the batch."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
