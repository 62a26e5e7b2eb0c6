import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.data.folds import (
    enough_folds,
    group_numbers,
    split_folds,
    split_test,
    strata,
)
from servier.errors import DataError


@given(st.lists(st.sampled_from("abcdef") | st.just(""), min_size=1, max_size=40))
def test_groups_are_equal_labels(labels):
    """Rows share a group exactly when they share a label that is not empty."""
    numbers = group_numbers(labels)
    for i, a in enumerate(labels):
        for j, b in enumerate(labels):
            assert (numbers[i] == numbers[j]) == (i == j or (a == b != ""))


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_folds_part_all_rows_and_no_group(task):
    """Each row is held out once, and a group is never on both sides."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, 300)
    y = rng.integers(0, 2, 300).astype(float) if task == "binary" else rng.normal(size=300)
    folds = split_folds(y, task, groups, 5, seed=1)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(300))
    for train, held_out in folds:
        assert not set(groups[train]) & set(groups[held_out])


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.5, 0.8])
def test_test_rows_have_about_the_share_asked_for(fraction):
    """The share is right to a few percent, the classes are balanced, and the seed decides."""
    y = np.array([0.0, 1, 1, 1] * 100)
    train, test = split_test(y, "binary", np.arange(400), fraction, seed=1)
    assert len(test) == pytest.approx(400 * fraction, abs=20)
    assert y[test].mean() == pytest.approx(0.75, abs=0.05)
    assert sorted([*train, *test]) == list(range(400))
    again = split_test(y, "binary", np.arange(400), fraction, seed=1)
    other = split_test(y, "binary", np.arange(400), fraction, seed=2)
    assert again[1].tolist() == test.tolist() != other[1].tolist()


def test_no_test_rows_when_none_are_wanted():
    """A fraction of 0 trains on everything."""
    train, test = split_test(np.ones(5), "binary", np.arange(5), 0, seed=0)
    assert (len(train), len(test)) == (5, 0)


def test_missing_labels_are_a_class_of_their_own():
    """A label that is absent stratifies by its absence."""
    assert strata(np.array([0.0, np.nan, 1.0]), "binary").tolist() == [0, -1, 1]


@pytest.mark.parametrize("n_rows", [10, 16, 20, 24, 26])
def test_few_rows_are_cut_into_folds(n_rows):
    """A regression target of few rows has fewer strata, not an error."""
    y = np.random.default_rng(n_rows).normal(size=n_rows)
    folds = split_folds(y, "regression", np.arange(n_rows), 5, 0)
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(n_rows))


def test_few_groups_are_cut_into_fewer_folds():
    """There are no more folds than groups, and one group cannot be cut."""
    groups = np.repeat([0, 1, 2], 10)
    assert len(split_folds(np.arange(30.0), "regression", groups, 5, 0)) == 3
    with pytest.raises(DataError, match="one scaffold; use --split random"):
        split_folds(np.arange(30.0), "regression", np.zeros(30, np.int64), 5, 0)


@pytest.mark.seconds
@pytest.mark.parametrize(
    ("n_rows", "share_of_1", "expected"),
    [(1000, 0.5, 5), (4000, 0.5, 2), (4000, 0.1, 4), (10000, 0.5, 1), (10000, 0.01, 5)],
)
def test_large_tables_need_not_hold_out_all_rows(n_rows, share_of_1, expected):
    """Folds are left out once 1,500 rows and 300 of each class are held out, and never before."""
    y = np.arange(n_rows) % 100 < 100 * share_of_1
    folds = split_folds(y.astype(float), "binary", np.arange(n_rows), 5, seed=0)
    taken = enough_folds(folds, y[:, None].astype(float), ["binary"], seed=0)
    assert len(taken) == expected
    for _, held_out in taken:
        assert any(np.array_equal(held_out, other) for _, other in folds)


def test_every_target_needs_enough_held_out_labels():
    """A second target with few labels keeps all folds."""
    y = np.stack([np.arange(6000) % 2, np.where(np.arange(6000) < 500, 1.5, np.nan)], axis=1)
    folds = split_folds(y[:, 0], "binary", np.arange(6000), 5, seed=0)
    assert len(enough_folds(folds, y[:, :1], ["binary"], seed=0)) == 2
    assert len(enough_folds(folds, y, ["binary", "regression"], seed=0)) == 5


def test_rare_classes_and_many_folds_are_no_matter_for_warnings(recwarn):
    """There are no more folds than the most frequent class has rows, and scikit-learn does not warn."""
    folds = split_folds(np.array([0.0, 1] * 5), "binary", np.arange(10), 8, 0)
    assert len(folds) == 5
    assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(10))
    split_folds(np.array([1.0] + [0.0] * 29), "binary", np.arange(30), 5, 0)
    assert recwarn.list == []
