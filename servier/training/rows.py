"""The rows of a labelled table that train a model, and those that test it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, Mol, parse_all
from servier.data.datasets import Dataset
from servier.data.duplicates import identify, merge_duplicates
from servier.data.folds import Indices, enough_folds, split_folds
from servier.data.labelled_table import warn_of_rows
from servier.data.splitters import Splitter, choose_splitter
from servier.errors import DataError
from servier.models.fitted_model import Folds
from servier.training.balance import require_variety, warn_of_folds, warn_of_test_rows
from servier.training.options import Options

MIN_ROWS = 20


@dataclass(frozen=True)
class TrainingRows:
    """The molecules that a model is trained on, each once, and the rows that test it.

    Parameters
    ----------
    data
        The labelled table.
    train, test
        The numbers of the rows in the table.
    mols
        The molecules of the training rows.
    y
        Labels of the training rows, float64, shape (n_train, n_targets); NaN where missing.
    groups
        int64, shape (n_train,): training rows with equal numbers stay together, as in `Splitter`.
    test_mols
        The molecules of the test rows.
    left_out, duplicates, conflicts
        The number of rows that were left out or were duplicates, and of molecules with conflicting labels.
    strategy
        How the test rows were held out.
    """

    data: Dataset
    train: Indices
    test: Indices
    mols: list[Mol]
    y: NDArray[np.float64]
    groups: Indices
    test_mols: list[Mol]
    left_out: int
    duplicates: int
    conflicts: int
    strategy: str

    def folds(self, n_folds: int, seed: int) -> Folds:
        """Divide all training rows into folds that are stratified by the first target and share no group.

        Only as many folds are returned as hold out enough rows.
        """
        folds = enough_folds(
            self._split(np.arange(len(self.y)), 0, n_folds, seed), self.y, self.data.tasks, seed
        )
        warn_of_folds(folds, self.y, self.data.targets, self.data.tasks, self.strategy, self.data.words)
        return folds

    def target_folds(self, target: int, n_folds: int, seed: int) -> Folds:
        """Divide the training rows with a label of one target in the same way, stratified by it."""
        y, names, tasks = self.y[:, [target]], [self.data.targets[target]], [self.data.tasks[target]]
        folds = enough_folds(
            self._split(np.flatnonzero(~np.isnan(y[:, 0])), target, n_folds, seed), y, tasks, seed
        )
        warn_of_folds(folds, y, names, tasks, self.strategy, self.data.words)
        return folds

    def _split(self, rows: Indices, target: int, n_folds: int, seed: int) -> Folds:
        y, task = self.y[rows, target], self.data.tasks[target]
        folds = split_folds(y, task, self.groups[rows], n_folds, seed)
        return [(rows[fit], rows[held_out]) for fit, held_out in folds]


@dataclass(frozen=True)
class UsableRows:
    """The rows of a labelled table that have a readable molecule and a label.

    Parameters
    ----------
    data, options
        The table, and how to train on it.
    rows
        The numbers of these rows, int64, shape (n_rows,).
    mols
        The molecules of these rows.
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    splitter
        Holds out some of these rows.
    """

    data: Dataset
    options: Options
    rows: Indices
    mols: list[Mol]
    molecules: Indices
    splitter: Splitter

    def divide(self, train: Indices, test: Indices) -> TrainingRows:
        """Train on some of these rows and test on others.

        Training rows with the same molecule are merged into one by `merge_duplicates`; test rows are not.

        Raises
        ------
        DataError
            A target does not vary among the training rows, or a class has too few of them.
        """
        data = self.data
        merged = merge_duplicates(
            self.molecules[train], data.y[self.rows[train]], data.tasks, self.options.conflicts
        )
        has_label = ~np.isnan(merged.y).all(axis=1)
        require_variety(merged.y, data, self.splitter.strategy)
        train = train[merged.rows[has_label]]
        return TrainingRows(
            data=data, train=self.rows[train], test=self.rows[test], mols=[self.mols[i] for i in train],
            y=merged.y[has_label], groups=self.splitter.groups[train],
            test_mols=[self.mols[i] for i in test],
            left_out=data.left_out + len(data) - len(self.rows) + int(np.sum(~has_label)),
            duplicates=merged.duplicates, conflicts=merged.conflicts, strategy=self.splitter.strategy,
        )  # fmt: skip


def usable_rows(data: Dataset, options: Options) -> UsableRows:
    """Find the rows that have a readable molecule and a label.

    Raises
    ------
    DataError
        There are too few such rows, or they cannot be split as the options say.
    """
    parsed = parse_all(data.smiles, level=Level(options.standardization))
    has_label = ~np.isnan(data.y).all(axis=1)
    readable = np.array([not isinstance(mol, InvalidMolecule) for mol in parsed])
    unreadable = np.flatnonzero(has_label & ~readable)
    problems = [(data.lines[row], parsed[row].reason) for row in unreadable]
    warn_of_rows(data.path, problems, "unreadable molecules")
    rows = np.flatnonzero(has_label & readable)
    if len(rows) < MIN_ROWS:
        hint = "check the SMILES column, or name it with --smiles_column"
        raise DataError(
            f"only {len(rows)} rows have a readable molecule and a label", path=data.path, hint=hint
        )
    mols = [parsed[i] for i in rows]
    molecules = identify(mols, [data.smiles[i] for i in rows], options.same_molecule)
    splitter = choose_splitter(data, rows, mols, molecules, options.split, options.seed)
    return UsableRows(data, options, rows, mols, molecules, splitter)


def select_rows(data: Dataset, options: Options) -> TrainingRows:
    """Choose the rows for training and for testing, as the options say.

    Raises
    ------
    DataError
        Too few rows can be used.
    """
    usable = usable_rows(data, options)
    rows = usable.divide(*usable.splitter.hold_out(options.test_fraction, options.seed))
    warn_of_test_rows(data.y[rows.test], data, rows.strategy)
    return rows
