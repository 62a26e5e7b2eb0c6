"""Lines of texts, whatever ends them."""

import io
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import lines
from servier.tables.lines import count_lines, decode, encode, read_lines

TEXT = st.lists(st.sampled_from([b"a", b",", b'"', b"\r", b"\n", b"\r\n", b"\xe9", b"bcd"])).map(b"".join)


def read(text):
    return list(read_lines(io.BytesIO(text)))


@given(TEXT)
def test_lines_are_those_of_universal_newlines(text):
    """Python's own reader cuts the same lines, where no CR precedes CR and LF; no byte is lost."""
    assert b"".join(read(text)) == text
    text = re.sub(rb"\r+\n", b"\r\n", text)
    expected = io.TextIOWrapper(io.BytesIO(text), encoding="latin-1", newline="")
    assert read(text) == [line.encode("latin-1") for line in expected]


@given(TEXT, st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_file_is_read(text, piece):
    """Pieces of any length give the lines of the whole."""
    with pytest.MonkeyPatch.context() as patch:
        whole = read(text)
        patch.setattr(lines, "PIECE", piece)
        assert read(text) == whole


def test_several_cr_before_lf_are_one_ending():
    """A file whose line ends were translated twice has no blank rows."""
    assert read(b"a\r\r\nb\r\r\n") == [b"a\r\r\n", b"b\r\r\n"]


def test_many_blank_lines_take_no_time():
    """A million that end in CR alone are read in about a second; that took hours."""
    n_lines = 1_000_000
    text = b"a\r" + b"\r" * n_lines + b"b"
    assert sum(1 for _ in read_lines(io.BytesIO(text))) == n_lines + 2
    assert lines.count_lines(io.BytesIO(text)) == n_lines + 2


@given(TEXT, st.integers(1, 7), st.integers(1, 9))
def test_no_line_is_longer_than_the_limit(text, piece, limit):
    """The first line that is longer without its ending is refused, by its number, read or only counted."""
    assume(b"\r" * limit not in text)  # which may be an ending, but is not held without end either
    found = [re.sub(rb"\r*\n$|\r$", b"", line) for line in read(text)]
    long = next((number for number, line in enumerate(found, start=1) if len(line) > limit), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", piece)
        for consume in (
            lambda stream: list(read_lines(stream, limit)),
            lambda stream: count_lines(stream, limit),
        ):
            if long is None:
                assert consume(io.BytesIO(text)) in (read(text), len(found))
                continue
            with pytest.raises(DataError, match=f"line {long}: this line has more than {limit} bytes"):
                consume(io.BytesIO(text))


@pytest.mark.parametrize(
    "consume", [lambda stream: list(read_lines(stream, 9)), lambda stream: count_lines(stream, 9)]
)
def test_carriage_returns_are_not_held_without_end(consume):
    """A line feed may make them one ending, but not a million of them."""
    with pytest.raises(DataError, match="line 2: this line has more than 9 bytes"):
        consume(io.BytesIO(b"a\n" + b"\r" * 1_000_000))


@given(st.binary())
def test_any_bytes_are_text_and_back(raw):
    """Bytes come out as they went in."""
    assert encode(decode(raw)) == raw
