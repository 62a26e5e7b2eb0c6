"""From molecules to raw scores: an ONNX graph, and what it wants to be fed."""

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

# Structures are confidential: ONNX Runtime is to collect and send nothing. It looks once, at its start.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from servier.chem.molecules import InvalidMolecule, Mol, augmented_smiles
from servier.chem.tokens import Tokenizer
from servier.errors import CheckpointError
from servier.features.feature_set import Features, FeatureSet
from servier.features.morgan import Environments

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
    environments
        The circular substructures of the rows that have a score, where the engine counted them.
    """

    values: NDArray[np.float64]
    problems: list[InvalidMolecule | None]
    environments: list[Environments] | None = None


class Engine(Protocol):
    """A callable from molecules to raw scores; a score never depends on its neighbours."""

    @property
    def spec(self) -> dict[str, Any]:
        """What is needed, beside the graph, to build this engine again."""

    @property
    def constitution_only(self) -> bool:
        """Whether a score depends on the constitution of a molecule alone."""

    @property
    def counts_environments(self) -> bool:
        """Whether scores come with the circular substructures of the molecules."""

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
    graphs
        One in ONNX, from float32 (n, n_features) to float32 (n, n_targets).
    """

    kind = "features"

    def __init__(self, featurizers: list[dict[str, Any]], graphs: Sequence[bytes]) -> None:
        self.features = FeatureSet(featurizers)
        self._session = _open_session(graphs[0])

    @property
    def spec(self) -> dict[str, Any]:
        """The feature set."""
        return {"kind": self.kind, "featurizers": self.features.specs}

    @property
    def constitution_only(self) -> bool:
        """Whether all features depend on the constitution of a molecule alone."""
        return self.features.constitution_only

    @property
    def counts_environments(self) -> bool:
        """Whether they are among the features."""
        return self.features.counts_environments

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Compute features, then score them."""
        features, environments = self.features.with_environments(mols)
        return replace(self.score(features), environments=environments)

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
    n_smiles, seed
        How many SMILES strings of a molecule are scored, and the seed of the random ones among them.
    graphs
        ONNX, from int32 (n, length) to float32 (n, n_targets). They score the strings of a molecule in turn:
        the first one the first string, the second one the second, and so on.
    """

    kind = "smiles"
    constitution_only = False
    counts_environments = False

    def __init__(self, vocabulary: list[str], n_smiles: int, seed: int, graphs: Sequence[bytes]) -> None:
        self.tokenizer = Tokenizer(vocabulary)
        self.n_smiles, self.seed = n_smiles, seed
        self._sessions = [_open_session(graph) for graph in graphs]
        self._n_targets = int(self._sessions[0].get_outputs()[0].shape[1])

    @property
    def spec(self) -> dict[str, Any]:
        """The vocabulary, and how SMILES are randomized."""
        vocabulary = self.tokenizer.vocabulary
        return {"kind": self.kind, "vocabulary": vocabulary, "n_smiles": self.n_smiles, "seed": self.seed}

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> RawScores:
        """Write each molecule in several ways, score the strings, average."""
        mols = list(mols)
        problems = [mol if isinstance(mol, InvalidMolecule) else None for mol in mols]
        encoded = [self._encode(mol) for mol in mols if not isinstance(mol, InvalidMolecule)]
        scores = np.empty((len(encoded), self.n_smiles, self._n_targets))
        n_graphs = len(self._sessions)
        for i in range(min(n_graphs, self.n_smiles)):
            rows = [tokens for written in encoded for tokens in written[i::n_graphs]]
            shape = scores[:, i::n_graphs].shape
            scores[:, i::n_graphs] = self.score_tokens(rows, i).reshape(shape)
        values = np.full((len(mols), self._n_targets), np.nan)
        values[[problem is None for problem in problems]] = scores.mean(axis=1)
        return RawScores(values, problems)

    def _encode(self, mol: Mol) -> list[list[int]]:
        return [self.tokenizer.encode(smiles) for smiles in augmented_smiles(mol, self.n_smiles, self.seed)]

    def score_tokens(self, rows: Sequence[Sequence[int]], view: int) -> NDArray[np.float64]:
        """Return the raw scores of encoded SMILES strings, float64, shape (n_rows, n_targets).

        Parameters
        ----------
        rows
            The strings.
        view
            As which way to write a molecule they are scored: which network's turn it is.
        """
        session = self._sessions[view % len(self._sessions)]
        values = np.empty((len(rows), self._n_targets))
        name = session.get_inputs()[0].name
        order = np.argsort([len(row) for row in rows], kind="stable")
        for start in range(0, len(rows), MAX_ROWS):
            group = order[start : start + MAX_ROWS]
            filled = [rows[i] for i in group]
            filled += [filled[-1]] * (-len(group) % ROWS_STEP)
            length = len(filled[-1]) + (-len(filled[-1]) % LENGTH_STEP)
            tokens = self.tokenizer.pad(filled, length)
            values[group] = session.run(None, {name: tokens})[0][: len(group)]
        return values

    def digest(self, mol: Mol) -> str:
        """Return a sha256 of the tokens of one molecule."""
        return hashlib.sha256(repr(self._encode(mol)).encode()).hexdigest()


def build_engine(spec: dict[str, Any], graphs: Sequence[bytes]) -> Engine:
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
            return engine(**parameters, graphs=graphs)
    raise CheckpointError(f"no engine is called {kind!r}", hint="a newer servier may read it")


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
