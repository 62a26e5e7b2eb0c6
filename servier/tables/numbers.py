"""Numbers as tables hold them: what a spreadsheet writes, and nothing that only Python reads."""

import math
import re

from servier.chem.smiles_text import trim
from servier.errors import DataError

MISSING = frozenset(("", "-", "na", "n/a", "#n/a", "#na", "<na>", "nan", "none", "null"))
"""What stands for a missing value, in small letters."""

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
