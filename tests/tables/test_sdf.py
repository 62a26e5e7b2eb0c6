"""SD files, with RDKit's suppliers as the oracle."""

import csv
import gzip
import io
import string
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rdkit import Chem, rdBase

from servier.errors import DataError
from servier.tables import count_rows, encode_row, open_table, sd_records
from servier.tables.lines import decode, encode
from servier.tables.sd_records import MAX_FIELDS

ETHANOL, PHENOL = "CCO", "Oc1ccccc1"


def block(smiles=ETHANOL, title="", *, v3000=False):
    text = Chem.MolToMolBlock(Chem.MolFromSmiles(smiles), forceV3000=v3000)
    return (title + text[text.index("\n") :]).encode()


def item(name, *lines):
    return b"\n".join([b">  <%s>" % name, *lines, b"", b""])


def read(path, content):
    path.write_bytes(content)
    with open_table(path) as table:
        records = list(table)
    assert count_rows(path) == len(records)
    return table.header, records


@pytest.fixture
def reading(tmp_path):
    """Reads the bytes of an SD file; returns its columns, and for each row its fields and its problem."""

    def read_them(content, name="t.sdf"):
        header, records = read(tmp_path / name, content)
        return header.columns, [(record.fields, record.problem) for record in records]

    return read_them


def test_sd_records_are_what_rdkit_wrote(reading):
    """RDKit's own writer is the oracle."""
    buffer = io.StringIO()
    with Chem.SDWriter(buffer) as writer:
        for i, smiles in enumerate([ETHANOL, PHENOL]):
            mol = Chem.MolFromSmiles(smiles)
            mol.SetProp("_Name", f"m{i}")
            mol.SetProp("activity", str(i))
            writer.write(mol)
    columns, rows = reading(buffer.getvalue().encode())
    assert columns == ["smiles", "name", "activity"]
    assert rows == [([ETHANOL, "m0", "0"], None), ([PHENOL, "m1", "1"], None)]


@pytest.mark.parametrize("content", [b"", b"\n", b"\n\r\n  \n"])
def test_empty_sd_file_is_refused(reading, content):
    """Nothing is no table."""
    with pytest.raises(DataError, match="this file is empty"):
        reading(content)


def test_columns_get_out_of_the_way_of_fields(reading):
    """Data fields keep their names and values, and the mol blocks' molecules are those that count."""
    data = item(b"name", b"aspirin") + item(b"smiles", b"mine") + item(b"molblock_name", b"x")
    columns, rows = reading(block(PHENOL, "T") + data + b"$$$$\n")
    assert columns == ["molblock_smiles", "molblock_name_2", "name", "smiles", "molblock_name"]
    assert rows == [([PHENOL, "T", "aspirin", "mine", "x"], None)]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b"> <x>", "x"),
        (b">  <x>  (1)", "x"),
        (b"><x>", "x"),
        (b"> 25 <MELTING.POINT> (MD-0894)", "MELTING.POINT"),
        (b"> 55 (MD-08974) <BOILING.POINT> DT12", "BOILING.POINT"),
        (b"> <x> FROM ARCHIVES", "x"),
        (b"> DT12", "DT12"),
        (b"> 25", "25"),
        (b"> (MD-0894)", "(MD-0894)"),
        (b"> <a>b>", "a>b"),
        (b"> <a<b>", "a<b"),
        (b"> <>", "<>"),
        (b">", ">"),
        (b" > <x>", "x"),
    ],
)
def test_data_headers_of_every_form_name_a_field(reading, header, name):
    """A header without a name in angle brackets is its own name."""
    columns, rows = reading(block() + header + b"\n7\n\n$$$$\n")
    assert columns == ["smiles", "name", name]
    assert rows == [([ETHANOL, "", "7"], None)]


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([b">10 and <100"], ">10 and <100"),
        ([b"1", b"> <b>", b"2"], "1\n> <b>\n2"),
        ([b"  x  "], "  x  "),
        ([b"1", b"  ", b"2"], "1\n  \n2"),
        ([b"1", b"", b"more", b"", b"", b"and more"], "1\n\nmore\n\n\nand more"),
        ([b"1", b"", b" ", b">50 % at 1 uM"], "1\n\n \n>50 % at 1 uM"),
        ([], ""),
        ([b"1", b" "], "1"),
        ([b"007"], "007"),
    ],
)
def test_values_come_out_as_they_went_in(reading, lines, value):
    """A value may have many lines, begin with the sign of a header, and have blank lines inside."""
    rest = b"" if lines[-1:] == [b" "] else b"\n"
    content = block() + b"> <a>\n" + b"".join(line + b"\n" for line in lines) + rest
    columns, rows = reading(content + item(b"z", b"end") + b"$$$$\n")
    assert columns == ["smiles", "name", "a", "z"]
    assert rows == [([ETHANOL, "", value, "end"], None)]


