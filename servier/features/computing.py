"""Compute the features of many molecules on several processes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from servier.chem.levels import Level
from servier.chem.molecules import ANY_ROW, MAX_ATOMS, InvalidMolecule, Row, SmilesRows, Status
from servier.features.feature_set import Features, FeatureSet
from servier.processes.ordered_map import ordered_map

CHUNK_ROWS = 512


@dataclass(frozen=True)
class FeatureWork:
    """Computes the features of chunks of rows in worker processes.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    max_atoms, level
        As for `servier.chem.molecules.parse_smiles`.
    """

    featurizers: list[dict[str, Any]]
    max_atoms: int = MAX_ATOMS
    level: Level = Level.NONE

    def prepare(self) -> Callable[[Sequence[Row]], Features]:
        """Build the feature set."""
        features = FeatureSet(self.featurizers)

        def compute(rows: Sequence[Row]) -> Features:
            return features(SmilesRows(rows, self.max_atoms, features.constitution_only, self.level))

        compute([ANY_ROW])
        return compute

    def give_up(self, item: Row, status: str, reason: str) -> Features:  # noqa: ARG002 - as `Work` has it
        """Return a row of zeros with the reason why it has no features."""
        X = np.zeros((1, len(FeatureSet(self.featurizers))), np.float32)
        return Features(X, [InvalidMolecule(Status(status), reason)])

    def join(self, answers: list[Features]) -> Features:
        """Concatenate the rows."""
        problems = [problem for part in answers for problem in part.problems]
        return Features(np.concatenate([part.X for part in answers]), problems)


def compute_features(
    smiles: Sequence[str], featurizers: list[dict[str, Any]], workers: int, level: Level = Level.NONE
) -> Features:
    """Compute the features of many molecules on several processes.

    Returns
    -------
    Features of all rows, in order, in memory.
    """
    rows: list[Row] = [(text, None) for text in smiles]
    chunks = (rows[i : i + CHUNK_ROWS] for i in range(0, len(rows), CHUNK_ROWS))
    work = FeatureWork(featurizers, level=level)
    return work.join(list(ordered_map(work, chunks, workers)))
