"""Parquet files through predict-file: what is only carried over is not converted."""

import csv
import io
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arrow_for_tests import NESTED, SIMPLE, arrays, comparable
from hypothesis import given, settings
from hypothesis import strategies as st

from servier.bulk import parquet_spool
from servier.bulk.outputs import make_output
from servier.bulk.parquet_blocks import ParquetReader
from servier.bulk.parquet_spool import write_parquet
from servier.bulk.spools import BEGINNING
from servier.errors import DataError
from servier.tables import open_table
from servier.tables.arrow_text import texts
from servier.tables.lines import decode

ADDED = ["P1_pred", "P1_probability", "status", "reason"]
EVERY_TYPE = {**SIMPLE, **NESTED}


def same(found, expected):
    """Compare names, types and all bits of the values."""
    assert found.schema.remove_metadata() == expected.schema.remove_metadata()
    for name in expected.column_names:
        assert comparable(found[name]) == comparable(expected[name]), name


def carry(source, target):
    """Take a file the way of predict-file, without a model; one cell is added to each row."""
    with open_table(source) as table:
        as_values = target.suffix == ".parquet"
        reader = ParquetReader(table, target, "smiles", None, as_values=as_values, by_number=False)
        reader.block_rows = 3
        output = make_output(target, table, reader.header, reader.kept, {"status": str})
        spool = output.open_spool(target.with_name("spool"), BEGINNING)
        for block in reader.blocks(range(table.n_rows)):
            cell = ["ok"] if as_values else b",ok\n"
            spool.append(output.combine(block.rows, [cell] * len(block.items)))
        spool.publish(target)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


def written(folder, columns, n_groups):
    """Write a file of columns, and return what Arrow reads from it: some types are not those of Arrow."""
    source = folder / "in.parquet"
    table = pa.table({"smiles": ["CCO"] * 7, **columns})
    pq.write_table(table, source, row_group_size=-(-7 // n_groups))
    return source, pq.read_table(source)


def check_parquet(folder, columns, n_groups):
    source, table = written(folder, columns, n_groups)
    target = folder / "out.parquet"
    carry(source, target)
    found = pq.read_table(target)
    same(found.select(table.column_names), table)
    for name in table.column_names:
        kind = table.schema.field(name).type
        if pa.types.is_dictionary(kind) and kind.ordered:
            assert found[name].chunk(0).dictionary == table[name].chunk(0).dictionary


def check_text(folder, columns, n_groups):
    source, table = written(folder, columns, n_groups)
    target = folder / "out.csv"
    carry(source, target)
    rows = list(csv.reader(io.StringIO(decode(target.read_bytes()), newline="")))
    names = table.column_names
    assert rows[0] == [*names, "status"]
    expected = [[text or "" for part in table[name].chunks for text in texts(part)] for name in names]
    assert [row[:-1] for row in rows[1:]] == list(map(list, zip(*expected, strict=True)))


GROUPS = st.integers(1, 3)


@settings(max_examples=50)
@given(columns=arrays(EVERY_TYPE, 7), n_groups=GROUPS)
def test_parquet_to_parquet_keeps_types_and_values(folder, columns, n_groups):
    """Whatever the type, the column of the output is that of the input, bit by bit, as Arrow reads both."""
    check_parquet(folder, columns, n_groups)


@pytest.mark.slow
@settings(max_examples=1000)
@given(columns=arrays(EVERY_TYPE, 7), n_groups=GROUPS)
def test_many_columns_keep_types_and_values(folder, columns, n_groups):
    """The same, for many more columns."""
    check_parquet(folder, columns, n_groups)


@settings(max_examples=50)
@given(columns=arrays(SIMPLE, 7), n_groups=GROUPS)
def test_parquet_to_text_keeps_every_row(folder, columns, n_groups):
    """Whatever the type, Python's csv reads the texts of the values back."""
    check_text(folder, columns, n_groups)


@pytest.mark.slow
@settings(max_examples=1000)
@given(columns=arrays(SIMPLE, 7), n_groups=GROUPS)
def test_many_columns_become_text(folder, columns, n_groups):
    """The same, for many more columns."""
    check_text(folder, columns, n_groups)


def test_categories_may_be_more_than_their_type_counts(monkeypatch, tmp_path):
    """Where row groups of a file have unlike categories, those of the output are smaller."""
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    kind = pa.dictionary(pa.int8(), pa.string())
    parts = [pa.array([f"{g}-{i}" for i in range(100)]).cast(kind) for g in range(4)]
    schema = pa.schema([("smiles", pa.string()), ("kind", kind)])
    with pq.ParquetWriter(source, schema) as writer:
        for part in parts:
            writer.write_table(pa.table([["CCO"] * 100, part], schema))
    monkeypatch.setattr(parquet_spool, "ROW_GROUP", 400)
    carry(source, target)
    found = pq.ParquetFile(target)
    assert found.schema_arrow.field("kind").type == kind
    assert found.metadata.num_row_groups == 4
    values = [value for batch in found.iter_batches() for value in batch["kind"].to_pylist()]
    assert values == [value for part in parts for value in part.to_pylist()]


def test_fields_keep_what_is_said_of_them(tmp_path):
    """Metadata of a column, and that it has no nulls, go with it."""
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    fields = [
        pa.field("smiles", pa.string(), nullable=False),
        pa.field("mass", pa.float32(), metadata={"unit": "g/mol"}),
    ]
    table = pa.table([["CCO"], pa.array([46.07], pa.float32())], pa.schema(fields))
    pq.write_table(table, source)
    carry(source, target)
    found = pq.read_table(target).schema
    assert not found.field("smiles").nullable
    assert found.field("mass").metadata[b"unit"] == b"g/mol"


INDICES = {
    "names": pd.Index(["m1", "m2", "m3"], name="molecule"),
    "numbers": pd.Index([5, 7, 6]),
    "dates": pd.date_range("2020", periods=3, tz="Europe/Paris", name="when"),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("a", 3)], names=["plate", None]),
    "default": pd.RangeIndex(3),
}


