"""How delimited texts begin: titles, names of several lines, columns without a name, no header at all."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import count_rows, name_all, require_smiles_column
from servier.tables.text import DelimitedText
from servier.tables.titles import detect_delimiter

NAME = st.text(alphabet='ab,;"\t \r\né', max_size=8)


def read(content, name="t.csv"):
    table = DelimitedText(io.BytesIO(content), name)
    return table, list(table)


def fields(content, name="t.csv"):
    table, records = read(content, name)
    return [table.header.columns, *(record.fields for record in records)]


@given(st.lists(NAME, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_header_has_the_format_of_a_record(names, newline):
    """RFC 4180: names may hold delimiters, marks and line breaks; Python's csv writes and reads them."""
    columns = ["smiles", *(f"{i}{name}".strip() for i, name in enumerate(names))]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(
        [columns, ["C"] * len(columns)]
    )
    assert fields(buffer.getvalue().encode()) == list(csv.reader(io.StringIO(buffer.getvalue(), newline="")))


def test_the_delimiter_is_found_across_lines():
    """What stands in quotes does not count, on whichever line it stands."""
    assert detect_delimiter([b'"a;b,c\n', b'd,e";f;g\n']) == ";"
    assert detect_delimiter([b'smiles,"IC50\n', b'(nM)",name\n']) == ","
    assert detect_delimiter([b'a\t"b,c\n', b',d,e"\tf\n']) == "\t"


def test_lines_are_counted_through_the_header():
    """A row has the line number that an editor shows."""
    table, records = read(b'smiles,"a\n(b)"\nC,1\nCC,2\n')
    assert (table.n_lines_before, [record.line for record in records]) == (2, [3, 4])


@pytest.mark.parametrize(
    ("content", "first_line", "notice"),
    [
        (b"sep=;\nsmiles;id\nCCO;1\n", 3, "line 2 says that ';'"),
        (b'"sep=;"\r\nsmiles;id\r\nCCO;1\r\n', 3, "separates fields"),
        (b"\n\nsmiles,id\nCCO,1\n", 4, "blank lines before the header are left out"),
        (b",,\nsmiles,id\nCCO,1\n", 3, "blank lines"),
        (b"My screen of 2024\nsmiles,id\nCCO,1\n", 3, "line 1 before the header"),
        (b"Results,,\nof,Monday,\n\nsmiles,id,y\nCCO,1,2\n", 5, "lines 1 to 3 before the header"),
        (b"# made by A, B and C\n# on Monday\nsmiles,id\nCCO,1\n", 4, "lines 1 to 2"),
        (b"# made on Monday\nstructure_text,id\nCCO,1\n", 3, "line 1 before the header"),
        (b"## a\n#smiles\tid\nCCO\t1\n", 3, "line 1 before the header"),
    ],
)
def test_what_stands_before_the_header_is_understood(content, first_line, notice):
    """It is no row, the rows are all there, and what was left out is said."""
    notice = notice.replace("line 2 says", "line 1 says")
    table, records = read(content)
    assert [record.fields[:2] for record in records] == [["CCO", "1"]]
    assert records[0].line == first_line
    assert any(notice in said for said in table.notices)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (b"#smiles,id\nCCO,1\n", ["#smiles", "id"]),
        (b"#chrom,id\nCCO,1\n", ["#chrom", "id"]),
        (b"mol,kind\nCCO,smiles\n", ["mol", "kind"]),
        (b"a,b\nc,d\nsmiles,e\n", ["a", "b"]),
        (b"CNS,mol\n1,CCO\n0,CCN\n", ["CNS", "mol"]),
        (b"C,N,O,mol\n2,0,1,CCO\n", ["C", "N", "O", "mol"]),
    ],
)
def test_a_header_is_not_taken_for_something_else(content, columns):
    """A header that begins with #, rows that say `smiles`, and names that are formulas stay what they are."""
    assert fields(content)[0] == columns
    assert len(fields(content)) == content.count(b"\n")


def test_a_header_of_smi_files_names_the_molecules():
    """A # before the usual name does no harm."""
    assert require_smiles_column(["#smiles", "x"], None) == "#smiles"


@pytest.mark.parametrize("text", [b"Results of Monday\nmol_x,y\nCCO,1\n", b"Title\nmol_x\ty\nCCO\t1\n"])
def test_a_title_that_is_not_understood_is_named(text):
    """Where no usual name tells the header, the message says which line is in the way."""
    with pytest.raises(DataError, match=r"line 1: this line is one field, .*is it a title\?; remove"):
        read(text)


