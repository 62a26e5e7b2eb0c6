"""What the user says of the labels of a table that a model is measured on, which knows its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.checkpoint.target import Target

CLASS_TASKS = ("multiclass", "ordinal")


def class_orders(classes: Sequence[str]) -> list[list[str]]:
    """Return what --classes says: lists of classes, the lowest first."""
    return [[word.strip() for word in words.split(",")] for words in classes]


def require_learnt(
    targets: "Sequence[Target]", task: str | None, classes: Sequence[str], positive: Sequence[str]
) -> None:
    """Refuse what contradicts what a model has learnt.

    Parameters
    ----------
    targets
        The targets of the model.
    task, classes, positive
        The options of these names.

    Raises
    ------
    ServierError
        No target is of this task or has these classes, or label 1 is named and all have classes.
    """
    if task is not None and any(target.task != task for target in targets):
        tasks = ", ".join(dict.fromkeys(target.task for target in targets))
        problem = f"--task says {task}, and the model has learnt {tasks}"
        raise ServierError(problem, hint="leave out --task: the model knows its task")
    for order in class_orders(classes):
        if not any(_is_order_of(target, order) for target in targets):
            problem = f"--classes says {', '.join(order)}, which are the classes of no target of the model"
            raise ServierError(problem, hint="leave out --classes: the model knows its classes")
    if positive and all(target.task in CLASS_TASKS for target in targets):
        problem = "--positive names label 1 of two, and the model has learnt other classes"
        raise ServierError(problem, hint="leave out --positive")


def _is_order_of(target: "Target", order: Sequence[str]) -> bool:
    """Return whether a list has all classes of a target, in its order; it may have others in between."""
    learnt = [word.casefold() for word in target.classes]
    named = [word.casefold() for word in order]
    return bool(learnt) and [word for word in named if word in learnt] == learnt