@pytest.mark.parametrize("name", INDICES)
@pytest.mark.parametrize("option", [(), ("--top", "2"), ("--columns", "smiles,x,n")])
def test_pandas_finds_its_index_again(predict, tmp_path, name, option):
    """The columns that came from a data frame are that data frame, for rows that were chosen too."""
    frame = pd.DataFrame(
        {
            "smiles": ["CCO", "c1ccccc1", "CCN"],
            "x": pd.Categorical(["a", "b", "a"]),
            "n": pd.array([1, None, 3], "Int64"),
        },
        index=INDICES[name],
    )
    predict(pa.Table.from_pandas(frame), "out.parquet", *option)
    found = pd.read_parquet(tmp_path / "out.parquet")
    if "--columns" in option:
        frame = frame.reset_index(drop=True)
    elif option:
        assert len(found) == 2
        if name == "default":
            found = found.set_index(found["smiles"].map(dict(zip(frame["smiles"], frame.index, strict=True))))
        frame = frame.loc[found.index]
    pd.testing.assert_frame_equal(
        found[list(frame)],
        frame,
        check_index_type="equiv",
        check_categorical=False,
        check_names=name != "default",
        check_freq=False,
    )


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"smiles": ["CCO", "CC"]}, index=pd.RangeIndex(10, 12)),
        pd.DataFrame([["CCO", 1]], columns=pd.MultiIndex.from_tuples([("a", "smiles"), ("b", "x")])),
        pd.DataFrame({0: ["CCO"], 1: [1]}),
        pd.DataFrame({"smiles": ["CCO"]}).rename_axis(columns="what"),
    ],
    ids=["range", "levels", "numbers", "named"],
)
def test_pandas_reads_what_its_own_notes_no_longer_fit(predict, tmp_path, frame):
    """An index by position is left out, and so is what pandas notes of names that are no texts."""
    table = pa.Table.from_pandas(frame)
    predict(table, "out.parquet", "--smiles_column", table.column_names[0])
    found = pd.read_parquet(tmp_path / "out.parquet")
    assert list(found.columns) == [*table.column_names, *ADDED]
    assert found[table.column_names[0]].tolist() == frame.iloc[:, 0].tolist()
    assert found.index.equals(pd.RangeIndex(len(frame)))


