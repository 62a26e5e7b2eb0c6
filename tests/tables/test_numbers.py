import math
import re

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables.numbers import RELATIONS, is_missing, read_number, read_relation, split_relation

JSON = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)  # RFC 8259, section 6
PIECES = st.sampled_from(
    [*"0123456789", *"+-.eE_,% \t'", "\u2212", "\u00a0", "\uff11", "\u0663", "inf", "nan"]
)


def read(text):
    try:
        return read_number(text)
    except DataError:
        return None


@given(st.text() | st.lists(PIECES, max_size=8).map("".join) | st.from_regex(JSON, fullmatch=True))
@example("1_0")
@example("1e400")
@example("\uff11")
def test_any_text_is_the_number_that_it_writes_or_is_refused(text):
    """What JSON calls a number is read; nothing is read that Python and Arrow would read otherwise."""
    value = read(text)
    bare = text.strip().replace("\u2212", "-")
    if JSON.fullmatch(bare) and math.isfinite(float(bare)):
        assert value == float(bare)
    if value is not None:
        bare = re.sub(r"[^0-9.eE+-]", "", bare)
        assert value == float(bare) == pa.scalar(bare.removeprefix("+")).cast(pa.float64()).as_py()
        assert re.search(r"[0-9]", text)


@given(
    st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", " {:e}\t", "\u00a0{:+.17g}"])
)
def test_every_number_is_read_as_it_was_written(number, form):
    """Whatever its form, a number comes back to the digits that were written."""
    assert read(form.format(number)) == float(form.format(number))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), (" 5.2 ", 5.2), ("\u00a05.2\u00a0", 5.2), ("\ufeff5.2\u200b", 5.2), ("+7", 7),
        (".5", 0.5), ("5.", 5), ("007", 7), ("1E+02", 100), ("\u22121.5", -1.5), ("1e\u22123", 0.001),
        ("-0", 0),
    ],
)  # fmt: skip
def test_what_spreadsheets_and_papers_write_is_read(text, value):
    """Exponents, signs, blanks at the ends that nobody sees, and the minus sign of typography."""
    assert read_number(text) == value


@pytest.mark.parametrize("sign", [sign for sign in RELATIONS if sign and not sign.isalpha()])
@pytest.mark.parametrize("blank", ["", " ", "\u00a0"])
def test_a_relation_is_parted_from_its_number(sign, blank):
    """Every sign, with or without a blank; a minus stays with the number."""
    assert split_relation(f"{sign}{blank}-5.5e-3 ") == (sign, "-5.5e-3")
    assert read_relation(f" '{sign}' ") == sign


@pytest.mark.parametrize("text", ["10", "<>10", "><5", "a>10", "-5", ">>>1", "10>", "", "!=5"])
def test_other_texts_have_no_relation(text):
    """They are read, or refused, as numbers."""
    assert split_relation(text) == ("", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ("NA", ""), ("-", ""), ("''", ""), ("GE", "ge"), ("greater", None), ("5", None), ("<>", None)],
)
def test_a_field_may_hold_a_relation_alone(text, expected):
    """None where it holds something else, and an empty text where a relation is missing."""
    assert read_relation(text) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1_0", None), ("inf", None), ("-Infinity", None), ("nan", None), ("0x10", None), ("1e", None),
        (">10", None), ("~5", None), ("1d5", None), ("2024-01-01", None), ("--5", None), ("5 nM", None),
        ("", None), (".", None),
        ("5,1", "write a decimal point, and nothing between thousands"),
        ("18,622.6", "write a decimal point, and nothing between thousands"),
        ("1.234,5", "write a decimal point, and nothing between thousands"),
        ("18 622", "write a decimal point, and nothing between thousands"),
        ("18'622", "write a decimal point, and nothing between thousands"),
        ("1\u00a0000", "write a decimal point, and nothing between thousands"),
        ("1\u202f000,5", "write a decimal point, and nothing between thousands"),
        ("1\u2019000", "write a decimal point, and nothing between thousands"),
        ("5%", "write the number without a percent sign"),
        ("0.5 %", "write the number without a percent sign"),
        ("5.1 \u00b1 0.2", "write the value without its error"),
        ("5.1+/-0.2", "write the value without its error"),
        ("-\uff11.\uff13", "write the digits 0 to 9"),
        ("\u0661\u0662", "write the digits 0 to 9"),
        ("\u20131.5", "write a minus as - (U+002D)"),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_refused(text, hint):
    """The hint says how it is written, where that can be seen."""
    with pytest.raises(DataError, match="is not a number") as caught:
        read_number(text)
    assert caught.value.hint == hint


def test_what_stands_for_a_missing_value():
    """The list of the documentation, in capitals or not."""
    listed = [
        "",
        " ",
        "-",
        "\u2212",
        "NA",
        "N/A",
        "n/a",
        "#N/A",
        "#NA",
        "<NA>",
        "NaN",
        "nan",
        "None",
        "null",
        "NULL",
    ]
    assert all(map(is_missing, listed))
    assert not any(map(is_missing, ["0", "?", "ND", "--", "missing", "n.d.", "none found", "0.0"]))
