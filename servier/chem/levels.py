"""How far molecules are standardized before they are scored, and whether stereochemistry is looked at."""

from enum import StrEnum


class Level(StrEnum):
    """How far molecules are standardized before they are scored."""

    NONE = "none"
    PARENT = "parent"
    ISOTOPE_PARENT = "isotope_parent"
    TAUTOMER = "tautomer"


class Stereo(StrEnum):
    """Whether the fingerprints of model 1 tell stereoisomers apart."""

    IGNORE = "ignore"
    USE = "use"
