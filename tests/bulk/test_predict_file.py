import csv
import gzip
import io

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES
from rdkit import Chem

from servier.checkpoint.file import open_checkpoint
from servier.chem.molecules import parse_smiles
from servier.chem.tokens import Tokenizer, pad_tokens
from servier.scoring.scorer import Scorer

ADDED = ["P1_pred", "P1_probability", "status", "reason"]
ROWS = [*SMILES, "nope", "", "C" * 600, "C1CC"]


def read(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "in.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "smiles", "note"])
        writer.writerows([f"{i:04d}", smiles, 'a "note", 1e5'] for i, smiles in enumerate(ROWS))
    return path


def test_one_row_out_for_each_row_in(command, model_1, table, tmp_path):
    """Every input row is there, in order and unchanged, with the scorer's answer or a reason."""
    command("predict-file", table, tmp_path / "out.csv", "--model_path", model_1)
    rows = read(tmp_path / "out.csv")
    assert list(rows[0]) == ["id", "smiles", "note", *ADDED]
    assert [(row["id"], row["smiles"], row["note"]) for row in rows] == [
        (f"{i:04d}", smiles, 'a "note", 1e5') for i, smiles in enumerate(ROWS)
    ]
    expected = Scorer([open_checkpoint(model_1)]).score(ROWS).values[:, 0]
    for row, value in zip(rows, expected, strict=True):
        if row["status"] == "ok":
            assert float(row["P1_probability"]) == value
            assert row["reason"] == ""
        else:
            assert row["P1_pred"] == row["P1_probability"] == ""
            assert row["reason"]
    assert [row["status"] for row in rows[len(SMILES) :]] == ["invalid", "empty", "too_large", "invalid"]


def test_processes_and_batches_do_not_change_a_byte(servier, models_dir, tmp_path):
    """More rows than a batch, scored by one and by two processes with both models, are the same file."""
    source = tmp_path / "in.csv"
    source.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in ROWS * 20))
    models = [f"--model_path={models_dir}/model_{name}.servier" for name in "12"]
    for workers in (1, 2):
        servier("predict-file", source, tmp_path / f"{workers}.csv", *models, "--workers", workers)
    first = (tmp_path / "1.csv").read_bytes()
    assert first == (tmp_path / "2.csv").read_bytes()
    assert first.count(b"\n") == 1 + 20 * len(ROWS)


def test_text_stays_byte_for_byte(command, model_1, tmp_path):
    """Delimiter, line ends, quotes, a byte order mark and foreign bytes come out as they went in."""
    source = tmp_path / "in.csv"
    source.write_bytes(b'\xef\xbb\xbfid;Drug;x\r\n007;CCO;"a;b"\r\n1e5;nope;NA\r\n\xff;C;"line\r\nbreak"\r\n')
    command("predict-file", source, tmp_path / "out.csv", "--model_path", model_1)
    lines = (tmp_path / "out.csv").read_bytes().split(b"\r\n")
    assert lines[0] == b"\xef\xbb\xbfid;Drug;x;P1_pred;P1_probability;status;reason"
    assert lines[1].startswith(b'007;CCO;"a;b";')
    assert lines[2].startswith(b"1e5;nope;NA;;;invalid;syntax error")
    assert lines[3] == b'\xff;C;"line'
    assert lines[4].startswith(b'break";')
    assert lines[5] == b""


def test_ragged_rows_cost_only_themselves(command, model_1, tmp_path):
    """Blank, short and long rows are rows of the output, each with its own status."""
    source = tmp_path / "in.csv"
    source.write_text("smiles,id\nCCO\n\nCC,1,2\nC,3\n")
    command("predict-file", source, tmp_path / "out.csv", "--model_path", model_1)
    rows = read(tmp_path / "out.csv")
    assert [row["status"] for row in rows] == ["ok", "empty", "invalid", "ok"]
    assert rows[2]["reason"] == "3 fields where the header has 2"


@pytest.mark.parametrize("name", ["in.csv.gz", "in.tsv", "in.smi", "in.smi.gz", "in.parquet", "in.sdf"])
@pytest.mark.parametrize("out", ["out.csv", "out.csv.gz", "out.parquet"])
def test_every_format_gives_the_same_scores(command, model_1, tmp_path, name, out):
    """Whatever the formats, the scores are those of the molecules."""
    source, target = tmp_path / name, tmp_path / out
    smiles = ["CCO", "c1ccccc1", "CC(=O)O"]
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"smiles": smiles}), source)
    elif name.endswith(".sdf"):
        from rdkit import Chem

        with Chem.SDWriter(str(source)) as writer:
            for text in smiles:
                writer.write(Chem.MolFromSmiles(text))
    else:
        header = "" if ".smi" in name else "id\tsmiles\n" if ".tsv" in name else "smiles\n"
        lines = "".join(f"x\t{text}\n" if ".tsv" in name else f"{text}\n" for text in smiles)
        packed = (header + lines).encode()
        source.write_bytes(gzip.compress(packed) if name.endswith(".gz") else packed)
    command("predict-file", source, target, "--model_path", model_1)
    rows = pq.read_table(target).to_pylist() if out.endswith(".parquet") else read(target)
    expected = Scorer([open_checkpoint(model_1)]).score(smiles).values[:, 0]
    assert [float(row["P1_probability"]) for row in rows] == expected.tolist()


def test_header_without_rows_is_a_header(command, model_1, tmp_path):
    """A table without rows gives a table without rows."""
    (tmp_path / "in.csv").write_text("smiles,id\n")
    command("predict-file", tmp_path / "in.csv", tmp_path / "out.csv", "--model_path", model_1)
    assert (tmp_path / "out.csv").read_text() == "smiles,id,P1_pred,P1_probability,status,reason\n"


