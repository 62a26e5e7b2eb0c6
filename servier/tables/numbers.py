"""Numbers as tables hold them: what a spreadsheet writes, and nothing that only Python reads."""

import math
import re

from servier.chem.smiles_text import trim
from servier.errors import DataError

MISSING = frozenset(("", "-", "na", "n/a", "#n/a", "#na", "<na>", "nan", "none", "null"))
"""What stands for a missing value, in small letters."""

AT_MOST, EXACT, AT_LEAST = -1, 0, 1
"""What a number says of a value: it is not above it, it is the value, or the value is not below it."""
RELATIONS = {
    **dict.fromkeys(("", "=", "==", "eq", "~", "~=", "\u2248", "\u2245"), EXACT),
    **dict.fromkeys((">", ">=", "=>", ">>", "\u2265", "\u2a7e", "gt", "ge", "gte"), AT_LEAST),
    **dict.fromkeys(("<", "<=", "=<", "<<", "\u2264", "\u2a7d", "lt", "le", "lte"), AT_MOST),
}
"""What may stand before a number, in small letters; a number that is about the value counts as the value."""
SIGNS = {AT_MOST: "<", EXACT: "", AT_LEAST: ">"}
"""How the bounds of values are written."""
APPROXIMATE = frozenset(("~", "~=", "\u2248", "\u2245"))

_SIGNS = re.compile(r"([<>=~\u2264\u2265\u2a7d\u2a7e\u2248\u2245]+)\s*(.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HINTS = (
    (re.compile(r"[+-]?[0-9][0-9,.'\u2019\s]*"), "write a decimal point, and nothing between thousands"),
    (re.compile(r".*[0-9] *%"), "write the number without a percent sign"),
    (re.compile(r".*[0-9] *(?:±|\+/-|\+-).*"), "write the value without its error"),
    (re.compile(r"(?=.*[^\x00-\x7f])[+-]?[\d.eE+-]+"), "write the digits 0 to 9"),
    (re.compile(r"[\u2010-\u2015\uff0d][0-9.].*"), "write a minus as - (U+002D)"),
)


def strip(text: str) -> str:
    """Return a field without what nobody sees at its ends, and with `-` for the minus sign U+2212."""
    return trim(text).replace("\u2212", "-")


def is_missing(text: str) -> bool:
    """Return whether a field stands for a missing value."""
    return strip(text).lower() in MISSING


def read_number(text: str) -> float:
    """Read a number: digits, perhaps a sign, a decimal point and an exponent.

    Parameters
    ----------
    text
        A field of a table. White space and the like at its ends are ignored.

    Raises
    ------
    DataError
        The text is not a number, or one that is beyond the range of double precision. The hint says how it is
        written where that can be seen.

    Examples
    --------
    >>> read_number(" 5.2 "), read_number("1e-3"), read_number("\u22121")
    (5.2, 0.001, -1.0)
    """
    stripped = strip(text)
    if not _NUMBER.fullmatch(stripped):
        hint = next((hint for pattern, hint in _HINTS if pattern.fullmatch(stripped)), None)
        raise DataError(f"{text!r} is not a number", hint=hint)
    value = float(stripped)
    if not math.isfinite(value):
        raise DataError(f"{text!r} is too large a number")
    return value


def is_number(text: str) -> bool:
    """Return whether a field is a number, or a bound such as `>10`."""
    try:
        read_number(split_relation(text)[1])
    except DataError:
        return False
    return True


def split_relation(text: str) -> tuple[str, str]:
    """Part a number from the relation before it, which is one of `RELATIONS`.

    Examples
    --------
    >>> split_relation("> 10"), split_relation("10"), split_relation("<>10")
    (('>', '10'), ('', '10'), ('', '<>10'))
    """
    stripped = strip(text)
    found = _SIGNS.fullmatch(stripped)
    if found is None or found[1] not in RELATIONS:
        return "", stripped
    return found[1], strip(found[2])


def read_relation(text: str) -> str | None:
    """Return the relation that is all that a field holds, perhaps in quotation marks; None if it is none.

    Examples
    --------
    >>> read_relation("'>='"), read_relation("LT"), read_relation("NA"), read_relation("10")
    ('>=', 'lt', '', None)
    """
    if is_missing(text):
        return ""
    found = strip(strip(text).strip("'\"")).lower()
    return found if found in RELATIONS else None
