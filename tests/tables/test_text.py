import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import open_table
from servier.tables.text import DelimitedText, SmiText, detect_delimiter

FIELD = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=12)
FIELD_WITH_NEWLINES = st.text(st.sampled_from('ab,;"\t \n'), max_size=12)


def read(content, delimiter=None):
    table = DelimitedText(io.BytesIO(content), "table.csv", delimiter)
    return table, list(table)


@given(
    st.lists(st.tuples(FIELD | FIELD_WITH_NEWLINES, FIELD), min_size=1, max_size=8),
    st.sampled_from(",\t;"),
    st.sampled_from(["\n", "\r\n"]),
)
def test_reads_whatever_the_csv_module_writes(rows, delimiter, newline):
    """Fields come back as they went in, and the raw records are the bytes of the file."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=newline).writerows([("a", "b"), *rows])
    content = buffer.getvalue().encode()
    table, records = read(content)
    assert table.header.columns == ["a", "b"]
    assert [tuple(record.fields) for record in records] == rows
    joined = b"".join(raw + newline.encode() for raw in (table.header.raw, *(r.raw for r in records)))
    assert joined == content


@given(st.binary(max_size=200))
def test_any_bytes_are_rows_or_one_clear_error(content):
    """No content whatever raises anything but a DataError."""
    try:
        _, records = read(b"a,b\n" + content)
    except DataError:
        return
    assert all(len(record.fields) == 2 for record in records)


def test_line_numbers_count_lines_not_records():
    """After a field with a line break the next record has the line number that an editor shows."""
    _, records = read(b'a,b\n1,"x\ny"\n2,z\n')
    assert [record.line for record in records] == [2, 4]


def test_byte_order_mark_is_no_part_of_the_first_name():
    """A table saved by a spreadsheet keeps its mark, and its first column its name."""
    table, _ = read(b"\xef\xbb\xbfsmiles,id\nC,1\n")
    assert table.header.columns == ["smiles", "id"]
    assert table.header.raw.startswith(b"\xef\xbb\xbf")


def test_blank_and_short_rows_are_filled_up():
    """A row with too few fields stays a row."""
    _, records = read(b"a,b,c\n\n1,2\n")
    assert [record.fields for record in records] == [["", "", ""], ["1", "2", ""]]
    assert [record.raw for record in records] == [b",,", b"1,2,"]


def test_long_rows_are_marked():
    """A row with too many fields is cut to the header and says so."""
    _, records = read(b"a,b\n1,2,3\n")
    assert records[0].fields == ["1", "2"]
    assert records[0].problem == "3 fields where the header has 2"


def test_bytes_that_are_not_utf8_survive():
    """What cannot be decoded goes through untouched."""
    _, records = read(b"a,b\n\xff\xfe,2\n")
    assert records[0].raw == b"\xff\xfe,2"
    assert records[0].fields == ["\ufffd\ufffd", "2"]


def test_a_quote_inside_a_field_opens_nothing():
    """A quotation mark counts only at the start of a field."""
    _, records = read(b'a,b\n5" pipe,2\n6,7\n')
    assert [record.fields for record in records] == [['5" pipe', "2"], ["6", "7"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b,a\n", "two columns are called 'a'"),
        (b'a,b\n1,"x\ny\n', "line 2: a quotation mark opens here"),
    ],
)
def test_unusable_text_is_one_clear_error(content, message):
    """What cannot be read as a table names the place and the reason."""
    with pytest.raises(DataError, match=message):
        read(content)


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("a,b", "", ","), ("a\tb", "", "\t"), ("a;b;c,d", "", ";"), ("a", "", ","),
        ('"x;y;z",b', "", ","), ("a,b,c", "t.tsv", "\t"), ("a,b", "t.tsv.gz", "\t"),
    ],
)  # fmt: skip
def test_delimiter_is_detected(line, path, expected):
    """The most frequent delimiter outside quotes wins; a .tsv file says its own."""
    assert detect_delimiter(line, path) == expected


def test_smi_lines_are_a_string_and_a_name():
    """Any white space separates; a name may contain more of it; a blank line is a row."""
    records = list(SmiText(io.BytesIO(b"CCO ethyl alcohol\nC\tmethane\n\nN\n")))
    assert [record.fields for record in records] == [
        ["CCO", "ethyl alcohol"],
        ["C", "methane"],
        ["", ""],
        ["N", ""],
    ]


def test_compression_is_seen_in_the_content(tmp_path):
    """A gzip file is read whatever its name says, and a cut one is refused."""
    path = tmp_path / "table.csv"
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 5000)
    path.write_bytes(packed)
    with open_table(path) as table:
        assert sum(1 for _ in table) == 5000
    path.write_bytes(packed[:-20])
    with pytest.raises(DataError, match="damaged or cut short"), open_table(path) as table:
        list(table)


@pytest.mark.parametrize("name", ["missing.csv", "missing.parquet", "folder.csv", "table.xlsx"])
def test_unusable_path_is_one_clear_error(tmp_path, name):
    """A path that is no table names itself."""
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError) as caught, open_table(tmp_path / name):
        pass
    assert caught.value.path == str(tmp_path / name)