def test_fields_of_later_records_have_columns(reading):
    """The header has every field of the file; a record without it has an empty one."""
    content = block() + item(b"a", b"1") + b"$$$$\n" + block() + item(b"b", b"2") + b"$$$$\n"
    columns, rows = reading(content)
    assert columns == ["smiles", "name", "a", "b"]
    assert [fields[2:] for fields, _ in rows] == [["1", ""], ["", "2"]]


def test_a_field_twice_in_a_record_keeps_both_values(reading):
    """Values of equal fields are joined by a line break; RDKit keeps the last one only."""
    _, rows = reading(block() + item(b"a", b"1") + item(b"a", b"2") + b"$$$$\n")
    assert rows[0][0][2] == "1\n2"


@pytest.mark.parametrize(
    "line",
    [b">" + b"1" * 60 + b"x", b">" + b"<" * 300_000, b">" + b"(" * 300_000, b">DT" + b"1 " * 300_000 + b"x"],
)
def test_lines_that_are_nearly_headers_take_no_time(reading, line):
    """However long they are; a row of digits took years."""
    _, rows = reading(block() + item(b"a", b"1", b"", line) + b"$$$$\n")
    assert rows == [([ETHANOL, "", "1\n\n" + line.decode()], None)]


@pytest.mark.parametrize("title", ["second", ""])
@pytest.mark.parametrize("first", [item(b"id", b"X0"), b"", b"> <id>\nX0\n", item(b"note", b"a", b"", b"b")])
def test_missing_end_of_record_ends_the_record(reading, first, title):
    """Where $$$$ is missing there are two rows, and no row gets data of the other one."""
    content = block(ETHANOL, "first") + first + block(PHENOL, title) + item(b"id", b"X1") + b"$$$$\n"
    columns, rows = reading(content)
    rows = [(dict(zip(columns, fields, strict=True)), problem) for fields, problem in rows]
    assert [(row["smiles"], row["name"], problem) for row, problem in rows] == [
        (ETHANOL, "first", None),
        (PHENOL, title, None),
    ]
    assert [row["id"] for row, _ in rows] == ["X0" if b"<id>" in first else "", "X1"]


def test_a_cut_mol_block_does_not_take_the_next_one(reading):
    """A record that was cut inside its atoms is a row with RDKit's reason, before the row of the next one."""
    cut = b"\n".join(block(PHENOL, "cut").split(b"\n")[:7]) + b"\n"
    columns, rows = reading(cut + block(ETHANOL, "whole") + item(b"id", b"X1") + b"$$$$\n")
    assert columns == ["smiles", "name", "id"]
    assert rows == [(["", "cut", ""], "EOF hit while reading atoms"), ([ETHANOL, "whole", "X1"], None)]


def test_a_second_block_that_cannot_be_split_off_is_refused(reading):
    """Without a counts line that says its version the row is refused, and has its own data only."""
    old = block(PHENOL, "second").replace(b" V2000", b"")
    _, rows = reading(block() + item(b"id", b"X0") + old + item(b"id", b"X1") + b"$$$$\n")
    assert rows[0][1] == "a second mol block begins in this record: a line $$$$ is missing"
    assert rows[0][0] == [ETHANOL, "", "X0"]


def test_a_mol_block_in_a_data_field_is_its_value(reading):
    """A mol block right after a data header is no record."""
    _, rows = reading(block() + b"> <mol>\n" + block(PHENOL, "inner") + b"\n$$$$\n")
    assert rows == [([ETHANOL, "", block(PHENOL, "inner").decode().rstrip("\n")], None)]


