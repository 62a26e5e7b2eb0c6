"""What quotation marks mean between tabs: quotes as pandas writes them, or characters as IANA has it."""

import csv
import io
import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import count_rows
from servier.tables.beginning import SAMPLE_LINES
from servier.tables.quoting import Dialect, Quotes, is_well_quoted
from servier.tables.text import DelimitedText

HEADER = "id\tname\tsmiles\n"


def read(text, quotes=None):
    table = DelimitedText(io.BytesIO(text.encode()), "t.tsv", Dialect(quotes=quotes))
    return table, [record.fields for record in table]


def oracle(text, **options):
    return list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", **options))[1:]


@pytest.mark.parametrize(
    "rows",
    [
        '1\t"alpha\tCCO\n2\tbeta\tCCC\n3\tgamma\tCCN\n4\tdelta"\tCCCl\n5\tepsilon\tCCBr\n',
        '1\talpha\tCCO\n2\t"beta\tCCC\n3\tgamma\tCCN\n',
        '1\t"A-ring" analogue\tCCO\n2\tx\tCCC\n',
        '1\t"quoted"\tCCO\n2\t"open\tCCC\n',
        '1\tx\tCCO\n2\ty\t"CCC\n3\tz\tCCN"\n',
        '"1\tx\tCCO\n2"\ty\tCCC\n',
        '1\t"x\tCCO\n\n3"\tz\tCCN\n',
        '1\t"a\tCCO\n2\tb"\tCCC\textra\n',
        '1\t"\tCCO\n2\t"\tCCC\n',
        '1\t"x"y"\tCCO\n',
        '1\t"two\tCCO"\n',
    ],
)
def test_marks_that_close_no_field_are_characters(rows):
    """One such field in the first rows decides: each line is a row, as for Python's csv without quoting."""
    table, records = read(HEADER + rows)
    assert table.header.quotes is Quotes.PLAIN
    padded = [(row + [""] * 3)[:3] for row in oracle(HEADER + rows, quoting=csv.QUOTE_NONE)]
    assert records == padded
    assert len(records) == rows.count("\n")
    assert "--quotes quoted" in table.notices[-1]


@pytest.mark.parametrize(
    "rows",
    [
        '1\t"beta"\tCCO\n2\tx\tCCC\n',
        '1\t"a\tb"\tCCO\n2\t"say ""hi"""\tCCC\n',
        '1\t"two\nlines"\tCCO\n2\tx\tCCC\n',
        '1\tCCO\t"the last\r\nfield"\n2\tCCC\tx\n',
        '"the\nfirst"\tx\tCCO\n2\ty\tCCC\n',
        '1\t5"-phosphate\t"CCO"\n',
        '1\t""\tCCO\n',
    ],
)
def test_fields_in_quotes_are_unquoted(rows):
    """Where all fields that begin with a mark end with one, they are read as by Python's csv."""
    table, records = read(HEADER + rows)
    assert records == oracle(HEADER + rows)
    assert "--quotes plain" in table.notices[-1]


def test_pandas_quotes_only_what_needs_it():
    """A table that pandas wrote comes back, with delimiters, marks and line breaks in its cells."""
    cells = ["plain", "a\tb", 'say "hi"', "two\nlines", '5"-x', '"', ""]
    frame = pd.DataFrame({"id": range(len(cells)), "name": cells, "smiles": "CCO"})
    _, records = read(frame.to_csv(sep="\t", index=False))
    assert [fields[1] for fields in records] == cells


@pytest.mark.parametrize("quotes", [None, Quotes.PLAIN])
def test_without_marks_there_is_nothing_to_say(quotes):
    """No notice troubles those whose files have no quotation marks at the start of a field."""
    table, records = read(HEADER + '1\t5"\tCCO\n', quotes)
    assert table.notices == []
    assert records == [["1", '5"', "CCO"]]


def test_the_user_overrules():
    """With --quotes the same lines are two rows or five, as Python's csv has them."""
    text = HEADER + '1\t"alpha\tCCO\n2\tbeta\tCCC\n3\tgamma\tCCN\n4\tdelta"\tCCCl\n5\te\tCCBr\n'
    assert read(text, Quotes.QUOTED)[1] == oracle(text)
    assert read(text, Quotes.PLAIN)[1] == oracle(text, quoting=csv.QUOTE_NONE)
    text = HEADER + '1\t"quoted"\tCCO\n'
    assert read(text, Quotes.PLAIN)[1] == [["1", '"quoted"', "CCO"]]
    with pytest.raises(DataError, match="line 2: a quotation mark opens here and never closes"):
        read(HEADER + '1\t"open\tCCO\n', Quotes.QUOTED)


@pytest.mark.parametrize("early", ["x", '"x"'])
def test_a_mark_beyond_the_first_rows_swallows_nothing(early, caplog, tmp_path):
    """What opens late and closes no field is a row by itself, with a warning; other fields are unquoted."""
    late = '1\t"alpha\tCCO\n2\tbeta\tCCC\n3\tdelta"\tCCN\n4\t"in ""quotes"""\tCCCl\n5\t"two\nlines"\tC\n'
    text = HEADER + f"0\t{early}\tCC\n" * SAMPLE_LINES + late
    with caplog.at_level(logging.WARNING):
        _, records = read(text)
    assert records[SAMPLE_LINES:] == [
        ["1", '"alpha', "CCO"], ["2", "beta", "CCC"], ["3", 'delta"', "CCN"],
        ["4", 'in "quotes"', "CCCl"], ["5", "two\nlines", "C"],
    ]  # fmt: skip
    problem = "a quotation mark opens here and does not close: the line is a row by itself"
    path = tmp_path / "t.tsv"
    path.write_text(text)
    assert count_rows(path) == SAMPLE_LINES + 5
    assert caplog.messages == [f"t.tsv, line {SAMPLE_LINES + 2}: {problem}"]


def test_a_field_may_go_on_beyond_the_lines_that_decide():
    """A cell of several lines that is cut by the end of the sample proves nothing against quotes."""
    text = HEADER + "0\tx\tCC\n" * (SAMPLE_LINES - 3) + '1\t"a\n' + "b\n" * 8 + 'c"\tCCO\n'
    assert read(text)[1] == oracle(text)


def test_names_of_columns_count_as_well():
    """A header with a field in quotes speaks for quotes, one with an open mark against them."""
    assert read('id\t"the\nname"\tsmiles\n1\tx\tCCO\n')[0].header.columns == ["id", "the\nname", "smiles"]
    assert read('id\t"name\tsmiles\n1\tx"\tCCO\n')[0].header.columns == ["id", '"name', "smiles"]


@given(st.text(alphabet='ab"\t', max_size=12))
def test_a_record_is_well_quoted_as_strict_csv_says(text):
    """Python's strict parser, which refuses text after a closing mark, is the oracle."""
    try:
        next(csv.reader([text], delimiter="\t", strict=True), None)
    except csv.Error:
        assert not is_well_quoted(text, "\t")
    else:
        assert is_well_quoted(text, "\t")
