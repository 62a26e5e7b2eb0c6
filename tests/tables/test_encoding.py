"""Bytes that are not UTF-8: the same in text, Windows-1252 where only Unicode can be held."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.errors import DataError
from servier.tables import encoding, find_column, open_table
from servier.tables.encoding import UnicodeTable, decode_windows, detect_encoding, readable
from servier.tables.lines import decode
from servier.tables.smi import SmiText

LATIN = "smiles,größe (µM)\nCCO,Säure\n"


@given(st.binary())
def test_windows_1252_holds_all_bytes(raw):
    """Python's codec is the oracle; for five bytes it has nothing, and those of Latin-1 stand in."""
    expected = "".join(
        bytes([byte]).decode("latin-1" if byte in b"\x81\x8d\x8f\x90\x9d" else "cp1252") for byte in raw
    )
    assert decode_windows(raw) == expected


@given(st.text(max_size=30), st.binary(max_size=4), st.integers(1, 9))
def test_the_encoding_is_that_of_the_whole(text, more, piece):
    """It is UTF-8 if Python can decode it, in whatever pieces it is read."""
    raw = text.encode("utf-8", errors="ignore") + more
    try:
        raw.decode()
        expected = encoding.UTF_8
    except UnicodeDecodeError:
        expected = encoding.WINDOWS_1252
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "PIECE", piece)
        assert detect_encoding(io.BytesIO(raw)) == expected


@pytest.mark.parametrize("codec", ["utf-8", "cp1252"])
@pytest.mark.parametrize("name", ["t.csv", "t.smi", "t.tsv"])
def test_a_file_is_read_in_one_encoding(tmp_path, caplog, codec, name):
    """Names and fields are what was written; another encoding than UTF-8 is said once."""
    path = tmp_path / name
    text = {"t.csv": LATIN, "t.tsv": LATIN.replace(",", "\t"), "t.smi": "CCO Säure\n"}[name]
    path.write_bytes(text.encode(codec))
    with open_table(path, as_unicode=True) as table:
        assert table.header.columns[1] == ("name" if name == "t.smi" else "größe (µM)")
        assert [record.fields for record in table] == [["CCO", "Säure"]]
    said = [] if codec == "utf-8" else [f"{path}: this text is not UTF-8; it is read as Windows-1252"]
    assert caplog.messages == said


def test_a_file_that_mixes_encodings_loses_no_byte(tmp_path):
    """It is Windows-1252 as a whole, so each byte is one character."""
    path = tmp_path / "t.csv"
    path.write_bytes(b"smiles,name\nC,\xc3\xa9\nCC,\xe9\n")
    with open_table(path, as_unicode=True) as table:
        names = [record.fields[1] for record in table]
    assert [name.encode("cp1252") for name in names] == [b"\xc3\xa9", b"\xe9"]


def test_a_stream_is_read_field_by_field(caplog):
    """Nobody can look through it first: fields that are not UTF-8 are Windows-1252, and that is said once."""
    table = UnicodeTable(SmiText(io.BytesIO(b"C \xc3\xa9\nCC \xe9\nC \xb5\n")), None, "-")
    assert [record.fields[1] for record in table] == ["é", "é", "µ"]
    assert caplog.messages == ["-: not all of it is UTF-8; the other fields are read as Windows-1252"]


@given(st.binary(max_size=8))
def test_anything_can_be_shown(raw):
    """What is shown can be printed, and is the text itself where that is UTF-8."""
    shown = readable(decode(raw))
    assert shown.encode() == raw or decode_windows(raw) == shown


def test_columns_are_found_as_they_read():
    """The name that is typed in UTF-8 finds a column whose name is not; line breaks and case may differ."""
    columns = [decode("IC50 (µM)".encode("cp1252")), "log S\n(mol/L)", "x"]
    assert find_column(columns, "IC50 (µM)", (), "target") == columns[0]
    assert find_column(columns, "log s (mol/L)", (), "target") == columns[1]


def test_messages_are_one_printable_line():
    """Names of any bytes, and with line breaks, are shown and break nothing."""
    columns = [decode(b"a\xe9"), "b\nc"]
    with pytest.raises(DataError) as caught:
        find_column(columns, decode(b"\xff"), (), "target")
    assert str(caught.value).isprintable()
    assert "aé, b\\nc" in str(caught.value)
    assert str(DataError("no", path="a\udce9.csv")) == "a\\xe9.csv: no"
