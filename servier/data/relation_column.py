"""The column that says which labels are bounds, such as `Standard Relation` in exports of ChEMBL."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from servier.errors import DataError
from servier.tables import find_column
from servier.tables.numbers import RELATIONS, read_relation

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

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class RelationColumns:
    """The columns that say which labels are bounds.

    Parameters
    ----------
    of_targets
        The column of each target that has one.
    unclear
        A column of bounds that may be those of any of several targets; None where there is none.
    """

    of_targets: Mapping[str, str] = field(default_factory=dict)
    unclear: str | None = None

    def require_clear(self) -> None:
        """Refuse a column of bounds that may be those of any target.

        Raises
        ------
        DataError
            There is one.
        """
        if self.unclear is not None:
            hint = "name one for each target with --relation_column, or choose one --target"
            raise DataError(f"it is not clear which target has its bounds in {self.unclear!r}", hint=hint)


NO_RELATIONS = RelationColumns()


def list_candidates(names: Sequence[str], wanted: Sequence[str], taken: Sequence[str | None]) -> list[str]:
    """Return the columns that the user named, or else those that may be relations by their names.

    Parameters
    ----------
    names, wanted
        The columns of the table, and those that the user named.
    taken
        Columns that have another use.

    Raises
    ------
    DataError
        A column that the user named is absent.
    """
    if wanted:
        return [str(find_column(names, name, (), "relation")) for name in wanted]
    usual = tuple(map(_plain, RELATION_NAMES))
    alike = [name for name in names if _plain(name).startswith(usual) or _plain(name).endswith(usual)]
    return [name for name in alike if name not in taken]


def find_relations(values: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return those columns of which most fields that are filled hold a relation."""
    found = {name: [read_relation(text) for text in texts] for name, texts in values.items()}
    return {
        name: values[name]
        for name, relations in found.items()
        if any(relations) and sum(map(bool, relations)) >= relations.count(None)
    }


def choose_relations(values: Fields, targets: Sequence[str], wanted: Sequence[str]) -> RelationColumns:
    """Return which column of relations belongs to which target.

    Parameters
    ----------
    values
        The fields of the columns of relations.
    targets
        The target columns.
    wanted
        The columns that the user named, one for each target; empty to go by the names of the columns.

    Raises
    ------
    DataError
        There are not as many as targets.
    """
    if wanted:
        if len(wanted) != len(targets):
            problem = f"--relation_column names {len(wanted)} columns for {len(targets)} targets"
            raise DataError(problem, hint="name one for each target, in the order of the targets")
        named = [str(find_column(list(values), name, (), "relation")) for name in wanted]
        return RelationColumns(dict(zip(targets, named, strict=True)))
    shared = _usual(values, "")
    found = {target: _usual(values, target) or shared[: len(targets) == 1] for target in targets}
    chosen = {target: names[0] for target, names in found.items() if names}
    for target, name in chosen.items():
        logger.info("column %r says which labels of %s are bounds", name, target)
    unclear = [name for name in shared if name not in chosen.values() and _holds_bounds(values[name])]
    return RelationColumns(chosen, unclear[0] if unclear and len(targets) > 1 else None)


def _usual(values: Fields, target: str) -> list[str]:
    """Return the columns with a usual name for a target, or for none in particular, the most usual first."""
    own = _plain(target)
    keys = [key for usual in map(_plain, RELATION_NAMES) for key in (own + usual, usual + own)]
    return sorted(
        (name for name in values if _plain(name) in keys), key=lambda name: keys.index(_plain(name))
    )


def _holds_bounds(texts: Sequence[str]) -> bool:
    return any(RELATIONS[read_relation(text) or ""] for text in texts)


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character not in " _-#")
