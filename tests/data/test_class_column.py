import json
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.data.class_column import SCALES, may_be_classes, read_classes
from servier.data.datasets import Columns, load_dataset
from servier.data.duplicates import merge_duplicates
from servier.data.wishes import Wishes
from servier.errors import DataError
from servier.training.options import Options
from servier.training.rows import select_rows


def read(*texts, task="multiclass", orders=(), learnt=None):
    """The labels, with None where one is missing, and their words; all of them can be read."""
    column = read_classes(texts, task, orders, learnt)
    assert not column.problems
    return [None if np.isnan(y) else int(y) for y in column.y], column.in_order


def write(tmp_path, texts, name="t.csv"):
    path = tmp_path / name
    rows = "".join(f'{"C" * (i + 1)},"{text}"\n' for i, text in enumerate(texts))
    path.write_text("smiles,y\n" + rows, encoding="utf-8")
    return path


@given(
    st.lists(st.sampled_from(["kinase", "GPCR", "ion channel", "none of these", ""]), min_size=8),
    st.sampled_from([str.upper, str.capitalize, str.lower, " {} ".format]),
)
def test_words_have_the_same_numbers_in_any_order_of_rows(texts, spell):
    """The alphabet numbers them, whichever comes first and however it is written."""
    texts = [*texts, "kinase", "GPCR", "ion channel", "none of these"]
    order = ["gpcr", "ion channel", "kinase", "none of these"]
    expected = [order.index(text.lower()) if text else None for text in texts]
    labels, words = read(*map(spell, texts))
    assert labels == expected
    assert [word.lower() for word in words] == order


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
@given(
    st.lists(st.integers(-5, 30), min_size=3, max_size=20, unique=True),
    st.sampled_from(["{}", "{}.0", " {} "]),
    st.integers(),
)
def test_whole_numbers_are_numbered_by_size(task, numbers, spelling, seed):
    """However they are written, also as decimals, which columns with missing values become elsewhere."""
    rows = [*numbers, *numbers]
    random.Random(seed).shuffle(rows)
    labels, words = read(*map(spelling.format, rows), task=task)
    assert labels == [sorted(numbers).index(number) for number in rows]
    assert words == [str(number) for number in sorted(numbers)]


@pytest.mark.parametrize("scale", SCALES, ids="-".join)
def test_usual_scales_have_an_order(scale):
    """From the lowest to the highest, and any three of their words too."""
    labels, words = read(*reversed([word.title() for word in scale]), task="ordinal")
    assert labels == list(range(len(scale)))[::-1]
    assert [word.lower() for word in words] == list(scale)


def test_an_order_can_be_named():
    """The list that has all labels of a column is its own; what no row has is no class."""
    orders = [["a", "b", "c"], ["bad", "fair", "good", "best"]]
    assert read("good", "bad", "fair", "Good", task="ordinal", orders=orders) == (
        [2, 0, 1, 2], ["bad", "fair", "good"],
    )  # fmt: skip
    assert read("c", "b", "a", orders=orders) == ([2, 1, 0], ["a", "b", "c"])


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
def test_a_label_that_is_not_named_is_told_by_its_line(command, tmp_path, task):
    """A typing error beside named classes is neither a class nor a reason to forget what was named."""
    texts = [["low", "medium", "high"][i % 3] for i in range(30)]
    path = write(tmp_path, [*texts, "hihg", *texts])
    options = ("--target", "y", "--task", task, "--classes", "low,medium,high")
    told = command("train", "--dataset", path, *options, status=1).stderr
    assert told == (
        f"Error: {path}, line 32, column y: 'hihg' is none of the classes 'low', 'medium', 'high'; leave the "
        "field empty where a label is missing\n"
    )
    found = tmp_path / "found.csv"
    assert "bad_label" in command("check", path, found, *options).stdout
    assert "'hihg' is none of the classes" in found.read_text()


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
@pytest.mark.parametrize(
    ("classes", "problem"),
    [
        ("high,low", "line 3, column y: 'medium' is none of the classes 'high', 'low'"),
        ("lo,med,hi", "the classes of no target are 'lo', 'med', 'hi'; --classes names the labels in y"),
    ],
)
def test_classes_that_are_named_are_never_passed_over(command, tmp_path, task, classes, problem):
    """Neither where they are some of a column, nor where no column has them, though its order is known."""
    path = write(tmp_path, ["low", "medium", "high"] * 10)
    options = ("--target", "y", "--task", task, "--classes", classes)
    for name in (("train", "--dataset", path), ("tune", "--dataset", path)):
        assert problem in command(*name, *options, status=1).stderr


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--classes", "low,medium,high"), "--classes names classes, and no target is said to have any"),
        (("--task", "ordinal", "--positive", "high"), "--positive names label 1 of two, and targets have"),
        (
            ("--task", "ordinal", "--unit_column", "smiles"),
            "--unit_column holds units of numbers, and targets",
        ),
    ],
)
def test_what_is_for_other_labels_is_refused(command, tmp_path, options, problem):
    """By `check` as by `train` and `tune`, none of which passes over what it cannot use."""
    path = write(tmp_path, ["low", "medium", "high"] * 10)
    for name in (("check", path), ("train", "--dataset", path), ("tune", "--dataset", path)):
        assert command(*name, "--target", "y", *options, status=1).stderr.startswith(f"Error: {problem}")


