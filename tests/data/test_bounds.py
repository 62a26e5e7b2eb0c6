import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.data.bounds import AT_LEAST, AT_MOST, EXACT, find_relation, only_exact, resolve
from servier.data.duplicates import merge_duplicates
from servier.errors import DataError

NAN = np.nan
SIGNS = {"<": AT_MOST, "=": EXACT, ">": AT_LEAST}


def median(values):
    return float(np.median(values))


def read(texts):
    """Labels and relations of texts such as `>5`."""
    return np.array([float(t[1:]) for t in texts]), np.array([SIGNS[t[0]] for t in texts], np.int8)


@pytest.mark.parametrize(
    ("labels", "kept", "differs"),
    [
        (["=7", ">5"], "=7", False),
        (["=7", "<9", ">5"], "=7", False),
        (["=7", ">7"], "=7", False),
        (["=5", ">7"], "=6", True),
        (["=5", "=6", ">4"], "=5.5", True),
        (["=5", "=5", ">9"], "=5", True),
        (["=9", "<4", "<6", "<20"], "=6", True),
        ([">5", ">8", ">7"], ">8", False),
        (["<5", "<3"], "<3", False),
        (["<5", ">5"], "=5", False),
        (["<4", ">6"], "=5", True),
        (["<9", ">2"], ">2", False),
        (["<9", ">2", "<8"], "<8", False),
    ],
)
def test_values_and_bounds_of_a_molecule(labels, kept, differs):
    """A satisfied bound adds nothing, a contradicted one is a value at its limit, the tightest is kept."""
    found = resolve(*read(labels), median)
    assert (found.label, found.relation, found.differs) == (float(kept[1:]), SIGNS[kept[0]], differs)
    again = resolve(*read(labels[::-1]), median)
    assert again == found


@given(st.lists(st.tuples(st.sampled_from("<=>"), st.integers(0, 9)), min_size=1, max_size=6))
def test_labels_differ_where_no_value_satisfies_all(labels):
    """There is a conflict exactly where none of the values that are tried satisfies all labels."""
    tried = np.arange(-1, 10.5, 0.5)
    allowed = [
        value
        for value in tried
        if all({"<": value <= y, "=": value == y, ">": value >= y}[sign] for sign, y in labels)
    ]
    assert resolve(*read([f"{sign}{y}" for sign, y in labels]), median).differs == (not allowed)


def test_duplicates_keep_values_and_bounds():
    """Each target is resolved by itself; without bounds nothing is said of them."""
    y = np.array([[5.0, 1], [7, 0], [8, NAN], [3, 1]])
    relations = np.array([[AT_LEAST, 0], [EXACT, 0], [AT_MOST, 0], [AT_LEAST, 0]], np.int8)
    tasks = ["regression", "binary"]
    merged = merge_duplicates(np.array([0, 0, 0, 1]), y, tasks, relations=relations)
    np.testing.assert_equal(merged.y, [[7, NAN], [3, 1]])
    assert merged.relations.tolist() == [[EXACT, EXACT], [AT_LEAST, EXACT]]
    assert (merged.duplicates, merged.conflicts) == (2, 1)
    assert merge_duplicates(np.array([0, 0, 0, 0]), y, tasks).relations is None
    exact = merge_duplicates(np.array([0, 0, 0, 0]), y, tasks, relations=relations)
    assert exact.relations is None


def test_conflicts_of_bounds_can_be_dropped():
    """A molecule with a bound that its value contradicts has no label then, and no relation."""
    y, relations = np.array([[5.0], [7.0], [1.0]]), np.array([[EXACT], [AT_LEAST], [AT_MOST]], np.int8)
    merged = merge_duplicates(np.array([0, 0, 1]), y, ["regression"], "drop", relations)
    np.testing.assert_equal(merged.y, [[NAN], [1]])
    assert merged.relations.tolist() == [[EXACT], [AT_MOST]]


def test_bounds_are_no_values():
    """What is left where values count has no bounds."""
    y = np.array([1.0, 2.0, NAN])
    np.testing.assert_equal(only_exact(y, np.array([AT_LEAST, EXACT, EXACT], np.int8)), [NAN, 2, NAN])
    assert only_exact(y, None) is y


@pytest.mark.parametrize(
    ("text", "beside", "expected"),
    [
        (">10", "", (">", "10")),
        ("10", "'>'", (">", "10")),
        ("10", '">="', (">=", "10")),
        (" \u2265 10 ", "=>", ("\u2265", "10")),
        ("~10", "~", ("~", "10")),
        ("10", "NA", ("", "10")),
        ("=10", "=", ("=", "10")),
        ("10", "LT", ("lt", "10")),
    ],
)
def test_a_relation_stands_before_the_number_or_beside_it(text, beside, expected):
    """As people, ChEMBL and PubChem write it; twice the same is no contradiction."""
    assert find_relation(text, beside) == expected


@pytest.mark.parametrize(
    ("text", "beside", "problem"),
    [
        (">10", "<", "'>10' stands beside the relation '<'"),
        (">10", "=", "'>10' stands beside the relation '='"),
        ("~10", "=", "'~10' stands beside the relation '='"),
        ("10", "about", "'about' is not a relation"),
        ("10", "<>", "'<>' is not a relation"),
    ],
)
def test_relations_that_say_two_things_are_refused(text, beside, problem):
    """Nothing is guessed."""
    with pytest.raises(DataError, match=problem):
        find_relation(text, beside)