@pytest.mark.parametrize("text", [b"smiles name\nCCO ethanol\n", b"CCO ethanol\nCCN ethylamine\nCC ethane\n"])
def test_fields_between_blanks_are_named(text):
    """A SMI file under another name is one clear error, whose first molecule is not lost."""
    with pytest.raises(DataError, match=r"line 1: its fields seem to be separated by blanks.*\.smi"):
        read(text + text)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_list_of_smiles_needs_no_header(tmp_path, newline, name, mark):
    """All its molecules are rows, the first one too, in whatever text it stands, and they are counted."""
    molecules = ["CCO", "c1ccccc1", "C[C@H](N)C(=O)O", "not one", "CC |$a;b$|", "C"]
    path = tmp_path / name
    path.write_bytes(mark + newline.join(text.encode() for text in molecules))
    table, records = read(path.read_bytes(), name)
    assert table.header.columns == ["smiles"]
    assert [record.fields for record in records] == [[text] for text in molecules]
    assert [record.line for record in records] == list(range(1, 7))
    assert count_rows(path) == 6
    assert "line 1 holds the molecule 'CCO'" in table.notices[0]


def test_one_molecule_alone_is_a_list():
    """Even methane."""
    assert fields(b"C") == [["smiles"], ["C"]]


def test_other_fields_of_a_list_get_names():
    """The column with the molecules is found among them."""
    expected = [["column_1", "smiles", "column_3"], ["m1", "CCO", "0.1"], ["m2", "CCN", "0.2"]]
    assert fields(b"m1,CCO,0.1\nm2,CCN,0.2\n") == expected


def test_cxsmiles_in_one_column_need_no_quotes():
    """The commas of an extension separate nothing in a table of one column; the output quotes them."""
    table, records = read(b"smiles\nCC |$R1;,$,atomProp:0.a.b|\nCCO\nC,,\n")
    assert [record.fields for record in records] == [["CC |$R1;,$,atomProp:0.a.b|"], ["CCO"], ["C"]]
    assert [record.raw for record in records] == [b'"CC |$R1;,$,atomProp:0.a.b|"', b"CCO", b"C"]
    assert table.notices == []


@pytest.mark.parametrize(
    ("row", "raw", "problem"),
    [
        (b"CCO,x,", b"CCO,x", None),
        (b"CCO,x,,,", b"CCO,x", None),
        (b'"CCO","x",,', b'"CCO","x"', None),
        (b'CCO,x,"", ', b"CCO,x", None),
        (b"CCO,\xe9,", b"CCO,\xe9", None),
        (b"CCO", b"CCO,", None),
        (b"CCO,x,,y", b"CCO,x", "4 fields where the header has 2"),
    ],
)
def test_surplus_fields_that_are_empty_lose_nothing(row, raw, problem):
    """The row is one, its bytes stand under the header; a field that says something is a problem."""
    _, records = read(b"smiles,name\n" + row + b"\n")
    assert [(record.raw, record.problem) for record in records] == [(raw, problem)]


def test_columns_without_a_name_are_columns():
    """Several are no duplicates, and where names are needed they get those that pandas gives."""
    text = b"smiles,,y,,\nCCO,a,1,b,\n"
    table, records = read(text)
    assert table.header.columns == ["smiles", "", "y", "", ""]
    assert records[0].fields == ["CCO", "a", "1", "b", ""]
    assert name_all(table.header.columns) == list(pd.read_csv(io.BytesIO(text)).columns)
    assert name_all(["", "Unnamed: 0"]) == ["Unnamed: 0_", "Unnamed: 0"]


@pytest.mark.parametrize("names", [["", "mol", ""], ["Unnamed: 0", "mol"], ["__index_level_0__", "mol"]])
def test_columns_without_a_name_hold_no_molecules(names):
    """The only column that has a name needs no usual one."""
    assert require_smiles_column(names, None) == "mol"


@pytest.mark.parametrize("names", [["", ""], ["", "a", "b"]])
def test_nameless_columns_are_never_chosen(names):
    """The message says that there are such columns."""
    with pytest.raises(DataError, match=r"no column with SMILES strings found.*without a name"):
        require_smiles_column(names, None)
