import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import open_table
from servier.tables.beginning import CLOSE_IT, NEVER_CLOSES
from servier.tables.quoting import Dialect, Quotes, split_fields
from servier.tables.records import Header
from servier.tables.smi import SmiText
from servier.tables.text import DelimitedText
from servier.tables.titles import detect_delimiter
from servier.tables.writing import encode_predictions, encode_row, encode_rows

FIELD = st.text(st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"]), max_size=12)
FIELD_WITH_NEWLINES = st.text(st.sampled_from('ab,;"\t \n'), max_size=12)


def read(content, delimiter=None, quotes=None):
    table = DelimitedText(io.BytesIO(content), "table.csv", Dialect(delimiter, quotes))
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
    table, records = read(content, quotes=Quotes.QUOTED)
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
    assert [(record.line, record.problem) for record in records] == [(2, None), (3, None)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_white_space_at_the_end_of_a_row_belongs_to_it(end):
    """Only the line end is cut off: an empty last field between tabs is a field, and blanks are text."""
    table, records = read(b"smiles\tnote \t \r\nC\t\t" + end)
    assert table.header.raw == b"smiles\tnote \t "
    assert (records[0].raw, records[0].fields) == (b"C\t\t", ["C", "", ""])
    _, records = read(b'smiles,"note"\nC,x \t' + end)
    assert (records[0].raw, records[0].fields) == (b"C,x \t", ["C", "x \t"])
    _, records = read(b'smiles,note\n"C",x \t' + end)
    assert (records[0].raw, records[0].fields) == (b'"C",x \t', ["C", "x \t"])


def test_long_rows_are_marked():
    """A row with too many fields is cut to the header and says so; empty ones are left out."""
    _, records = read(b"a,b\n1,2,3\n1,2,\n1,2, ,\n")
    assert [record.fields for record in records] == [["1", "2"]] * 3
    assert [record.line for record in records] == [2, 3, 4]
    assert [record.raw for record in records] == [b"1,2"] * 3
    assert [record.problem for record in records] == ["3 fields where the header has 2", None, None]


def test_bytes_that_are_not_utf8_survive():
    """What cannot be decoded goes through untouched."""
    _, records = read(b"a,b\n\xff\xfe,2\n")
    assert records[0].raw == b"\xff\xfe,2"
    assert records[0].fields == ["\udcff\udcfe", "2"]


def test_a_quote_inside_a_field_opens_nothing():
    """A quotation mark counts only at the start of a field."""
    _, records = read(b'a,b\n5" pipe,2\n6,7\n')
    assert [record.fields for record in records] == [['5" pipe', "2"], ["6", "7"]]


QUOTE = f"{NEVER_CLOSES}; {CLOSE_IT}"


@pytest.mark.parametrize(
    ("content", "delimiter", "message"),
    [
        (b"", None, "table.csv: this file is empty; it needs a header line and rows"),
        (b"\n\n", None, "table.csv: this file is empty; it needs a header line and rows"),
        (b"a,b,a\n", None, "table.csv, line 1: two columns are called 'a'; rename one"),
        (b"b,a, a \n", None, "table.csv, line 1: two columns are called 'a'; rename one"),
        (b"a;b\n", "\t", "table.csv, line 1: no '\\t' in the header line; leave --delimiter out"),
        (b'a,b\n1,"x\ny\n', None, f"table.csv, line 2: {QUOTE}"),
        (b'a,b\n1,2\n1,"x""\n', None, f"table.csv, line 3: {QUOTE}"),
    ],
)
def test_unusable_text_is_one_clear_error(content, delimiter, message):
    """What cannot be read as a table names the place, the reason, and what to do."""
    with pytest.raises(DataError) as caught:
        read(content, delimiter)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "content", ["a,b\n1,2\n".encode("utf-16"), "a,b\n".encode("utf-16-le"), b"\xffa,b\n"]
)
def test_utf_16_is_one_clear_error(content):
    """A table that a spreadsheet saved as Unicode says what to save it as."""
    with pytest.raises(DataError) as caught:
        read(content)
    problem = "this is not a text in UTF-8, but perhaps in UTF-16"
    assert str(caught.value) == f"table.csv, line 1: {problem}; save it as UTF-8"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_header_says_how_lines_end(newline):
    """The line end of the header is that of the table; names are stripped, and bytes kept."""
    table, records = read(newline.join([b" a ,\tb,c\xffd", b"1,2,3", b"4,5,6"]))
    assert table.header == Header(["a", "b", "c\udcffd"], b" a ,\tb,c\xffd", ",", newline)
    assert [(record.line, record.raw) for record in records] == [(2, b"1,2,3"), (3, b"4,5,6")]


def test_a_header_alone_may_lack_its_line_end():
    """A table without rows, and even without a line end, is a table."""
    table, records = read(b"a")
    assert table.header == Header(["a"], b"a", ",", b"\n")
    assert records == []


def test_the_delimiter_asked_for_counts():
    """It is not detected then."""
    table, records = read(b"a;b,c;d,e\n1;2,3;4,5\n", ",")
    assert table.header.columns == ["a;b", "c;d", "e"]
    assert records[0].fields == ["1;2", "3;4", "5"]


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        (b'"x\ny",2\n', [["x\ny", "2"]]),
        (b'1,"x\ny"\n3,4\n', [["1", "x\ny"], ["3", "4"]]),
        (b'"x""\ny",2\n', [['x"\ny', "2"]]),
        (b'"""\n""",2\n', [['"\n"', "2"]]),
        (b'"",""\n"a","b"\n', [["", ""], ["a", "b"]]),
        (b'"a","\n\nb"\n', [["a", "\n\nb"]]),
        (b'x"y,"z\n,"\n', [['x"y', "z\n,"]]),
        (b'"a,"",b",2\n3,4\n', [['a,",b', "2"], ["3", "4"]]),
        (b'"a\r\nb",2\r\n', [["a\r\nb", "2"]]),
        (b'"a" ,"b\nc"\n', [["a ", "b\nc"]]),
    ],
)
def test_records_end_where_those_of_the_csv_module_end(rows, fields):
    """A line end inside quotes belongs to the field, wherever in the record the quotes are."""
    _, records = read(b"a,b\n" + rows)
    assert [record.fields for record in records] == fields
    expected = list(csv.reader(io.StringIO(rows.decode(), newline="")))
    assert [record.fields for record in records] == expected


