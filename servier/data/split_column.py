"""Training and test rows by the values of a column: what it says of each row, or when it is from."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from servier.data.folds import Indices
from servier.errors import DataError
from servier.tables.numbers import read_number, strip

TRAIN = ("train", "training", "val", "valid", "validation")
TEST = ("test", "testing")

_DATE = re.compile(
    r"[0-9]{4}-(?:[0-9]{2}-[0-9]{2}|W[0-9]{2}-[0-9])"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DAY = re.compile(r"(?:19|20)[0-9]{6}")
_MONTH = re.compile(r"(?:0?[1-9]|1[0-2])\.(?:19|20)[0-9]{2}")
_KINDS = (
    (0, 99, "a year of two digits"),
    (1900, 2100, "a year"),
    (20_000, 80_000, "a spreadsheet's number of a day"),
    (190_001, 210_012, "a month such as 202412"),
    (10**9, 10**10, "seconds since 1970"),
    (10**12, 10**13, "milliseconds since 1970"),
)
"""The ranges of numbers that stand for times."""
_AS_DATES = "write all as dates like 2024-12-31"
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")


def split_by_column(values: Sequence[str], lines: Sequence[int]) -> tuple[Indices, Indices]:
    """Split by a column of `train`, `valid` and `test`, or the like; validation rows train the model.

    Parameters
    ----------
    values
        One of `TRAIN` or `TEST` for each row, in capitals or not.
    lines
        The line number of each row, for messages.

    Returns
    -------
    The indices of the training rows and of the test rows, sorted.

    Raises
    ------
    DataError
        A value is none of these, or no row is for training.
    """
    names = np.array([strip(value).lower() for value in values])
    is_train, is_test = np.isin(names, TRAIN), np.isin(names, TEST)
    unknown = np.flatnonzero(~is_train & ~is_test)
    if len(unknown):
        problem = f"{values[unknown[0]]!r} is not a split"
        hint = "use train, valid and test, or --split group or time"
        raise DataError(problem, row=lines[unknown[0]], hint=hint)
    if not is_train.any():
        raise DataError("no row says train")
    return np.flatnonzero(is_train), np.flatnonzero(is_test)


def read_times(values: Sequence[str], lines: Sequence[int]) -> NDArray[np.float64]:
    """Return the time of each row, float64, shape (n_rows,): numbers as they are, dates in seconds.

    Parameters
    ----------
    values
        Numbers, such as years, or dates in ISO 8601, which may have a time of day and a zone. Numbers of
        eight digits are dates where all of them can be, such as 20241231.
    lines
        The line number of each row, for messages.

    Raises
    ------
    DataError
        A value is neither a number nor a date, or they are of different kinds: numbers and dates, or numbers
        that all look like times, such as years and days of a spreadsheet.
    """
    stripped = [strip(value) for value in values]
    eight = {text for text in stripped if _EIGHT_DIGITS.fullmatch(text)}
    are_days = all(_DAY.fullmatch(text) and _read_moment(text) for text in eight)
    times = np.empty(len(values))
    first: dict[bool, int] = {}
    for row, text in enumerate(stripped):
        is_date = bool(_DATE.fullmatch(text)) or (are_days and text in eight)
        moment = _read_moment(text) if is_date else None
        first.setdefault(moment is not None, row)
        times[row] = _read_number(values[row], lines[row]) if moment is None else moment.timestamp()
    if len(first) > 1:
        number, date = first[False], first[True]
        problem = (
            f"{values[number]!r} on line {lines[number]} is a number, and {values[date]!r} on line "
            f"{lines[date]} a date"
        )
        raise DataError(problem, hint=f"{_AS_DATES}, or all as numbers")
    if False in first:
        _check_numbers(times, values, lines)
    return times


def _check_numbers(times: NDArray[np.float64], values: Sequence[str], lines: Sequence[int]) -> None:
    """Refuse numbers whose order is not that of the times for which they seem to stand."""
    if all(_MONTH.fullmatch(strip(value)) for value in values):
        problem = f"{values[0]!r} seems to be a month, and would be ordered by its first digits"
        raise DataError(problem, row=lines[0], hint="write dates like 2024-12-31, or months like 202412")
    lowest, highest = np.array([kind[:2] for kind in _KINDS], dtype=np.float64).T
    is_kind = (times[:, None] >= lowest) & (times[:, None] <= highest)
    kinds = is_kind.argmax(axis=1)
    if is_kind.any(axis=1).all() and (others := np.flatnonzero(kinds != kinds[0])).size:
        first, second = (
            f"{values[row]!r} on line {lines[row]} seems to be {_KINDS[kinds[row]][2]}"
            for row in (0, others[0])
        )
        problem = f"{first}, and {second}"
        raise DataError(problem, hint=_AS_DATES)


def _read_moment(text: str) -> datetime | None:
    """Read a date of ISO 8601, in UTC where it has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _read_number(value: str, line: int) -> float:
    try:
        return read_number(value)
    except DataError:
        problem = f"{value!r} is neither a number nor a date"
        raise DataError(problem, row=line, hint="write dates like 2024-12-31") from None


def split_by_time(times: NDArray[np.float64], molecules: Indices, fraction: float) -> tuple[Indices, Indices]:
    """Hold out the latest molecules, about `fraction` of the rows.

    Parameters
    ----------
    times
        float64, shape (n_rows,): the time of each row.
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules; a molecule has the time of its first row.
    fraction
        The share of test rows; rows with equal times stay together, so there may be fewer.

    Returns
    -------
    The indices of the training rows and of the test rows, sorted.
    """
    numbers = np.unique(molecules, return_inverse=True)[1]
    earliest = np.full(numbers.max(initial=-1) + 1, np.inf)
    np.minimum.at(earliest, numbers, times)
    times = earliest[numbers]
    start = np.quantile(times, 1 - fraction, method="lower") if fraction > 0 else np.inf
    is_test = times > start
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)
