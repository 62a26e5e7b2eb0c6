"""How far molecules are standardized before they are scored."""

from enum import StrEnum


class Level(StrEnum):
    """How far molecules are standardized before they are scored."""

    NONE = "none"
    PARENT = "parent"
    ISOTOPE_PARENT = "isotope_parent"
    TAUTOMER = "tautomer"
