"""The commands that write a file, where a file has that name already."""

import os
import shutil

import pytest
from molecules_for_tests import SMILES
from runs_for_tests import stop_at

from servier.tables import claim_output

MINE = "the only copy\n"

# What each command writes, how it is called, and an option that makes it write something else.
WRITING = {
    "simulate": (["out.csv"], ["simulate", "out.csv", "--rows", 40], ["--seed", 1]),
    "check": (["out.csv"], ["check", "labelled.csv", "out.csv"], ["--same_molecule", "written"]),
    "explain": (
        ["out.svg"],
        ["explain", "CCO", "--model_1_path", "m1", "--output", "out.svg"],
        ["--target", "P1"],
    ),
    "inspect": (["out.html"], ["inspect", "m1", "--html", "out.html"], None),
    "compare": (
        ["out.html"],
        ["compare", "m1", "m2", "--dataset", "labelled.csv", "--resamples", 20, "--html", "out.html"],
        ["--seed", 1],
    ),
    "evaluate": (
        ["out/metrics.json", "out/leaks.csv", "out/report.html"],
        ["evaluate", "--dataset", "labelled.csv", "--model_path", "m1", "--resamples", 20,
         "--output_dir", "out"],
        ["--seed", 1],
    ),
    "train": (
        ["out.servier"],
        ["train", "--dataset", "labelled.csv", "--config", "recipe.yaml", "--model_path", "out.servier"],
        ["--seed", 1],
    ),
    "distill": (
        ["out.servier"], ["distill", "m1", "--rows", 260, "--output", "out.servier"], ["--seed", 1],
    ),
}  # fmt: skip
SEARCHING = {
    "tune": ["tune", "--dataset", "labelled.csv", "--output", "out"],
    "pretrain": ["pretrain", "library.csv", "out"],
}


@pytest.fixture
def site(simulated, recipes, model_1, model_2, tmp_path):
    """A folder with a labelled table, a recipe and both models."""
    for source, name in ((simulated, "labelled.csv"), (recipes["1"], "recipe.yaml")):
        shutil.copy(source, tmp_path / name)
    for source, name in ((model_1, "m1"), (model_2, "m2")):
        (tmp_path / name).symlink_to(source)
    (tmp_path / "library.csv").write_text("smiles\nCCO\n")
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stamps(paths):
    return [(path.stat().st_ino, path.stat().st_mtime_ns) for path in paths]


@pytest.mark.parametrize("name", WRITING)
def test_a_file_of_the_user_is_replaced_only_by_force(command, site, name):
    """It is refused before anything is done, each of several; the rest is as it was."""
    outputs, words, _ = WRITING[name]
    paths = [site / output for output in outputs]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(MINE)
        before = contents(site)
        said = command("--quiet", *words, cwd=site, status=1).stderr
        assert said == (
            f"Error: {path.relative_to(site)}: this file exists already; give it another name, or --force to "
            "replace this one\n"
        )
        assert contents(site) == before
        path.unlink()
    paths[0].write_text(MINE)
    command(*words, "--force", cwd=site)
    assert all(path.read_bytes() != MINE.encode() for path in paths)


@pytest.mark.parametrize("name", WRITING)
def test_the_same_command_again(command, site, name):
    """It says the same and leaves the files as they are; other options or another edition are refused."""
    outputs, words, other = WRITING[name]
    paths = [site / output for output in outputs]
    first = command(*words, cwd=site)
    before = stamps(paths)
    again = command(*words, cwd=site)
    assert stamps(paths) == before
    assert again.stdout == first.stdout
    assert "there already, made from the same inputs and options" in again.stderr
    if other is not None:
        refused = command(*words, *other, cwd=site, status=1).stderr
        assert f"made from other inputs or options: option {other[0].removeprefix('--')} was" in refused
        command(*words, *other, "--force", cwd=site)
    paths[-1].write_bytes(paths[-1].read_bytes() + b" ")
    said = command(*words, *(other or ()), cwd=site, status=1).stderr
    assert f"{outputs[-1]}: this file has been changed" in said


