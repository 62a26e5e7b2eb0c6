"""Tables as R, RDKit, Spark and others write them, and files that are no tables at all."""

import bz2
import csv
import io
import lzma
import zipfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdkit import Chem

from servier.errors import DataError
from servier.tables import Dialect, Quotes, count_rows, open_table, require_smiles_column
from servier.tables.quoting import DETECTED
from servier.tables.smi import SmiText
from servier.tables.text import DelimitedText

MARK = b"\xef\xbb\xbf"


def read(content, name="t.csv", dialect=DETECTED):
    """The columns, the rows and the notices of a table."""
    table = DelimitedText(io.BytesIO(content), name, dialect)
    records = list(table)
    assert not any(record.problem for record in records)
    return table.header.columns, [record.fields for record in records], table.notices


@pytest.mark.parametrize(("delimiter", "suffix"), [(",", "csv"), (";", "csv"), ("\t", "tsv")])
@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize(
    "rows",
    [
        [["smiles", "P1"], ["1", "CCO", "5.2"], ["2", "CC", "1"]],
        [["P1", "structure"], ["a", "5.2", "CCO"], ["b", "1", ""], ["c", "1", "C"]],
        [["mol", "P1"], ["1", "CCO", "5.2"], ["2", "CC", "1"]],
    ],
)
def test_row_names_of_r_have_no_column(rows, mark, delimiter, suffix):
    """As for pandas and for R, a header with one field fewer leaves out the names of the rows."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n").writerows(rows)
    content = text.getvalue().encode()
    expected = pd.read_csv(io.BytesIO(content), sep=delimiter, dtype=str, keep_default_na=False)
    columns, found, notices = read(mark + content, f"t.{suffix}")
    assert columns == ["", *expected.columns]
    assert found == [list(row) for row in expected.itertuples(name=None)]
    assert notices[-1] == "the header has one field fewer than the rows: their first field has no name"


@pytest.mark.parametrize(
    "content",
    [
        b"smiles,name\nCCO,a,b\nCC,c,d\n",  # a delimiter in each name
        b"smiles,name\n1,CCO,b\n2,CC\n",
        b"name,smiles\nCCO,a,\nCC,b,\n",
        b"name,smiles\n2,3-dimethylbutane,CC(C)C(C)C\n1,2-dichlorobenzene,Clc1ccccc1Cl\n",
        b"name,smiles\n1,2-dichlorobenzene,Clc1ccccc1Cl\n",
        b"mol,name\nCCO,a,b\nCC,c,d\n",
    ],
)
def test_other_rows_with_one_field_more_keep_their_columns(content):
    """Nothing moves to another column where molecules or numbers of rows do not say so."""
    table = DelimitedText(io.BytesIO(content), "t.csv")
    assert len(table.header.columns) == 2
    assert [record.fields[0] for record in table] == [
        line.split(",")[0] for line in content.decode().split()[1:]
    ]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        (b'"smiles" "P1"\n"1" "CCO" 5.2\n"2" "CC" 1\n', "blanks"),
        (b"smiles id\nCCO a\n", "blanks"),
        (b"id^smiles\na^CCO\n", "'^'"),
        (b"id\x01smiles\na\x01CCO\n", r"'\x01'"),
    ],
)
def test_other_separators_are_refused_by_name(content, separator):
    """write.table of R without arguments, and what databases write, is no table of one column."""
    with pytest.raises(DataError) as caught:
        read(content)
    assert caught.value.problem == f"its fields seem to be separated by {separator}"
    assert caught.value.row == 1


@pytest.mark.parametrize("content", [b"Canonical SMILES\nCCO\nCC\n", b"mol & salt\nCCO\nCC\n"])
def test_a_column_may_have_a_name_of_several_words(content):
    """Only where the rows have the same separator are there several columns."""
    assert len(read(content)[0]) == 1


def test_bars_separate_fields():
    """They are found where they make a SMILES column, and taken where --delimiter says so."""
    assert read(b'id|smiles\n"a|b"|CC\n')[:2] == (["id", "smiles"], [["a|b", "CC"]])
    assert read(b"mol|n\nCC|1\n", dialect=Dialect("|"))[:2] == (["mol", "n"], [["CC", "1"]])
    with pytest.raises(DataError, match=r"line 1: no ',' in the header line"):
        read(b"mol|n\nCC|1\n")


@pytest.mark.parametrize(
    "header",
    ["Structure;IC50, nM, pH 7, 37 C", "Compound ID;a,b,c;Drug", "\ufeffsmiles;a,b,c", "a,b;smiles\u200b"],
)
def test_usual_names_say_what_separates(header):
    """Commas in the names of a table with decimal commas do not count, nor what nobody sees beside a name."""
    row = ["CC", "1,5", "CCO"][: header.count(";") + 1]
    columns, rows, _ = read(f"{header}\n{';'.join(row)}\n".encode())
    assert rows == [row]
    assert columns == [name.strip("\ufeff\u200b") for name in header.split(";")]


@pytest.mark.parametrize("n_marks", [1, 2, 3])
def test_marks_of_joined_files_are_no_part_of_a_name(n_marks):
    """A name in quotes is found after them, and the output has them all."""
    table = DelimitedText(io.BytesIO(MARK * n_marks + b'"smiles","a"\nC,1\n'), "t.csv")
    assert (table.header.columns, table.header.raw) == (["smiles", "a"], MARK * n_marks + b'"smiles","a"')
    assert [record.fields for record in SmiText(io.BytesIO(MARK * n_marks + b"C a\n"))] == [["C", "a"]]


@pytest.mark.parametrize(
    "rows",
    [
        [r'"5\"",CCO', "foo,CC", r'"7\"",CN'],
        ['"foo,CCO', "bar,CC", '"x",CN'],
        ['"foo,CCO', "bar,CC", 'x"y,CN', "z,C"],
        ['a,"C', 'b,"CC"'],
    ],
)
def test_a_mark_that_does_not_close_its_field_takes_in_no_other_row(rows):
    """Python's csv, when it is strict, refuses the same lines; without quoting each line is a row."""
    content = "\n".join(["name,smiles", *rows, ""])
    with pytest.raises(csv.Error):
        list(csv.reader(io.StringIO(content), strict=True))
    with pytest.raises(DataError, match="line 2: a quotation mark opens here and never closes"):
        read(content.encode())
    plain = list(csv.reader(io.StringIO(content), quoting=csv.QUOTE_NONE))
    assert read(content.encode(), dialect=Dialect(quotes=Quotes.PLAIN))[1] == plain[1:]


