"""The labels of the targets of a table, read as numbers in one unit or as classes, each with its task."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from servier.checkpoint.classes import CLASS_TASKS
from servier.checkpoint.target import Target
from servier.data.class_column import are_few_numbers, log_classes, read_classes
from servier.data.label_checks import check_labels
from servier.data.label_column import LabelColumn, read_labels
from servier.data.labelled_table import LabelledTable, warn_of_rows
from servier.data.scales import ScaledLabels, holds_numbers, scale_labels
from servier.data.wishes import Wishes
from servier.errors import DataError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelReader:
    """How the labels of a table are read; parameters as for `servier.data.datasets.load_dataset`."""

    positive: Sequence[str]
    orders: Sequence[Sequence[str]]
    learnt: Sequence[Target]
    wishes: Wishes

    def read(self, table: LabelledTable, number: int, task: str | None) -> ScaledLabels:
        """Read the labels of a target, numbers in one unit.

        Parameters
        ----------
        table, number
            The table, and the position of the target.
        task
            What is to be learnt; None to infer it from the labels.

        Raises
        ------
        DataError
            They cannot be brought to one unit, or something is said of them that is for numbers only.
        """
        target, model = table.targets[number], self.learnt[number] if self.learnt else None
        words, relations = None if model is None else model.words, table.relations(target)
        has_classes = task in CLASS_TASKS
        column = (
            read_classes(table.values[target], task, self.orders, words, relations)
            if task in CLASS_TASKS
            else read_labels(table.values[target], self.positive, words, relations)
        )
        if holds_numbers(column, task) and not column.problems:
            return scale_labels(table, target, column, self.wishes, model)
        if not column.problems:
            self.wishes.require_numbers(target, [target] if has_classes else table.targets)
        return ScaledLabels(column)


def read_targets(
    table: LabelledTable, tasks: Sequence[str] | str | None, reader: LabelReader, *, skip_useless: bool
) -> dict[str, tuple[ScaledLabels, str]]:
    """Return the labels and the task of each target; skip those that are useless, or refuse them.

    Parameters
    ----------
    table, tasks
        The table, and what is to be learnt, as for `servier.data.datasets.load_dataset`.
    reader
        How labels are read.
    skip_useless
        Whether targets that cannot be learnt from are left out with a warning.

    Raises
    ------
    DataError
        A target cannot be learnt from, or all of them.
    """
    read: dict[str, tuple[ScaledLabels, str]] = {}
    _require_clear(table)
    for i, target in enumerate(table.targets):
        task = tasks if tasks is None or isinstance(tasks, str) else tasks[i]
        try:
            labels = reader.read(table, i, task)
            chosen = check_labels(labels.column, task, table.lines, table.values[target])
            read[target] = labels, chosen
            _warn_of_left_out(table, target, labels)
            _say_what_is_learnt(target, labels.column, task, chosen)
        except DataError as error:
            problem = DataError(error.problem, path=table.path, row=error.row, column=target, hint=error.hint)
            if not skip_useless:
                raise problem from None
            logger.warning("left out: %s", problem)
    if not read:
        hint = "name one with --target to see why"
        raise DataError("no column can be learnt from", path=table.path, hint=hint)
    return read


def _require_clear(table: LabelledTable) -> None:
    for companions in (table.relation_columns, table.unit_columns):
        if (question := companions.question) is not None:
            raise DataError(question.problem, path=table.path, hint=question.hint)
    for name in table.unread_relations:
        logger.warning(
            "column %r holds nothing but relations; if it says which labels are bounds, name it with "
            "--relation_column",
            name,
        )


def _warn_of_left_out(table: LabelledTable, target: str, labels: ScaledLabels) -> None:
    """Name the labels that are left out for what stands beside them."""
    bad = sorted({row: text for found in labels.left_out.values() for row, text in found.items()}.items())
    problems = [(table.lines[row], f"{target}: {problem}") for row, problem in bad]
    warn_of_rows(table.path, problems, "labels whose unit or relation cannot be read")


def _say_what_is_learnt(target: str, column: LabelColumn, task: str | None, chosen: str) -> None:
    """Say which word is which label, and, unless it was asked for, that few whole numbers are values."""
    if chosen in CLASS_TASKS:
        log_classes(target, column.words)
        return
    column.log_words(target)
    known = column.y[~np.isnan(column.y)]
    if task is None and chosen == "regression" and are_few_numbers(known):
        values = np.unique(known)
        logger.warning(
            "target %s: %s different whole numbers, %g to %g, are learnt as values (--task regression); "
            "--task multiclass or ordinal learns them as classes", target, len(values), values[0], values[-1],
        )  # fmt: skip
