"""What a stranger has named reaches the terminal of a user, and does not steer it."""

import io
import json
import re
import sys
import unicodedata
import zipfile
from contextlib import redirect_stderr, redirect_stdout

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pty_for_tests import on_terminal

from servier.checkpoint.archive import pack
from servier.checkpoint.file import METADATA
from servier.cli.terminal import escape, escaping
from servier.features.registry import PRESETS
from servier.tables.parquet import FEATURES_KEY

MARK = "\x1b]0;PWNED\x07\x9b31m\u202eX"
STEERING = re.compile(
    rb"\x1b(?!\[K)|[\x00-\x06\x07\x08\x0b\x0c\x0e-\x1a\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]"
)


def test_the_marks_are_found_by_the_test_itself():
    """A terminal would be steered by each of them."""
    for mark in ("\x1b]0;", "\x07", "\x9b31m", "\u202e", "\x7f", "\x00", "\x1b[31m"):
        assert STEERING.search(mark.encode())


@given(st.text(st.characters()))
def test_no_control_character_is_left(text):
    """Unicode's own categories say which characters show nothing by themselves."""
    shown = escape(text)
    kinds = {
        unicodedata.category(character) for character in shown.replace("\r\n", "") if character not in "\t\n"
    }
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not {unicodedata.bidirectional(character) for character in shown} & {
        "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI",
    }  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_other_text_is_left_alone(text):
    """Letters of any script, signs and blanks are shown as they are."""
    assert escape(text) == text


def test_json_stays_json():
    """What is escaped in JSON means the same as before."""
    document = {"a\x1b\x7f": "\u202e\udc9b"}
    assert json.loads(escape(json.dumps(document))) == document


def test_bytes_of_rows_are_left_alone_in_a_file():
    """Only on a terminal are rows escaped: what a program reads is what was in the table."""
    written = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(written), redirect_stderr(io.StringIO()), escaping():
        sys.stdout.buffer.write(b"\x1b\x9b\r\n")
    assert written.buffer.getvalue() == b"\x1b\x9b\r\n"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, model_1, model_2):
    """A folder of files whose names, columns, cells and metadata have the mark wherever it can be."""
    folder = tmp_path_factory.mktemp("hostile") / MARK
    folder.mkdir()
    rows = "".join(
        f"{smiles},{i % 2},{MARK}\n" for i, smiles in enumerate(["CCO", "CCN", "CCCl", f"C{MARK}"] * 15)
    )
    (folder / "plain.csv").write_text(f"smiles,{MARK},x\n{rows}")
    (folder / f"{MARK}.csv").write_text(f"smiles,P1,{MARK}\n{rows}")
    (folder / "no_molecules.csv").write_text(f"{MARK},b{MARK}\n1,2\n")
    (folder / "labels.csv").write_text(f"smiles,{MARK}\nCCO,{MARK}\nCCN,1\n")
    (folder / "recipe.yaml").write_text(json.dumps({MARK: 1}))
    pq.write_table(pa.table({"smiles": ["CCO"], MARK: [1], "a": [[1]]}), folder / "t.parquet")
    notes = json.dumps({"featurizers": PRESETS["fast"], "rdkit": MARK, "standardization": "parent"})
    pq.write_table(
        pa.table({"smiles": ["CCO"]}).replace_schema_metadata({FEATURES_KEY: notes}), folder / "f.parquet"
    )
    for name, path in {"1": model_1, "2": model_2}.items():
        with zipfile.ZipFile(path) as archive:
            entries = {entry: archive.read(entry) for entry in archive.namelist()}
        document = json.loads(entries[METADATA])
        document["preset"] = MARK
        document["dataset"]["file"] = MARK
        document["split"] |= {"strategy": MARK, "column": MARK}
        document["versions"] |= {MARK: MARK}
        document["targets"][0] |= {"name": MARK, "words": [f"a{MARK}", f"b{MARK}"]}
        for part in ("held_out", "coverage", "test"):
            document["metrics"][part][MARK] = document["metrics"][part].pop("P1")
        (folder / f"model_{name}.servier").write_bytes(
            pack({**entries, METADATA: json.dumps(document).encode()})
        )
        (folder / f"old_{name}.servier").write_bytes(
            pack({METADATA: json.dumps(document | {MARK: 1}).encode()})
        )
    (folder / "broken.servier").write_bytes(
        pack({METADATA: json.dumps({"format": "servier checkpoint", MARK: "\ud800"}).encode()})
    )
    return folder