def test_rows_from_stdin_replace_nothing(command, site):
    """They are read, but nobody knows whether they were the same."""
    words, rows = ["check", "-", "out.csv"], (site / "labelled.csv").read_text()
    command(*words, cwd=site, stdin=rows)
    assert (site / "out.csv").read_text().count("\n") == rows.count("\n")
    assert "out.csv: this file exists already" in command(*words, cwd=site, stdin=rows, status=1).stderr


def test_another_table_is_named(command, site):
    """What was read counts by its content, not by its name."""
    words = ["check", "labelled.csv", "out.csv"]
    command(*words, cwd=site)
    shutil.move(site / "labelled.csv", site / "renamed.csv")
    shutil.copy(site / "out.csv", site / "before.csv")
    command("check", "renamed.csv", "out.csv", cwd=site)
    (site / "labelled.csv").write_text((site / "renamed.csv").read_text() + "1,x,CCO\n")
    assert "sha256 of table was" in command(*words, cwd=site, status=1).stderr
    assert (site / "out.csv").read_bytes() == (site / "before.csv").read_bytes()


@pytest.mark.parametrize("name", SEARCHING)
def test_a_search_does_not_begin_where_its_result_would_replace_a_file(command, site, name):
    """What takes hours is refused before it."""
    (site / "out").write_text(MINE)
    before = contents(site)
    assert "out: this file exists already" in command(*SEARCHING[name], cwd=site, status=1).stderr
    assert contents(site) == before


@pytest.mark.parametrize("name", [*WRITING, *SEARCHING])
def test_two_runs_do_not_write_one_file(command, site, name):
    """The second says that the first is there."""
    outputs, words, _ = WRITING[name] if name in WRITING else (["out"], SEARCHING[name], None)
    for output in outputs:
        with claim_output(site / output, lambda: None):
            said = command("--quiet", *words, cwd=site, status=1).stderr
        assert said == f"Error: {output}: another run is writing this file; wait for it, or stop it\n"


@pytest.mark.parametrize(
    "words",
    [
        ["check", "labelled.csv", "labelled.csv"],
        ["train", "--dataset", "labelled.csv", "--model_path", "labelled.csv"],
        ["inspect", "m1", "--html", "m1"],
        ["explain", "CCO", "--model_1_path", "m1", "--output", "m1"],
    ],
)
def test_an_input_is_not_written_over(command, site, words):
    """Not even by force."""
    before = contents(site)
    assert command(*words, "--force", cwd=site, status=1).stderr.startswith("Error: ")
    assert contents(site) == before


def test_a_model_of_another_target_is_not_replaced(command, site, recipes):
    """A model of P1 does not give way to one of another column, unless it is told to."""
    words = ["train", "--config", "recipe.yaml", "--model_path", "out.servier", "--dataset"]
    command(*words, "labelled.csv", cwd=site)
    before = (site / "out.servier").read_bytes()
    (site / "other.csv").write_text((site / "labelled.csv").read_text().replace("P1,", "Q1,", 1))
    said = command(*words, "other.csv", "--target", "Q1", cwd=site, status=1).stderr
    assert "option targets was [], now ['Q1']; sha256 of table was" in said
    assert (site / "out.servier").read_bytes() == before
    command(*words, "other.csv", "--target", "Q1", "--force", cwd=site)
    assert "Q1" in command("inspect", "out.servier", cwd=site).stdout


@pytest.mark.parametrize(
    "name", ["ChEMBL 33 (subset).csv", "a [1] & $x;'c' \"d\" {e} #%s?*.csv.gz", "-x.tsv", "é~ .parquet"]
)
def test_names_of_files_may_hold_anything(command, model_1, tmp_path, name):
    """Input, output, summary and shards have the names that they were given, and no other file is made."""
    source, folder = tmp_path / "my [in] $HOME.csv", tmp_path / "out & (1)"
    source.write_text("smiles\nCCO\nCCN\n")
    words = [source, folder / name, "--model_path", model_1]
    command("predict-file", *words, "--summary", folder / f"{name}.json")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [name, f".{name}.origin", f"{name}.json", f".{name}.json.origin"]
    )
    command("predict-file", source, folder / f"1 {name}", "--model_path", model_1, "--shard", "1/1")
    command("merge", folder / f"all {name}", folder / f"1 {name}")
    assert (folder / f"all {name}").read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize("name", [".out.csv.origin", "out.csv.journal", "out.csv.partial"])
