"""The columns that predictions fill in a table."""

from collections.abc import Sequence

from servier.checkpoint.classes import MULTICLASS, ORDINAL, are_numbers
from servier.checkpoint.target import Target
from servier.errors import CheckpointError
from servier.scoring.spreads import STATISTICS

DOMAIN_FIELDS = {"nearest_similarity": float, "unseen_share": float, "in_domain": int}
CHANGE_FIELDS = {"scored_smiles": str, "standardization": str}
STEREO_FIELD = "unspecified_stereo"


def prediction_fields(
    targets: Sequence[Target],
    confidences: Sequence[str] = (),
    *,
    has_percentiles: bool = False,
    has_changes: bool = False,
    has_stereo: bool = False,
    forms: Sequence[str] = (),
) -> dict[str, type]:
    """Return the columns that predictions add to a table, with the type of their values.

    Parameters
    ----------
    targets
        The targets that are predicted.
    confidences
        Of the bounds that the predictions have; with any of them there are also the columns of the
        applicability domain.
    has_percentiles
        Whether the predictions have percentiles among the reference molecules.
    has_changes
        Whether they say what was changed of a molecule.
    has_stereo
        Whether they say how much of its stereochemistry is left open.
    forms
        The kinds of forms of a molecule that there are answers for.
    """
    fields: dict[str, type] = {}
    for target in targets:
        fields |= _answer_fields(target)
        for confidence in confidences:
            percent = f"{100 * float(confidence):.0f}"
            if target.task != "regression":
                fields[f"{target.name}_set_{percent}"] = str
            else:
                fields |= {f"{target.name}_low_{percent}": float, f"{target.name}_high_{percent}": float}
        if has_percentiles and target.task != MULTICLASS:
            fields[f"{target.name}_percentile"] = float
        fields |= _spread_fields(target, forms)
    if confidences:
        fields |= DOMAIN_FIELDS
    if has_changes:
        fields |= CHANGE_FIELDS
    if has_stereo:
        fields[STEREO_FIELD] = int
    fields |= dict.fromkeys(forms, int)
    return {**fields, "status": str, "reason": str}


def _answer_fields(target: Target) -> dict[str, type]:
    """Return the columns for the answer of a target itself."""
    name = target.name
    if target.task == "regression":
        return {f"{name}_pred": float}
    if target.task == "binary":
        return {f"{name}_pred": int, f"{name}_probability": float}
    fields: dict[str, type] = {f"{name}_pred": int if are_numbers(target.classes) else str}
    fields |= {f"{name}_probability_{word}": float for word in target.classes}
    return fields | ({f"{name}_mean": float} if target.task == ORDINAL else {})


def number_fields(target: Target) -> list[str]:
    """Return the columns with the numbers of an answer: a value, a probability, or that of each class."""
    numbers = [name for name, kind in _answer_fields(target).items() if kind is float]
    return numbers[: target.n_answers]  # the mean class, which comes last, is none of them


def _spread_fields(target: Target, forms: Sequence[str]) -> dict[str, type]:
    """Return the columns for the answers for forms of a molecule, of classes the probability of each."""
    names = [f"{target.name}_probability_{word}" for word in target.classes] or [target.name]
    return {
        f"{name}_{kind}_{statistic}": float for kind in forms for name in names for statistic in STATISTICS
    }


def require_unlike_fields(targets: Sequence[Target], path: str | None) -> None:
    """Refuse targets of which two answers would have one name, as that of a target and that of a class.

    Raises
    ------
    CheckpointError
        There are some; `path` is named as their checkpoint.
    """
    names = [name for target in targets for name in _answer_fields(target)]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        hint = "give a target or a class another name, and train again"
        raise CheckpointError(f"two of its answers are called {twice}", path=path, hint=hint)


def rank_field(target: Target, word: str | None = None) -> str | None:
    """Return the column by which rows are ranked, or None if a target has none without the word of a class.

    Parameters
    ----------
    target, word
        The target, and one of its classes, which it is then ranked by.
    """
    if word is not None:
        return f"{target.name}_probability_{word}"
    kinds = {"binary": "probability", "regression": "pred", ORDINAL: "mean"}
    return f"{target.name}_{kinds[target.task]}" if target.task in kinds else None
