"""Tables with a column of weights, from the table to models and what is said of them."""

import csv
import statistics

import numpy as np
import pytest
from classes_for_tests import KINDS, LEVELS, TASKS, write_classes

from servier.checkpoint.file import graph_name, open_checkpoint
from servier.scoring.scorer import Scorer

pytestmark = pytest.mark.training

BAD = {1: "", 3: "heavy", 5: "-2", 7: "inf", 9: "1e999"}


@pytest.fixture(scope="module")
def rows(simulated):
    """The simulated table with a column that splits it and weights 1, 2 and 4; a fifth is for testing."""
    return read(simulated)


@pytest.fixture(scope="module")
def rows_of_classes(tmp_path_factory):
    """The simulated table with three classes, and the same columns."""
    return read(write_classes(tmp_path_factory.mktemp("classes") / "t.csv"))


@pytest.fixture
def train(command, recipes, tmp_path):
    """Train on rows, by default with their weights; returns the checkpoint, and what was said."""

    def train_model(rows, *options, name="m", weight="w", model="1", target="P1"):
        path = tmp_path / f"{name}.servier"
        table = write(tmp_path / "t.csv", rows)
        said = command(
            "train", "--dataset", table, "--target", target, "--split_column", "split", "--model_name", model,
            "--config", recipes[model], "--model_path", path, "--workers", 1, "--force",
            *(["--weight_column", weight] if weight else []),
            *(["--task", TASKS[target]] if target in TASKS else []), *options,
        )  # fmt: skip
        return open_checkpoint(path).load(), said.stdout + said.stderr

    return train_model


def read(path):
    with path.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    rng = np.random.default_rng(0)
    for i, row in enumerate(found):
        row |= {"split": "test" if i % 5 == 0 else "train", "w": str(rng.choice([1, 2, 4]))}
    return found