def test_text_without_a_field_is_refused(reading):
    """Text between a mol block and its first data header cannot be carried over, and is not dropped."""
    _, rows = reading(block() + b"spurious\n" + item(b"a", b"1") + b"$$$$\n")
    assert rows == [([ETHANOL, "", "1"], "text that belongs to no data field: 'spurious'")]


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\n"])
@pytest.mark.parametrize("last", [b"$$$$\n", b"$$$$", b""])
def test_line_ends_of_every_kind(reading, end, last):
    """LF, CRLF and CR alone give the same rows, whether or not the file ends with $$$$."""
    records = [block(text, f"m{i}") + item(b"a", b"1", b"2") for i, text in enumerate([ETHANOL, PHENOL])]
    content = b"\xef\xbb\xbf" + b"$$$$\n".join(records) + last
    _, rows = reading(content.replace(b"\n", end))
    assert rows == [([ETHANOL, "m0", "1\n2"], None), ([PHENOL, "m1", "1\n2"], None)]


def test_bytes_that_are_not_utf8_survive(reading):
    """Names and values of any encoding are the same bytes when they are written."""
    content = block().replace(b"\n", b"\xdf-aspirin\n", 1) + b"> <M\xfcller>\nS\xf6hne\n\n$$$$\n"
    columns, rows = reading(content)
    assert [encode(text) for text in columns[2:]] == [b"M\xfcller"]
    assert [encode(text) for text in rows[0][0]] == [b"CCO", b"\xdf-aspirin", b"S\xf6hne"]


def test_v3000_blocks_are_read(reading):
    """Extended mol blocks have data like others."""
    _, rows = reading(block(PHENOL, "t", v3000=True) + item(b"a", b"1") + b"$$$$\n")
    assert rows == [([PHENOL, "t", "1"], None)]


def test_titles_may_look_like_data(reading):
    """The three lines of a header are no data, whatever they begin with."""
    lines = block(ETHANOL, "> <title>").split(b"\n")
    lines[2] = b"> <comment>"
    columns, rows = reading(b"\n".join(lines) + item(b"a", b"1") + b"$$$$\n")
    assert columns == ["smiles", "name", "a"]
    assert rows == [([ETHANOL, "> <title>", "1"], None)]


def test_data_without_a_mol_block_is_kept(reading):
    """A record without atoms or without a block is a row with its data."""
    nothing = b"\n\n\n  0  0  0  0  0  0  0  0  0  0999 V2000\nM  END\n"
    content = b"$$$$\n".join([block(), nothing + item(b"a", b"1"), b"t\n" + item(b"a", b"2")])
    _, rows = reading(content + b"$$$$\n$$$$\n")
    assert [fields for fields, _ in rows] == [[ETHANOL, "", ""], ["", "", "1"], ["", "t", "2"], ["", "", ""]]
    assert [problem is None for _, problem in rows] == [True, True, False, False]


def with_line(number, line):
    lines = block("CN").split(b"\n")
    lines[number] = line
    return b"\n".join(lines)


def extended(old, new):
    """A V3000 mol block with a change."""
    whole = block("CNC", v3000=True)
    assert whole.count(old) == 1
    return whole.replace(old, new)


