"""Which fields of a target contradict each other, so that a checkpoint with them is refused."""

from typing import TYPE_CHECKING

from servier.checkpoint.classes import MAX_CLASSES, MIN_CLASSES, ORDINAL

if TYPE_CHECKING:
    from servier.checkpoint.target import Target

LOG, MIRRORED_LOG = "log", "mirrored_log"
"""The transforms of a regression target."""
OF_NUMBERS = ("transform", "unit", "lowest", "highest")
"""Fields that only a regression target has."""


def find_contradiction(target: "Target") -> str | None:
    """Return which field of a target does not fit its task or another field, or None."""
    article = "an" if target.task == ORDINAL else "a"
    alien = (() if target.task == "binary" else ("threshold",)) + (
        () if target.task == "regression" else OF_NUMBERS
    )
    for name in alien:
        if getattr(target, name) is not None:
            return f"{name} is not null, as that of {article} {target.task} target is"
    if (target.bound is None) == (target.transform == MIRRORED_LOG):
        return f"bound is not that of the transform {target.transform}"
    low, high = target.lowest, target.highest
    if low is not None and high is not None and low >= high:
        return "lowest is not below highest"
    return _find_wrong_classes(target) or _find_wrong_limits(target)


def _find_wrong_classes(target: "Target") -> str | None:
    """Return which field does not fit the classes of a target, or that it has none."""
    n_words = len(target.words or ())
    if target.has_classes and not MIN_CLASSES <= n_words <= MAX_CLASSES:
        return f"words is not a word for each of {MIN_CLASSES} to {MAX_CLASSES} classes"
    if not target.has_classes and target.words is not None and (n_words != 2 or target.task != "binary"):
        return "words is not a word for each label"
    for name, numbers in (("slopes", target.slopes), ("intercepts", target.intercepts)):
        if numbers is not None and (not target.has_classes or len(numbers) != target.n_scores):
            return f"{name} is not a number for each raw score of classes"
    return None


def _find_wrong_limits(target: "Target") -> str | None:
    """Return the first conformal limits that cannot be, or are narrower than those of less confidence."""
    n_classes = len(target.classes)
    previous = [0.0, 1.0] if target.task == "binary" else [1.0] * n_classes or [0.0]
    signs = (1, -1) if target.task == "binary" else [-1] * n_classes or [1]
    for level in sorted(target.conformal, key=float):
        limits = target.conformal[level]
        if len(limits) != len(previous):
            return f"conformal[{level!r}] is not {len(previous)} numbers"
        wider = zip(limits, previous, signs, strict=True)
        if not all(sign * (new - old) >= 0 for new, old, sign in wider):
            return f"conformal[{level!r}] is not as wide as that of less confidence"
        if target.task != "regression" and not all(0 <= limit <= 1 for limit in limits):
            return f"conformal[{level!r}] is not made of probabilities"
        previous = limits
    return None
