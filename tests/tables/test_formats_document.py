"""Each line of docs/formats.md is shown by an example."""

import csv
import io
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from servier.bulk.parquet_blocks import ParquetReader
from servier.errors import DataError
from servier.tables import count_rows, open_table
from servier.tables.beginning import SAMPLE_LINES
from servier.tables.lines import decode

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "formats.md"

MANY = b"x\tC\n" * SAMPLE_LINES


def mol_block(smiles="CO", *, v3000=False, title=b""):
    text = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles), forceV3000=v3000).encode()
    return title + text[text.index(b"\n") :]


def parquet(**columns):
    """The content of a file; None where this version of Arrow cannot write such columns."""
    buffer = io.BytesIO()
    try:
        pq.write_table(pa.table({"smiles": ["C"], **columns}), buffer)
    except pa.ArrowNotImplementedError:
        return None
    return buffer.getvalue()


def categories_in_views():
    words = pa.array(["a"]).dictionary_encode()
    return pa.ListViewArray.from_arrays(pa.array([0], pa.int32()), pa.array([1], pa.int32()), words)


BLOCK, QUERY = mol_block(), "query atom, which stands for several elements or groups"
VALUE = b"> <x>\n1\n\n"
END = b"$$$$\n"
EXAMPLES = {
    "Delimited text": {
        "comma, tab or semicolon between fields": ("t.csv", b"id;smiles\n1,2;C\n", [["1,2", "C"]]),
        "`\\|` between fields": ("t.csv", b"id|smiles\na,b|C\n", [["a,b", "C"]]),
        "blanks, `^` or control characters between fields": (
            "t.csv",
            b"smiles^id\nC^1\n",
            r"line 1: .* separated by '\^'",
        ),
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
        "a field in quotes that goes on in the next line and ends before other text, as where "
        '`\\"` is written for `""`': (
            "t.csv",
            b'id,smiles\n"5\\"",C\nx,CC\n"7\\"",CCC\n',
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
        "a byte-order mark, or several": ("t.csv", 2 * b"\xef\xbb\xbf" + b'"smiles"\nC\n', [["C"]]),
        "UTF-16": ("t.csv", "smiles,id\nC,1\n".encode("utf-16"), "perhaps in UTF-16"),
        "a header with one field fewer than every row, as R writes it": (
            "t.csv",
            b"smiles,a\n1,C,2\n2,CC,3\n",
            [["1", "C", "2"], ["2", "CC", "3"]],
        ),
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
        "no header, and a first SMILES string that cannot be read": (
            "t.txt",
            b"c1ccccc\nCC\n",
            [["c1ccccc"], ["CC"]],
        ),
        "one column with an unusual name": ("t.txt", b"mol\nCC\n", [["CC"]]),
        "SMILES strings and names between blanks": (
            "t.txt",
            b"CCO ethanol\nCC ethane\nC methane\n",
            r"line 1: .* separated by blanks; .*\.smi",
        ),
        "a CXSMILES extension, `CC \\|$R;$\\|`": ("t.csv", b"smiles\nCC |$R,;$|\n", [["CC |$R,;$|"]]),
        "a spreadsheet, a web page, JSON, an SD file, bzip2, xz": (
            "t.csv",
            b"<!DOCTYPE html>\n<html>\n",
            "line 1: this is not a table: it is a web page",
        ),
        "nothing, or blank lines only": ("t.csv", b"\n,\n", "this file is empty"),
        "a line of more than 16 MiB, or a record in quotes": (
            "t.csv",
            b"smiles\nC\n" + b"a" * ((1 << 24) + 1),
            "line 3: this line has more than 16,777,216 bytes; --max_line",
        ),
        "more than 1,000,000 columns": (
            "t.csv",
            b"smiles" + b"," * 10**6 + b"\n",
            "more than 1,000,000 columns",
        ),
    },
    "SMI": {
        "a SMILES string, blanks or tabs, a name": ("t.smi", b"C  a  b,\tc\n", [["C", "a  b,\tc"]]),
        "a SMILES string alone": ("t.smi", b"C\nCC", [["C", ""], ["CC", ""]]),
        "a CXSMILES extension after the SMILES string": ("t.smi", b"CC |$R;$| x\n", [["CC |$R;$|", "x"]]),
        "a tab, then a name": ("t.smi", b"\tCO\nC\tN\n", [["", "CO"], ["C", "N"]]),
        "a first line such as `SMILES Name`, which RDKit writes": (
            "t.smi",
            b"SMILES Name \nC a\n",
            [["C", "a"]],
        ),
        "a blank line": ("t.smi", b"C\n\nCC\n", [["C", ""], ["", ""], ["CC", ""]]),
        "quotation marks and commas": ("t.smi", b'C "a, b\nCC x"\n', [["C", '"a, b'], ["CC", 'x"']]),
        "UTF-16, a spreadsheet, a web page, JSON, an SD file, bzip2, xz": (
            "t.smi",
            "C a\n".encode("utf-16"),
            "line 1: .* perhaps in UTF-16",
        ),
        "lines that end in CR": ("t.smi", b"C a\rCC b\r", [["C", "a"], ["CC", "b"]]),
        "bytes that are not UTF-8": ("t.smi", b"C \xe9\n", [["C", "\udce9"]]),
        "a line of more than 16 MiB": (
            "t.smi",
            b"C " + b"a" * (1 << 24),
            "line 1: this line has more than 16,777,216 bytes; --max_line",
        ),
    },
    "SD files": {
        "a mol block, V2000 or V3000": (
            "t.sdf",
            mol_block(title=b"a") + END + mol_block(title=b"b", v3000=True) + END,
            [["CO", "a"], ["CO", "b"]],
        ),
        "a mol block without atoms": ("t.sdf", mol_block("") + END, [["", ""]]),
        "a mol block that RDKit refuses": (
            "t.sdf",
            BLOCK.replace(b" C ", b" Qq") + END,
            [["", "", "Element 'Qq' not found"]],
        ),
        "query atoms (`A`, `Q`, `X`, `M`, `*`, `L`, lists, `R#`, `R1`, counts of hydrogens or neighbours)"
        " and query bonds (types 5 to 8)": (
            "t.sdf",
            BLOCK.replace(b" C ", b" A ") + END + BLOCK.replace(b" C ", b" R1") + END,
            [["", "", f"atom 1 is a {QUERY}"], ["", "", f"atom 1 (R1) is a {QUERY}"]],
        ),
        "points of attachment, link nodes, bonds to one of several atoms, brackets of polymers": (
            "t.sdf",
            BLOCK.replace(b"M  END", b"M  APO  1   1   1\nM  END") + END,
            [["", "", "atom 1 is a point of attachment, so this is a part of a molecule"]],
        ),
        "blank lines before a mol block": ("t.sdf", b"\n" + BLOCK + END + b"\n\n" + BLOCK, [["CO", ""]] * 2),
        "data fields": (
            "t.sdf",
            BLOCK + VALUE + END + BLOCK + b"> <y>\n2\n\n" + END,
            [["CO", "", "1", ""], ["CO", "", "", "2"]],
        ),
        "data fields called `smiles` or `name`": (
            "t.sdf",
            BLOCK + b"> <name>\nb\n\n> <smiles>\nCC\n\n" + END,
            [["CO", "", "b", "CC"]],
        ),
        "`> <x>`, `>  <x>  (1)`, `> 25 <x> (MD-0894)`, `> 55 (MD-08974) <x> DT12`": (
            "t.sdf",
            b"".join(
                BLOCK + header + b"\n1\n\n" + END
                for header in (b"> <x>", b">  <x>  (1)", b"> 25 <x> (MD-0894)", b"> 55 (MD-08974) <x> DT12")
            ),
            [["CO", "", "1"]] * 4,
        ),
        "`> DT12`, `> 25`, `> (MD-0894)`": (
            "t.sdf",
            BLOCK + b"> DT12\n1\n\n> 25\n2\n\n> (MD-0894)\n3\n\n" + END,
            [["CO", "", "1", "2", "3"]],
        ),
        "a data field twice in a record": ("t.sdf", BLOCK + VALUE + VALUE + END, [["CO", "", "1\n1"]]),
        "more than 5,000 different data fields": (
            "t.sdf",
            BLOCK + b"".join(b"> <%d>\n\n" % i for i in range(5001)),
            "more than 5,000 data fields",
        ),
        "a value of several lines, or one that begins with `>`": (
            "t.sdf",
            BLOCK + b"> <x>\n>1 and <2\n007\n\n" + END,
            [["CO", "", ">1 and <2\n007"]],
        ),
        "a blank line in a value": (
            "t.sdf",
            BLOCK + b"> <x>\n1\n\n2\n\n> <y>\n3\n\n" + END,
            [["CO", "", "1\n\n2", "3"]],
        ),
        "a line of white space in a value": (
            "t.sdf",
            BLOCK + b"> <x>\n1\n \n2\n \n> <y>\n3\n\n" + END,
            [["CO", "", "1\n \n2", "3"]],
        ),
        "text between a mol block and its first data header": (
            "t.sdf",
            BLOCK + b"a\n" + VALUE + END,
            [["CO", "", "1", "text that belongs to no data field: 'a'"]],
        ),
        "no `$$$$` after a record": ("t.sdf", BLOCK + VALUE + BLOCK + END, [["CO", "", "1"], ["CO", "", ""]]),
        "no `$$$$`, and a counts line that does not say V2000 or V3000": (
            "t.sdf",
            BLOCK + VALUE + BLOCK.replace(b" V2000", b"") + VALUE + END,
            [["CO", "", "1", "a second mol block begins in this record: a line $$$$ is missing"]],
        ),
        "no `$$$$` at the end": ("t.sdf", BLOCK + VALUE, [["CO", "", "1"]]),
        "nothing between two `$$$$`": ("t.sdf", BLOCK + END + END, [["CO", ""], ["", "", "no mol block"]]),
        "a record of more than 16 MiB, or of more than 1,000,000 lines": (
            "t.sdf",
            BLOCK + b"> <x>\n" + (b"1" * (1 << 20) + b"\n") * 16,
            "line 1: this record has more than 16,777,216 bytes; --max_line",
        ),
        "lines that end in CR, or in CR and LF": (
            "t.sdf",
            (BLOCK + b"> <x>\n1\n2\n\n" + END).replace(b"\n", b"\r")
            + (mol_block(title=b"b") + VALUE + END).replace(b"\n", b"\r\n"),
            [["CO", "", "1\n2"], ["CO", "b", "1"]],
        ),
        "bytes that are not UTF-8": ("t.sdf", mol_block(title=b"\xe9") + END, [["CO", "\udce9"]]),
        "UTF-16": ("t.sdf", BLOCK.decode().encode("utf-16"), "perhaps in UTF-16"),
        "no `M  END`": ("t.sdf", b"smiles\nC\n", "this is not an SD file"),
    },
}
"""By section and line: a file, and its rows with their problems, or the message that refuses it."""

IN_PARQUET = {
    "molecules as texts, bytes or categories": (parquet(smiles=[b"C"]), ["C"]),
    "molecules in lists or structs": (parquet(smiles=[["C"]]), "'smiles' holds list<.*>, which is not text"),
    "other columns, into Parquet": (parquet(x=pa.array([1], pa.int8())), ["C", "1"]),
    "other columns, into text": (parquet(x=[[1]]), "'x' holds list<.*>, which is not text"),
    "categories in views of lists": (parquet(x=categories_in_views()), "which is not text"),
    "nothing": (parquet(x=[None]), ["C", ""]),
    "truth values": (parquet(x=[True]), ["C", "True"]),
    "floating point": (
        parquet(a=pa.array([6.1], "f4"), b=[5.0], c=[1e20], d=[float("nan")]),
        ["C", "6.1", "5.0", "1e+20", "nan"],
    ),
    "decimals": (parquet(x=[Decimal("1.10")]), ["C", "1.10"]),
    "texts and bytes": (parquet(x=[b"\xff"]), ["C", "\udcff"]),
    "categories": (parquet(x=pa.array(["a"]).dictionary_encode()), ["C", "a"]),
    "dates": (parquet(x=[date(2024, 1, 2)]), ["C", "2024-01-02"]),
    "timestamps": (
        parquet(
            a=pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")),
            b=pa.array([0], pa.timestamp("ms", "Europe/Paris")),
            c=pa.array([10**18], pa.timestamp("us")),
        ),
        ["C", "2023-11-14T22:13:20.123456789", "1970-01-01T00:00:00.000Z", "+33658-09-27T01:46:40.000000"],
    ),
    "times of day": (parquet(x=pa.array([3_723_004], pa.time32("ms"))), ["C", "01:02:03.004"]),
    "durations": (
        parquet(x=pa.array([90_061_000_001], pa.duration("us")), y=pa.array([-1500], pa.duration("ms"))),
        ["C", "PT90061.000001S", "-PT1.5S"],
    ),
    "extension types": (
        parquet(x=pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16)], pa.binary(16)))),
        ["C", "00000000-0000-0000-0000-000000000000"],
    ),
    "damage, or an end that is missing": (parquet()[:-1], "this is not a complete Parquet file"),
}
"""By line: a file, and its row as text, or the message that refuses it."""