def test_each_list_of_classes_is_for_some_target(tmp_path):
    """With several targets each has its own list, or none where numbers or a scale tell its order."""
    path = tmp_path / "three.csv"
    rows = [f"{'C' * (i + 1)},{'abc'[i % 3]},{('low', 'high', 'medium')[i % 3]},{i % 3}" for i in range(30)]
    path.write_text("\n".join(["smiles,x,y,z", *rows]))
    columns = Columns(("x", "y", "z"))
    data = load_dataset(path, columns, "ordinal", orders=[["c", "b", "a", "d"]])
    assert data.words == {"x": ["c", "b", "a"], "y": ["low", "medium", "high"], "z": ["0", "1", "2"]}
    with pytest.raises(DataError, match="the classes of no target are 'p', 'q', 'r'"):
        load_dataset(path, columns, "ordinal", orders=[["c", "b", "a"], ["p", "q", "r"]])
    missing = write(tmp_path, ["none", "NA", "null"] * 10)
    found = load_dataset(missing, Columns(("y",)), "ordinal", orders=[["none", "NA", "null"]])
    assert found.words == {"y": ["none", "NA", "null"]}


def test_a_named_class_is_no_missing_value():
    """`none` is a label where it is named, and stands for a missing one elsewhere."""
    order = ["none", "mild", "severe"]
    assert read("none", "mild", "", "severe", task="ordinal", orders=[order])[0] == [0, 1, None, 2]
    assert read("none", "mild", "severe", "moderate", task="ordinal")[0] == [None, 0, 2, 1]


def test_classes_of_a_model_keep_their_numbers():
    """A table to evaluate may lack classes; one that the model does not know cannot be read."""
    learnt = ["low", "medium", "high"]
    assert read("High", "low", "", learnt=learnt)[0] == [2, 0, None]
    column = read_classes(["low", "huge"], "ordinal", learnt=learnt)
    assert column.problems[1].problem == "'huge' is none of the classes 'low', 'medium', 'high'"
    assert read("3", "1.0", learnt=["1", "2", "3"])[0] == [2, 0]


@pytest.mark.parametrize(
    ("texts", "task", "orders", "problem"),
    [
        (["a", "b", "a"], "multiclass", [], "there are only 2 classes: 'a', 'b'"),
        (["1", "2"], "ordinal", [], "there are only 2 classes: '1', '2'"),
        (["", "-"], "ordinal", [], "there are only 0 classes"),
        ([str(i) for i in range(51)], "multiclass", [], "there are 51 classes"),
        (["1", "2", "2.5"], "multiclass", [], "2.5 is no class"),
        (
            ["good", "bad", "fair"],
            "ordinal",
            [],
            "it is not clear in which order 'bad', 'fair', 'good' stand",
        ),
        (["a", "b", "c"], "ordinal", [["a", "b", "A"]], "--classes names a class twice"),
    ],
)
def test_what_cannot_be_classes_is_refused(texts, task, orders, problem):
    """In one line with a hint."""
    with pytest.raises(DataError) as refused:
        read_classes(texts, task, orders)
    assert refused.value.problem.startswith(problem)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0", "1", "2"] * 5, True),
        (["1.0", "3.0", "7.0"] * 5, True),
        (["a", "b", "c"] * 5, True),
        (["0", "1"] * 5, False),
        (["0.5", "1", "2"] * 5, False),
        (["a", "1", "2"] * 5, False),
        ([str(i) for i in range(11)] * 5, False),
        (["0", "1", "2", "2"], False),
    ],
)
def test_few_repeated_labels_may_be_classes(texts, expected):
    """Whole numbers or words, from three to ten different ones."""
    assert may_be_classes(texts) is expected


