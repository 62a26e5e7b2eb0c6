"""Several featurizers side by side, which turn molecules into a matrix."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import MAX_REASON, InvalidMolecule, Mol, Status
from servier.errors import RecipeError
from servier.features.base import Featurizer
from servier.features.morgan import RADIUS, Environments, MorganCount
from servier.features.registry import build


@dataclass(frozen=True)
class Features:
    """The features of consecutive rows.

    Parameters
    ----------
    X
        float32, shape (n_rows, n_features); rows without a molecule hold zeros.
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
        A kind or a parameter that does not exist, an impossible value, or a kind that is there twice.
    """

    def __init__(self, specs: Sequence[dict[str, Any]]) -> None:
        self.featurizers = [build(spec) for spec in specs]
        kinds = [featurizer.kind for featurizer in self.featurizers]
        if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
            raise RecipeError(f"{twice} is there twice", hint="leave out one of them")
        stops = np.cumsum([len(featurizer) for featurizer in self.featurizers])
        self.slices = [
            slice(int(stop) - len(featurizer), int(stop))
            for featurizer, stop in zip(self.featurizers, stops, strict=True)
        ]

    def __len__(self) -> int:
        return self.slices[-1].stop if self.slices else 0

    def __reduce__(self) -> tuple[type["FeatureSet"], tuple[list[dict[str, Any]]]]:
        return FeatureSet, (self.specs,)

    @property
    def specs(self) -> list[dict[str, Any]]:
        """What is needed to rebuild these featurizers."""
        return [featurizer.spec() for featurizer in self.featurizers]

    @property
    def is_count(self) -> NDArray[np.bool_]:
        """Which columns of the matrix count occurrences, bool, shape (n_features,)."""
        return np.repeat(
            [featurizer.is_count for featurizer in self.featurizers],
            [len(featurizer) for featurizer in self.featurizers],
        )

    @property
    def kinds(self) -> NDArray[np.str_]:
        """The kind of block of each column of the matrix, shape (n_features,)."""
        names = [featurizer.kind for featurizer in self.featurizers]
        return np.repeat(names, [len(featurizer) for featurizer in self.featurizers])

    def column_names(self) -> list[str]:
        """Return a name for each column of the matrix."""
        return [name for featurizer in self.featurizers for name in featurizer.column_names()]

    @property
    def constitution_only(self) -> bool:
        """Whether all features depend on the constitution of a molecule alone."""
        return all(featurizer.constitution_only for featurizer in self.featurizers)

    @property
    def reads_stereo(self) -> bool:
        """Whether a feature depends on stereochemistry, or on whether it is given."""
        return any(featurizer.reads_stereo for featurizer in self.featurizers)

    @property
    def counts_environments(self) -> bool:
        """Whether circular substructures are counted as the applicability domain knows them."""
        return any(map(_is_morgan, self.featurizers))

    def __call__(self, mols: Collection[Mol | InvalidMolecule]) -> Features:
        """Compute the features of many molecules; one that cannot be used is a row of zeros with its problem.

        The molecules are iterated over only once, so they may be parsed lazily.
        """
        return self.with_environments(mols)[0]

    def with_environments(
        self, mols: Collection[Mol | InvalidMolecule]
    ) -> tuple[Features, list[Environments] | None]:
        """Compute features, and return with them the circular substructures of the rows that have features.

        The substructures are a by-product of Morgan counts; None where the features hold no such counts.
        """
        X = np.zeros((len(mols), len(self)), np.float32)
        problems: list[InvalidMolecule | None] = []
        computed: list[list[Any]] = []
        for mol in mols:
            values = mol if isinstance(mol, InvalidMolecule) else self._compute(mol)
            if isinstance(values, InvalidMolecule):
                problems.append(values)
            else:
                problems.append(None)
                computed.append(values)
        rows = np.flatnonzero([problem is None for problem in problems])
        environments = None
        for i, (featurizer, columns) in enumerate(zip(self.featurizers, self.slices, strict=True)):
            block = [values[i] for values in computed]
            featurizer.write(block, X[:, columns], rows)
            if _is_morgan(featurizer):
                environments = block
        return Features(X, problems), environments

    def _compute(self, mol: Mol) -> list[Any] | InvalidMolecule:
        values = []
        for featurizer in self.featurizers:
            try:
                values.append(featurizer.compute(mol))
            except (RuntimeError, ValueError) as error:
                reason = f"{featurizer.kind}: {' '.join(str(error).split())[:MAX_REASON]}"
                return InvalidMolecule(Status.INVALID, reason)
        return values


def _is_morgan(featurizer: Featurizer) -> bool:
    is_morgan = isinstance(featurizer, MorganCount) and featurizer.radius == RADIUS
    return is_morgan and not featurizer.reads_stereo
