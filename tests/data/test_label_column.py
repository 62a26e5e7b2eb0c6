import csv
import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.data.datasets import load_dataset
from servier.data.label_column import LARGEST, OPPOSITES, read_labels
from servier.errors import DataError

PAIRS = [*OPPOSITES.items(), ("toxic", "non-toxic"), ("toxic", "nontoxic"), ("binder", "not binder")]


def labels(*texts, positive=()):
    """The labels, with None where one is missing; all of them can be read."""
    column = read_labels(texts, positive)
    assert not column.problems
    return [None if np.isnan(y) else y for y in column.y]


def write(tmp_path, texts, name="t.csv"):
    path = tmp_path / name
    rows = "".join(f'{"C" * (i + 1)},"{text}"\n' for i, text in enumerate(texts))
    path.write_text("smiles,y\n" + rows, encoding="utf-8")
    return path


@given(
    st.sampled_from(PAIRS),
    st.lists(st.sampled_from([0, 1, None]), min_size=1, max_size=30),
    st.sampled_from([str.upper, str.capitalize, str.lower, " {} ".format]),
    st.integers(),
)
def test_opposites_are_two_classes_in_any_order(pair, truth, spell, seed):
    """Whichever word comes first or is more frequent, and however it is written, each has its label."""
    if not {0, 1} <= set(truth):
        truth = [*truth, 0, 1]
    missing = random.Random(seed).choice(["", "N/A", "nan"])
    texts = [missing if y is None else spell(pair[1 - y]) for y in truth]
    assert labels(*texts) == truth


def test_one_class_alone_keeps_its_label():
    """A table to evaluate may have inactive molecules only."""
    assert labels("inactive", "Inactive", "") == [0, 0, None]
    assert labels("True") == [1]


@pytest.mark.parametrize(
    ("texts", "positive", "expected"),
    [
        (["high", "low", "High"], ["high"], [1, 0, 1]),
        (["high", "low", ""], ["low"], [0, 1, None]),
        (["active", "inactive"], ["inactive"], [0, 1]),
        (["1", "2", "2.0"], ["2"], [0, 1, 1]),
        (["-1", "1", "\u22121"], ["-1"], [1, 0, 1]),
        (["high", "low"], ["toxic", "low"], [0, 1]),
        (["0.5", "1"], ["toxic"], [0.5, 1]),
        (["+", "-", ""], ["-"], [0, 1, None]),
        (["only", "only"], ["only"], [1, 1]),
        (["-", "x", ""], ["-"], [1, 0, None]),
        (["-", "-"], ["-"], [1, 1]),
        (["none", "severe", "", "None"], ["none"], [1, 0, None, 1]),
        (["none", "severe", ""], ["severe"], [None, 1, None]),
    ],
)
def test_a_word_can_be_named_as_positive(texts, positive, expected):
    """It is label 1 in whichever target has it, and the other word is label 0."""
    assert labels(*texts, positive=positive) == expected


def test_the_two_words_cannot_both_be_positive():
    """One of them is label 0."""
    with pytest.raises(DataError, match="'high' and 'low' cannot both be label 1"):
        read_labels(["high", "low"], ["high", "low"])


@pytest.mark.parametrize(
    ("texts", "row", "problem"),
    [
        (["active", "inactive", "inconclusive"], 2, "'inconclusive' is neither 'active' nor 'inactive'"),
        (["yes", "yes", "true", "no"], 2, "'true' is neither 'yes' nor 'no'"),
        (["yes", "no", "1"], 2, "'1' is neither 'yes' nor 'no'"),
        (["1", "0", "0", "yes"], 3, "'yes' is not a number"),
        (["1.5", "2", "active"], 2, "'active' is not a number"),
        (["+", "-", "NA", "?"], 3, "'?' is neither '+' nor '-'"),
        (["toxic", "non-toxic", "hardly"], 2, "'hardly' is neither 'toxic' nor 'non-toxic'"),
        (["a", "b", "c"], 0, "'a' is not a number"),
    ],
)
def test_what_does_not_fit_is_named(texts, row, problem):
    """The first label that is of another kind than most of them."""
    found = read_labels(texts).problems
    assert next(iter(found)) == row
    assert found[row].problem == problem


@pytest.mark.parametrize(
    "words", [("good", "bad"), ("agonist", "antagonist"), ("toxic", "safe"), ("on", "off")]
)
def test_it_is_never_guessed_which_word_is_label_1(tmp_path, words):
    """Two words that are no opposites of the list need --positive."""
    with pytest.raises(
        DataError, match=f"line 2, column y: it is not clear which of '{words[0]}' and .*--positive"
    ):
        load_dataset(write(tmp_path, words * 20))
    assert load_dataset(write(tmp_path, words * 20), positive=[words[1]]).y[:2, 0].tolist() == [0, 1]


def test_which_word_is_label_1_is_said(tmp_path, caplog):
    """In the words of the table; numbers are two classes without a word."""
    with caplog.at_level("INFO", "servier"):
        data = load_dataset(write(tmp_path, ["NOT toxic", "Toxic"] * 15))
    assert (data.tasks, data.y[:2, 0].tolist()) == (["binary"], [0, 1])
    assert caplog.messages == ["target y: label 1 is 'Toxic', label 0 is 'NOT toxic'"]
    caplog.clear()
    load_dataset(write(tmp_path, ["0", "1"] * 15))
    assert caplog.messages == []


