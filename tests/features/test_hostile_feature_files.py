"""Parquet files that somebody made or changed: each is refused in one line, and nothing is left of a run."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from servier.bulk.featurizing import featurize_file
from servier.bulk.options import FeaturizingOptions
from servier.features.registry import PRESETS
from servier.tables.parquet import FEATURES_KEY

SMILES = ["CCO", "CCN", "nope", "c1ccccc1"]
N = len(SMILES)
NO_PAIR = pa.struct([("bin", pa.int8()), ("count", pa.int8())])
PAIR = pa.struct([("bin", pa.uint16()), ("count", pa.uint16())])
NOT_UTF8 = pa.array([b"\xff\xfe"] * N).view(pa.string())


@pytest.fixture
def features(tmp_path, one_process):
    """A feature file as a table, to be changed."""
    source, target = tmp_path / "in.csv", tmp_path / "whole.parquet"
    source.write_text("smiles,x\n" + "".join(f"{smiles},a\n" for smiles in SMILES))
    featurize_file(source, target, PRESETS["fast"], FeaturizingOptions())
    return pq.read_table(target)


@pytest.fixture
def refused(command, tmp_path, model_1):
    """Score a file, which is refused in one line; returns what is said after its name."""
    path = tmp_path / "f.parquet"

    def score(content):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path)
        before = sorted(tmp_path.iterdir())
        for name in ("out.csv", "out.parquet"):
            done = command("predict-file", path, tmp_path / name, "--model_path", model_1, status=1)
            assert done.stderr.count("\n") == 1
            assert sorted(tmp_path.iterdir()) == before
        return done.stderr.removeprefix(f"Error: {path}").rstrip().lstrip(":, ")

    return score


def replaced(table, name, column):
    return table.set_column(table.column_names.index(name), name, column)


def noted(table, **changes):
    """The table with other notes on its features; those that are None are left out."""
    notes = json.loads(table.schema.metadata[FEATURES_KEY]) | changes
    content = json.dumps({name: value for name, value in notes.items() if value is not None})
    return table.replace_schema_metadata({FEATURES_KEY: content})


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[" * 5000, b"[]", b"null", b'"x"', b'{"rdkit": NaN}', b'{"a":1,"a":2}']
)
def test_notes_that_are_none_are_refused(features, refused, content):
    """What the metadata says of features is JSON, of the form that featurize writes."""
    said = refused(features.replace_schema_metadata({FEATURES_KEY: content}))
    assert said.startswith("its metadata servier.features is damaged")
    assert said.endswith("; featurize again")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"featurizers": None}, "featurizers is missing"),
        ({"rdkit": None}, "rdkit is missing"),
        ({"rdkit": 5}, "rdkit is not a string"),
        ({"featurizers": "x"}, "featurizers is not a list"),
        ({"featurizers": []}, "featurizers is not filled"),
        ({"featurizers": [1]}, "featurizers[0] is not a mapping"),
        ({"featurizers": [{}]}, "featurizers[0].kind is not a name of its own"),
        ({"featurizers": [{"kind": []}]}, "featurizers[0].kind is not a name of its own"),
        ({"featurizers": [{"kind": "a"}, {"kind": "a"}]}, "featurizers[1].kind is not a name of its own"),
    ],
)
def test_notes_of_another_form_name_what_is_wrong(features, refused, changes, problem):
    """The field of the metadata is in the line."""
    assert problem in refused(noted(features, **changes))


@pytest.mark.parametrize(
    "kinds", [[{"kind": "alchemy"}], [{"kind": "morgan_count", "radius": 10**9, "fp_size": 2**40}]]
)
def test_features_that_do_not_exist_are_other_features(features, refused, kinds):
    """Nothing is computed or allocated from what a file says of itself."""
    assert refused(noted(features, featurizers=kinds)).startswith("this file holds other features (")


@pytest.mark.parametrize("name", ["physchem", "morgan_count", "status", "reason"])
def test_a_missing_column_is_named(features, refused, name):
    """Every column that scoring reads must be there."""
    said = refused(features.drop_columns([name]))
    assert said == f"this file was changed after featurize: column '{name}' is missing; featurize again"


@pytest.mark.parametrize("name", ["physchem", "morgan_count", "status", "x", "smiles"])
def test_a_column_that_is_there_twice_is_refused(features, refused, name):
    """None of two columns is taken silently for both."""
    assert refused(features.append_column(name, pa.array(["b"] * N))) == (
        f"two columns are called '{name}'; rename one"
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("physchem", pa.array(["x"] * N)),
        ("physchem", pa.array([[1.0] * 3] * N, pa.list_(pa.float32(), 3))),
        ("physchem", pa.array([[1.0] * 10] * N, pa.list_(pa.float64(), 10))),
        ("physchem", pa.array([[1.0] * 10] * N, pa.list_(pa.float32()))),
        ("physchem", pa.array([[None] * 10] * N, pa.list_(pa.float32(), 10))),
        ("morgan_count", pa.array([1] * N)),
        ("morgan_count", pa.array([[None]] * N, pa.list_(PAIR))),
        ("morgan_count", pa.array([[{"bin": None, "count": 1}]] * N, pa.list_(PAIR))),
        ("morgan_count", pa.array([[{"bin": -1, "count": 1}]] * N, pa.list_(NO_PAIR))),
        ("status", pa.array([1] * N)),
        ("reason", pa.array([1] * N)),
    ],
)
def test_a_column_of_another_type_is_named(features, refused, name, column):
    """Types and widths are those that featurize writes, and no value within a list may be missing."""
    said = refused(replaced(features, name, column))
    assert said.startswith(f"this file was changed after featurize: column '{name}' is of another type")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("physchem", [np.nan] * 10, "a value is no feature"),
        ("physchem", [-np.inf] * 10, "a value is no feature"),
        ("physchem", [2e9] * 10, "a value is no feature"),
        ("morgan_count", [{"bin": 2048, "count": 1}], "a bin is out of range"),
    ],
)
def test_a_value_that_featurize_does_not_write_is_refused(features, refused, name, value, problem):
    """Neither is scored with what no model was trained on, nor is anything written beyond a row."""
    column = pa.array([value] * N, features.schema.field(name).type)
    said = refused(replaced(features, name, column))
    assert said == f"column {name}: {problem}; featurize again"


def test_a_reason_that_is_no_unicode_is_carried(features, command, tmp_path, model_1):
    """What other programs call UTF-8 makes no trouble, whatever is written."""
    pq.write_table(replaced(features, "reason", NOT_UTF8), tmp_path / "f.parquet")
    for name in ("out.csv", "out.parquet"):
        command("predict-file", tmp_path / "f.parquet", tmp_path / name, "--model_path", model_1)
    assert pq.read_table(tmp_path / "out.parquet")["reason"].to_pylist() == [None, None, "\ufffd" * 2, None]


@pytest.mark.parametrize("start", [0.1, 0.4, 0.7, 0.95])
def test_damage_anywhere_is_refused(features, refused, tmp_path, start):
    """A page of features, one of other columns, and the footer."""
    pq.write_table(features, tmp_path / "g.parquet", compression="zstd")
    content = bytearray((tmp_path / "g.parquet").read_bytes())
    (tmp_path / "g.parquet").unlink()
    place = int(start * len(content))
    content[place : place + 40] = b"\xa5" * 40
    assert "Parquet file; write it again" in refused(bytes(content)) or "damaged" in refused(bytes(content))


@pytest.mark.parametrize("command_line", [["featurize"], ["check"], ["predict-file"]])
def test_the_name_of_a_column_is_unicode(command, tmp_path, model_1, command_line):
    """Arrow cannot even show a name that is not."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"smiles": SMILES, "zzzq": SMILES}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"zzzq", b"zz\xff\xfe"))
    model = ["--model_path", model_1] if command_line == ["predict-file"] else []
    done = command(*command_line, path, tmp_path / "out.parquet", *model, status=1)
    assert done.stderr == f"Error: {path}: the name of a column is not Unicode; write it again\n"
    assert list(tmp_path.iterdir()) == [path]


def test_labels_beside_other_bytes_are_read(command, tmp_path, model_1):
    """A labelled table whose molecules are not all Unicode is evaluated by the others."""
    path = tmp_path / "t.parquet"
    smiles = pa.array([b"CCO", b"\xff", b"CCN", b"CCCCBr"] * 10).view(pa.string())
    pq.write_table(pa.table({"smiles": smiles, "P1": [0, 1, 1, 0] * 10}), path)
    command("evaluate", "--dataset", path, "--model_path", model_1, "--resamples", 20)


@pytest.mark.process
def test_the_command_itself_says_it_in_one_line(features, servier, tmp_path, model_1):
    """A worker that cannot read the features ends the run with its reason, and no file is left."""
    path = tmp_path / "f.parquet"
    column = pa.array([[np.nan] * 10] * N, features.schema.field("physchem").type)
    pq.write_table(replaced(features, "physchem", column), path)
    before = sorted(tmp_path.iterdir())
    words = ["--model_path", model_1, "--workers", 2]
    done = servier("--quiet", "predict-file", path, tmp_path / "out.csv", *words, status=1)
    assert done.stderr == f"Error: {path}, column physchem: a value is no feature; featurize again\n"
    assert sorted(tmp_path.iterdir()) == before