ELSEWHERE = {
    "what the file says of itself (metadata of the schema), into Parquet": "tests/bulk/test_parquet_files.py",
    "more categories than their type can count, from unlike row groups": "tests/bulk/test_parquet_files.py",
    "two columns of one name": "tests/tables/test_parquet.py",
    "row groups of any size": "tests/bulk/test_long_lines.py",
    "a text of more than 16 MiB": "tests/bulk/test_long_lines.py",
    "a page that needs more than 256 MiB, or pages of all columns that need more than 2 GiB together": (
        "tests/bulk/test_long_lines.py"
    ),
}
"""By line: where it is held, for an example is more than one row."""

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


def test_each_line_on_parquet_has_an_example():
    """Neither a line without an example nor an example without a line."""
    assert sorted(documented("Parquet")) == sorted([*IN_PARQUET, *ELSEWHERE])


@pytest.mark.parametrize("line", IN_PARQUET)
def test_each_line_on_parquet_is_true(tmp_path, line):
    """A row of a Parquet file becomes the text that the line says, or is refused."""
    content, expected = IN_PARQUET[line]
    if content is None:
        pytest.skip(f"pyarrow {pa.__version__} cannot write {line}")
    path = tmp_path / "t.parquet"
    path.write_bytes(content)

    def row():
        with open_table(path) as table:
            reader = ParquetReader(
                table, tmp_path / "t.csv", "smiles", None, as_values=False, by_number=False
            )
            (block,) = reader.blocks(range(1))
        return next(csv.reader(io.StringIO(decode(block.rows[0]))))

    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            row()
    else:
        assert row() == expected
