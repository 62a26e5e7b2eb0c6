"""The texts of Arrow values, which read back as the values that they were."""

import re
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from arrow_for_tests import NESTED, SIMPLE, arrays
from hypothesis import given, settings
from hypothesis import strategies as st

from servier.tables.arrow_text import is_text, texts
from servier.tables.lines import encode

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - values without a zone


def integers(array):
    return array.cast(pa.int32() if array.type.bit_width == 32 else pa.int64()).to_pylist()


def date_of(text):
    return int(np.datetime64(text.removeprefix("+"), "D").astype(np.int64))


def timestamp_of(text, unit):
    """Read a date by NumPy, whose years have no bounds, and a time by hand."""
    date, time = text.split("T")
    return date_of(date) * 86_400 * PER_SECOND[unit] + time_of(time, unit)


def time_of(text, unit):
    hours, minutes, seconds = text.split(":")
    return (
        int(hours) * 3600 * PER_SECOND[unit]
        + int(minutes) * 60 * PER_SECOND[unit]
        + int(Decimal(seconds) * PER_SECOND[unit])
    )


def duration_of(text, unit):
    sign, seconds = re.fullmatch(r"(-?)PT(.*)S", text).groups()
    return int(Decimal(sign + seconds) * PER_SECOND[unit])


PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def read_back(written, array):
    """Return what texts say, in the form that `told` gives the values of an array."""
    kind = array.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind):
        return [encode(text) for text in written]
    if pa.types.is_boolean(kind):
        return [{"True": True, "False": False}[text] for text in written]
    if pa.types.is_floating(kind):
        number = np.dtype(f"f{kind.bit_width // 8}")
        return [repr(float(number.type(text))) for text in written]
    for is_kind, read in READERS.items():
        if is_kind(kind):
            return [read(text, kind) for text in written]
    return [encode(text) for text in written]


READERS = {
    pa.types.is_integer: lambda text, _: int(text),
    pa.types.is_decimal: lambda text, _: Decimal(text).as_tuple(),
    pa.types.is_date32: lambda text, _: date_of(text),
    pa.types.is_time: lambda text, kind: time_of(text, kind.unit),
    pa.types.is_timestamp: lambda text, kind: timestamp_of(text.removesuffix("Z"), kind.unit),
    pa.types.is_duration: lambda text, kind: duration_of(text, kind.unit),
    lambda kind: isinstance(kind, pa.UuidType): lambda text, _: uuid.UUID(text).bytes,
    lambda kind: isinstance(kind, pa.OpaqueType): lambda text, _: int(text),
}


def as_bytes(array):
    plain = array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array
    return plain.cast(pa.large_binary())


def told(array):
    """Return the values of an array without nulls, as Arrow holds them."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return told(array.storage)
    if pa.types.is_temporal(kind):
        return integers(array)
    if pa.types.is_decimal(kind):
        return [value.as_tuple() for value in array.to_pylist()]
    if pa.types.is_floating(kind):
        return [repr(float(value)) for value in array.to_pylist()]
    is_number = pa.types.is_boolean(kind) or pa.types.is_integer(kind)
    return (array if is_number else as_bytes(array)).to_pylist()


def check_texts(columns):
    for array in columns.values():
        assert is_text(array.type)
        found = texts(array)
        assert [text is None for text in found] == array.is_null().to_pylist()
        parts = [array.slice(i, 1) for i, text in enumerate(found) if text is not None]
        if not parts:
            continue
        known = pa.concat_arrays(parts)
        written = [text for text in found if text is not None]
        assert read_back(written, known) == told(known)


@settings(max_examples=200)
@given(arrays(SIMPLE, 4))
def test_texts_read_back(columns):
    """Whatever the type, a text says all of its value, and nothing where there is none."""
    check_texts(columns)


@pytest.mark.slow
@settings(max_examples=1000)
@given(arrays(SIMPLE, 4))
def test_many_texts_read_back(columns):
    """The same, for many more columns."""
    check_texts(columns)


@given(st.floats(width=32, allow_nan=False))
def test_single_precision_has_no_digit_too_many(value):
    """Arrow's own writer, which finds the shortest digits, is the oracle."""
    array = pa.array([value], pa.float32())
    (written,), (expected,) = texts(array), array.cast(pa.string()).to_pylist()
    digits = [re.sub(r"e.*|[-.]", "", text).strip("0") for text in (written, expected)]
    assert digits[0] == digits[1]
    assert float(written) == float(expected)


@given(st.datetimes(), st.sampled_from(["ms", "us", "ns"]))
def test_times_are_those_of_the_standard_library(moment, unit):
    """Within four-digit years, Python's isoformat is the oracle."""
    microseconds = (moment - EPOCH) // timedelta(microseconds=1)
    count = microseconds * PER_SECOND[unit] // 10**6
    if abs(count) >= 2**63:
        return
    array = pa.array([count], pa.int64()).view(pa.timestamp(unit))
    (written,) = texts(array)
    assert datetime.fromisoformat(written) == EPOCH + timedelta(
        microseconds=count * 10**6 // PER_SECOND[unit]
    )
    assert texts(array.cast(pa.timestamp(unit, "Europe/Paris")))[0] == f"{written}Z"


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (pa.array([6.1], pa.float32()), "6.1"),
        (pa.array([6.1]), "6.1"),
        (pa.array([5.0]), "5.0"),
        (pa.array([1e16]), "1e+16"),
        (pa.array([np.float16(0.1)], pa.float16()), "0.1"),
        (pa.array([float("nan")]), "nan"),
        (pa.array([True]), "True"),
        (pa.array([Decimal("1.10")]), "1.10"),
        (pa.array([Decimal(0)], pa.decimal128(20, 10)), "0.0000000000"),
        (pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")), "2023-11-14T22:13:20.123456789"),
        (pa.array([0], pa.timestamp("ns")), "1970-01-01T00:00:00.000000000"),
        (pa.array([0], pa.timestamp("s")), "1970-01-01T00:00:00"),
        (pa.array([0], pa.timestamp("ms", "Europe/Paris")), "1970-01-01T00:00:00.000Z"),
        (pa.array([10**18], pa.timestamp("us")), "+33658-09-27T01:46:40.000000"),
        (pa.array([-(10**18)], pa.timestamp("us")), "-29719-04-05T22:13:20.000000"),
        (pa.array([19724], pa.date32()), "2024-01-02"),
        (pa.array([86_400_000], pa.date64()), "1970-01-02"),
        (pa.array([3_723_004], pa.time32("ms")), "01:02:03.004"),
        (pa.array([90_061_000_001], pa.duration("us")), "PT90061.000001S"),
        (pa.array([-1_500], pa.duration("ms")), "-PT1.5S"),
        (pa.array([0], pa.duration("s")), "PT0S"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([b"CCO"]), "CCO"),
        (pa.array([None]), None),
        (pa.array([[1]]), "list<item: int64>"),
    ],
)
def test_each_type_has_its_form(array, text):
    """The forms that docs/formats.md states."""
    assert texts(array) == [text]


def test_nested_values_have_no_text():
    """Lists, structs and maps are no text, also inside other types."""
    for values, build in NESTED.values():
        assert values is not None
        assert not is_text(build([None]).type)


def test_zones_do_not_matter_to_the_moment():
    """A time with a zone is written in UTC, which Python reads as the same moment."""
    moment = datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    array = pa.array([moment], pa.timestamp("us", "Europe/Paris"))
    assert datetime.fromisoformat(texts(array)[0]) == moment
