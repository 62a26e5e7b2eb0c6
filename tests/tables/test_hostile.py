"""Hostile tables of each text format, against the readers of Python and of pandas."""

import csv
import io
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from servier.tables import Quotes, count_rows, name_all, open_table, text
from servier.tables.lines import encode

pytestmark = pytest.mark.slow

MANY = settings(max_examples=max(1000, settings.default.max_examples))

PLAIN = "abC(=)µ€ü\u00a0\u2028 '#-.:"
CELL = st.text(alphabet=PLAIN, max_size=6)
WILD_CELL = st.text(alphabet=PLAIN + ',;"\t\r\n', max_size=8)
CODECS = st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "cp1252"])
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def tables(draw, cell):
    """A table as lists of cells: the SMILES column anywhere, nameless columns, ragged rows."""
    width = draw(st.integers(1, 4))
    names = [f"{i}{name}".strip() if name else "" for i, name in enumerate(draw(st.tuples(*[cell] * width)))]
    names[draw(st.integers(0, width - 1))] = draw(st.sampled_from(["smiles", "SMILES", "Canonical_Smiles"]))
    rows = draw(st.lists(st.lists(cell, min_size=0, max_size=width + 1), max_size=8))
    return [names, *rows]


def written(codec, text):
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        assume(False)


def read(folder, name, content):
    """The columns and rows of a table, as bytes: what decodes must come out as it went in."""
    path = folder / name
    path.write_bytes(content)
    with open_table(path) as table:
        rows = [[encode(field) for field in record.fields] for record in table]
        columns = [encode(column) for column in table.header.columns]
    assert count_rows(path) == len(rows)
    return columns, rows, table


def fitted(rows, width, codec):
    """Rows of an oracle, filled up and cut as the documentation says, as bytes."""
    codec = codec.removesuffix("-sig")
    return [[cell.encode(codec) for cell in (row + [""] * width)[:width]] for row in rows]


def named(columns, names, rows, codec):
    """The names of an oracle; the first is empty where each row has one cell more, as R writes row names."""
    if len(columns) > len(names):
        assert {len(row) for row in rows if "".join(row).strip()} == {len(names) + 1}
        names = ["", *names]
    return [name.strip().encode(codec.removesuffix("-sig")) for name in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


@MANY
@given(
    tables(WILD_CELL),
    st.sampled_from(",;"),
    NEWLINES,
    CODECS,
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_csv(folder, table, delimiter, newline, codec, quoting):
    """What Python's csv wrote is read as it reads it: names, cells, line breaks in quotes, any encoding."""
    delimiter = delimiter if len(table[0]) > 1 else ","
    lines = []
    writer = csv.writer(SimpleNamespace(write=lines.append), delimiter=delimiter, quoting=quoting)
    writer.writerows(table)  # lines that end in CR and LF, so either of them is quoted in a cell
    text = "".join(line[:-2] + newline for line in lines)
    names, *expected = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns, rows, _ = read(folder, "t.csv", written(codec, text))
    assert columns == named(columns, names, expected, codec)
    assert rows == fitted(expected, len(columns), codec)


@MANY
@given(tables(CELL | st.text(alphabet='a"', max_size=4)), NEWLINES, CODECS)
def test_tsv(folder, table, newline, codec):
    """Lines of plain fields are as many rows; Python's csv reads the same, with or without quotes."""
    text = "".join("\t".join(row) + newline for row in table)
    columns, rows, read_table = read(folder, "t.tsv", written(codec, text))
    width = len(columns)
    assert len(rows) == len(table) - 1 or read_table.header.quotes is not Quotes.PLAIN
    plain = fitted(table[1:], width, codec)
    if read_table.header.quotes is Quotes.PLAIN or '"' not in text:
        assert columns == named(columns, table[0], table[1:], codec)
        assert rows == plain
    else:
        _, *quoted = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
        assert rows == fitted(quoted, width, codec)


@MANY
@given(st.data(), st.integers(2, 4), CODECS)
def test_tsv_of_pandas(folder, data, width, codec):
    """What pandas writes between tabs, quoting what needs it, comes back cell by cell."""
    cell = st.text(alphabet=PLAIN + ',;"', max_size=8) | st.sampled_from(["two\nlines", 'a "b"\nc', '"'])
    cells = data.draw(st.lists(st.tuples(*[cell] * width), max_size=6))
    frame = pd.DataFrame(cells, columns=["smiles", *(f"c{i}" for i in range(1, width))], dtype=str)
    text = frame.to_csv(sep="\t", index=False)
    _, rows, _ = read(folder, "t.tsv", written(codec, text))
    assert rows == [[field.encode(codec.removesuffix("-sig")) for field in row] for row in cells]


@MANY
@given(st.lists(st.text(alphabet=PLAIN + '",;\t', max_size=12), min_size=1, max_size=8), NEWLINES, CODECS)
def test_smi(folder, lines, newline, codec):
    """A line is a row: the molecule up to a blank or tab, the rest as it is; pandas splits it so.

    RDKit takes a tab at the beginning of a line for the end of a molecule without atoms.
    """
    content = written(codec, "".join(line + newline for line in lines))
    columns, rows, _ = read(folder, "t.smi", content)
    codec = codec.removesuffix("-sig")
    parts = (
        pd.Series(lines, dtype=str).str.rstrip(" \t").str.lstrip(" ").str.split(r"[ \t]+", n=1, regex=True)
    )
    expected = [[part.encode(codec) for part in [*split, ""][:2]] for split in parts]
    assert columns == [b"smiles", b"name"]
    assert rows == expected


@MANY
@given(st.data(), st.integers(2, 4), NEWLINES, st.integers(1, 5))
def test_no_row_of_a_tsv_swallows_another(folder, data, width, newline, n_decisive):
    """Where each line has as many tabs as the header, each is a row, wherever quotation marks stand."""
    cell = st.text(alphabet='ab" ', max_size=5)
    lines = data.draw(st.lists(st.tuples(*[cell] * width).map("\t".join), max_size=10))
    header = "\t".join(["smiles", *(f"c{i}" for i in range(1, width))])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text, "SAMPLE_LINES", n_decisive)
        _, rows, _ = read(folder, "t.tsv", newline.join([header, *lines, ""]).encode())
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        quoted = next(csv.reader([line], delimiter="\t"))
        assert [field.decode() for field in row] in (line.split("\t"), quoted)


@given(tables(WILD_CELL))
def test_names_for_nameless_columns(table):
    """All columns have names, no two the same one, and those that had names keep them."""
    names = name_all(table[0])
    assert all(names)
    assert len(set(names)) == len(names)
    assert [name for name, old in zip(names, table[0], strict=True) if old] == [
        name for name in table[0] if name
    ]