@given(st.lists(st.text('ab",\n\\ ', max_size=8), min_size=1, max_size=6))
def test_no_other_row_is_lost_to_a_mark(names):
    """Whatever is not refused has the rows that Python's csv reads when it is strict, if it reads any."""
    content = "name,smiles\n" + "".join(f"{name},C\n" for name in names)
    try:
        expected = list(csv.reader(io.StringIO(content, newline=""), strict=True))[1:]
    except csv.Error:
        return
    table = DelimitedText(io.BytesIO(content.encode()), "t.csv", Dialect(",", Quotes.QUOTED))
    if table.header.columns == ["name", "smiles"]:
        assert [record.fields for record in table] == [(row + [""] * 2)[:2] for row in expected]


def test_a_blank_after_a_field_of_two_lines_is_no_fault():
    """What Python's csv reads without being strict is read where no row can be lost."""
    assert read(b'smiles,a\nC,"x\ny" \nCC,z\n')[1] == [["C", "x\ny "], ["CC", "z"]]


@pytest.mark.parametrize("header", ["molecule_smiles,N,value", "parent,N,value"])
def test_an_empty_column_does_not_make_its_name_a_molecule(header):
    """N is an atom, and a name of a column of which nothing is known."""
    assert read(f"{header}\nCCO,,1\nCC,,2\n".encode())[0] == header.split(",")


@pytest.mark.parametrize(
    ("content", "first"),
    [
        (b"c1ccccc\nCCO\nCC\n", "c1ccccc"),
        (b"a,C1CC(=O\nb,CCO\nc,CC\n", "C1CC(=O"),
        (b"CC |$R;$|\nCCO |$R;;$|\n", "CC |$R;$|"),
        (b"CC |$R,$|\nCCO |$R,,$|\n", "CC |$R,$|"),
    ],
)
def test_the_first_molecule_is_never_lost(content, first):
    """Where the lines after it are molecules, what is written like one is no header."""
    columns, rows, _ = read(content, "t.txt")
    position = columns.index(require_smiles_column(columns, None))
    assert rows[0][position] == first
    assert len(rows) == len(content.splitlines())