ATOM = b"    0.0000    0.0000    0.0000 %-3s 0  0  0%3d  0  0  0  0  0  0  0  0"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        *[(with_line(4, ATOM % (symbol, 0)), "atom 1 is a query atom") for symbol in b"A Q X M * L".split()],
        (with_line(4, ATOM % (b"R#", 0)), "atom 1 (R#) is a query atom"),
        (with_line(4, ATOM % (b"R1", 0)), "atom 1 (R1) is a query atom"),
        (with_line(4, ATOM % (b"C", 1)), "atom 1 is a query atom"),
        (with_line(7, b"M  SUB  1   1   2\nM  END"), "atom 1 is a query atom"),
        (with_line(7, b"M  UNS  1   2   1\nM  END"), "atom 2 is a query atom"),
        *[(with_line(6, b"  1  2%3d  0" % kind), "bond 1 is a query bond") for kind in (5, 6, 7, 8)],
        (block("CN", v3000=True).replace(b"M  V30 1 C", b"M  V30 1 [C,N]"), "atom 1 is a query atom"),
        (with_line(4, ATOM % (b"Qq", 0)), "Element 'Qq' not found"),
        (with_line(4, ATOM % (b"C\xff", 0)), "Element 'C?' not found"),
        (with_line(3, b"\xe4\xe4\xe4  1  0  0  0  0  0  0  0  0999 V2000"), "Cannot convert '???' to"),
        (with_line(3, b"  x  1  0  0  0  0  0  0  0  0999 V2000"), "Cannot convert ' x' to unsigned int"),
        (with_line(6, b"  1  9  1  0"), "Range Error"),
        (with_line(6, b"  1  2  1  0\n2"), "Unrecognized atom-list query modifier"),
        (with_line(6, b"  1  2  3  0").replace(b" N ", b" F "), "Explicit valence for atom # 1 F, 3"),
    ],
)  # fmt: skip
def test_unreadable_mol_blocks_say_why(reading, content, reason):
    """Query atoms and bonds are refused as such, anything else with RDKit's reason; the data stays."""
    with rdBase.BlockLogs():
        _, rows = reading(content + item(b"a", b"1") + b"$$$$\n" + block() + b"$$$$\n")
    (fields, problem), other = rows
    assert problem.startswith(reason)
    assert fields == ["", "", "1"]
    assert other == ([ETHANOL, "", ""], None)


ATTACHED, LINKED = "atom 1 is a point of attachment", "a link node stands for chains of several lengths"
POLYMER = b"END BOND\nM  V30 BEGIN SGROUP\nM  V30 1 SRU 0 ATOMS=(1 2)\nM  V30 END SGROUP"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (with_line(7, b"M  APO  1   1   1\nM  END"), ATTACHED),
        (extended(b" 0\nM  V30 2 N", b" 0 ATTCHPT=2\nM  V30 2 N"), ATTACHED),
        (block("CNC").replace(b"M  END", b"M  LIN  1   2   4   1   3\nM  END"), LINKED),
        (extended(b"END BOND", b"END BOND\nM  V30 LINKNODE 1 4 2 2 1 2 3"), LINKED),
        (with_line(7, b"M  LIN  1   1   2   2   0\nM  END"), "RDKit does not say why it refuses"),
        (extended(b"1 1 1 2", b"1 1 1 2 ENDPTS=(2 2 3) ATTACH=ANY"), "bond 1 ends at one of several atoms"),
        (with_line(7, b"M  STY  1   1 SRU\nM  SAL   1  1   1\nM  END"), "brackets (SRU) stand for a polymer"),
        (with_line(7, b"M  STY  1   1 MON\nM  SAL   1  1   1\nM  END"), "brackets (MON) stand for a polymer"),
        (
            extended(b"END BOND", POLYMER).replace(b"3 2 0 0 0", b"3 2 1 0 0"),
            "brackets (SRU) stand for a polymer",
        ),
    ],
)
def test_what_stands_for_several_molecules_is_refused(reading, content, reason):
    """RDKit reads one of them, or a part, and says nothing; the data stays."""
    _, rows = reading(content + item(b"a", b"1") + b"$$$$\n" + block() + b"$$$$\n")
    (fields, problem), other = rows
    assert problem.startswith(reason)
    assert fields == ["", "", "1"]
    assert other == ([ETHANOL, "", ""], None)


@pytest.mark.parametrize("kind", [b"DAT", b"SUP", b"GEN", b"MUL"])
def test_groups_that_change_no_molecule_are_read(reading, kind):
    """Brackets and names for atoms that are all there."""
    content = with_line(7, b"M  STY  1   1 %s\nM  SAL   1  1   1\nM  SPA   1  1   1\nM  END" % kind)
    _, rows = reading(content + b"$$$$\n")
    assert rows == [(["CN", ""], None)]


