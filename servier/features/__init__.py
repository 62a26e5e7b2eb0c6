"""Molecules to numbers: the registry of featurizers, and the presets made of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.errors import RecipeError
from servier.features.avalon import AvalonCount
from servier.features.base import Featurizer, to_float32
from servier.features.descriptors import Descriptors2D
from servier.features.erg import ErG
from servier.features.morgan import MorganCount
from servier.features.physchem import Physchem
from servier.molecules import InvalidMolecule, Mol, Status

FEATURIZERS: dict[str, type[Featurizer]] = {
    featurizer.kind: featurizer for featurizer in (MorganCount, AvalonCount, ErG, Descriptors2D, Physchem)
}

PRESETS: dict[str, list[dict[str, Any]]] = {
    "fast": [{"kind": "morgan_count", "radius": 2, "fp_size": 2048}, {"kind": "physchem"}],
    "accurate": [
        {"kind": "morgan_count", "radius": 2, "fp_size": 2048},
        {"kind": "avalon_count", "fp_size": 1024},
        {"kind": "erg"},
        {"kind": "descriptors_2d"},
    ],
}


@dataclass(frozen=True)
class Features:
    """The features of a run of rows.

    Parameters
    ----------
    X
        float32, shape (n_rows, n_features); rows without a molecule are 0.
    problems
        For each row None, or why it has no features.
    """

    X: NDArray[np.float32]
    problems: list[InvalidMolecule | None]


class FeatureSet:
    """Several featurizers side by side: a callable from molecules to a matrix.

    Parameters
    ----------
    specs
        One dictionary per featurizer: its `kind` and its parameters.

    Raises
    ------
    RecipeError
        A kind or a parameter that does not exist.
    """

    def __init__(self, specs: Sequence[dict[str, Any]]) -> None:
        self.featurizers = [build(spec) for spec in specs]
        ends = np.cumsum([len(featurizer) for featurizer in self.featurizers])
        self.slices = [
            slice(int(end) - len(featurizer), int(end))
            for featurizer, end in zip(self.featurizers, ends, strict=True)
        ]

    def __len__(self) -> int:
        return self.slices[-1].stop if self.slices else 0

    def __reduce__(self) -> tuple[type["FeatureSet"], tuple[list[dict[str, Any]]]]:
        return FeatureSet, (self.specs,)

    @property
    def specs(self) -> list[dict[str, Any]]:
        """What is needed to build these featurizers again."""
        return [featurizer.spec() for featurizer in self.featurizers]

    @property
    def is_count(self) -> NDArray[np.bool_]:
        """Which columns of the matrix count occurrences, bool, shape (n_features,)."""
        return np.repeat(
            [featurizer.is_count for featurizer in self.featurizers],
            [len(featurizer) for featurizer in self.featurizers],
        )

    def column_names(self) -> list[str]:
        """Return a name for each column of the matrix."""
        return [name for featurizer in self.featurizers for name in featurizer.column_names()]

    @property
    def needs_stereo(self) -> bool:
        """Whether a feature depends on the stereochemistry of a molecule."""
        return any(featurizer.needs_stereo for featurizer in self.featurizers)

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> Features:
        """Compute the features of many molecules; what has none stays a row of zeros with its problem.

        Each molecule is asked for once, so that they may be read on the way.
        """
        blocks = [
            np.zeros((len(mols), len(featurizer)), np.float32 if featurizer.is_count else np.float64)
            for featurizer in self.featurizers
        ]
        pairs = list(zip(self.featurizers, blocks, strict=True))
        problems: list[InvalidMolecule | None] = [None] * len(mols)
        for row, mol in enumerate(mols):
            if isinstance(mol, InvalidMolecule):
                problems[row] = mol
                continue
            try:
                for featurizer, block in pairs:
                    block[row] = featurizer(mol)
            except (RuntimeError, ValueError) as error:
                for block in blocks:
                    block[row] = 0
                reason = f"{featurizer.kind}: {' '.join(str(error).split())[:200]}"
                problems[row] = InvalidMolecule(Status.INVALID, reason)
        return Features(np.hstack([to_float32(block) for block in blocks]), problems)


def build(spec: dict[str, Any]) -> Featurizer:
    """Build one featurizer from its specification."""
    parameters = dict(spec)
    kind = parameters.pop("kind", None)
    if kind not in FEATURIZERS:
        known = ", ".join(sorted(FEATURIZERS))
        raise RecipeError(f"no featurizer is called {kind!r}", mend=f"choose among {known}")
    try:
        return FEATURIZERS[kind](**parameters)
    except TypeError as error:
        raise RecipeError(f"{kind}: {error}") from error
