import datetime as dt
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES

from servier.bulk.featurizing import featurize_file
from servier.bulk.options import FeaturizingOptions
from servier.chem.levels import Level, Stereo
from servier.chem.molecules import parse_all
from servier.errors import DataError
from servier.features.computing import compute_features
from servier.features.feature_file import FeatureFile, read_features
from servier.features.feature_set import FeatureSet
from servier.features.registry import PRESETS, choose_features
from servier.tables import open_table
from servier.tables.parquet import FEATURES_KEY

FAST = PRESETS["fast"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "mol_id,smiles\n" + "".join(f"{i:03d},{smiles}\n" for i, smiles in enumerate([*SMILES, "nope", ""]))
    )
    return path


@pytest.mark.process
@pytest.mark.parametrize("workers", [1, 2])
def test_parquet_holds_the_very_features(table, tmp_path, workers):
    """What is read back is what the feature set computes, bit for bit, beside the columns of the input."""
    target = tmp_path / "f.parquet"
    counts = featurize_file(table, target, PRESETS["accurate"], FeaturizingOptions(workers=workers)).counts
    expected = FeatureSet(PRESETS["accurate"])(parse_all([*SMILES, "nope", ""], level=Level.PARENT))
    found = read_features(target, PRESETS["accurate"], Level.PARENT)
    np.testing.assert_array_equal(found.X, expected.X)
    assert found.problems == expected.problems
    assert counts == {"ok": len(SMILES), "invalid": 1, "empty": 1}
    assert pq.read_table(target, columns=["mol_id"])["mol_id"].to_pylist()[:2] == ["000", "001"]


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (3, 7), (4000, 4200), (4096, 4097), (5000, 8300)])
def test_any_rows_are_read(tmp_path, start, stop):
    """Rows from the middle of a file, within a row group or across some, are those of the whole."""
    path, target = tmp_path / "t.csv", tmp_path / "f.parquet"
    smiles = ["CCO", "c1ccccc1O", "nope", "CC(=O)N", "C1CCNCC1", "", "OCC#N"]
    path.write_text("smiles,n\n" + "".join(f"{smiles[i % 7]},{i}\n" for i in range(8300)))
    featurize_file(path, target, FAST, FeaturizingOptions())
    assert pq.ParquetFile(target).metadata.num_row_groups == 3
    whole, part = (
        read_features(target, FAST, Level.PARENT),
        FeatureFile.open(target, FAST, Level.PARENT).read(start, stop),
    )
    np.testing.assert_array_equal(part.X, whole.X[start:stop])
    assert part.problems == whole.problems[start:stop]


def test_shards_have_the_row_groups_of_the_whole(command, tmp_path):
    """Shards of several row groups, merged, are the bytes of the file without shards, metadata and all."""
    path, target, merged = tmp_path / "t.csv", tmp_path / "f.parquet", tmp_path / "m.parquet"
    smiles = ["CCO", "c1ccccc1O", "nope", "CC(=O)N", "", "OCC#N"]
    path.write_text("smiles,n\n" + "".join(f"{smiles[i % 6]},{i}\n" for i in range(9000)))
    featurize = ["featurize", path, "--preset", "fast"]
    command(*featurize, target)
    parts = [tmp_path / f"{i}.parquet" for i in (1, 2, 3)]
    for i, part in enumerate(parts, start=1):
        command(*featurize, part, "--shard", f"{i}/3")
    command("merge", merged, *parts)
    assert merged.read_bytes() == target.read_bytes()
    metadata = pq.ParquetFile(merged).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [4096, 4096, 808]
    assert read_features(merged, FAST, Level.PARENT).X.shape[0] == 9000


def test_what_is_carried_over_can_be_chosen(command, tmp_path):
    """A file from a Parquet table keeps the types of its columns, lists too; --columns leaves out others."""
    path, target = tmp_path / "t.parquet", tmp_path / "f.parquet"
    day, tags = dt.date(2024, 2, 29), ["a", "b"]
    columns = {"smiles": ["C"], "status": [7], "n": [1], "day": [day], "tags": [tags]}
    pq.write_table(pa.table(columns), path)
    assert "already has a column 'status'" in command("featurize", path, target, status=1).stderr
    command("featurize", path, target, "--preset", "fast", "--columns", "day,smiles,n,tags")
    expected = {"day": day, "smiles": "C", "n": 1, "tags": tags, "status": "ok", "reason": None}
    assert pq.read_table(target, columns=list(expected)).to_pylist() == [expected]
    with open_table(target) as found:
        assert found.header.columns == list(expected)
        assert [record.fields[:3] for record in found] == [["2024-02-29", "C", "1"]]


@pytest.mark.process
def test_processes_do_not_change_features():
    """Features in memory are the same with one process and with two."""
    smiles = SMILES * 20
    np.testing.assert_array_equal(compute_features(smiles, FAST, 1).X, compute_features(smiles, FAST, 2).X)


@pytest.mark.usefixtures("one_process")
def test_features_of_another_level_are_refused(tmp_path, table):
    """They are of other molecules; a file that says nothing of it was made when none were standardized."""
    target = tmp_path / "f.parquet"
    featurize_file(table, target, FAST, FeaturizingOptions(standardization="isotope_parent"))
    assert read_features(target, FAST, Level.ISOTOPE_PARENT).X.shape[0] == len(SMILES) + 2
    with pytest.raises(DataError, match="standardized to isotope_parent, needed is parent") as refused:
        read_features(target, FAST, Level.PARENT)
    assert refused.value.hint == "featurize again with: --preset fast --standardization parent"
    chiral = choose_features("fast", Stereo.USE)
    with pytest.raises(DataError, match="this file holds other features") as refused:
        read_features(target, chiral, Level.NONE)
    hint = "featurize again with: --preset fast --stereo use --standardization none"
    assert refused.value.hint == hint
    old = pq.read_table(target)
    notes = json.loads(old.schema.metadata[FEATURES_KEY])
    del notes["standardization"]
    pq.write_table(old.replace_schema_metadata({FEATURES_KEY: json.dumps(notes)}), target)
    assert read_features(target, FAST, Level.NONE).X.shape[0] == len(SMILES) + 2
    with pytest.raises(DataError, match="standardized to none, needed is parent"):
        read_features(target, FAST, Level.PARENT)


