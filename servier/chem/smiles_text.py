"""The text of a SMILES string before it is read: what does not belong to it, and what is no chemistry.

RDKit drops characters outside ASCII at the end of a string, and answers for the rest.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

EXTENSION = "|"
MAX_SHOWN = 40

_INVISIBLE = {"Cf", "Zs", "Zl", "Zp"}  # format characters and separators, in Unicode's general categories
_MAP_NUMBER = re.compile(r"(\[[^\[\]:]*):\d+\]")


def trim(text: str) -> str:
    """Return a text without what nobody sees at its ends.

    That is white space, spaces that do not break, marks of byte order and direction, joiners and spaces of no
    width, and soft hyphens.
    """
    if text.isascii():
        return text.strip()
    start, stop = 0, len(text)
    while start < stop and _is_invisible(text[start]):
        start += 1
    while stop > start and _is_invisible(text[stop - 1]):
        stop -= 1
    return text[start:stop]


def _is_invisible(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in _INVISIBLE


def find_fault(text: str) -> str | None:
    """Return why a trimmed text cannot be a SMILES string, or None.

    OpenSMILES is written in printable ASCII. White space ends it: RDKit takes what follows for a name, unless
    it is an extension of CXSMILES.

    References
    ----------
    http://opensmiles.org/opensmiles.html, sections 3 and 4.
    """
    if text.isascii() and text.isprintable() and " " not in text:
        return None
    for character in text:
        if not (" " <= character <= "~" or character == "\t"):
            return f"{_describe(character)} does not belong in a SMILES string"
    first, *rest = text.split(maxsplit=1)
    if rest and not rest[0].startswith(EXTENSION):
        return f"white space after {first[:MAX_SHOWN]!r}: a name belongs elsewhere"
    return None


def _describe(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # what `servier.tables.lines.decode` makes of other encodings
        return f"byte 0x{ord(character) - 0xDC00:02X}"
    if "\ud800" <= character <= "\udfff":
        return f"U+{ord(character):04X}, which is half of a character,"
    name = unicodedata.name(character, f"U+{ord(character):04X}")
    return f"character {character!r} ({name})"


def digest_texts(texts: Iterable[str]) -> str:
    """Return a sha256 of SMILES strings in their order, whatever their encoding was."""
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogateescape")).hexdigest()


def remove_map_numbers(text: str) -> str:
    """Return a SMILES string without atom map numbers: they name atoms of a reaction and say nothing of them.

    Examples
    --------
    >>> remove_map_numbers("[CH3:1][OH:2]")
    '[CH3][OH]'
    """
    return _MAP_NUMBER.sub(r"\1]", text) if ":" in text else text
