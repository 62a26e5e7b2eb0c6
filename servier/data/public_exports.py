"""What tables of ChEMBL and PubChem say of their values beside them: units, types, descriptions.

References
----------
ChEMBL's documentation of activities: `Standard Value`, `Standard Units` and `Standard Type` belong together.
PubChem's documentation of bioassay data: rows under the header whose tag is `RESULT_TYPE`, `RESULT_DESCR`,
`RESULT_UNIT` and the like describe the columns.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from servier.tables import Record
from servier.tables.numbers import is_missing, strip

VALUE, UNITS, TYPE = "standard value", "standard units", "standard type"
"""Columns of ChEMBL, as `_plain` writes them."""
OUTCOME, UNIT_ROW = "PUBCHEM_ACTIVITY_OUTCOME", "RESULT_UNIT"
OUTCOMES = {"probe": "Active", "inconclusive": "", "unspecified": ""}
"""Outcomes that are neither active nor inactive: a probe is active, of others the outcome is not known."""
_DESCRIBING = "RESULT_"
_PUBCHEM = "PUBCHEM_"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Beside:
    """What a table says of its targets beside the values.

    Parameters
    ----------
    unit_columns, type_columns
        By target, the column with the unit, or with the type, of each of its values.
    units
        By target, the unit of all of its values.
    """

    unit_columns: Mapping[str, str] = field(default_factory=dict)
    type_columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns that say something of targets, each once."""
        return list(dict.fromkeys([*self.unit_columns.values(), *self.type_columns.values()]))


def look_beside(
    names: Sequence[str],
    targets: Sequence[str],
    unit_columns: Mapping[str, str],
    descriptions: Sequence[Record],
) -> Beside:
    """Find what a table says of its targets.

    Parameters
    ----------
    names, targets
        Its columns, and those of them that are targets.
    unit_columns
        The columns of units that are known already, by target.
    descriptions
        The rows of PubChem that describe the columns.
    """
    known = {_plain(name): name for name in reversed(names)}
    exported = [target for target in targets if _plain(target) == VALUE]
    units, types = (dict.fromkeys(exported, known[name]) if name in known else {} for name in (UNITS, TYPE))
    row = next((found for found in descriptions if _tag(found) == UNIT_ROW), None)
    said = {} if row is None else {target: str(row.fields[names.index(target)] or "") for target in targets}
    return Beside(units | dict(unit_columns), types, said)


def part_descriptions(names: Sequence[str], records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Part the rows of a PubChem table that describe its columns from those that are molecules."""
    n_describing = 0
    if any(map(is_of_pubchem, names)):
        while n_describing < len(records) and _tag(records[n_describing]).startswith(_DESCRIBING):
            n_describing += 1
    if n_describing:
        tags = ", ".join(map(_tag, records[:n_describing]))
        logger.info("rows that describe the columns are no molecules: %s", tags)
    return records[:n_describing], records[n_describing:]


def read_outcomes(target: str, texts: list[str]) -> list[str]:
    """Return the labels of a target; PubChem's further outcomes become one of two or none."""
    if target != OUTCOME:
        return texts
    keys = [strip(text).lower() for text in texts]
    counts = Counter(key for key in keys if key in OUTCOMES)
    if counts:
        found = ", ".join(f"{n} {key} {_in_words(OUTCOMES[key])}" for key, n in sorted(counts.items()))
        logger.info("target %s: %s", target, found)
    return [OUTCOMES.get(key, text) for key, text in zip(keys, texts, strict=True)]


def is_of_pubchem(name: str) -> bool:
    """Return whether a column is one that PubChem's tables have."""
    return name.startswith(_PUBCHEM)


def find_types(types: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Return the types of all values that are there, the most frequent first."""
    counts = Counter(strip(kind) for kind, label in zip(types, labels, strict=True) if not is_missing(label))
    return [kind or "none" for kind, _ in counts.most_common()]


def _in_words(label: str) -> str:
    return f"counted as {label.lower()}" if label else "left out"


def _tag(record: Record) -> str:
    return str(record.fields[0] or "")


def _plain(name: str) -> str:
    return name.lower().replace("_", " ").strip()
