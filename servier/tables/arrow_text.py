"""The texts of Arrow values: the shortest form that reads back.

No value goes through pandas or through Python's dates, which lack nanoseconds and end with the year 9999.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from servier.tables.lines import decode

DAY = 86_400
DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def is_text(kind: pa.DataType) -> bool:
    """Say whether values of a type have a text: all have but nested ones."""
    if isinstance(kind, pa.BaseExtensionType):
        return is_text(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return not pa.types.is_nested(kind)


def texts(column: pa.Array) -> list[str | None]:
    """Return the text of each value of a column, None where there is none.

    Bytes are taken for UTF-8, and for surrogates where they are not, as `servier.tables.lines.decode` does.
    A nested value has no text; the name of its type stands for it.
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return texts(column.storage)
    if pa.types.is_dictionary(kind):
        return texts(column.cast(kind.value_type))
    if pa.types.is_nested(kind):
        return [str(kind) if valid else None for valid in column.is_valid().to_pylist()]
    if pa.types.is_temporal(kind):
        return _temporal(column)
    return _strings(column) if _is_string(kind) else _each(column, _write_of(kind))


def _write_of(kind: pa.DataType) -> Callable[[object], str]:
    """Return how a value of a number, of bytes or of a truth value is written."""
    if pa.types.is_float64(kind):
        return repr
    if pa.types.is_floating(kind):
        number = np.float32 if pa.types.is_float32(kind) else np.float16
        return lambda value: str(number(value))  # type: ignore[arg-type]
    if pa.types.is_decimal(kind):
        return "{:f}".format
    if _is_binary(kind):
        return decode  # type: ignore[return-value]
    return str


def _each(column: pa.Array, write: Callable[[object], str]) -> list[str | None]:
    return [None if value is None else write(value) for value in column.to_pylist()]


def _is_string(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _strings(column: pa.Array) -> list[str | None]:
    try:
        found: list[str | None] = column.to_pylist()
    except UnicodeDecodeError:  # Arrow does not check what other programs call UTF-8
        return _each(column.cast(pa.large_binary()), decode)  # type: ignore[arg-type]
    return found


def _temporal(column: pa.Array) -> list[str | None]:
    """Write dates, times and durations in the forms of ISO 8601."""
    counts = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64()).to_pylist()
    write = _write_of_time(column.type)
    return [None if count is None else write(count) for count in counts]


def _write_of_time(kind: pa.DataType) -> Callable[[int], str]:
    """Return how a value is written that counts days or parts of seconds."""
    if pa.types.is_date32(kind):
        return _date
    if pa.types.is_date64(kind):
        return lambda count: _date(count // (1000 * DAY))
    digits = DIGITS[kind.unit]
    if pa.types.is_timestamp(kind):
        zone = "" if kind.tz is None else "Z"  # with a zone, values count from 1970 in UTC
        return lambda count: _timestamp(count, digits) + zone
    write = _time if pa.types.is_time(kind) else _duration
    return lambda count: write(count, digits)


def _date(days: int) -> str:
    """Write a date; a year of more than four digits has a sign, as ISO 8601 has it."""
    text = str(np.datetime_as_string(np.datetime64(days, "D")))
    return f"+{text}" if days > 0 and text.index("-") > 4 else text


def _timestamp(count: int, digits: int) -> str:
    days, rest = divmod(count, DAY * 10**digits)
    return f"{_date(days)}T{_time(rest, digits)}"


def _time(count: int, digits: int) -> str:
    seconds, fraction = divmod(count, 10**digits)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{text}.{fraction:0{digits}}" if digits else text


def _duration(count: int, digits: int) -> str:
    """Write a duration in seconds: days and months have no fixed length."""
    seconds, fraction = divmod(abs(count), 10**digits)
    text = f"{seconds}.{fraction:0{digits}}".rstrip("0") if fraction else str(seconds)
    return f"{'-' if count < 0 else ''}PT{text}S"