@pytest.mark.usefixtures("one_process")
def test_other_features_are_refused(table, tmp_path):
    """A file with other featurizers, or from another RDKit, says so."""
    target = tmp_path / "f.parquet"
    featurize_file(table, target, FAST, FeaturizingOptions())
    with pytest.raises(DataError, match=r"other features \(--preset fast\).* --preset accurate"):
        read_features(target, PRESETS["accurate"], Level.PARENT)
    old = pq.read_table(target)
    metadata = json.loads(old.schema.metadata[FEATURES_KEY]) | {"rdkit": "2001.1"}
    pq.write_table(old.replace_schema_metadata({FEATURES_KEY: json.dumps(metadata)}), target)
    with pytest.raises(DataError, match=r"made with RDKit 2001\.1"):
        read_features(target, FAST, Level.PARENT)


@pytest.mark.parametrize("n_rows", [1, 3, 40])
@pytest.mark.parametrize("order", ["same", "reversed", "drawn"])
def test_rows_may_be_put_in_another_order(command, model_1, table, tmp_path, n_rows, order):
    """A feature file that others cut into row groups and sorted has the score of each molecule in its row."""
    features, scored, target = (tmp_path / name for name in ("f.parquet", "s.parquet", "t.parquet"))
    command("featurize", table, features, "--preset", "fast")
    command("predict-file", table, scored, "--model_path", model_1)
    found, expected = pq.read_table(features), pq.read_table(scored)
    rows = list(range(len(found)))[:: -1 if order == "reversed" else 1]
    if order == "drawn":
        rows = random.Random(0).choices(rows, k=100)
    with pq.ParquetWriter(features, found.schema) as writer:
        writer.write_table(found.slice(0, 0))
        writer.write_table(found.take(rows), row_group_size=n_rows)
    command("predict-file", features, target, "--model_path", model_1)
    assert pq.read_table(target).to_pylist() == expected.take(rows).to_pylist()


def test_rows_without_features_are_no_others(command, model_1, table, tmp_path):
    """Rows that others have joined to a feature file have no answer, and cost no other row its own."""
    source, target = tmp_path / "f.parquet", tmp_path / "t.parquet"
    command("featurize", table, source, "--preset", "fast")
    command("predict-file", source, target, "--model_path", model_1)
    whole, found = pq.read_table(target), pq.read_table(source)
    for name, value in (("morgan_count", None), ("status", None), ("status", "fine")):
        values = found[name].to_pylist()
        values[1] = value
        place = found.schema.get_field_index(name)
        field = found.schema.field(name).with_nullable(True)
        changed = found.set_column(place, field, pa.array(values, field.type))
        for rows in (changed, changed.slice(0, 2), changed.slice(1, 1)):
            pq.write_table(rows, source)
            command("predict-file", source, target, "--model_path", model_1, "--force")
            scored = pq.read_table(target).to_pylist()
            others = [row for row in scored if row["mol_id"] != "001"]
            assert others == [row for row in whole.to_pylist() if row in others]
            assert len(others) == len(rows) - 1
            (row,) = (row for row in scored if row["mol_id"] == "001")
            assert (row["status"], row["P1_probability"]) == ("invalid", None)
            assert row["reason"] == "this row has no features, or no status"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda table: table.drop(["status"]), "column 'status' is missing"),
        (lambda table: table.drop(["physchem"]), "column 'physchem' is missing"),
        (
            lambda table: table.cast(
                table.schema.set(
                    table.schema.get_field_index("physchem"), pa.field("physchem", pa.list_(pa.float32()))
                )
            ),
            "column 'physchem' is of another type, list<",
        ),
    ],
)
def test_features_that_were_changed_are_refused(command, model_1, table, tmp_path, change, problem):
    """In one line, before anything is scored, and by train too."""
    path = tmp_path / "f.parquet"
    command("featurize", table, path, "--preset", "fast")
    pq.write_table(change(pq.read_table(path)), path)
    said = command("predict-file", path, tmp_path / "t.csv", "--model_path", model_1, status=1).stderr
    assert said.startswith(f"Error: {path}: this file was changed after featurize: {problem}")
    assert said.endswith("featurize again\n")
    with pytest.raises(DataError, match="was changed after featurize"):
        read_features(path, FAST, Level.PARENT)


def test_plain_tables_hold_no_features(table, tmp_path):
    """A CSV file and an ordinary Parquet file have no features to read."""
    plain = tmp_path / "p.parquet"
    pq.write_table(pa.table({"smiles": ["C"]}), plain)
    assert read_features(table, FAST, Level.PARENT) is None
    assert read_features(plain, FAST, Level.PARENT) is None


def test_taken_column_name_is_refused(tmp_path):
    """An input column with the name of a block is an error, and nothing is written."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,status\nC,x\n")
    with pytest.raises(DataError, match="'status'"):
        featurize_file(path, tmp_path / "f.parquet", FAST, FeaturizingOptions())
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