def test_booleans_of_parquet_are_labels(tmp_path):
    """True is label 1, null is missing; so are they where Arrow has them as a dictionary of words."""
    truth = [True, False, None, True] * 10
    smiles = ["C" * (i + 1) for i in range(len(truth))]
    words = pa.array([None if y is None else str(y) for y in truth]).dictionary_encode()
    for name, column in (("bool", pa.array(truth)), ("words", words)):
        pq.write_table(pa.table({"smiles": smiles, "y": column}), tmp_path / f"{name}.parquet")
        data = load_dataset(tmp_path / f"{name}.parquet")
        assert data.tasks == ["binary"]
        np.testing.assert_array_equal(data.y[:4, 0], [1, 0, np.nan, 1])


def test_a_label_beyond_single_precision_is_refused():
    """Checkpoints keep the labels of training in single precision, in which 1e300 is infinite."""
    found = read_labels(["1e300", "-1e39", str(LARGEST), "1e-300", "0"]).problems
    assert list(found) == [0, 1]
    assert str(found[0]) == "'1e300' is too large for a label; use a unit in which labels are below 3.4e+38"
    assert np.isfinite(np.float32(LARGEST))


def test_labels_too_close_to_each_other_are_refused(tmp_path):
    """Where the square of a difference is 0, so is the standard deviation."""
    with pytest.raises(DataError, match="column y: the labels, 1e-300 to 2e-300, differ too little"):
        load_dataset(write(tmp_path, ["1e-300", "2e-300"] * 15))


def test_a_word_that_no_target_has_is_refused(tmp_path):
    """A misspelt --positive is not passed over."""
    with pytest.raises(DataError, match=r"t\.csv: no label is 'activ'; --positive names a label in y"):
        load_dataset(write(tmp_path, ["active", "inactive"] * 15), positive=["activ"])


def test_two_numbers_stay_numbers_until_one_is_named(tmp_path, caplog):
    """-1 and 1 are a regression target, which is said, or two classes."""
    path = write(tmp_path, ["-1", "1"] * 15)
    assert load_dataset(path).tasks == ["regression"]
    assert "labels -1 and 1 are learnt as numbers" in caplog.text
    assert "--positive" in caplog.text
    with pytest.raises(DataError, match=r"label -1 in a binary target.*--positive"):
        load_dataset(path, tasks="binary")
    data = load_dataset(path, tasks="binary", positive=["1"])
    assert (data.tasks, data.y[:2, 0].tolist()) == (["binary"], [0, 1])


@pytest.mark.parametrize("learnt", [["low", "high"], ["high", "low"], ["active", "inactive"]])
def test_words_mean_what_a_model_has_learnt(learnt):
    """The words of a model keep their labels, whatever is usual; other words and numbers are read as ever."""
    column = read_labels([learnt[0].upper(), learnt[1], ""], learnt=learnt)
    assert column.y[:2].tolist() == [0, 1]
    assert read_labels([learnt[1]], learnt=learnt).y.tolist() == [1]
    assert read_labels(["1", "0"], learnt=learnt).y.tolist() == [1, 0]
    assert read_labels(["no", "yes"], learnt=learnt).y.tolist() == [0, 1]


@pytest.mark.parametrize("learnt", [["-", "+"], ["none", "severe"]])
def test_a_word_that_a_model_has_learnt_is_not_missing(learnt):
    """A table to evaluate may have label 0 only, in a sign or a word that elsewhere stands for nothing."""
    y = read_labels([learnt[0], "", learnt[0].upper(), "NA"], learnt=learnt).y
    np.testing.assert_array_equal(y, [0, np.nan, 0, np.nan])


def test_the_opposite_of_what_a_model_has_learnt_is_refused():
    """Label 0 of a model cannot be label 1 of the table that it is evaluated on."""
    with pytest.raises(DataError, match="'low' is label 0 of the model"):
        read_labels(["low", "high"], ["low"], ["low", "high"])
    assert read_labels(["low", "high"], ["high"], ["low", "high"]).y.tolist() == [0, 1]


@pytest.mark.training
def test_evaluate_reads_words_as_train_did(command, recipes, simulated, tmp_path):
    """A model whose label 1 is the word inactive has the metrics of one that was trained on 0 and 1."""
    names, *rows = csv.reader(simulated.read_text().splitlines())
    column = names.index("P1")
    models, answers = [], []
    for words in (("0", "1"), ("active", "inactive")):
        table, model = tmp_path / f"{words[1]}.csv", tmp_path / f"{words[1]}.servier"
        with table.open("w", newline="") as file:
            labelled = [[*row[:column], words[int(row[column])], *row[column + 1 :]] for row in rows]
            csv.writer(file).writerows([names, *labelled])
        chosen = ["--positive", "inactive"] if "inactive" in words else []
        told = ["--dataset", table, "--model_path", model]
        command("train", *told, "--config", recipes["1"], *chosen)
        evaluate = ["evaluate", *told, "--model_name", "1", "--resamples", "20"]
        answers.append(json.loads(command(*evaluate, "--json").stdout)["metrics"])
        models.append(model)
    assert answers[0] == answers[1]
    assert "label 1 (inactive)" in command("inspect", models[1]).stdout
    assert "'active' is label 0 of the model" in command(*evaluate, "--positive", "active", status=1).stderr
