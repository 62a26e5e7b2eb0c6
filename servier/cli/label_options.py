"""What the options of a table say of its labels, and what they must not say."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.checkpoint.target import Target


def class_orders(classes: Sequence[str]) -> list[list[str]]:
    """Return what --classes says: lists of classes, the lowest first."""
    return [[word.strip() for word in words.split(",")] for words in classes]


def require_of_task(
    task: str | None, classes: Sequence[str], positive: Sequence[str], unit_columns: Sequence[str]
) -> None:
    """Refuse what is for labels of another task; parameters are the options of these names.

    Raises
    ------
    ServierError
        Classes are named and none are learnt, or something is said that classes do not have.
    """
    from servier.checkpoint.classes import CLASS_TASKS

    if classes and task not in CLASS_TASKS:
        hint = "add --task ordinal, or --task multiclass where they have no order"
        raise ServierError("--classes names classes, and no target is said to have any", hint=hint)
    if positive and task in CLASS_TASKS:
        hint = "leave out --positive; --classes says which classes there are"
        raise ServierError("--positive names label 1 of two, and targets have classes", hint=hint)
    if unit_columns and task in CLASS_TASKS:
        hint = "leave out --unit_column, or use --task regression"
        raise ServierError("--unit_column holds units of numbers, and targets have classes", hint=hint)


def require_learnt(
    targets: "Sequence[Target]",
    task: str | None,
    classes: Sequence[str],
    positive: Sequence[str],
    unit_columns: Sequence[str],
) -> None:
    """Refuse what contradicts what a model has learnt.

    Parameters
    ----------
    targets
        The targets of the model.
    task, classes, positive, unit_columns
        The options of these names.

    Raises
    ------
    ServierError
        A target is of another task, none has these classes, or all have classes and something is said that
        classes do not have.
    """
    from servier.checkpoint.classes import CLASS_TASKS

    if task is not None and any(target.task != task for target in targets):
        tasks = ", ".join(dict.fromkeys(target.task for target in targets))
        problem = f"--task says {task}, and the model has learnt {tasks}"
        raise ServierError(problem, hint="leave out --task: the model knows its task")
    for order in class_orders(classes):
        if not any(_is_order_of(target, order) for target in targets):
            problem = f"--classes says {', '.join(order)}, which are the classes of no target of the model"
            raise ServierError(problem, hint="leave out --classes: the model knows its classes")
    if all(target.task in CLASS_TASKS for target in targets):
        require_of_task(targets[0].task, classes, positive, unit_columns)


def _is_order_of(target: "Target", order: Sequence[str]) -> bool:
    """Return whether a list has all classes of a target, in its order; it may have others in between."""
    learnt = [word.casefold() for word in target.classes]
    named = [word.casefold() for word in order]
    return bool(learnt) and [word for word in named if word in learnt] == learnt
