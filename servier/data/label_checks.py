"""Whether something can be learnt from labels."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import CLASS_TASKS
from servier.data.bounds import Relations
from servier.data.class_column import may_be_classes
from servier.data.label_column import LabelColumn
from servier.errors import DataError

MIN_LABELS = 20
MIN_OF_CLASS = 5

logger = logging.getLogger(__name__)


def check_labels(column: LabelColumn, task: str | None, lines: Sequence[int], texts: Sequence[str]) -> str:
    """Return the task of a target, if its labels can be learnt from and are of the task that is asked for.

    Parameters
    ----------
    column, texts
        The labels, and the fields that they were read from.
    task
        The task that is asked for; None for `binary` or `regression`, by the labels.
    lines
        The line of each row.

    Raises
    ------
    DataError
        A label cannot be read or is not of this task, or nothing can be learnt from them.
    """
    for row, error in column.problems.items():
        is_open = task is None and may_be_classes(texts)
        hint = "--task multiclass learns words as classes, --task ordinal if they have an order"
        raise DataError(error.problem, row=lines[row], hint=hint if is_open else error.hint)
    y = column.y
    known = ~np.isnan(y)
    values = np.unique(y[known])
    is_binary = set(values) <= {0.0, 1.0}
    if column.relations is not None and (is_binary if task is None else task != "regression"):
        row = int(np.flatnonzero(column.relations)[0])
        hint = "leave the relation out; where labels are numbers, use --task regression"
        raise DataError("a bound in a target of two classes", row=lines[row], hint=hint)
    require_labels(column.exact, column.relations)
    if task in CLASS_TASKS:
        return str(task)
    if task == "binary" and not is_binary:
        row = int(np.flatnonzero(known & ~np.isin(y, (0.0, 1.0)))[0])
        hint = "use 0 and 1, or name the label that counts as 1 with --positive, or use --task regression"
        raise DataError(f"label {y[row]:g} in a binary target", row=lines[row], hint=hint)
    if task is None and len(values) == 2 and not is_binary:
        logger.warning(
            "labels %g and %g are learnt as numbers; for two classes write 0 and 1, or name label 1 with "
            "--positive", *values,
        )  # fmt: skip
    return task or ("binary" if is_binary else "regression")


def require_labels(y: NDArray[np.float64], relations: Relations | None = None) -> None:
    """Refuse the labels of a target if nothing can be learnt from them.

    Parameters
    ----------
    y
        The exact labels, float64, shape (n_rows,); NaN where missing.
    relations
        Which other labels are bounds; None where none is.

    Raises
    ------
    DataError
        There are too few labels, or they do not vary.
    """
    known = y[~np.isnan(y)]
    if len(known) < MIN_LABELS:
        kind = "labels" if relations is None else f"labels beside {np.count_nonzero(relations)} bounds"
        hint = f"at least {MIN_LABELS} rows need a label{'' if relations is None else ' that is a value'}"
        raise DataError(f"{len(known)} {kind} are too few to learn from", hint=hint)
    if np.ptp(known) == 0:
        problem = f"all {len(known)} labels {'' if relations is None else 'that are values '}are {known[0]:g}"
        raise DataError(problem, hint="a model needs at least two different values")
    if np.std(known) == 0:
        problem = f"the labels, {known.min():g} to {known.max():g}, differ too little to compute with"
        raise DataError(problem, hint="use a unit in which they are larger")
