"""Columns that say something of the labels of a target, such as their units: named by the user, or usual."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from servier.errors import DataError
from servier.tables import find_column

NOTHING = "none"
"""What the user says for that no column is to be looked for."""

Fields = Mapping[str, list[str]]
"""The fields of columns, by their names."""


@dataclass(frozen=True)
class Companions:
    """The columns of one kind that say something of targets.

    Parameters
    ----------
    what
        The kind, `relation` or `unit`.
    of_targets
        The column of each target that has one.
    unclear
        A column that may speak of any of several columns; None where there is none.
    """

    what: str
    of_targets: Mapping[str, str] = field(default_factory=dict)
    unclear: str | None = None

    @property
    def question(self) -> DataError | None:
        """What the user is to be asked; None where all is clear."""
        if self.unclear is None:
            return None
        said = {"relation": "bounds", "unit": "units"}[self.what]
        hint = f"say --{self.what}_column TARGET={self.unclear}, or --{self.what}_column {NOTHING}"
        return DataError(f"it is not clear which target has its {said} in {self.unclear!r}", hint=hint)


NO_RELATIONS, NO_UNITS = Companions("relation"), Companions("unit")


def list_named(names: Sequence[str], wanted: Sequence[str], what: str) -> list[str]:
    """Return the columns that the user named, each as `COLUMN` or `TARGET=COLUMN`.

    Parameters
    ----------
    names, wanted
        The columns of the table, and what the user gave; `none` names no column.
    what
        The kind of column, for messages.

    Raises
    ------
    DataError
        A column is absent.
    """
    return [column for _, column in _read(names, wanted, what)]


def assign_named(
    names: Sequence[str], wanted: Sequence[str], targets: Sequence[str], what: str
) -> dict[str, str]:
    """Return the column of each target for which the user named one.

    Parameters
    ----------
    names, wanted, what
        As for `list_named`. Columns without a target are those of the other targets, in their order.
    targets
        The target columns.

    Raises
    ------
    DataError
        A column or a target is absent, or there are not as many columns as targets.
    """
    read = _read(names, wanted, what)
    found = {target: column for target, column in read if target is not None}
    flag = f"--{what}_column"
    for target, column in found.items():
        if target not in targets:
            hint = f"the targets are {', '.join(targets)}"
            raise DataError(f"{flag} {target}={column}: no target is called {target!r}", hint=hint)
    others = [target for target in targets if target not in found]
    plain = [column for target, column in read if target is None]
    if plain and len(plain) != len(others):
        problem = f"{flag} names {len(plain)} columns for {len(others)} targets"
        hint = f"name one for each target, in the order of the targets, or write {flag} TARGET=COLUMN"
        raise DataError(problem, hint=hint)
    return found | dict(zip(others, plain, strict=False))


def list_usual(names: Sequence[str], target: str, usual: Sequence[str]) -> list[str]:
    """Return the columns with a usual name for a target, or for none in particular, the most usual first.

    Parameters
    ----------
    names
        The columns of the table.
    target
        Whose name may stand before or after the usual one; empty for columns of no target.
    usual
        Names to look for; a blank may be `_`, `-`, or absent.
    """
    own = plain_name(target)
    keys = [key for name in map(plain_name, usual) for key in (own + name, name + own)]
    found = [name for name in names if plain_name(name) in keys]
    return sorted(found, key=lambda name: keys.index(plain_name(name)))


def list_alike(names: Sequence[str], usual: Sequence[str], taken: Sequence[str | None]) -> list[str]:
    """Return the columns that have no other use and whose names begin or end with a usual one."""
    ends = tuple(map(plain_name, usual))
    alike = [name for name in names if plain_name(name).startswith(ends) or plain_name(name).endswith(ends)]
    return [name for name in alike if name not in taken]


def plain_name(name: str) -> str:
    """Return the name of a column without capitals and without what may part its words."""
    return "".join(character for character in name.casefold() if character not in " _-#")


def _read(names: Sequence[str], wanted: Sequence[str], what: str) -> list[tuple[str | None, str]]:
    """Return the target that stands before each column, or None, and the column."""
    if list(wanted) == [NOTHING] and NOTHING not in names:
        return []
    found: list[tuple[str | None, str]] = []
    for text in wanted:
        target, given, column = text.rpartition("=")
        is_of_target = given and text not in names
        named = find_column(names, column if is_of_target else text, (), what)
        found.append((target if is_of_target else None, str(named)))
    return found