def test_values_that_may_be_classes_are_a_choice_that_is_said(tmp_path, caplog):
    """Few whole numbers are learnt as values, and a line says so and which option changes it."""
    path = write(tmp_path, [str(i % 4) for i in range(40)])
    with caplog.at_level("WARNING"):
        assert load_dataset(path).tasks == ["regression"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("target y: 4 different whole numbers, 0 to 3, are learnt as values (--task regr")
    assert said.endswith("; --task multiclass or ordinal learns them as classes")


@pytest.mark.parametrize("task", ["regression", "multiclass", "ordinal"])
def test_a_task_that_was_asked_for_is_no_surprise(tmp_path, caplog, task):
    """Nothing is warned of then."""
    path = write(tmp_path, [str(i % 4) for i in range(40)])
    with caplog.at_level("WARNING"):
        data = load_dataset(path, tasks=task)
    assert data.tasks == [task]
    assert caplog.records == []
    assert data.labels_of(0) == ([] if task == "regression" else ["0", "1", "2", "3"])


def test_three_words_say_what_can_be_done(tmp_path):
    """Without a task they are refused, with the option that learns them."""
    path = write(tmp_path, ["a", "b", "c"] * 10)
    with pytest.raises(DataError) as refused:
        load_dataset(path)
    assert (
        refused.value.hint
        == "--task multiclass learns words as classes, --task ordinal if they have an order"
    )
    assert load_dataset(path, tasks="multiclass").words == {"y": ["a", "b", "c"]}


def test_conflicts_between_classes_are_settled():
    """The majority of classes, the median of those in an order; where there is none, no label."""
    molecules = np.array([0, 0, 0, 1, 1, 2, 2, 3, 3])
    y = np.array([0, 2, 2, 0, 1, 0, 2, 1, 1], float)
    both = np.stack([y, y], axis=1)
    found = merge_duplicates(molecules, both, ["multiclass", "ordinal"])
    np.testing.assert_array_equal(found.y, [[2, 2], [np.nan, np.nan], [np.nan, 1], [1, 1]])
    assert found.conflicts == 3


def test_bounds_are_no_classes(tmp_path):
    """Neither among numbers, nor where a column of relations says so; beside words a sign is part of one."""
    rows = ["1", "2", ">3"] * 10
    with pytest.raises(DataError, match="column y: '>3' is a bound of a number, and no class") as refused:
        load_dataset(write(tmp_path, rows), tasks="ordinal")
    assert "--classes" in refused.value.hint
    assert load_dataset(write(tmp_path, rows), tasks="ordinal", orders=[["1", "2", ">3"]]).tasks == [
        "ordinal"
    ]
    assert read("<1", "1-10", ">10")[1] == ["1-10", "<1", ">10"]
    path = tmp_path / "relations.csv"
    words = [["low", "medium", "high"][i % 3] for i in range(30)]
    lines = [f"{'C' * (i + 1)},{word},{'<' if i == 7 else '='}" for i, word in enumerate(words)]
    path.write_text("\n".join(["smiles,y,relation", *lines]))
    with pytest.raises(
        DataError, match="'medium' stands beside '<', but is a class and no number"
    ) as refused:
        load_dataset(path, Columns(("y",)), "ordinal")
    assert refused.value.row == 9


@pytest.mark.parametrize("wishes", [Wishes(unit=["nM"]), Wishes(transform=["log10"]), Wishes(bounds=["0,2"])])
def test_classes_have_neither_units_nor_bounds(tmp_path, wishes):
    """What is for numbers is refused, also where it is said of several targets at once."""
    path = tmp_path / "two.csv"
    path.write_text("smiles,y,z\n" + "".join(f"{'C' * (i + 1)},{i % 3},{i % 4}\n" for i in range(40)))
    (name,) = [name for name, given in vars(wishes).items() if given]
    with pytest.raises(DataError, match=f"column y: its labels are classes, and --{name} is for numbers"):
        load_dataset(path, Columns(("y", "z")), "multiclass", wishes=wishes)


def test_numbers_of_units_are_no_classes(command, tmp_path):
    """A column of units is refused where labels are classes; check says that train refuses a unit."""
    path = write(tmp_path, ["low", "medium", "high"] * 10)
    options = ["--dataset", path, "--target", "y", "--task", "ordinal", "--unit_column", "smiles"]
    assert "--unit_column holds units of numbers" in command("train", *options, status=1).stderr
    told = command("check", path, "--target", "y", "--task", "ordinal", "--unit", "nM").stdout
    assert "y: train refuses it: its labels are classes, and --unit is for numbers; leave out --unit" in told


def test_classes_without_an_order_have_no_worst_one(tmp_path):
    """In an order it is the highest."""
    path = write(tmp_path, [str(i % 3) for i in range(60)])
    for task, worst in (("ordinal", "worst"), ("multiclass", "median")):
        select_rows(load_dataset(path, tasks=task), Options(conflicts=worst))
    with pytest.raises(DataError, match="column y: classes without an order have no worst one"):
        select_rows(load_dataset(path, tasks="multiclass"), Options(conflicts="worst"))


def test_check_says_how_exact_classes_are_and_where_like_molecules_differ(command, tmp_path):
    """Repeated molecules limit what can be reached; of two near duplicates the classes are named."""
    words, path = ["low", "medium", "high"], tmp_path / "repeated.csv"
    rows = [f"{'C' * (i + 1)},{words[(i + (i % 4 == 0) * extra) % 3]}" for i in range(15) for extra in (0, 1)]
    left, right = "C[C@H](N)C(=O)Nc1ccc(Cl)cc1CCO,low", "C[C@@H](N)C(=O)Nc1ccc(Cl)cc1CCO,high"
    path.write_text("\n".join(["smiles,y", *rows, left, right]))
    options = ["check", path, tmp_path / "found.csv", "--target", "y", "--task", "ordinal", "--json"]
    found = json.loads(command(*options).stdout)
    assert found["replicates"]["y"]["spread"] == pytest.approx(4 / 15)
    assert list(found["replicates"]["y"]["best"]) == ["quadratic_kappa"]
    assert found["problems"]["conflict"] == 8
    said = (tmp_path / "found.csv").read_text()
    assert "y: low and high, though line 33 is 1.00 similar" in said
    assert "y: low, medium" in said


def test_equal_tables_of_classes_have_equal_digests(tmp_path):
    """Another class of one row is another table."""
    words = ["low", "medium", "high"] * 10
    one = load_dataset(write(tmp_path, words, "a.csv"), tasks="ordinal")
    other = load_dataset(write(tmp_path, [*words[:-1], "low"], "c.csv"), tasks="ordinal")
    assert one.digest == load_dataset(write(tmp_path, words, "d.csv"), tasks="ordinal").digest != other.digest


def test_check_counts_classes(command, tmp_path):
    """With the task, classes are counted and conflicts found; without it they are suspected."""
    words = [["low", "medium", "high"][i % 3] for i in range(40)]
    path = write(tmp_path, words)
    with path.open("a") as table:
        table.write("C,high\nCCCCCCO,huge\n")
    told = command("check", path, "--target", "y").stdout
    assert "Warning: y: its few different labels may be classes; --task multiclass or ordinal learns" in told
    found = json.loads(
        command(
            "check", path, "--target", "y", "--task", "ordinal", "--classes", "low,medium,high,huge", "--json"
        ).stdout
    )
    assert found["labels"]["y"] == {
        "labels": 42, "missing": 0, "share_of_low": 14 / 42, "share_of_medium": 13 / 42,
        "share_of_high": 14 / 42, "share_of_huge": 1 / 42,
    }  # fmt: skip
    assert found["problems"]["conflict"] == 2
    refused = command("check", path, "--task", "ordinal", "--target", "y", status=1).stderr
    assert "column y: it is not clear in which order" in refused