@pytest.mark.parametrize("notes", [b"no JSON", b"[" * 100_000])
@pytest.mark.parametrize("command_name", ["predict-file", "featurize"])
def test_what_a_file_says_of_itself_goes_along(command, model_1, tmp_path, command_name, notes):
    """Metadata of the schema is the same after both commands; the output has no features any more."""
    said = {b"source": b"ChEMBL 33", b"bytes": b"\xff\x00", b"pandas": notes}
    pq.write_table(pa.table({"smiles": ["CCO"]}).replace_schema_metadata(said), tmp_path / "in.parquet")
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    if command_name == "featurize":
        source = tmp_path / "features.parquet"
        command("featurize", tmp_path / "in.parquet", source, "--preset", "fast")
        assert pq.read_schema(source).metadata.keys() == {b"source", b"bytes", b"servier.features"}
    command("predict-file", source, target, "--model_path", model_1, "--columns", "smiles")
    assert pq.read_schema(target).metadata == {b"source": b"ChEMBL 33", b"bytes": b"\xff\x00"}


def test_what_arrow_cannot_copy_is_refused(tmp_path):
    """Categories inside a type that Arrow does not convert are one line."""
    source = tmp_path / "in.parquet"
    words = pa.array(["a", "b"]).dictionary_encode()
    views = pa.ListViewArray.from_arrays(pa.array([0], pa.int32()), pa.array([2], pa.int32()), words)
    pq.write_table(pa.table({"smiles": ["CCO"], "x": views}), source)
    with pytest.raises(DataError, match=r"column 'x' holds .*, which Arrow cannot copy; leave it out"):
        carry(source, tmp_path / "out.parquet")
    with open_table(source) as table:
        assert [record.fields[0] for record in table] == ["CCO"]


def test_row_groups_have_one_size(monkeypatch, tmp_path):
    """Row groups do not depend on the batches that come."""
    monkeypatch.setattr(parquet_spool, "ROW_GROUP", 10)
    schema = pa.schema([("n", pa.int64())])
    sizes = [3, 1, 20, 7, 4]
    batches = [pa.record_batch([pa.array(range(n), pa.int64())], schema=schema) for n in sizes]
    write_parquet(tmp_path / "t.parquet", parquet_spool.FinalSchema(schema, {}), iter(batches))
    footer = pq.ParquetFile(tmp_path / "t.parquet").metadata
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [10, 10, 10, 5]


@pytest.fixture
def predict(command, model_1, tmp_path):
    """Scores a Parquet table; returns the output as a table, or the lines of a text."""

    def run(table, target="out.parquet", *options, status=0):
        source = tmp_path / "in.parquet"
        pq.write_table(table, source)
        said = command(
            "predict-file",
            source,
            tmp_path / target,
            "--model_path",
            model_1,
            "--force",
            *options,
            status=status,
        )
        if status:
            return said.stderr
        path = tmp_path / target
        return pq.read_table(path) if path.suffix == ".parquet" else path.read_bytes().splitlines()

    return run


def test_binary_smiles_are_molecules(predict):
    """Molecules in columns of bytes, of categories and of other texts get the scores of plain ones."""
    smiles = ["CCO", None, "c1ccccc1"]
    expected = predict(pa.table({"smiles": smiles})).select(ADDED)
    assert expected["status"].to_pylist() == ["ok", "empty", "ok"]
    for kind in (pa.binary(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())):
        table = pa.table({"smiles": pa.array(smiles).cast(kind)})
        found = predict(table)
        assert found.select(ADDED) == expected
        same(found.select(["smiles"]), table)
    found = predict(pa.table({"smiles": pa.array([b"CCO\xff"])}))
    assert found["status"].to_pylist() == ["invalid"]
    assert found["smiles"].to_pylist() == [b"CCO\xff"]


def test_bytes_become_text_as_they_are(predict):
    """Bytes that are not UTF-8 are the same bytes in a text."""
    table = pa.table(
        {"smiles": ["CCO"], "maker": pa.array([b"M\xfcller"]), "x": pa.array([6.1], pa.float32())}
    )
    lines = predict(table, "out.csv")
    assert lines[0] == b"smiles,maker,x,P1_pred,P1_probability,status,reason"
    assert lines[1].startswith(b"CCO,M\xfcller,6.1,")


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_molecules_in_lists_are_refused(predict, target):
    """A column whose values are no text holds no SMILES strings."""
    said = predict(pa.table({"smiles": [["CCO"]]}), target, status=1)
    assert "column 'smiles' holds list<element: string>, which is not text" in said
    assert said.count("\n") == 1


