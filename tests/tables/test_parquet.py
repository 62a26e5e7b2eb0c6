"""Parquet files as tables."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from servier.errors import DataError
from servier.tables import open_table
from servier.tables.parquet import FEATURES_KEY


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.parquet"


def test_records_are_texts(path):
    """A row of a Parquet file has a text for each value, or nothing."""
    pq.write_table(pa.table({"smiles": ["C", None], "n": [1, 2], "x": pa.array([6.1, None], "f4")}), path)
    with open_table(path) as table:
        assert table.header.columns == ["smiles", "n", "x"]
        assert [record.fields for record in table] == [["C", "1", "6.1"], [None, "2", None]]


@pytest.mark.parametrize(
    "rows", [range(10), range(3), range(3, 7), range(4, 10), range(9, 10), range(10, 10), range(2, 99)]
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_batches_begin_at_any_row(path, rows, size):
    """Rows come in batches of one size, wherever they begin and whatever the row groups are."""
    whole = pa.table({"n": range(10), "kind": pa.array(list("abcabcabca")).dictionary_encode()})
    pq.write_table(whole, path, row_group_size=4)
    with open_table(path) as table:
        batches = list(table.batches(rows, size))
    expected = whole.to_pylist()[rows.start : rows.stop]
    assert [row for batch in batches for row in batch.to_pylist()] == expected
    assert [len(batch) for batch in batches[:-1]] == [size] * (len(batches) - 1)


def test_names_may_have_dots(path):
    """A column `a.b` is not the part `b` of a column `a`."""
    table = pa.table({"smiles": ["C"], "a": [{"b": 1, "c": 2}], "a.b": ["x"], "": ["y"]})
    pq.write_table(table, path)
    with open_table(path) as found:
        assert found.header.columns == table.column_names
        assert [batch.to_pylist() for batch in found.batches(range(1), 9)] == [table.to_pylist()]


def test_features_are_left_out_by_their_names(path):
    """Of a feature file the features are no columns; other lists are."""
    metadata = {FEATURES_KEY: json.dumps({"featurizers": [{"kind": "erg"}], "rdkit": "x"}).encode()}
    table = pa.table({"smiles": ["C"], "lists": [[1]], "erg": [[1.0]]}).replace_schema_metadata(metadata)
    pq.write_table(table, path)
    with open_table(path) as found:
        assert found.header.columns == ["smiles", "lists"]
        assert [batch.column_names for batch in found.batches(range(1), 9)] == [["smiles", "lists"]]


def damaged(content):
    middle = len(content) // 3
    return content[:middle] + bytes(64) + content[middle + 64 :]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda _: b"PAR1 not really", "this is not a complete Parquet file"),
        (lambda _: b"", "this is not a complete Parquet file"),
        (lambda content: content[:-9], "this is not a complete Parquet file"),
        (damaged, "this Parquet file is damaged"),
    ],
)
def test_damaged_parquet_is_refused(path, damage, message):
    """Bytes that are no Parquet file, or no longer one, are one clear error."""
    pq.write_table(pa.table({"smiles": [f"C{i}" * 9 for i in range(5000)]}), path, compression="zstd")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=message) as caught, open_table(path) as table:
        list(table)
    assert str(caught.value).startswith(str(path))


def test_two_columns_of_one_name_are_refused(path):
    """It would not be clear which one is meant."""
    pq.write_table(pa.Table.from_arrays([pa.array(["C"])] * 2, ["smiles", "smiles"]), path)
    with pytest.raises(DataError, match="two columns are called 'smiles'"), open_table(path):
        pass
