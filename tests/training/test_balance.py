"""What each side of a split, and each fold, must have of a target."""

import json
from dataclasses import replace

import numpy as np
import pytest

from servier.data.datasets import ALL_TARGETS, Columns, Dataset, load_dataset
from servier.data.simulation import simulate
from servier.data.weight_column import RowWeights
from servier.errors import DataError
from servier.training.balance import warn_of_folds
from servier.training.options import Options
from servier.training.rows import select_rows, usable_rows

N_ROWS = 60


def table(y, split=None, task="binary"):
    """Simulated molecules with labels of our own."""
    smiles = simulate(N_ROWS, seed=5).smiles
    lines = list(range(2, N_ROWS + 2))
    y = np.asarray(y, float)[:, None]
    column = None if split is None else "split"
    return Dataset("t.csv", smiles, [""] * N_ROWS, lines, ["P1"], [task], y, split, column)


def halves(n_train):
    return ["train"] * n_train + ["test"] * (N_ROWS - n_train)


@pytest.mark.parametrize(
    ("y", "task", "problem"),
    [
        ([5.0] * 40 + [7.5] * 20, "regression", r"the labelled training rows \(40\) have 1 distinct value;"),
        ([np.nan] * 40 + [7.5, 8] * 10, "regression", "no row says train"),
        (
            [5.0] + [np.nan] * 39 + [7.5] * 20,
            "regression",
            r"the labelled training rows \(1\) have 1 distinct",
        ),
        ([1e-300, 2e-300] * 20 + [7.5] * 20, "regression", r"rows \(40\) have 2 distinct values"),
        (
            [0] * 40 + [1] * 20,
            "binary",
            "0 of the training rows are labelled 1; at least 5 of each class are",
        ),
        (
            [0] * 38 + [1] * 22,
            "binary",
            "2 of the training rows are labelled 1; .*try --split random or cluster",
        ),
    ],
)
def test_a_target_that_does_not_vary_in_training_is_refused(y, task, problem):
    """One line names the target, and how many distinct values training has."""
    with pytest.raises(DataError, match=problem) as caught:
        select_rows(table(y, halves(40), task), Options())
    assert "t.csv, column P1" in str(caught.value) or "no row" in problem


@pytest.mark.parametrize(
    ("y", "task", "problem"),
    [
        (np.arange(60.0), "regression", "the labelled training rows (0) have 0 distinct values"),
        ([0] * 40 + [1] * 20, "binary", "0 of the training rows are labelled 0"),
    ],
)
def test_labels_whose_rows_weigh_nothing_are_not_blamed_on_the_split(y, task, problem):
    """No other split could bring them into training: the line names the column of weights."""
    y = np.where(np.arange(N_ROWS) < 40, y, np.nan if task == "regression" else 1)
    weights = RowWeights("w", np.repeat([0.0, 1.0], [40, 20]), {})
    data = replace(table(y, task=task), weights=weights)
    if task == "regression":
        data = replace(data, y=np.hstack([data.y, data.y[::-1]]), targets=["P1", "P2"], tasks=[task] * 2)
    with pytest.raises(DataError) as caught:
        select_rows(data, Options(split="random"))
    assert caught.value.problem == problem
    assert caught.value.hint.endswith("; rows without a weight above 0 in column 'w' are not counted")


def test_too_few_of_a_class_in_the_whole_table_is_no_matter_of_the_split():
    """No other way of holding out rows would help."""
    with pytest.raises(DataError, match="3 of the training rows are labelled 1") as caught:
        select_rows(table([1] * 3 + [0] * 57), Options(split="random", test_fraction=0))
    assert "--split" not in str(caught.value)


def test_two_distinct_values_are_enough():
    """A target that varies on both sides is none to refuse, and is not spoken of."""
    assert len(select_rows(table([5.0, 7.5] * 30, halves(40), "regression"), Options()).train) == 40


def test_a_class_that_no_test_row_has_is_said(caplog):
    """The metrics of the test rows will be undefined."""
    select_rows(table([0, 1] * 20 + [0] * 20, halves(40)), Options())
    assert caplog.messages == ["target P1: no test row is labelled 1; try --split random or cluster"]
    caplog.clear()
    select_rows(table([0, 1] * 30), Options(test_fraction=0))
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("strategy", "advice"),
    [
        ("scaffold", "try --split random or cluster"),
        ("time", "try --split random or cluster"),
        ("cluster", "try --split random"),
        ("random", "try --split stratified"),
        ("stratified", "more rows of it are needed"),
    ],
)
def test_a_class_that_a_fold_lacks_is_said(caplog, strategy, advice):
    """Held out or fitted on: one line for each class, and another strategy than the one that was used."""
    y = np.array([[0, 0, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1]], float).T
    parts = [np.array(part) for part in ([0, 1], [2, 3], [4, 5])]
    folds = [(np.setdiff1d(np.arange(6), part), part) for part in parts]
    warn_of_folds(folds, y, ["a", "b"], ["binary", "binary"], strategy)
    assert caplog.messages == [
        f"target a: in 1 of 3 folds of the training rows label 0 is on one side only; {advice}",
        f"target a: in 3 of 3 folds of the training rows label 1 is on one side only; {advice}",
    ]
    caplog.clear()
    warn_of_folds(folds, y, ["a", "b"], ["regression", "regression"], strategy)
    assert caplog.messages == []


