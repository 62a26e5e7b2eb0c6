from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.data.split_column import read_times, split_by_column, split_by_time
from servier.errors import DataError


def lines(values):
    """As in a table with a header."""
    return list(range(2, len(values) + 2))


def times(*values):
    return read_times(values, lines(values)).tolist()


def test_split_column_decides():
    """Valid rows are for training, and an unknown value is refused."""
    train, test = split_by_column(["train", "Valid", "test"], [2, 3, 4])
    assert (train.tolist(), test.tolist()) == ([0, 1], [2])
    with pytest.raises(DataError, match="line 3: 'holdout' is not a split"):
        split_by_column(["train", "holdout"], [2, 3])
    with pytest.raises(DataError, match="no row says train"):
        split_by_column(["test"], [2])


@pytest.mark.parametrize(
    ("value", "is_test"),
    [
        ("TRAIN", False), ("Training", False), ("val", False), ("Valid", False), ("VALIDATION", False),
        ("\u00a0train ", False), ("TEST", True), ("Testing", True), (" test", True),
    ],
)  # fmt: skip
def test_usual_names_of_splits_are_understood(value, is_test):
    """Capitals and blanks make no difference, and validation rows train the model."""
    _, test = split_by_column(["train", value], [2, 3])
    assert test.tolist() == [1] * is_test


@pytest.mark.parametrize("value", ["", "0", "1", "tr", "tests", "external", "train/test", "true"])
def test_other_names_are_refused_with_their_line(value):
    """Nobody has to guess on which side a row is."""
    with pytest.raises(DataError, match=r"line 4: .* is not a split; use train, valid and test"):
        split_by_column(["train", "test", value], [2, 3, 4])


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.1, 0.2, 0.5]),
)
def test_what_is_tested_came_later(rows, fraction):
    """No test molecule is as old as one for training, each is on one side, and not too many are tested."""
    born_at = np.array([time for time, _ in rows], float)
    molecules = np.array([molecule for _, molecule in rows])
    train, test = split_by_time(born_at, molecules, fraction)
    assert sorted([*train, *test]) == list(range(len(rows)))
    assert not set(molecules[train]) & set(molecules[test])
    assert len(test) <= fraction * len(rows) + 1
    born = {molecule: born_at[molecules == molecule].min() for molecule in molecules}
    assert all(born[molecules[a]] < born[molecules[b]] for a in train for b in test)


def test_dates_and_numbers_are_times():
    """ISO 8601 dates, with or without a time of day and a zone, are in order; so are years."""
    first, second, third, fourth = times(
        "2023-12-31", "2024-01-01T08:00", "2024-01-01T08:00+00:00", "2024-01-01T08:00-05:00"
    )
    assert first < second == third < fourth
    assert times(" 1999", "2e3") == [1999, 2000]
    with pytest.raises(DataError, match="line 2: 'last week' is neither a number nor a date"):
        times("last week")


@given(st.datetimes(timezones=st.just(UTC) | st.none()) | st.dates())
def test_every_date_is_read_as_python_writes_it(moment):
    """With `T` or a space, with microseconds or without: the seconds are those of `datetime`."""
    if not isinstance(moment, datetime):
        expected = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    else:
        expected = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert times(str(moment)) == times(moment.isoformat()) == [expected.timestamp()]


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_eight_digits_are_a_date_where_all_are(day):
    """20241231 is read like 2024-12-31, and beside a number that is no date like a number."""
    assert times(f"{day:%Y%m%d}", str(day)) == times(str(day)) * 2
    assert times(f"{day:%Y%m%d}", "12345678") == [int(f"{day:%Y%m%d}"), 12345678]


@pytest.mark.parametrize(
    ("values", "number", "date"),
    [
        (["2023", "2024-01-01"], "'2023' on line 2", "'2024-01-01' on line 3"),
        (["2024-01-01", "2024-02-01", "2023", "2022"], "'2023' on line 4", "'2024-01-01' on line 2"),
        (["20240101", "45000"], "'45000' on line 3", "'20240101' on line 2"),
    ],
)
def test_mixed_kinds_of_dates_are_refused_with_both_lines(values, number, date):
    """A year has no place among days: seconds since 1970 would make all years older, or all newer."""
    with pytest.raises(DataError) as caught:
        times(*values)
    assert caught.value.problem == f"{number} is a number, and {date} a date"
    assert caught.value.hint == "write all as dates like 2024-12-31, or all as numbers"


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["2023", "45000.5"], ["a year", "a spreadsheet's number of a day"]),
        (["98", "2001"], ["a year of two digits", "a year"]),
        (["2023", "2022", "202401"], ["a year", "a month such as 202412"]),
        (["1735603200", "1735603200000"], ["seconds since 1970", "milliseconds since 1970"]),
    ],
)
def test_numbers_of_different_kinds_are_refused_with_both_lines(values, kinds):
    """A day of a spreadsheet is a larger number than any year, and not later for it."""
    with pytest.raises(DataError) as caught:
        times(*values)
    first = f"{values[0]!r} on line 2 seems to be {kinds[0]}"
    last = f"{values[-1]!r} on line {len(values) + 1} seems to be {kinds[1]}"
    assert caught.value.problem == f"{first}, and {last}"


@pytest.mark.parametrize(
    "values", [["1", "500", "2001", "45000"], ["1999", "2024.5"], ["45000", "45001.75"], ["7"]]
)
def test_numbers_that_are_no_kind_of_time_are_ordered_as_they_are(values):
    """Such as numbers of batches, or years with fractions."""
    assert times(*values) == [float(value) for value in values]


def test_months_before_years_are_refused():
    """12.2023 is a number, and would come after 01.2024."""
    with pytest.raises(DataError, match=r"line 2: '12.2023' seems to be a month"):
        times("12.2023", "01.2024")


@pytest.mark.parametrize(
    "value",
    [
        "", "NA", "1_999", "inf", "nan", "infinity", "\uff11\uff19\uff19\uff19", "0x7cf", "31/12/2024",
        "12/31/2024", "2024-13-01", "2024-02-30", "2024-01-01x08:00", "\uff12024-01-01", "2024-1-1",
        "Q1 2024",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_its_line(value):
    """Neither what only Python reads as a number or a date, nor a date whose order of parts is open."""
    with pytest.raises(DataError, match=r"line 3: .* is neither a number nor a date"):
        times("1999", value)
