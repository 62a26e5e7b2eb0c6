"""The column that says the unit of each label, where its name and its fields show that it does."""

import logging
from collections.abc import Callable, Sequence

from servier.chem.units import PERCENT, Kind, Scale
from servier.data.companions import Companions, Fields, assign_named, list_usual
from servier.data.relation_column import is_relation_name
from servier.data.wishes import LONGEST_UNIT, read_unit
from servier.tables.numbers import is_missing

UNIT_NAMES = ("units", "unit")
"""The usual names; a blank may be `_`, `-`, or absent; the name of a target may stand before or after."""

logger = logging.getLogger(__name__)


def find_units(values: Fields) -> dict[str, list[str]]:
    """Return those columns of which most fields that are filled hold a known unit."""
    found = {}
    for name, texts in values.items():
        filled = [text for text in texts if not is_missing(text)]
        known = {text: _is_known(text) for text in dict.fromkeys(filled)}
        if filled and 2 * sum(known[text] for text in filled) > len(filled):
            found[name] = texts
    return found


def choose_units(
    values: Fields,
    names: Sequence[str],
    targets: Sequence[str],
    wanted: Sequence[str],
    holds_numbers: Callable[[str], bool],
) -> Companions:
    """Return which column of units belongs to which target.

    A column that has no target in its name belongs to the column of numbers before it, or else after it.

    Parameters
    ----------
    values
        The fields of the columns that hold units.
    names, targets
        All columns of the table, and those that are targets.
    wanted
        The columns that the user named; empty to go by the names of the columns.
    holds_numbers
        Whether the fields of a column are numbers.

    Raises
    ------
    DataError
        There are not as many as targets.
    """
    if wanted:
        return Companions("unit", assign_named(names, wanted, targets, "unit"))
    own = {target: list_usual(list(values), target, UNIT_NAMES) for target in targets}
    chosen = {target: found[0] for target, found in own.items() if found}
    unclear = None
    for name in list_usual(list(values), "", UNIT_NAMES):
        owner = _find_owner(name, names, holds_numbers)
        if owner is not None:
            chosen |= {owner: name} if owner in targets and owner not in chosen else {}
        elif len(set(values[name])) > 1:
            unclear = name
    for target, name in chosen.items():
        logger.info("column %r says the units of %s", name, target)
    return Companions("unit", chosen, unclear)


def _find_owner(name: str, names: Sequence[str], holds_numbers: Callable[[str], bool]) -> str | None:
    """Return the column of numbers before a column or after it; a relation may stand between them."""
    place = names.index(name)
    for near in ([place - 1, place - 2], [place + 1, place + 2]):
        others = [names[i] for i in near if 0 <= i < len(names)]
        if others and holds_numbers(others[0]):
            return others[0]
        if len(others) > 1 and is_relation_name(others[0]) and holds_numbers(others[1]):
            return others[1]
    return None


def _is_known(text: str) -> bool:
    unit = read_unit(text) if len(text) <= LONGEST_UNIT else None
    return unit is not None and (
        unit.kind is not Kind.OTHER or unit.scale is not Scale.LINEAR or unit == PERCENT
    )