@pytest.mark.parametrize("blank", [b"\n", b"\n\n\n", b" \n\t\n"])
@pytest.mark.parametrize("title", ["", "second"])
def test_blank_lines_before_a_mol_block_are_no_record(reading, blank, title):
    """RDKit takes the block's lines for others then; here each row has its own molecule, title and data."""
    records = [block(ETHANOL, "first") + item(b"id", b"X0"), block(PHENOL, title) + item(b"id", b"X1")]
    _, rows = reading(b"".join(blank + record + b"$$$$\n" for record in records) + blank)
    assert rows == [([ETHANOL, "first", "X0"], None), ([PHENOL, title, "X1"], None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"smiles,name\nCCO,x\nCC,y\n", "this is not an SD file"),
        (block().decode().encode("utf-16"), "perhaps in UTF-16"),
        (block() + b"".join(item(b"f%d" % i) for i in range(MAX_FIELDS + 1)), "more than 5,000 data fields"),
    ],
)  # fmt: skip
def test_other_files_are_refused_in_one_line(reading, content, message):
    """What is no SD file has no rows."""
    with pytest.raises(DataError, match=message):
        reading(content)


def test_compressed_sd_files_are_read_twice(reading):
    """The fields of all records are known for compressed files too."""
    content = block() + b"$$$$\n" + block() + item(b"b", b"2") + b"$$$$\n"
    assert reading(gzip.compress(content), "t.sdf.gz") == reading(content)


NAME = st.text(string.ascii_letters + string.digits + " .()<>,;\"'äß\t-", min_size=1, max_size=8)
LINE = st.text(
    st.one_of(
        st.sampled_from("ab 1\t<>$,;\"'|ä\x00\x0b\x0c\x85\u2028"),
        st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]),
    ),
    max_size=12,
)
HEADERS = ("> <%s>", ">  <%s>  (1)", "> 25 <%s> (MD-0894)", "> <%s> FROM ARCHIVES", "><%s>")


def is_value_line(line):
    return bool(line.strip(" \t")) or line[:1] in {" ", "\t"}


VALUE = st.lists(LINE.filter(is_value_line).filter(lambda line: not line.startswith("$$$$")), max_size=4)
RECORD = st.tuples(
    LINE.filter(lambda line: not line.startswith("$$$$")),
    st.sampled_from([ETHANOL, PHENOL, "C[C@H](N)C(=O)O", "[Na+].[Cl-]"]),
    st.booleans(),
    st.dictionaries(NAME, st.tuples(st.sampled_from(HEADERS), VALUE), max_size=4),
)


def spell(records, end):
    """Write an SD file as the specification has it."""
    lines = []
    for title, smiles, v3000, data in records:
        lines += block(smiles, title, v3000=v3000).decode().split("\n")[:-1]
        for name, (header, value) in data.items():
            lines += [header % name, *value, ""]
        lines.append("$$$$")
    return end.join([*lines, ""]).encode()


def check_against_rdkit(path, records, end):
    """Compare the rows of a file with what was written, and with what RDKit's suppliers read."""
    for _, _, _, data in records:
        for _, value in data.values():
            # RDKit goes on with a value after a line of white space even where a data header follows.
            assume(not any(not a.strip() and ">" in b for a, b in pairwise(value)))
    content = spell(records, end)
    header, rows = read(path, content)
    assert len(rows) == len(records)
    forward = Chem.ForwardSDMolSupplier(io.BytesIO(content))
    indexed = Chem.SDMolSupplier(str(path))
    for i, (row, written, mol) in enumerate(zip(rows, records, forward, strict=True)):
        title, _, _, data = written
        values = dict(zip(header.columns, row.fields, strict=True))
        own = header.columns[:2]
        assert row.problem is None
        assert {name: text for name, text in values.items() if name not in own and text} == {
            name: "\n".join(value) for name, (_, value) in data.items() if any(value)
        }
        assert values[own[1]] == title
        for found in (mol, indexed[i]):
            assert Chem.MolToSmiles(found) == values[own[0]]
            assert all(found.GetProp(name) == values[name] for name in data)
        raw = encode_row(row.fields, header)
        assert next(csv.reader(io.StringIO(decode(raw), newline=""))) == row.fields
    with open_table(path) as table:
        assert [record.fields for record in table] == [row.fields for row in rows]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "t.sdf"


