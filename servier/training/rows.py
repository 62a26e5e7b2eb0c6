"""The rows of a labelled table that train a model, and those that test it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS
from servier.chem.molecules import InvalidMolecule, Mol, parse_all
from servier.chem.units import Scale
from servier.data.bounds import Relations, only_exact
from servier.data.datasets import Dataset
from servier.data.duplicates import identify, merge_duplicates
from servier.data.folds import Indices, enough_folds, split_folds
from servier.data.labelled_table import warn_of_rows
from servier.data.replicates import Replicates, find_repeats, measure_replicates, scale_of
from servier.data.splitters import Splitter, choose_splitter
from servier.data.wishes import NO_LIMITS
from servier.errors import DataError
from servier.models.fitted_model import Folds
from servier.training.balance import require_variety, warn_of_folds, warn_of_test_rows
from servier.training.learnt_labels import LearntLabels
from servier.training.options import Options
from servier.training.weights import normalize_weights

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
    relations
        Which labels of the training rows are bounds, as in `servier.data.bounds`; None where none is.
    replicates
        How far labels of one molecule differ in the whole table, by target, where molecules have several.
    weights
        How much each label counts, float64, in the shape of `y`, as `servier.training.weights` normalizes it;
        None where all count the same.
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
    relations: Relations | None = None
    replicates: Mapping[str, Replicates] = field(default_factory=dict)
    weights: NDArray[np.float64] | None = None

    @property
    def exact_y(self) -> NDArray[np.float64]:
        """The labels with NaN where one is missing or is a bound."""
        return only_exact(self.y, self.relations)

    def relations_of(self, target: int) -> Relations | None:
        """Return which labels of one target are bounds; None where none is."""
        of_target = None if self.relations is None else self.relations[:, target]
        return of_target if of_target is not None and of_target.any() else None

    def labels_of(self, target: int) -> LearntLabels:
        """Return the labels of one target, with all that calibration wants to know of them."""
        name = self.data.targets[target]
        return LearntLabels(
            name=name,
            task=self.data.tasks[target],
            y=self.y[:, target],
            groups=self.groups,
            relations=self.relations_of(target),
            limits=self.data.limits.get(name, NO_LIMITS),
            words=self.data.words.get(name),
            weights=None if self.weights is None else self.weights[:, target],
        )

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
        Rows of weight 0 teach nothing.

        Raises
        ------
        DataError
            A target does not vary among the training rows, or a class has too few of them.
        """
        data, relations = self.data, self.data.relations
        scales = [scale_of(data.units.get(name)) for name in data.targets]
        if self.options.conflicts == "geometric":
            _require_positive(data, scales)
        if self.options.conflicts == "worst":
            _require_order(data)
        weights = None if data.weights is None else data.weights.values[self.rows]
        n_chosen, train = len(train), train if weights is None else train[weights[train] > 0]
        merged = merge_duplicates(
            self.molecules[train], data.y[self.rows[train]], data.tasks, self.options.conflicts,
            None if relations is None else relations[self.rows[train]], scales,
            None if weights is None else weights[train],
        )  # fmt: skip
        n_weightless = n_chosen - len(train)
        has_label = ~np.isnan(merged.y).all(axis=1)
        require_variety(only_exact(merged.y, merged.relations), data, self.splitter.strategy)
        train = train[merged.rows[has_label]]
        return TrainingRows(
            data=data, train=self.rows[train], test=self.rows[test], mols=[self.mols[i] for i in train],
            y=merged.y[has_label], groups=self.splitter.groups[train],
            test_mols=[self.mols[i] for i in test],
            left_out=data.left_out + len(data) - len(self.rows) + n_weightless + int(np.sum(~has_label)),
            duplicates=merged.duplicates, conflicts=merged.conflicts, strategy=self.splitter.strategy,
            relations=None if merged.relations is None else merged.relations[has_label],
            weights=(
                None if merged.weights is None
                else normalize_weights(merged.weights[has_label], merged.y[has_label])
            ),
        )  # fmt: skip


def _require_positive(data: Dataset, scales: Sequence[Scale]) -> None:
    """Refuse labels that have no geometric mean."""
    for i, (target, task, scale) in enumerate(zip(data.targets, data.tasks, scales, strict=True)):
        rows = np.flatnonzero(data.y[:, i] <= 0)
        if task == "regression" and scale is Scale.LINEAR and rows.size:
            problem = f"the geometric mean needs labels above 0, and this is {data.y[rows[0], i]:g}"
            hint = "choose --replicates median or mean"
            raise DataError(problem, path=data.path, row=data.lines[rows[0]], column=target, hint=hint)


def _require_order(data: Dataset) -> None:
    """Refuse classes of which none is the worst."""
    if MULTICLASS in data.tasks:
        target = data.targets[data.tasks.index(MULTICLASS)]
        hint = "choose --replicates median, which takes the most frequent class, or use --task ordinal"
        raise DataError(
            "classes without an order have no worst one", path=data.path, column=target, hint=hint
        )


def usable_rows(data: Dataset, options: Options) -> UsableRows:
    """Find the rows that have a readable molecule and a label.

    Raises
    ------
    DataError
        There are too few such rows, or they cannot be split as the options say.
    """
    parsed = parse_all(data.smiles, level=options.level)
    has_label = ~np.isnan(data.y).all(axis=1)
    readable = np.array([not isinstance(mol, InvalidMolecule) for mol in parsed])
    unreadable = np.flatnonzero(has_label & ~readable)
    problems = [(data.lines[row], parsed[row].reason) for row in unreadable]
    warn_of_rows(data.path, problems, "unreadable molecules")
    is_usable = has_label & readable & _has_weight(data, has_label & readable)
    rows = np.flatnonzero(is_usable)
    if len(rows) < MIN_ROWS:
        hint = "check the SMILES column, or name it with --smiles_column"
        problem = f"only {len(rows)} rows have a readable molecule and a label"
        if data.weights is not None:
            problem, hint = f"{problem} and a weight", f"{hint}; check column {data.weights.column!r}"
        raise DataError(problem, path=data.path, hint=hint)
    mols = [parsed[i] for i in rows]
    molecules = identify(mols, [data.smiles[i] for i in rows], options.same_molecule)
    splitter = choose_splitter(data, rows, mols, molecules, options.split, options.seed)
    return UsableRows(data, options, rows, mols, molecules, splitter)


def _has_weight(data: Dataset, others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows have a weight; name those of the others that can be used but for it."""
    if data.weights is None:
        return np.ones(len(data), bool)
    problems = [(data.lines[row], reason) for row, reason in data.weights.problems.items() if others[row]]
    warn_of_rows(data.path, problems, "unreadable weights")
    return ~np.isnan(data.weights.values)


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
    repeats = find_repeats(usable.molecules, [data.smiles[i] for i in usable.rows])
    measured = {
        target: measure_replicates(
            repeats, data.exact_y[usable.rows, i], data.tasks[i], len(data.labels_of(i))
        )
        for i, target in enumerate(data.targets)
    }
    return replace(rows, replicates={name: found for name, found in measured.items() if found is not None})