@pytest.mark.parametrize("number", range(6))
def test_constant_targets_of_real_tables_are_refused(case, number):
    """Exactly where the labels that a scaffold split leaves for training are all equal."""
    path = case(16) / f"multi{number}.csv"
    data = load_dataset(path, Columns([ALL_TARGETS]))
    usable = usable_rows(data, Options())
    train, _ = usable.splitter.hold_out(0.2, 0)
    labels = data.y[usable.rows[train], data.targets.index("AC50")]
    if len(set(labels[~np.isnan(labels)])) == 1:
        with pytest.raises(
            DataError, match=rf"multi{number}\.csv, column AC50: .* have 1 distinct value; a model"
        ):
            select_rows(data, Options())
    else:
        assert select_rows(data, Options()).data is data


@pytest.mark.training
@pytest.mark.parametrize(
    ("name", "model", "output"),
    [("train", "1", "--model_path"), ("train", "2", "--model_path"), ("tune", "1", "--output")],
)
def test_a_constant_target_is_one_line(command, case, recipes, tmp_path, name, model, output):
    """Neither model learns from labels that are all equal after the split, and nothing is written."""
    stderr = command(
        name, output, tmp_path / "out", "--dataset", case(16) / "forced.csv", "--split_column", "split",
        "--model_name", model, "--config", recipes[model], "--standardization", "none", status=1,
    ).stderr  # fmt: skip
    assert (
        "column y: the labelled training rows (250) have 1 distinct value; a model needs at least" in stderr
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.training
def test_one_scaffold_of_all_actives_is_said(command, case, recipes, tmp_path):
    """By scaffolds no active is tested, and folds have them on one side; at random the model is perfect."""
    arguments = ["train", "--dataset", case(15) / "series.csv", "--config", recipes["1"], "--model_path"]
    stderr = command(*arguments, tmp_path / "scaffold.servier").stderr
    assert "target active: no test row is labelled 1; try --split random or cluster" in stderr
    assert "target active: in 3 of 3 folds of the training rows label 1 is on one side only; try" in stderr
    stderr = command(*arguments, tmp_path / "random.servier", "--split", "random").stderr
    assert "--split" not in stderr
    document = json.loads(command("inspect", tmp_path / "random.servier", "--json").stdout)
    assert document["metrics"]["test"]["active"]["auroc"] == 1


@pytest.mark.training
@pytest.mark.parametrize("name", ["onehuge", "nearconst", "nearconst2", "sevenpos", "probs", "twoclass"])
def test_odd_labels_that_can_be_read_can_be_learnt(command, case, recipes, tmp_path, recwarn, name):
    """Nearly constant, enormous or rare: no traceback, no warning of Python, and answers that are numbers."""
    path, model = case(14) / f"{name}.csv", tmp_path / "m.servier"
    command("train", "--dataset", path, "--config", recipes["1"], "--model_path", model)
    arguments = ["--dataset", path, "--model_path", model, "--resamples", 20, "--json"]
    text = command("evaluate", *arguments).stdout
    assert "NaN" not in text
    assert "Infinity" not in text
    assert [found for found in recwarn if found.category in (UserWarning, RuntimeWarning)] == []


@pytest.mark.training
def test_words_are_learnt_like_numbers(command, simulated, recipes, tmp_path):
    """With words train finds what it finds with 0 and 1, if told which is 1; evaluate knows it then."""
    lines = simulated.read_text().splitlines()
    words = [lines[0], *(("low", "high")[int(line[0])] + line[1:] for line in lines[1:])]
    (tmp_path / "words.csv").write_text("\n".join(words) + "\n")
    found = {}
    for path, positive in ((simulated, []), (tmp_path / "words.csv", ["--positive", "HIGH"])):
        model = tmp_path / f"{path.stem}.servier"
        table = ["--dataset", path, *positive]
        stderr = command("train", *table, "--config", recipes["1"], "--model_path", model).stderr
        assert ("label 1 is 'high', label 0 is 'low'" in stderr) == bool(positive)
        evaluation = command(
            "evaluate", *table[:2], "--model_path", model, "--resamples", 20, "--json"
        ).stdout
        found[path.stem] = json.loads(evaluation)
        assert found[path.stem]["rows"] == "the rows that training held out"
    first, second = found.values()
    assert first["metrics"] == second["metrics"]
    for name in ("train", "tune"):
        arguments = ["--model_path", tmp_path / "new.servier"] if name == "train" else []
        stderr = command(name, "--dataset", tmp_path / "words.csv", *arguments, status=1).stderr
        assert "line 2, column P1: it is not clear which of " in stderr
        assert "is label 1; name that one with --positive, or write 1 and 0" in stderr
