"""Strategies for holding out rows, and the groups of molecules that they keep together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.identity import scaffold_smiles
from servier.chem.molecules import Mol
from servier.chem.similarity import fingerprints
from servier.data.datasets import Dataset
from servier.data.folds import (
    Fold,
    Indices,
    group_numbers,
    split_folds,
    split_test,
)
from servier.data.split_column import read_times, split_by_column, split_by_time
from servier.errors import DataError
from servier.tables.numbers import is_missing, strip

CLUSTER_SIZE = 20
MIN_CLUSTERS = 10
OF_COLUMN = ("predefined", "group", "time")
UNGROUPED = ("stratified", "random")


@dataclass(frozen=True)
class Splitter:
    """Holds out rows by one of the strategies in `servier.data.folds.STRATEGIES`.

    Parameters
    ----------
    strategy
        The name of the strategy.
    y, task
        The labels of the first target, float64, shape (n_rows,), and its task.
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    groups
        int64, shape (n_rows,): rows with equal numbers stay together in folds, and in a split that is neither
        predefined nor by time.
    values, lines
        The value of the split column in each row, and the line number of the row.
    data
        The table, for error messages.
    """

    strategy: str
    y: NDArray[np.float64]
    task: str
    molecules: Indices
    groups: Indices
    values: list[str]
    lines: list[int]
    data: Dataset

    def hold_out(self, fraction: float, seed: int) -> tuple[Indices, Indices]:
        """Return the indices of the training rows and of the test rows, sorted.

        Raises
        ------
        DataError
            The strategy cannot read a value of the split column.
        """
        try:
            if self.strategy == "predefined":
                return split_by_column(self.values, self.lines)
            if self.strategy == "time":
                return split_by_time(read_times(self.values, self.lines), self.molecules, fraction)
        except DataError as error:
            raise DataError(
                error.problem, path=self.data.path, row=error.row, column=self.data.split_column,
                hint=error.hint,
            ) from None  # fmt: skip
        return split_test(self._strata(), self.task, self.groups, fraction, seed)

    def folds(self, n_folds: int, seed: int) -> list[Fold]:
        """Divide all rows into folds that share no group and are stratified as the strategy says."""
        return split_folds(self._strata(), self.task, self.groups, n_folds, seed)

    def _strata(self) -> NDArray[np.float64]:
        """Return the labels to stratify by: for a random split, all the same."""
        return np.zeros(len(self.y)) if self.strategy == "random" else self.y


def choose_splitter(
    data: Dataset, rows: Indices, mols: Sequence[Mol], molecules: Indices, strategy: str | None, seed: int
) -> Splitter:
    """Return the splitter of a strategy; the default is the split column, or scaffolds if there is none.

    Parameters
    ----------
    data, rows
        The table, and the rows of it that are used.
    mols
        The molecules of these rows.
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules, which are never split.
    strategy
        One of `servier.data.folds.STRATEGIES`, or None for the default.
    seed
        The seed of the clustering.

    Raises
    ------
    DataError
        The strategy needs a split column and none was named, or it has no use for the one that was.
    """
    has_column = data.split is not None
    strategy = strategy or ("predefined" if has_column else "scaffold")
    if has_column != (strategy in OF_COLUMN):
        problem = f"a split by {strategy} {'does not read' if has_column else 'needs'} a column"
        hint = "leave out --split_column" if has_column else "name it with --split_column"
        raise DataError(problem, path=data.path, column=data.split_column, hint=hint)
    values = [data.split[i] for i in rows] if data.split is not None else []
    groups = _group(strategy, mols, molecules, values, seed)
    lines = [data.lines[i] for i in rows]
    return Splitter(strategy, data.y[rows, 0], data.tasks[0], molecules, groups, values, lines, data)


def _group(strategy: str, mols: Sequence[Mol], molecules: Indices, values: list[str], seed: int) -> Indices:
    """Return the group of each row; all rows of a molecule are in the group of its first row."""
    if strategy in UNGROUPED:
        return molecules
    if strategy == "cluster":
        groups = cluster(mols, seed)
    elif strategy == "group":
        groups = group_numbers(["" if is_missing(value) else strip(value) for value in values])
    else:
        groups = group_numbers([scaffold_smiles(mol) for mol in mols])
    first = np.unique(molecules, return_index=True, return_inverse=True)
    return groups[first[1][first[2]]]


def cluster(mols: Sequence[Mol], seed: int) -> Indices:
    """Cluster molecules by their fingerprints, about twenty to a cluster.

    Returns
    -------
    int64, shape (n_mols,): the k-means cluster of each molecule, by its normalized Morgan fingerprint.

    References
    ----------
    Sculley, Web-scale k-means clustering, WWW 2010, doi:10.1145/1772690.1772862.
    """
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.preprocessing import normalize

    bits = normalize(np.unpackbits(fingerprints(mols), axis=1).astype(np.float32))
    n_clusters = min(len(mols), max(MIN_CLUSTERS, len(mols) // CLUSTER_SIZE))
    means = MiniBatchKMeans(n_clusters, random_state=seed, n_init=1, batch_size=1024)
    return np.asarray(means.fit_predict(bits), np.int64)