def test_a_pipe_beside_the_output_keeps_nobody_waiting(command, model_1, tmp_path, name):
    """An archive of somebody may hold one under the names of the files of a run."""
    (tmp_path / "in.csv").write_text("smiles\nCCO\n")
    os.mkfifo(tmp_path / name)
    given = ["predict-file", "in.csv", "out.csv", "--model_path", model_1]
    done = command(*given, cwd=tmp_path, status=1)
    assert done.stderr.startswith(f"Error: {name}: this ")
    assert done.stderr.endswith("its name is needed; rename it, or give out.csv another name\n")


def test_a_record_that_is_nested_deeply_is_none(command, model_1, tmp_path):
    """What a file was made from is not known then, so it is not replaced."""
    (tmp_path / "card.html").write_text(MINE)
    (tmp_path / ".card.html.origin").write_text("[" * 100_000)
    done = command("inspect", model_1, "--html", "card.html", cwd=tmp_path, status=1)
    assert done.stderr.startswith("Error: card.html: this file exists already")
    assert (tmp_path / "card.html").read_text() == MINE


@pytest.mark.parametrize("stem", ["a" * 251, "a." + "b" * 249, "é" * 125, "a.b.c.d." * 31])
def test_names_may_be_as_long_as_file_systems_take(command, model_1, tmp_path, stem):
    """What stands beside an output finds a shorter name, so that a run resumes, and shards are merged."""
    library, target, page = tmp_path / "in.csv", tmp_path / f"{stem}.csv", tmp_path / f"{stem[:-1]}.html"
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in SMILES * 20))
    scoring = ["predict-file", library, target, "--model_path", model_1]
    assert stop_at(2, "after", command, *scoring)
    assert "it was complete already" in command(*scoring).stderr
    expected = target.read_bytes()
    target.unlink()
    parts = [tmp_path / f"{i}{stem[1:]}.csv" for i in (1, 2)]
    for i, part in enumerate(parts, start=1):
        command(*scoring[:2], part, *scoring[3:], "--shard", f"{i}/2")
    command("merge", target, *parts, "--force")
    assert target.read_bytes() == expected
    command(*scoring, "--top", 3, "--force")
    command("inspect", model_1, "--html", page)
    command("check", library, target, "--force")
    assert page.is_file()


@pytest.mark.parametrize("folder", ["", "a" * 300])
def test_a_name_that_is_too_long_is_one_line(command, model_1, simulated, tmp_path, folder):
    """Whatever file of whatever command it is."""
    name = tmp_path / folder / ("a" * 300)
    table = ["--dataset", simulated]
    for words in (
        ["check", f"{name}.csv"],
        ["check", simulated, f"{name}.csv"],
        ["predict-file", f"{name}.csv", tmp_path / "o.csv", "--model_path", model_1],
        ["predict-file", simulated, f"{name}.csv", "--model_path", model_1],
        ["predict-file", simulated, tmp_path / "o.csv", "--model_path", name],
        ["predict-file", simulated, tmp_path / "o.csv", "--model_path", model_1, "--summary", name],
        ["featurize", simulated, f"{name}.parquet"],
        ["simulate", f"{name}.csv"],
        ["inspect", name],
        ["inspect", model_1, "--html", name],
        ["predict", "CCO", "--model_1_path", name],
        ["evaluate", *table, "--model_path", model_1, "--output_dir", name],
        ["train", *table, "--model_path", name],
        ["compare", model_1, model_1, *table, "--html", name],
        ["tune", *table, "--output", name],
    ):
        said = command("--quiet", *words, status=1).stderr
        assert said.startswith(f"Error: {name}")
        assert said.endswith("File name too long\n")
        assert said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == []
