"""What a user gets wrong costs one clear line."""

import json
import shutil

import pytest


@pytest.mark.parametrize(
    "arguments", [["train", "--model_name", "3"], ["nothing"], ["predict"], ["train", "--x"]]
)
def test_wrong_usage_ends_with_2(command, arguments):
    """A command that does not exist is no input error."""
    command(*arguments, status=2)


def test_predict_refuses_what_is_no_molecule(command, model_1):
    """A bad SMILES is one line and status 1; as JSON it is said on stdout too."""
    finished = command("predict", "C1CC", "--model_1_path", model_1, "--json", status=1)
    assert finished.stderr == "Error: 'C1CC': invalid: unclosed ring; check the SMILES string\n"
    assert json.loads(finished.stdout)["status"] == "invalid"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "no such checkpoint"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "damaged or truncated"),
        (lambda path: path.write_text("hello"), "damaged or truncated"),
    ],
)
def test_unusable_checkpoint_is_one_line(command, model_1, simulated, tmp_path, damage, message):
    """Every command that needs a checkpoint refuses a bad one in the same way."""
    path = tmp_path / "model_1.servier"
    shutil.copy(model_1, path)
    damage(path)
    for arguments in (
        ["predict", "CCO", "--model_1_path", path],
        ["evaluate", "--data_dir", simulated.parent, "--model_path", path],
        ["inspect", path],
        ["predict-file", simulated, tmp_path / "out.csv", "--model_path", path],
    ):
        stderr = command(*arguments, status=1).stderr
        assert stderr.startswith(f"Error: {path}: ")
        assert message in stderr
        assert stderr.count("\n") == 1


def test_checkpoint_of_the_other_model_is_refused(command, model_2, simulated):
    """--model_name 1 with a file of model 2 says so."""
    stderr = command("predict", "CCO", "--model_1_path", model_2, "--model_name", 1, status=1).stderr
    assert "this is a checkpoint of model 2, not of model 1" in stderr
    arguments = ["--data_dir", simulated.parent, "--model_path", model_2, "--model_name", 1]
    assert "not of model 1" in command("evaluate", *arguments, status=1).stderr


@pytest.mark.parametrize("name", ["train", "evaluate"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("", "this file is empty"),
        ("P1,mol_id\n1,a\n", "no column with SMILES strings found"),
        ("x,y,smiles\n1,a,C\n", "the columns are x, y, smiles"),
        ("P1,smiles\n" + "high,CCO\n" * 30, "line 2, column P1: 'high' is not a number"),
        ("P1,smiles\n" + "1,CCO\n" * 30, "all 30 labels are 1"),
    ],
)
def test_unusable_table_is_one_line(command, model_1, tmp_path, name, text, message):
    """Training and evaluation refuse a table with one line and leave nothing behind."""
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    before = sorted(tmp_path.iterdir())
    model = ["--model_path", model_1 if name == "evaluate" else tmp_path / "out.servier"]
    stderr = command("--quiet", name, "--dataset", path, *model, status=1).stderr
    assert message in stderr.splitlines()[-1]
    assert stderr.splitlines()[-1].startswith("Error: ")
    assert sorted(tmp_path.iterdir()) == before


def test_a_table_without_a_molecule_trains_nothing(command, model_1, tmp_path):
    """Where no row can be read there is nothing to train on, and nothing to say of a model."""
    path = tmp_path / "t.csv"
    path.write_text("P1,smiles\n" + "1,nope\n0,C1CC\n" * 15)
    said = command("--quiet", "train", "--dataset", path, "--model_path", tmp_path / "m", status=1).stderr
    assert "only 0 rows have a readable molecule and a label" in said.splitlines()[-1]
    for words in (
        ["evaluate", "--model_path", model_1, "--output_dir", tmp_path],
        ["compare", model_1, model_1],
    ):
        said = command("--quiet", *words, "--dataset", path, status=1)
        assert said.stdout == ""
        assert said.stderr == (
            f"Error: {path}: none of the 30 rows to score has a readable molecule; "
            "check the SMILES column, or name it with --smiles_column\n"
        )
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_table_without_new_labels_says_nothing_of_a_model(command, model_1, simulated, tmp_path):
    """Where only molecules that were trained on have labels, no prediction can be compared with any."""
    table = tmp_path / "t.csv"
    lines = [*simulated.read_text().splitlines(), "0,x,CCO"]
    table.write_text("\n".join(lines))
    words = ["--dataset", table, "--resamples", 20]
    evaluate = ["evaluate", "--model_path", model_1, *words]
    trained = json.loads(command(*evaluate, "--json").stdout)["trained_on_lines"]
    table.write_text(
        "\n".join(
            line if number in {1, *trained} else line[line.index(",") :]
            for number, line in enumerate(lines, start=1)
        )
    )
    for each in (evaluate, ["compare", model_1, model_1, *words]):
        said = command("--quiet", *each, status=1).stderr
        assert f"none of the {len(lines) - 1 - len(trained)} rows that were scored has a label" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["featurize", "in.csv", "f.csv"], "end its name in .parquet"),
        (["simulate", "s.parquet"], "end its name in .csv"),
        (["predict-file", "in.csv", "in.csv"], "this is the input itself"),
        (["predict-file", "blanks.csv", "o.csv"], "its fields seem to be separated by blanks"),
        (["predict-file", "in.csv", "o.csv", "--delimiter", "tab"], "no '\\t' in the header line"),
        (["predict-file", "wide.csv", "o.csv"], "perhaps in UTF-16"),
        (["serve", "--models_dir", "nothing"], "no model can be served"),
    ],
)
def test_slips_are_one_clear_line(command, model_1, tmp_path, arguments, message):
    """A slip of the kind that everyone makes is named before anything is written."""
    (tmp_path / "in.csv").write_text("smiles,id\nCCO,1\n")
    (tmp_path / "blanks.csv").write_text("CCO ethanol\nCCN ethylamine\nCC ethane\n")
    (tmp_path / "wide.csv").write_bytes("smiles,id\nCCO,1\n".encode("utf-16"))
    before = sorted(tmp_path.iterdir())
    model = ["--model_path", model_1] if arguments[0] == "predict-file" else []
    said = command(*arguments, *model, cwd=tmp_path, status=1).stderr
    assert message in said.splitlines()[-1]
    assert sorted(tmp_path.iterdir()) == before


def test_a_column_without_molecules_is_pointed_out(command, model_1, tmp_path):
    """When hardly any row has an answer, the run says what may be wrong."""
    (tmp_path / "in.csv").write_text("smiles,name\n" + "aspirin,CCO\n" * 5)
    said = command("predict-file", "in.csv", "o.csv", "--model_path", model_1, cwd=tmp_path).stderr
    assert "More than half of the rows have no answer" in said


def test_preset_of_model_2_is_refused(command, simulated):
    """An option that would do nothing is said, before anything is trained."""
    finished = command(
        "train", "--data_dir", simulated.parent, "--model_name", 2, "--preset", "fast", status=1
    )
    assert finished.stderr == "Error: model 2 reads SMILES strings, and has no presets; leave out --preset\n"


def test_best_rows_go_to_a_file(command, model_1):
    """From stdin to stdout no best rows are looked for, and nothing is printed."""
    options = ["--model_path", model_1, "--top", 1]
    finished = command("predict-file", "-", "-", *options, stdin="smiles\nCCO\n", status=1)
    assert finished.stdout == ""
    assert "give a file for OUTPUT" in finished.stderr