def write(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def learnt(checkpoint):
    """What a model learnt: its graph, and how scores become answers."""
    return checkpoint.entries[graph_name(0)], checkpoint.targets


@pytest.mark.parametrize("target", ["P1", *TASKS])
def test_a_row_of_weight_2_teaches_as_much_as_two_rows(train, rows_of_classes, target):
    """Equal rows become one molecule with the sum of their weights, so that the model is the same."""
    rows = rows_of_classes
    repeated = [
        row | {"w": "1"} for row in rows for _ in range(int(row["w"]) if row["split"] == "train" else 1)
    ]
    weighted = learnt(train(rows, target=target)[0])
    assert weighted == learnt(train(repeated, target=target)[0])
    graph, answers = learnt(train(rows, target=target, weight=None)[0])
    assert graph != weighted[0]
    assert answers != weighted[1]


@pytest.mark.parametrize(
    ("target", "model", "word"), [("kind", "1", KINDS[0]), ("level", "1", LEVELS[2]), ("kind", "2", KINDS[0])]
)
def test_a_class_that_weighs_more_is_more_probable(train, rows_of_classes, target, model, word):
    """A third of the rows, with most of the weight, make their class so, in both models."""
    few = [row | {"w": "8" if row[target] == word else "1"} for row in rows_of_classes[:90]]
    plain, weighted = (
        train(few, name=name, weight=weight, model=model, target=target)[0]
        for name, weight in (("a", None), ("b", "w"))
    )
    label = plain.targets[0].words.index(word)
    found, before = (
        Scorer([one]).score([row["smiles"] for row in few]).values[:, label].mean()
        for one in (weighted, plain)
    )
    assert found > before + 0.1
    assert weighted.metadata.dataset.weights.column == "w"


def test_a_row_of_weight_0_teaches_nothing(train, rows):
    """The model is that of a table without the row, in training; held-out rows count whatever they weigh."""
    fewer, more = rows[:180], rows[180:]
    held_out = [row | {"w": "0" if row["split"] == "test" else "2"} for row in fewer]
    without, said = train(held_out + [row | {"w": "0", "split": "train"} for row in more])
    expected, _ = train(fewer, name="fewer", weight=None)
    assert learnt(without) == learnt(expected)
    facts, sought = without.metadata.dataset, expected.metadata.dataset
    assert (facts.train_rows, facts.test_rows) == (sought.train_rows, sought.test_rows)
    assert facts.left_out == len(more)
    assert without.metadata.metrics == expected.metadata.metrics
    assert "all weights in column 'w' are equal" in said


def test_without_the_option_no_byte_differs(train, rows, tmp_path):
    """A column that nobody names changes nothing; one with equal weights only what is said of it."""
    train(rows, weight=None, name="a")
    train([row | {"w": "0.1"} for row in rows], weight=None, name="b")
    assert (tmp_path / "a.servier").read_bytes() == (tmp_path / "b.servier").read_bytes()
    equal, _ = train([row | {"w": "0.1"} for row in rows], name="c")
    plain = open_checkpoint(tmp_path / "a.servier").load()
    assert learnt(equal) == learnt(plain)
    assert equal.metadata.metrics == plain.metadata.metrics
    assert plain.metadata.dataset.weights is None
    facts = equal.metadata.dataset.weights
    assert (facts.column, facts.lowest, facts.highest, facts.effective) == (
        "w",
        1,
        1,
        len(equal.reference.train_y),
    )


def test_bad_weights_cost_their_rows_alone(train, rows):
    """Each is left out, counted and named with its line and the reason."""
    damaged = [row | {"w": BAD.get(i, "1")} for i, row in enumerate(rows)]
    checkpoint, said = train(damaged)
    assert checkpoint.metadata.dataset.left_out == len(BAD)
    assert "line 3: left out: no weight" in said
    assert "line 5: left out: weight 'heavy' is not a number" in said
    assert "line 7: left out: weight -2 is negative" in said


@pytest.mark.parametrize("target", ["P1", *TASKS])
def test_one_huge_weight_is_warned_of_and_costs_no_run(train, rows_of_classes, target):
    """A typing error makes others count nothing; answers stay finite, and a warning says where to look."""
    rows = [row | {"w": "1e30" if i == 1 else "1"} for i, row in enumerate(rows_of_classes)]
    checkpoint, said = train(rows, target=target)
    assert "labels count as 1; look for a weight far above the others" in said
    assert np.isfinite([sentinel.scores for sentinel in checkpoint.metadata.sentinels]).all()
    assert np.isfinite(Scorer([checkpoint]).score([row["smiles"] for row in rows[:5]]).values).all()


def test_weights_are_recorded_and_told(command, train, rows, tmp_path):
    """The checkpoint has the column and how much weights differ; `inspect` and the card say it."""
    checkpoint, logged = train(rows)
    facts = checkpoint.metadata.dataset.weights
    weights = np.array([float(row["w"]) for row in rows if row["split"] == "train"])
    normal = weights / weights.mean()
    assert (facts.lowest, facts.highest) == pytest.approx((normal.min(), normal.max()))
    assert facts.effective == round(weights.sum() ** 2 / (weights**2).sum())
    assert (facts.median, facts.labels) == (pytest.approx(statistics.median(normal)), len(weights))
    said = command("inspect", checkpoint.path, "--html", tmp_path / "card.html").stdout
    told = f"{len(weights)} labels as good as {facts.effective} labels of equal weight"
    span = f"{normal.min():.3g} to {normal.max():.3g} times their mean"
    median = f"median {statistics.median(normal):.3g}"
    assert f"{span} ({median}), {told}" in said
    assert f"{span}, their {median}; the {len(weights)} labels count as {facts.effective} of equal" in logged
    assert told in (tmp_path / "card.html").read_text()


def test_training_again_takes_the_weights_of_the_model(command, train, rows, tmp_path):
    """`evaluate --folds` reads them from the column that the model had, and refuses a table without it."""
    checkpoint, _ = train(rows)
    table = write(tmp_path / "plain.csv", [{k: v for k, v in row.items() if k != "w"} for row in rows])
    given = [
        "evaluate",
        "--dataset",
        table,
        "--model_path",
        checkpoint.path,
        "--resamples",
        20,
        "--workers",
        1,
    ]
    assert "'w'" in command(*given, "--folds", 2, status=1).stderr
    command(*given)


def test_model_2_learns_by_weights(train, rows):
    """Its scores are not those without weights, which it records."""
    few = [row | {"w": "9" if row["P1"] == "1" and i % 2 else "1"} for i, row in enumerate(rows[:80])]
    plain, weighted = (
        train(few, model="2", name=name, weight=weight)[0] for name, weight in (("a", None), ("b", "w"))
    )
    assert weighted.metadata.dataset.weights.column == "w"
    scores = [[found.scores for found in model.metadata.sentinels] for model in (plain, weighted)]
    assert scores[0] != scores[1]