def test_a_record_has_a_thousand_lines_at_most():
    """More lines inside quotation marks are a mark that was never closed."""
    _, records = read(b'a,b\n1,"' + b"\n" * 999 + b'"\n2,3\n')
    assert [record.line for record in records] == [2, 1002]
    with pytest.raises(DataError, match=r"line 2: a quotation mark opens here"):
        read(b'a,b\n1,"' + b"\n" * 1000 + b'"\n2,3\n')


@pytest.mark.parametrize(
    ("line", "path", "expected"),
    [
        ("a,b", "", ","), ("a\tb", "", "\t"), ("a;b;c,d", "", ";"), ("a", "", ","),
        ('"x;y;z",b', "", ","), ("a,b,c", "t.tsv", "\t"), ("a,b", "t.tsv.gz", "\t"),
        ("a;b", "", ";"), ("a,b;c", "", ","), ("a\tb;c", "", "\t"), ('a;"b,c,d"', "", ";"),
        ("a;b", "tsv", ";"),
    ],
)  # fmt: skip
def test_delimiter_is_detected(line, path, expected):
    """The most frequent delimiter outside quotes wins; a .tsv file says its own."""
    assert detect_delimiter([line.encode()], path) == expected


def test_smi_lines_are_a_string_and_a_name():
    """Any white space separates; a name may contain more of it; a blank line is a row."""
    records = list(SmiText(io.BytesIO(b"CCO ethyl alcohol\nC\tmethane\n\nN\n")))
    assert [record.fields for record in records] == [
        ["CCO", "ethyl alcohol"],
        ["C", "methane"],
        ["", ""],
        ["N", ""],
    ]


def test_smi_files_have_lines_and_a_header_of_their_own():
    """Lines are counted from 1, bytes that are not UTF-8 stay, and blanks around go."""
    table = SmiText(io.BytesIO(b"  CCO  x y \r\n\n\xff\tb\n"))
    assert table.header == Header(["smiles", "name"], b"smiles,name", ",", b"\n")
    assert list(table) == [
        (1, ["CCO", "x y"], b"", None),
        (2, ["", ""], b"", None),
        (3, ["\udcff", "b"], b"", None),
    ]


@pytest.mark.parametrize(
    ("text", "fields"), [("", []), (",", ["", ""]), ("a", ["a"]), ('"a,b",c', ["a,b", "c"]), ('""', [""])]
)
def test_fields_are_split(text, fields):
    """Of an empty record there are none; quotes hide the delimiter."""
    assert split_fields(text, ",") == fields


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_fields_are_quoted_where_they_must_be(delimiter):
    """Delimiter, quotes and either character of a line end are quoted, nothing else; None is empty."""
    header = Header(["a", "b"], b"", delimiter)
    row = ["plain, or; not", "a\nb", "c\rd", 'e"f', None, 1.5, ""]
    quoted = {",": '"plain, or; not"', ";": '"plain, or; not"', "\t": "plain, or; not"}[delimiter]
    expected = [quoted, '"a\nb"', '"c\rd"', '"e""f"', "", "1.5", ""]
    assert encode_row(row, header) == delimiter.join(expected).encode()
    assert encode_rows([["x", "\u00e9"], [1]], header) == [f"x{delimiter}\u00e9".encode(), b"1"]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_predictions_follow_the_columns_of_a_record(newline):
    """Delimiter first, line end last."""
    header = Header(["a"], b"a", ";", newline)
    assert encode_predictions([[1, None], ["ok", 0.5]], header) == [b";1;" + newline, b";ok;0.5" + newline]


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
