"""The labels of an audited table: in one unit, and beside the molecules that can be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import Mol
from servier.data.datasets import find_weights
from servier.data.duplicates import identify, merge_duplicates
from servier.data.folds import Indices
from servier.data.label_column import LabelColumn
from servier.data.labelled_table import LabelledTable
from servier.data.labels import is_binary
from servier.data.replicates import Replicates, find_repeats, measure_replicates
from servier.data.scales import ScaledLabels, holds_numbers, scale_labels
from servier.data.structure_activity import find_cliffs
from servier.data.wishes import Wishes
from servier.errors import DataError


def scale_audited(
    table: LabelledTable, read: Mapping[str, LabelColumn], wishes: Wishes, task: str | None = None
) -> tuple[dict[str, ScaledLabels], list[str]]:
    """Bring labels to one unit as training does, and say what it would refuse.

    Parameters
    ----------
    table, read, wishes
        The table, the labels of each target as they are written, and what the user says of them.
    task
        `multiclass` or `ordinal` where the targets have classes; else None.

    Returns
    -------
    The labels of each target, as they are written where training refuses them, and a sentence for each target
    whose labels are in several units, or are refused.
    """
    scaled, sentences = {}, []
    for target, column in read.items():
        scaled[target] = ScaledLabels(column)
        try:
            if not holds_numbers(column, task):
                wishes.require_numbers(target, table.targets if task is None else [target])
                continue
            scaled[target] = found = scale_labels(table, target, column, wishes)
        except DataError as error:
            place = "" if error.row is None else f"line {error.row}: "
            hint = f"; {error.hint}" if error.hint else ""
            sentences.append(f"{target}: train refuses it: {place}{error.problem}{hint}")
            continue
        if len(found.sources) > 1:
            counts = ", ".join(f"{n:,} in {unit}" for unit, n in found.sources.items())
            sentences.append(f"{target}: labels are in several units, {counts}; train learns {found.unit}")
    return scaled, sentences


def find_bad_weights(table: LabelledTable) -> tuple[dict[int, str], list[str]]:
    """Return why the weights of rows cannot be used, by position, and a sentence for what all have."""
    try:
        weights = find_weights(table)
    except DataError as error:
        return {}, [f"{error.column}: train refuses it: {error.problem}; {error.hint}"]
    if weights is None:
        return {}, []
    whole = {row: text for row, text in weights.problems.items() if table.problems[row] is None}
    n_zero = int(np.count_nonzero(weights.values == 0))
    said = "1 row of weight 0 teaches" if n_zero == 1 else f"{n_zero:,} rows of weight 0 teach"
    return whole, [f"{weights.column}: {said} nothing"] if n_zero else []


@dataclass(frozen=True)
class Readable:
    """The rows of a table whose molecules can be read.

    Parameters
    ----------
    rows, mols, smiles
        The numbers of these rows, their molecules, and how these are written.
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    labels
        Of each target the labels of these rows that are no bounds, float64, shape (n_rows,); NaN elsewhere.
    classes
        Of each target what its labels are called, if they are classes.
    task
        `multiclass` or `ordinal` where the targets have classes; else None.
    """

    rows: list[int]
    mols: list[Mol]
    smiles: list[str]
    molecules: Indices
    labels: dict[str, NDArray[np.float64]]
    classes: dict[str, list[str]]
    task: str | None = None

    @classmethod
    def find(
        cls,
        mols: Sequence[Mol | None],
        smiles: Sequence[str],
        columns: Mapping[str, LabelColumn],
        same_molecule: str,
        task: str | None = None,
    ) -> "Readable":
        """Return the rows that have a molecule; parameters are of all rows, of `identify`, and as above."""
        rows = [row for row, mol in enumerate(mols) if mol is not None]
        found = [mols[row] for row in rows]
        written = [smiles[row] for row in rows]
        molecules = identify(found, written, same_molecule)
        labels = {target: column.exact[rows] for target, column in columns.items()}
        classes = {target: column.classes for target, column in columns.items()}
        return cls(rows, found, written, molecules, labels, classes, task)

    def each_once(self) -> list[Mol]:
        """Return the molecules, each once."""
        first = np.unique(self.molecules, return_index=True)[1]
        return [self.mols[i] for i in sorted(first.tolist())]

    def measure_replicates(self) -> dict[str, Replicates]:
        """Return how far labels of one molecule differ, for each target where molecules have several."""
        repeats = find_repeats(self.molecules, self.smiles)
        measured = {
            target: measure_replicates(repeats, y, self._task_of(y), len(self.classes[target]) or 2)
            for target, y in self.labels.items()
        }
        return {target: found for target, found in measured.items() if found is not None}

    def find_cliffs(self, units: Mapping[str, str], lines: Sequence[int]) -> Iterator[tuple[int, str]]:
        """Yield rows that are alike to another one with a label far from theirs, and which one that is.

        Parameters
        ----------
        units
            The units of targets, where they are known.
        lines
            The line number of each row of the table.
        """
        targets = list(self.labels)
        if not targets:
            return
        y = np.stack(list(self.labels.values()), axis=1)
        merged = merge_duplicates(self.molecules, y, [self._task_of(column) for column in y.T])
        mols = [self.mols[i] for i in merged.rows]
        of_targets = [units.get(target) for target in targets]
        for cliff in find_cliffs(mols, list(merged.y.T), of_targets, self.task):
            row, other = (self.rows[int(merged.rows[i])] for i in (cliff.first, cliff.second))
            words = self.classes[targets[cliff.target]]
            pair = [merged.y[i, cliff.target] for i in (cliff.first, cliff.second)]
            values = " and ".join(words[int(label)] if words else f"{label:.4g}" for label in pair)
            said = f"{values}, though line {lines[other]} is {cliff.similarity:.2f} similar"
            yield row, f"{targets[cliff.target]}: {said}"

    def _task_of(self, y: NDArray[np.float64]) -> str:
        if self.task is not None:
            return self.task
        return "binary" if is_binary(y[~np.isnan(y)]) else "regression"