@settings(max_examples=50)
@given(records=st.lists(RECORD, min_size=1, max_size=4), end=st.sampled_from(["\n", "\r\n"]))
def test_hostile_files_are_read_as_rdkit_does(hostile, records, end):
    """Whatever names, values and titles are, they come out as RDKit reads them."""
    check_against_rdkit(hostile, records, end)


@pytest.mark.slow
@settings(max_examples=1000)
@given(records=st.lists(RECORD, min_size=1, max_size=4), end=st.sampled_from(["\n", "\r\n"]))
def test_many_hostile_files_are_read_as_rdkit_does(hostile, records, end):
    """The same, on many more files."""
    check_against_rdkit(hostile, records, end)


@pytest.mark.parametrize(
    ("data", "theirs", "ours"),
    [
        (item(b"a", b"1") + item(b"a", b"2"), {"a": "2"}, {"a": "1\n2"}),
        (b"> DT12\n7\n\n" + item(b"a", b"1"), {}, {"DT12": "7", "a": "1"}),
        (item(b"a", b"1", b"", b"2"), {"a": "1"}, {"a": "1\n\n2"}),
        (b"> <a>\n1\n \n" + item(b"b", b"2"), {"a": "1\n \n>  <b>\n2"}, {"a": "1", "b": "2"}),
        (b"> <a>\n1\n", {"a": "1\n$$$$"}, {"a": "1"}),
    ],
)
def test_what_rdkit_would_lose_is_kept(reading, data, theirs, ours):
    """These are all the cases in which values are not those of RDKit's ForwardSDMolSupplier."""
    content = block() + data + b"$$$$\n" + block(PHENOL) + b"$$$$\n"
    with rdBase.BlockLogs():
        mol = next(Chem.ForwardSDMolSupplier(io.BytesIO(content)))
    assert mol is None or {name: mol.GetProp(name) for name in mol.GetPropNames()} == theirs
    columns, rows = reading(content)
    assert dict(zip(columns[2:], rows[0][0][2:], strict=True)) == ours
    assert [fields[0] for fields, _ in rows] == [ETHANOL, PHENOL]


def test_a_record_without_an_end_is_refused(reading, monkeypatch):
    """No more than a record of a size is held in memory; the line is that where the record begins."""
    content = block() + b"$$$$\n" + block() + b"> <a>\n" + b"1\n" * 1000
    line = block().count(b"\n") + 2
    with pytest.raises(DataError, match=f"line {line}: this record has more than 1,000 bytes; --max_line"):
        list(sd_records.read_records(io.BytesIO(content), 1000))
    monkeypatch.setattr(sd_records, "MAX_RECORD_LINES", 1000)
    with pytest.raises(DataError, match=f"line {line}: this record has more than 1,000 lines"):
        reading(content)


WHOLE = b"".join(
    block(ETHANOL, f"m{i}", v3000=i == 1) + item(b"id", b"%d" % i) + item(b"note", b">b") + b"$$$$\n"
    for i in range(3)
).split(b"\n")
DAMAGE = st.tuples(
    st.integers(0, len(WHOLE) - 1),
    st.sampled_from(["delete", "insert", "replace", "swap"]),
    st.binary(max_size=12) | st.sampled_from([b"M  END", b"$$$$", b"> <x>", b">", b" ", WHOLE[3]]),
    st.integers(0, len(WHOLE) - 1),
)


def damage(lines, changes):
    for place, kind, line, other in changes:
        here, there = place % len(lines), other % len(lines)
        if kind == "swap":
            lines[here], lines[there] = lines[there], lines[here]
        else:
            lines[here : here + (kind != "insert")] = [line][: kind != "delete"]
    return b"\n".join(lines)


@given(st.lists(DAMAGE, min_size=1, max_size=6))
def test_damage_costs_rows_and_nothing_else(hostile, changes):
    """Whatever lines are lost, changed and exchanged, the file has rows, or is refused in one line."""
    try:
        _, rows = read(hostile, damage(list(WHOLE), changes))
    except DataError as error:
        said = str(error).splitlines()
    else:
        said = rows[:1]
    assert len(said) == 1
