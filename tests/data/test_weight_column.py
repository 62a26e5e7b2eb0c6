"""Tables with a column that says how much each row counts."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.chem.units import Scale
from servier.data.audit import check
from servier.data.bounds import AT_LEAST, AT_MOST, EXACT
from servier.data.datasets import load_dataset
from servier.data.duplicates import merge_duplicates
from servier.data.labelled_table import Columns
from servier.data.replicates import resolve, weighted_median
from servier.data.weight_column import read_weights
from servier.errors import DataError

N = 40


@pytest.fixture
def write(tmp_path):
    """Write a table of labels and weights; returns its path."""

    def write_table(weights, header="how much"):
        path = tmp_path / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["smiles", header, "P1"])
            writer.writerows(("C" * (i + 1), weight, i / 4) for i, weight in enumerate(weights))
        return path

    return write_table


def test_weights_are_read_and_are_no_label(write):
    """The column is not taken for a target; weights that differ by a factor alone are the same."""
    data = load_dataset(write([i % 4 for i in range(N)]), Columns(weight="how much"))
    assert data.targets == ["P1"]
    np.testing.assert_allclose(data.weights.values, np.arange(N) % 4 / 3)
    more = load_dataset(write([f"{2.5 * (i % 4)}" for i in range(N)]), Columns(weight="how much"))
    assert (more.digest, more.weights.digest) == (data.digest, data.weights.digest)
    without = load_dataset(write([i % 4 for i in range(N)]), Columns(("P1",)))
    assert (without.digest, without.weights) == (data.digest, None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no weight"),
        ("NA", "no weight"),
        ("heavy", "weight 'heavy' is not a number"),
        ("-1", "weight -1 is negative"),
        ("\u22121e-9", "weight \u22121e-9 is negative"),
        ("inf", "weight 'inf' is not a number"),
        ("1e999", "weight '1e999' is too large a number"),
        ("1,5", "weight '1,5' is not a number"),
    ],
    ids=["empty", "missing", "word", "negative", "minus", "infinite", "large", "comma"],
)
def test_a_bad_weight_is_told_by_its_row(write, text, problem):
    """The row has no weight, and the others have theirs; `check` finds it."""
    path = write(["1", text] + ["2"] * (N - 2))
    weights = load_dataset(path, Columns(weight="how much")).weights
    assert weights.problems == {1: problem}
    assert np.isnan(weights.values[1])
    audit = check(path, Columns(weight="how much"))
    assert [(f.line, f.details) for f in audit.findings if "bad_weight" in f.problems] == [(3, [problem])]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (["a"] * N, "line 2, column how much: no row has a weight: weight 'a' is not a number"),
        ([""] * N, "line 2, column how much: no row has a weight: no weight"),
        (["0"] * N, "column how much: no row has a weight above 0"),
    ],
    ids=["words", "empty", "zeros"],
)
def test_a_column_without_any_weight_is_refused(write, weights, message):
    """Nothing would be left to learn from; `check` says so as well."""
    path = write(weights)
    with pytest.raises(DataError, match=message):
        load_dataset(path, Columns(weight="how much"))
    said = check(path, Columns(weight="how much")).warnings
    assert any(text.startswith("how much: train refuses it: no row has a weight") for text in said)


@pytest.mark.parametrize("name", ["P1", "smiles", "mass"])
def test_a_column_with_another_use_or_none_is_refused(write, name):
    """A target, the molecules, or a column that is not there cannot be the weight."""
    with pytest.raises(DataError, match=name):
        load_dataset(write([1] * N), Columns(("P1",), weight=name))


def test_check_knows_the_column(command, write):
    """Named, it is no target of its own, and rows of weight 0 are counted."""
    path = write(["0", "0", "x", *map(str, range(1, N - 2))])
    found = json.loads(command("check", path, "--weight_column", "how much", "--json").stdout)
    assert found["problems"]["bad_weight"] == 1
    assert list(found["labels"]) == ["P1"]
    assert "how much: 2 rows of weight 0 teach nothing" in found["warnings"]
    once = check(write(["0", *map(str, range(1, N))]), Columns(weight="how much"))
    assert "how much: 1 row of weight 0 teaches nothing" in once.warnings


def test_extreme_weights_stay_finite():
    """The largest and the smallest numbers that there are can stand in one column."""
    values = read_weights("w", ["1.7e308", "5e-324", "1.7e308"], [2, 3, 4]).values
    assert values.tolist() == [1, 0, 1]


weighted = st.lists(st.tuples(st.integers(-5, 5).map(float), st.integers(1, 4)), min_size=1, max_size=8)


@given(weighted, st.sampled_from(["median", "mean", "geometric", "worst"]))
def test_a_label_of_weight_2_is_as_good_as_two(labels, rule):
    """Every rule gives what it gives to each label as often as its weight says, on any scale of weights."""
    y, weights = (np.array(part, float) for part in zip(*labels, strict=True))
    repeated = np.repeat(y, weights.astype(int))
    of_tasks = [("regression", y), ("regression", np.exp(y)), ("binary", (y > 0).astype(float))]
    for task, values in (*of_tasks, ("multiclass", y + 5), ("ordinal", y + 5)):
        if rule == "geometric" and values.min() <= 0 and task == "regression":
            continue
        again = np.repeat(values, weights.astype(int))
        for factor in (1.0, 0.1, 1 / 3):
            found = resolve(values, task, rule, Scale.LINEAR, weights * factor)
            assert found == pytest.approx(resolve(again, task, rule, Scale.LINEAR), nan_ok=True)
    assert weighted_median(y, weights) == np.median(repeated)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.one_of(st.none(), st.integers(0, 3).map(float)),
            st.sampled_from([EXACT, EXACT, AT_LEAST, AT_MOST]),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_merged_molecules_have_the_sum_of_their_weights(rows):
    """A row of weight 2 becomes what two equal rows become, bounds too; one without a label adds nothing."""
    molecules, y, relations, weights = zip(*rows, strict=True)
    labels = np.array([np.nan if value is None else value for value in y])[:, None]
    bounds = np.where(np.isnan(labels), 0, np.array(relations)[:, None]).astype(np.int8)
    times = np.array(weights)
    merged = merge_duplicates(
        np.array(molecules), labels, ["regression"], relations=bounds, weights=times.astype(float)
    )
    every = np.repeat(np.arange(len(rows)), times)
    repeated = merge_duplicates(
        np.array(molecules)[every], labels[every], ["regression"], relations=bounds[every],
        weights=np.ones(len(every)),
    )  # fmt: skip
    np.testing.assert_array_equal(merged.y, repeated.y)
    np.testing.assert_array_equal(merged.weights, repeated.weights)
    np.testing.assert_array_equal(
        np.zeros(merged.y.shape) if merged.relations is None else merged.relations,
        np.zeros(merged.y.shape) if repeated.relations is None else repeated.relations,
    )
    for i, row in enumerate(merged.rows):
        same = (np.array(molecules) == molecules[row]) & ~np.isnan(labels[:, 0])
        assert merged.weights[i, 0] == times[same].sum()
