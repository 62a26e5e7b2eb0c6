"""Each line of docs/formats.md is shown by an example."""

import re
from pathlib import Path

import pytest

from servier.errors import DataError
from servier.tables import count_rows, open_table
from servier.tables.beginning import SAMPLE_LINES

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats.md"

MANY = b"x\tC\n" * SAMPLE_LINES
EXAMPLES = {
    "Delimited text": {
        "comma, tab or semicolon between fields": ("t.csv", b"id;smiles\n1,2;C\n", [["1,2", "C"]]),
        "lines that end in LF, in CR and LF, or in CR alone": (
            "t.csv",
            b'smiles,id\rC,"a\rb"\rCC,2\r',
            [["C", "a\rb"], ["CC", "2"]],
        ),
        "a field in quotes with delimiters, doubled quotes or line breaks": (
            "t.csv",
            b'smiles,"i\nd"\nC,"a,""b""\nc"\n',
            [["C", 'a,"b"\nc']],
        ),
        "a quotation mark inside a field": ("t.csv", b'smiles,id\nC,5"-x\n', [["C", '5"-x']]),
        "a quotation mark that opens a field and never closes": (
            "t.csv",
            b'smiles,id\nC,"x\nCC,y\n',
            "line 2: a quotation mark opens here and never closes",
        ),
        "tabs: all fields that begin with a quotation mark end with one": (
            "t.tsv",
            b'smiles\tid\nC\t"a\tb"\n',
            [["C", "a\tb"]],
        ),
        "tabs: a field of the first 500 lines begins with a quotation mark that does not close it": (
            "t.tsv",
            b'id\tsmiles\n"x\tC\n"y"\tCC\n',
            [['"x', "C"], ['"y"', "CC"]],
        ),
        "tabs: a field in quotes goes on in the next line": (
            "t.tsv",
            b'id\tsmiles\n"x\ny"\tC\n"z"\tCC\n',
            [["x\ny", "C"], ["z", "CC"]],
        ),
        "tabs: after the first 500 lines a quotation mark opens and does not close its field": (
            "t.tsv",
            b"id\tsmiles\n" + MANY + b'"x\tC\ny"\tCC\n',
            [["x", "C"]] * SAMPLE_LINES + [['"x', "C"], ['y"', "CC"]],
        ),
        "bytes that are not UTF-8": ("t.csv", b"smiles,id\nC,\xe9\n", [["C", "\udce9"]]),
        "a byte-order mark": ("t.csv", b"\xef\xbb\xbfsmiles\nC\n", [["C"]]),
        "UTF-16": ("t.csv", "smiles,id\nC,1\n".encode("utf-16"), "perhaps in UTF-16"),
        "a row with fewer fields than the header": ("t.csv", b"smiles,a,b\nC,1\n", [["C", "1", ""]]),
        "a row with more fields that are empty": ("t.csv", b"smiles,a\nC,1,,\n", [["C", "1"]]),
        "a row with more fields that are not empty": (
            "t.csv",
            b"smiles,a\nC,1,2\n",
            [["C", "1", "3 fields where the header has 2"]],
        ),
        "a blank line after the header": ("t.csv", b"smiles,a\n\nC,1\n", [["", ""], ["C", "1"]]),
        "blank lines before the header": ("t.csv", b"\n,\nsmiles,a\nC,1\n", [["C", "1"]]),
        "`sep=;` as the first line": ("t.csv", b"sep=;\nsmiles;a,b\nC;1\n", [["C", "1"]]),
        "titles before the header": ("t.csv", b"All of Monday\nsmiles,a\nC,1\n", [["C", "1"]]),
        "comments that begin with # before the header": ("t.csv", b"# a, b\n#mol,a\nC,1\n", [["C", "1"]]),
        "a title before another header": ("t.csv", b"Monday\nmol,a\nC,1\n", "line 1: .* is it a title"),
        "columns without a name": ("t.csv", b"smiles,,\nC,1,2\n", [["C", "1", "2"]]),
        "two columns of one name": ("t.csv", b"smiles,a,a\n", "line 1: two columns are called 'a'"),
        "several columns with usual names": ("t.csv", b"smiles,drug\nC,CC\n", [["C", "CC"]]),
        "no header, but molecules": ("t.txt", b"CCO,1\nC,2\n", [["CCO", "1"], ["C", "2"]]),
        "SMILES strings and names between blanks": (
            "t.txt",
            b"CCO ethanol\nCC ethane\nC methane\n",
            r"line 1: .* separated by blanks; .*\.smi",
        ),
        "a CXSMILES extension, `CC \\|$R;$\\|`": ("t.csv", b"smiles\nCC |$R,;$|\n", [["CC |$R,;$|"]]),
        "nothing, or blank lines only": ("t.csv", b"\n,\n", "this file is empty"),
    },
    "SMI": {
        "a SMILES string, blanks or tabs, a name": ("t.smi", b"C  a  b,\tc\n", [["C", "a  b,\tc"]]),
        "a SMILES string alone": ("t.smi", b"C\nCC", [["C", ""], ["CC", ""]]),
        "a CXSMILES extension after the SMILES string": ("t.smi", b"CC |$R;$| x\n", [["CC |$R;$|", "x"]]),
        "a blank line": ("t.smi", b"C\n\nCC\n", [["C", ""], ["", ""], ["CC", ""]]),
        "quotation marks and commas": ("t.smi", b'C "a, b\nCC x"\n', [["C", '"a, b'], ["CC", 'x"']]),
        "lines that end in CR": ("t.smi", b"C a\rCC b\r", [["C", "a"], ["CC", "b"]]),
        "bytes that are not UTF-8": ("t.smi", b"C \xe9\n", [["C", "\udce9"]]),
    },
}
"""By section and line: a file, and its rows with their problems, or the message that refuses it."""

LINES = [(section, line) for section, examples in EXAMPLES.items() for line in examples]


def documented(section):
    """The first cells of the table in a section of the document."""
    text = DOCUMENT.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1].strip() for line in text.splitlines() if line.startswith("|")]
    return cells[2:]


@pytest.mark.parametrize("section", EXAMPLES)
def test_each_line_has_an_example(section):
    """Neither a line without an example nor an example without a line."""
    assert documented(section) == list(EXAMPLES[section])


@pytest.mark.parametrize(("section", "line"), LINES)
def test_each_line_is_true(tmp_path, section, line):
    """The example is read, or refused, as the line says; its rows are counted."""
    name, content, expected = EXAMPLES[section][line]
    path = tmp_path / name
    path.write_bytes(content)
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected), open_table(path) as table:
            list(table)
        return
    with open_table(path) as table:
        rows = [record.fields + ([record.problem] if record.problem else []) for record in table]
    assert rows == expected
    assert count_rows(path) == len(expected)