@pytest.mark.parametrize("name", ["Structures", "cpd", "b", "P1", "mol(1)", "V1", "0", "no", "CC(=O)Ox"])
def test_names_are_no_molecules(name):
    """Short names, numbers and words are headers of a column of molecules, which a notice says."""
    notice = f"line 1, {name!r}, is taken for the header of the only column"
    assert read(f"{name}\nCCO\nCC\n".encode()) == ([name], [["CCO"], ["CC"]], [notice])


@pytest.mark.parametrize("name", ["SMILES_1", "smiles", "Canonical Smiles", "drug", "Structure"])
def test_plain_headers_need_no_notice(name):
    """They say themselves what they are."""
    assert read(f"{name}\nCCO\nCC\n".encode()) == ([name], [["CCO"], ["CC"]], [])


def test_smi_files_of_rdkit_have_a_header(tmp_path):
    """Molecules and names that RDKit wrote are those that RDKit reads, and no more."""
    path = tmp_path / "t.smi"
    for delimiter in (" ", "\t"):
        with Chem.SmilesWriter(str(path), delimiter=delimiter, includeHeader=True) as writer:
            for smiles, name in [("CCO", "a b"), ("c1ccccc1", "N")]:
                mol = Chem.MolFromSmiles(smiles)
                mol.SetProp("_Name", name)
                writer.write(mol)
        supplier = Chem.SmilesMolSupplier(str(path), delimiter="\t", titleLine=True)
        with open_table(path) as table:
            rows = [record.fields for record in table]
        assert rows == [["CCO", "a b"], ["c1ccccc1", "N"]]
        assert count_rows(path) == len(rows) == len(supplier)


@pytest.mark.parametrize(
    "header", ["SMILES Name ", "#smiles\tname", "# SMILES", '"smiles" "id"', "Canonical_SMILES ID", "smiles"]
)
@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"])
def test_smi_headers_are_no_rows(header, newline, tmp_path):
    """Lines keep their numbers, and are counted without the header."""
    path = tmp_path / "t.smi"
    path.write_bytes(newline.join([header, "C a", "", "CC b", ""]).encode())
    with open_table(path) as table:
        assert [record[:2] for record in table] == [(2, ["C", "a"]), (3, ["", ""]), (4, ["CC", "b"])]
    assert count_rows(path) == 3


def test_smi_headers_with_commas_are_refused():
    """A CSV file under the name of a SMI file has no row that could be read."""
    with pytest.raises(
        DataError, match=r"line 1: its fields seem to be separated by ','; end its name in \.csv"
    ):
        SmiText(io.BytesIO(b"smiles,name\nC,a\n"))


def test_a_tab_before_a_name_leaves_no_molecule():
    """RDKit reads an empty molecule with this name, which is itself one."""
    supplier = Chem.SmilesMolSupplier()
    supplier.SetData("\tCO\nCC\tb\n", "\t", 0, 1, False)
    expected = [[Chem.MolToSmiles(mol), mol.GetProp("_Name")] for mol in supplier]
    assert [record.fields for record in SmiText(io.BytesIO(b"\tCO\nCC\tb\n"))] == expected


def zipped(text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), text)
    return buffer.getvalue()


TEXT = b"smiles\nCCO\n"
BLOCK = Chem.MolToMolBlock(Chem.MolFromSmiles("CO")).encode() + b"$$$$\n"


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.smi"])
@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (bz2.compress(TEXT), "compressed with bzip2"),
        (lzma.compress(TEXT), "compressed with xz"),
        (zipped(TEXT), "a zip file or a spreadsheet"),
        (b"<!DOCTYPE html>\n<html></html>\n", "a web page"),
        (MARK + b'\n <?xml version="1.0"?>\n', "a web page or XML"),
        (b'[{"smiles": "CCO"}]\n', "JSON"),
        (b'{"smiles": "CCO"}\n{"smiles": "CC"}\n', "JSON"),
        (BLOCK, "an SD file"),
        (BLOCK.replace(b"\n", b"\r\n"), "an SD file"),
        (TEXT.decode().encode("utf-16"), "perhaps in UTF-16"),
        (TEXT.decode().encode("utf-16-be"), "perhaps in UTF-16"),
        (b"PAR1\x15\x04\x15", "a Parquet file"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_by_name(tmp_path, name, content, problem):
    """No file of another kind becomes rows that cannot be read."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem) as caught, open_table(path) as table:
        list(table)
    assert str(caught.value).startswith(f"{path}, line 1: ")