@pytest.mark.parametrize(
    ("content", "target", "message"),
    [
        (b"", "out.csv", "in.csv: this file is empty"),
        (
            b"a,b\nC,1\n",
            "out.csv",
            "no column with SMILES strings found; name it with --smiles_column; the columns are a, b",
        ),
        (b"smiles,status\nC,1\n", "out.csv", "the input already has a column 'status'"),
        (b"smiles\nC\n", "out.xlsx", "unknown file format"),
        (b"smiles\nC\n", "out.sdf", "cannot write this format"),
        (b'smiles,x\nC,"\n', "out.csv", "line 2: a quotation mark opens here"),
        (None, "out.csv", "in.csv: no such file"),
    ],
)
def test_unusable_input_is_one_line_and_no_output(command, model_1, tmp_path, content, target, message):
    """The run ends with status 1, one line, and nothing half-written."""
    source = tmp_path / "in.csv"
    if content is not None:
        source.write_bytes(content)
    stderr = command("predict-file", source, tmp_path / target, "--model_path", model_1, status=1).stderr
    assert stderr.startswith("Error: ")
    assert stderr.count("\n") == 1
    assert message in stderr
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["in.csv"])


def test_parquet_types_survive(command, model_1, tmp_path):
    """A Parquet table keeps the types of its columns."""
    pq.write_table(
        pa.table({"smiles": ["C", "CC"], "n": pa.array([1, None], pa.int32())}), tmp_path / "in.parquet"
    )
    command("predict-file", tmp_path / "in.parquet", tmp_path / "out.parquet", "--model_path", model_1)
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.schema.field("n").type == pa.int32()
    assert written["n"].to_pylist() == [1, None]


def test_line_breaks_in_fields_are_quoted(command, model_1, tmp_path):
    """Of fields with line breaks one row stays one record, whatever it is read from and written to."""
    notes = ["a\nb", "c\rd", "e\r\nf", 'g"h', "i"]
    table = pa.table({"id": list("12345"), "smiles": ["CCO"] * 5, "note": notes})
    pq.write_table(table, tmp_path / "in.parquet")
    for target, more in [("a.csv", []), ("b.tsv", []), ("c.csv", ["--columns", "note, id"])]:
        command("predict-file", tmp_path / "in.parquet", tmp_path / target, "--model_path", model_1, *more)
        with (tmp_path / target).open(newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t" if target == "b.tsv" else ","))
        assert [row["note"] for row in rows] == notes
        assert [row["status"] for row in rows] == ["ok"] * 5


def test_columns_of_parquet_files_keep_their_values(command, model_1, tmp_path):
    """Lists and categories come out of a Parquet file as they went in; a text refuses what it cannot hold."""
    table = pa.table(
        {
            "smiles": ["CCO", None, "CCN"],
            "lists": [[1, 2], None, []],
            "kind": pa.array(["x", None, "y"]).dictionary_encode(),
        }
    )
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(table, source)
    command("predict-file", source, target, "--model_path", model_1)
    assert pq.read_table(target).select(table.column_names).to_pylist() == table.to_pylist()
    said = command("predict-file", source, tmp_path / "o.csv", "--model_path", model_1, status=1).stderr
    assert "column 'lists' holds list<element: int64>, which is not text" in said
    command("predict-file", source, tmp_path / "o.csv", "--model_path", model_1, "--columns", "smiles,kind")
    assert (tmp_path / "o.csv").read_text().splitlines()[2] == ",,,,empty,no SMILES"


def test_files_of_the_run_are_not_written_over(command, model_1, tmp_path):
    """Neither the summary nor a merge replaces a file that the run needs, and a folder is no output."""
    source, shard = tmp_path / "in.csv", tmp_path / "s.csv"
    source.write_text("smiles\nCCO\n")
    arguments = ["predict-file", source, shard, "--model_path", model_1]
    for path in (source, shard, model_1):
        assert "would replace this file" in command(*arguments, "--summary", path, status=1).stderr
    command(*arguments, "--shard", "1/1")
    assert "one of the shards" in command("merge", shard, shard, status=1).stderr
    assert "this is a folder" in command("predict-file", source, tmp_path, status=1).stderr
    assert source.read_text() == "smiles\nCCO\n"


def test_fewer_smiles_are_read_on_request(command, models_dir, table, tmp_path):
    """--n_smiles 1 scores the canonical string alone, and is refused where no model reads strings."""
    path = models_dir / "model_2.servier"
    command("predict-file", table, tmp_path / "one.csv", "--model_path", path, "--n_smiles", 1)
    checkpoint = open_checkpoint(path)
    tokenizer = Tokenizer(checkpoint.metadata.input["vocabulary"])
    session = ort.InferenceSession(checkpoint.graphs[0])
    target = checkpoint.targets[0]
    for row in read(tmp_path / "one.csv")[:40]:
        mol = parse_smiles(row["smiles"], level=checkpoint.metadata.level)
        tokens = pad_tokens([tokenizer.encode(Chem.MolToSmiles(mol))])
        raw = session.run(None, {session.get_inputs()[0].name: tokens})[0].astype(float)
        probability = 1 / (1 + np.exp(-(target.slope * raw[0, 0] + target.intercept)))
        assert float(row["P1_probability"]) == pytest.approx(probability, abs=1e-5)
    model_1 = ["--model_path", models_dir / "model_1.servier", "--n_smiles", 1]
    assert (
        "leave out --n_smiles"
        in command("predict-file", table, tmp_path / "no.csv", *model_1, status=1).stderr
    )
