"""The rows of a labelled table as they were read, and what their columns hold."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from servier.data.relation_column import are_relations
from servier.tables import Record
from servier.tables.numbers import is_missing, is_number

LOOKED_AT = 200
"""As many rows tell what a column holds."""


@dataclass(frozen=True)
class Rows:
    """The rows of a labelled table.

    Parameters
    ----------
    names
        The columns.
    records
        The rows.
    """

    names: Sequence[str]
    records: Sequence[Record]

    @property
    def lines(self) -> list[int]:
        """The line number of each row."""
        return [record.line for record in self.records]

    def read(self, wanted: Sequence[str]) -> dict[str, list[str]]:
        """Return the fields of some columns as text; of those with one name the first counts."""
        return {name: list(self._fields(self.names.index(name))) for name in wanted}

    def hold_numbers(self, name: str) -> bool:
        """Return whether most fields of the beginning of a column that are filled are numbers or bounds."""
        beginning = Rows(self.names, self.records[:LOOKED_AT])
        filled = [text for text in beginning.read([name])[name] if not is_missing(text)]
        return 2 * sum(map(is_number, filled)) > len(filled)

    def find_relations(self, taken: Container[str]) -> list[str]:
        """Return columns without a use that hold nothing but relations, some of them of bounds."""
        return [
            name for i, name in enumerate(self.names) if name not in taken and are_relations(self._fields(i))
        ]

    def _fields(self, place: int) -> Iterator[str]:
        for record in self.records:
            value = record.fields[place]
            yield "" if value is None else str(value)
