import csv
import io

import pyarrow.parquet as pq
import pytest

from servier.bulk.outputs import best_positions
from servier.bulk.selection import Selection
from servier.data.simulation import simulate

N = 1500


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "in.csv"
    smiles = simulate(500, seed=4).smiles * 3
    path.write_text("id,smiles\n" + "".join(f"{i},{text}\n" for i, text in enumerate(smiles)))
    return path


@pytest.fixture(scope="module")
def scored(command, model_1, library, tmp_path_factory):
    target = tmp_path_factory.mktemp("scored") / "all.csv"
    command("predict-file", library, target, "--model_path", model_1)
    return list(csv.DictReader(target.open()))


def best(rows, k):
    """The oracle: a stable sort of everything."""
    return sorted(rows, key=lambda row: -float(row["P1_probability"]))[:k]


@pytest.mark.parametrize("k", [1, 7, 400, N + 5])
def test_top_is_what_sorting_everything_gives(command, model_1, library, scored, tmp_path, k):
    """The K best rows, best first; of equal scores the first ones."""
    command("predict-file", library, tmp_path / "top.csv", "--model_path", model_1, "--top", k)
    assert list(csv.DictReader((tmp_path / "top.csv").open())) == best(scored, k)


def test_top_of_shards_merged_is_the_top(command, model_1, library, scored, tmp_path):
    """The best of the shards' best are the best; as text and as Parquet."""
    for suffix in ("csv", "parquet"):
        parts = [tmp_path / f"{i}.{suffix}" for i in (1, 2, 3)]
        for i, part in enumerate(parts, start=1):
            shard = ["--shard", f"{i}/3", "--top", 9]
            command("predict-file", library, part, "--model_path", model_1, *shard)
        command("merge", tmp_path / f"best.{suffix}", *parts)
    ids = [row["id"] for row in best(scored, 9)]
    assert [row["id"] for row in csv.DictReader((tmp_path / "best.csv").open())] == ids
    assert pq.read_table(tmp_path / "best.parquet")["id"].to_pylist() == ids


def test_rank_by_alone_is_refused(command, model_1, library, tmp_path):
    """A target to rank by without --top or --threshold does nothing: it is said, nothing is written."""
    run = command(
        "predict-file", library, tmp_path / "r.csv", "--model_path", model_1, "--rank_by", "P1", status=1
    )
    assert run.stderr.strip() == "Error: --rank_by selects no rows by itself; add --top or --threshold"
    assert list(tmp_path.iterdir()) == []


def test_threshold_keeps_rows_in_order(command, model_1, library, scored, tmp_path):
    """Only rows with at least the score, in input order, with the columns asked for."""
    arguments = ["--threshold", 0.7, "--columns", "id"]
    command("predict-file", library, tmp_path / "t.csv", "--model_path", model_1, *arguments)
    rows = list(csv.DictReader((tmp_path / "t.csv").open()))
    assert [row["id"] for row in rows] == [row["id"] for row in scored if float(row["P1_probability"]) >= 0.7]
    assert list(rows[0]) == ["id", "P1_pred", "P1_probability", "status", "reason"]


def test_selection_remembers_candidates():
    """Going on from the candidates that were kept decides as if nothing had happened."""
    ranks = [0.3, 0.9, float("nan"), 0.5, 0.9, 0.1, 0.6, 0.9]
    through = Selection(2, None)
    kept = [rank for rank in ranks[:4] if through.keeps(rank)]
    resumed = Selection(2, None, kept)
    assert [through.keeps(rank) for rank in ranks[4:]] == [resumed.keeps(rank) for rank in ranks[4:]]


def test_best_positions_break_ties_by_order():
    """Of equal scores the first comes first."""
    assert best_positions([0.5, 0.9, 0.5, 0.9], 3) == [1, 3, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--columns", "id,colour"], "no column 'colour' to carry over; the columns are id, smiles"),
        (["--top", 3, "--rank_by", "P7"], "no target is called 'P7'; choose among P1"),
    ],
)
def test_wrong_selection_is_one_clear_error(command, model_1, library, tmp_path, arguments, message):
    """What does not exist is named, with what does."""
    said = command("predict-file", library, tmp_path / "o.csv", "--model_path", model_1, *arguments, status=1)
    assert message in said.stderr
    assert not list(tmp_path.iterdir())


def test_dry_run_estimates_and_writes_nothing(command, model_1, library, tmp_path):
    """The estimate is printed; no file appears."""
    said = command("predict-file", library, tmp_path / "o.csv", "--model_path", model_1, "--dry_run").stdout
    lines = dict(line.split(None, 1) for line in said.splitlines())
    assert lines["rows"] == "1,500"
    assert {"rate", "time", "core-hours", "output"} <= lines.keys()
    assert not list(tmp_path.iterdir())


def test_streams(servier, model_1, library, scored):
    """From stdin to stdout the rows are the same."""
    said = servier("predict-file", "-", "-", "--model_path", model_1, stdin=library.read_text()).stdout
    assert list(csv.DictReader(io.StringIO(said))) == scored


@pytest.mark.parametrize("arguments", [["-", "o.csv", "--shard", "1/2"], ["in.csv", "-", "--top", "3"]])
def test_streams_refuse_what_needs_a_file(command, model_1, library, arguments):
    """A shard of stdin and a top to stdout are refused."""
    said = command(
        "predict-file", *arguments, "--model_path", model_1, cwd=library.parent, stdin="smiles\nC\n", status=1
    )
    assert "give a file" in said.stderr


def test_features_are_scored_like_the_molecules(command, model_1, tmp_path):
    """From the file of featurize come the very rows that come from the table, bad molecules and all."""
    library = tmp_path / "in.csv"
    smiles = [*simulate(700, seed=6).smiles, "nope", "", "C1CC", "CCO,too much"]
    library.write_text("id,smiles\n" + "".join(f"{i:04d},{text}\n" for i, text in enumerate(smiles)))
    command("featurize", library, tmp_path / "f.parquet", "--preset", "fast")
    for source, target in (("in.csv", "a.csv"), ("f.parquet", "b.csv")):
        command("predict-file", tmp_path / source, tmp_path / target, "--model_path", model_1)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_shards_of_features_are_the_whole(command, model_1, tmp_path):
    """A feature file in shards, merged, gives the bytes of the whole run."""
    library, features = tmp_path / "in.csv", tmp_path / "f.parquet"
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in simulate(300, seed=6).smiles * 33))
    command("featurize", library, features, "--preset", "fast")
    parts = [tmp_path / f"{i}.csv.gz" for i in (1, 2)]
    for i, part in enumerate(parts, start=1):
        command("predict-file", features, part, "--model_path", model_1, "--shard", f"{i}/2")
    command("merge", tmp_path / "merged.csv.gz", *parts)
    command("predict-file", features, tmp_path / "whole.csv.gz", "--model_path", model_1)
    assert (tmp_path / "merged.csv.gz").read_bytes() == (tmp_path / "whole.csv.gz").read_bytes()


def test_features_of_another_kind_are_refused(command, model_1, model_2, library, tmp_path):
    """Features that the model does not read, and a model that reads none, are refused."""
    command("featurize", library, tmp_path / "f.parquet", "--preset", "accurate")
    arguments = ["predict-file", tmp_path / "f.parquet", tmp_path / "o.csv", "--model_path"]
    assert "this file holds other features" in command(*arguments, model_1, status=1).stderr
    assert "model 2 reads SMILES strings, not features" in command(*arguments, model_2, status=1).stderr