def test_what_is_left_out_does_not_matter(predict):
    """Nested columns stop a text only where they would have to be written."""
    table = pa.table({"smiles": ["CCO"], "lists": [[1]], "when": pa.array([10**18], pa.timestamp("us"))})
    said = predict(table, "out.csv", status=1)
    assert "column 'lists' holds list<element: int64>, which is not text; leave it out with --columns" in said
    lines = predict(table, "out.csv", "--columns", "smiles,when")
    assert lines[1].startswith(b"CCO,+33658-09-27T01:46:40.000000,")


def test_selection_and_shards_keep_types(command, model_1, tmp_path):
    """The best rows, of a whole run or of merged shards, have the columns as they were."""
    smiles = ["CCO", "c1ccccc1", "CC(=O)O", "CCN", "C1CCCCC1O", "CCCl"] * 300
    table = pa.table(
        {
            "smiles": pa.array(smiles, pa.string_view()),
            "when": pa.array(range(1800), pa.int64()).view(pa.timestamp("ns")),
            "kind": pa.array([str(i % 7) for i in range(1800)]).dictionary_encode(),
            "size": pa.DictionaryArray.from_arrays(
                pa.array([i % 2 for i in range(1800)], pa.int8()), ["large", "little", "unused"], ordered=True
            ),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=500)
    arguments = ["predict-file", tmp_path / "in.parquet"]
    for name, options in {"all": [], "best": ["--top", "40"]}.items():
        whole, merged = tmp_path / f"{name}.parquet", tmp_path / f"{name}-merged.parquet"
        command(*arguments, whole, "--model_path", model_1, *options)
        shards = [tmp_path / f"{name}-{i}.parquet" for i in (1, 2, 3)]
        for i, shard in enumerate(shards, start=1):
            command(*arguments, shard, "--model_path", model_1, *options, "--shard", f"{i}/3")
        command("merge", merged, *shards)
        assert merged.read_bytes() == whole.read_bytes()
        found = pq.read_table(whole)
        assert found.schema.names == [*table.schema.names, *ADDED]
        assert found["size"].chunk(0).dictionary.to_pylist() == ["large", "little", "unused"]
        rows = found["when"].cast(pa.int64()).to_pylist()
        assert len(rows) == (40 if options else 1800)
        same(found.select(table.column_names), pick(table, rows))


def pick(table, rows):
    return pa.concat_tables([table.slice(row, 1) for row in rows]).combine_chunks()


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_damaged_tables_are_scored(command, model_1, case, tmp_path, target):
    """Every Parquet file of the case is scored, and the other columns do not stop it."""
    for path in sorted(case(12).glob("*.parquet")):
        if path.stem == "struct" and target == "out.csv":
            said = command("predict-file", path, tmp_path / target, "--model_path", model_1, status=1).stderr
            assert "column 's' holds struct<a: int64>, which is not text" in said
            continue
        out = tmp_path / f"{path.stem}.{target}"
        command("predict-file", path, out, "--model_path", model_1)
        table = pq.read_table(path)
        if target == "out.parquet":
            found = pq.read_table(out)
            same(found.select(table.column_names), table)
            assert found.num_rows == table.num_rows
        else:
            with out.open(encoding="utf-8", newline="") as stream:
                rows = list(csv.reader(stream))
            assert [row[: table.num_columns] for row in rows[1:]] == [
                list(row)
                for row in zip(
                    *([text or "" for part in c.chunks for text in texts(part)] for c in table.columns),
                    strict=True,
                )
            ]


@pytest.mark.process
def test_pandas_is_not_needed(servier, model_1, tmp_path, monkeypatch):
    """Nanoseconds are carried over where pandas cannot be imported."""
    (tmp_path / "pandas.py").write_text("raise ImportError('no pandas here')\n")
    table = pa.table({"smiles": ["CCO"], "when": pa.array([1_700_000_000_123_456_789], pa.timestamp("ns"))})
    pq.write_table(table, tmp_path / "in.parquet")
    here = Path(__file__).resolve().parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(here)]))
    for name in ("out.csv", "out.parquet"):
        servier("predict-file", tmp_path / "in.parquet", tmp_path / name, "--model_path", model_1)
    same(pq.read_table(tmp_path / "out.parquet").select(["smiles", "when"]), table)
    assert "2023-11-14T22:13:20.123456789" in (tmp_path / "out.csv").read_text()