MODELS = ["--model_1_path", "model_1.servier", "--model_2_path", "model_2.servier"]
MODEL, DRAWS, TARGET = ["--model_path", "model_1.servier"], ["--resamples", "20"], ["--target", MARK]
LINES = {
    "predict": (["predict", "CCO", "--detail", "--model_name", "consensus", *MODELS], 0),
    "predict a marked molecule": (["predict", f"C{MARK}", *MODELS], 1),
    "predict with a broken checkpoint": (["predict", "CCO", "--model_1_path", "broken.servier"], 1),
    "predict with a checkpoint without parts": (["predict", "CCO", "--model_1_path", "old_1.servier"], 1),
    "predict with a marked option": (["predict", "CCO", f"--{MARK}"], 2),
    "predict-file": (["predict-file", f"{MARK}.csv", f"out{MARK}.csv", *MODEL], 0),
    "predict-file to the terminal": (["predict-file", "plain.csv", "-", *MODEL], 0),
    "predict-file without molecules": (["predict-file", "no_molecules.csv", "o.csv", *MODEL], 1),
    "predict-file of marked features": (["predict-file", "f.parquet", "o.csv", *MODEL], 1),
    "predict-file of a missing file": (["predict-file", f"no{MARK}.csv", "o.csv", *MODEL], 1),
    "inspect": (["inspect", "model_1.servier"], 0),
    "inspect --json": (["inspect", "model_2.servier", "--json"], 0),
    "inspect --html": (["inspect", "model_2.servier", "--html", f"{MARK}.html"], 0),
    "explain": (["explain", "CCO", *MODELS], 0),
    "featurize": (["featurize", "t.parquet", f"o{MARK}.parquet", "--preset", "fast"], 0),
    "merge": (["merge", "whole.csv", f"{MARK}.csv"], 1),
    "simulate": (["simulate", f"s{MARK}.csv", "--rows", "20"], 0),
    "check": (["check", "plain.csv", *TARGET], 0),
    "check labels": (["check", "labels.csv", f"checked{MARK}.csv"], 0),
    "check --json": (["check", "plain.csv", *TARGET, "--json"], 0),
    "distill": (["distill", "model_1.servier", "--library", f"{MARK}.csv", "--output", "s.servier"], 1),
    "evaluate": (["evaluate", "--dataset", "plain.csv", *MODEL, *DRAWS], 0),
    "compare": (["compare", "model_1.servier", "model_2.servier", "--dataset", "plain.csv", *DRAWS], 0),
    "train": (["train", "--dataset", "labels.csv", *TARGET], 1),
    "train with a marked recipe": (
        ["train", "--dataset", "plain.csv", *TARGET, "--config", "recipe.yaml"],
        1,
    ),
    "tune": (["tune", "--dataset", "labels.csv", *TARGET], 1),
    "pretrain": (["pretrain", "no_molecules.csv", f"{MARK}.zip"], 1),
    "sign": (["sign", "model_1.servier", "--key", f"no{MARK}.key"], 1),
}
SILENT = {"predict with a checkpoint without parts", "predict-file", "featurize", "check labels"}
QUICK = {"predict", "predict-file to the terminal", "inspect", "predict with a marked option"}


@pytest.mark.process
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in LINES]
)
def test_no_command_steers_the_terminal(hostile, name):
    """Whatever a stranger controls, its marks are shown, if at all, and none of them works."""
    arguments, expected = LINES[name]
    status, said = on_terminal(*arguments, cwd=hostile)
    assert status == expected, said
    assert b"Traceback" not in said
    assert STEERING.search(said) is None, said
    assert (b"PWNED" in said) != (name in SILENT)


@pytest.mark.slow
@pytest.mark.process
def test_the_service_does_not_steer_the_terminal(hostile):
    """Its log has the names of checkpoints and of what is wrong with them."""
    arguments = ["serve", "--port", "0", "--models_dir", hostile, "--workers", "1"]
    _, said = on_terminal(*arguments, cwd=hostile, stop_after=b"serving on")
    assert b"serving on" in said
    assert STEERING.search(said) is None, said
