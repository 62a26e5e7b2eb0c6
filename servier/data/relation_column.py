"""The column that says which labels are bounds, such as `Standard Relation` in exports of ChEMBL."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from servier.data.companions import Companions, Fields, assign_named, list_alike, list_usual, plain_name
from servier.data.public_exports import OUTCOME, is_of_pubchem
from servier.tables.numbers import RELATIONS, is_missing, is_number, read_relation

RELATION_NAMES = (
    "relation",
    "standard relation",
    "published relation",
    "operator",
    "qualifier",
    "activity qualifier",
    "standard qualifier",
    "acqualifier",
    "prefix",
)
"""The usual names; a blank may be `_`, `-`, or absent; the name of a target may stand before or after."""

logger = logging.getLogger(__name__)


def is_relation_name(name: str) -> bool:
    """Return whether the name of a column is one of those that relations have."""
    return bool(list_alike([name], RELATION_NAMES, ()))


def find_relations(values: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return those columns of which most fields that are filled hold a relation."""
    found = {name: [read_relation(text) for text in texts] for name, texts in values.items()}
    return {
        name: values[name]
        for name, relations in found.items()
        if any(relations) and sum(map(bool, relations)) >= relations.count(None)
    }


def choose_relations(
    values: Fields, names: Sequence[str], labels: Fields, wanted: Sequence[str]
) -> Companions:
    """Return which column of relations belongs to which target.

    Those of ChEMBL that begin with Standard or Published belong to the value that does so too, where there
    is one.

    Parameters
    ----------
    values
        The fields of the columns of relations.
    names
        All columns of the table.
    labels
        The fields of the target columns.
    wanted
        The columns that the user named; empty to go by the names of the columns.

    Raises
    ------
    DataError
        There are not as many as targets.
    """
    targets = list(labels)
    if wanted:
        return Companions("relation", assign_named(names, wanted, targets, "relation"))
    shared = list_usual(list(values), "", RELATION_NAMES)
    numbers = [target for target in targets if target != OUTCOME]
    chosen, unclear = {}, None
    for target in numbers:
        own = list_usual(list(values), target, RELATION_NAMES)
        own = own or [name for name in shared if _is_of(name, target)]
        fitting = [name for name in shared if _may_belong(name, target, names)]
        if found := own or fitting[: len(targets) == 1]:
            chosen[target] = found[0]
            _say_found(found[0], target, is_own=bool(own), is_pubchem=any(map(is_of_pubchem, names)))
    others = [labels[target] for target in numbers if target not in chosen]
    for name in shared:
        if any(_holds_bounds(values[name], texts) and _hold_numbers(texts) for texts in others):
            unclear = name
    return Companions("relation", chosen, unclear)


def are_relations(texts: Iterable[str]) -> bool:
    """Return whether all fields that are filled are relations, and some of them those of bounds."""
    has_bounds = False
    for text in texts:
        if text.strip():
            relation = read_relation(text)
            if relation is None:
                return False
            has_bounds |= bool(RELATIONS[relation])
    return has_bounds


def _may_belong(name: str, target: str, names: Sequence[str]) -> bool:
    """Return whether a column speaks of a target, and not of another column whose name begins as its own."""
    return _is_of(name, target) or not any(_is_of(name, other) for other in names)


def _is_of(name: str, target: str) -> bool:
    """Return whether the name of a column begins as that of a value of ChEMBL does."""
    value = plain_name(target)
    return value in {"standardvalue", "publishedvalue"} and plain_name(name).startswith(
        value.removesuffix("value")
    )


def _hold_numbers(texts: Sequence[str]) -> bool:
    """Return whether most fields that are filled are numbers or bounds."""
    filled = [text for text in texts if not is_missing(text)]
    return 2 * sum(map(is_number, filled)) > len(filled)


def _say_found(name: str, target: str, *, is_own: bool, is_pubchem: bool) -> None:
    if is_own or not is_pubchem:
        logger.info("column %r says which labels of %s are bounds", name, target)
    else:
        logger.warning(
            "column %r is taken to say which labels of %s are bounds; if it speaks of another column, say "
            "--relation_column none", name, target,
        )  # fmt: skip


def _holds_bounds(relations: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether a bound stands beside a label that is there."""
    return any(
        RELATIONS[read_relation(text) or ""] and not is_missing(label)
        for text, label in zip(relations, labels, strict=True)
    )
