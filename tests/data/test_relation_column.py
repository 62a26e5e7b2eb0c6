"""Tables in which relations stand before labels or in a column of their own."""

import csv
import json

import numpy as np
import pytest

from servier.data.audit import check
from servier.data.bounds import AT_LEAST, AT_MOST, EXACT
from servier.data.datasets import load_dataset
from servier.data.labelled_table import Columns
from servier.errors import DataError

N = 30
VALUES = [f"{i / 2:g}" for i in range(N)]
SIGNS = [(">", "<", "=", "")[i % 4] for i in range(N)]
RELATIONS = [(AT_LEAST, AT_MOST, EXACT, EXACT)[i % 4] for i in range(N)]


@pytest.fixture
def write(tmp_path):
    """Write columns as a table with molecules; returns its path."""

    def write_table(**columns):
        path = tmp_path / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["Smiles", *columns])
            writer.writerows(zip(["C" * (i + 1) for i in range(N * 2)], *columns.values(), strict=False))
        return path

    return write_table


@pytest.fixture
def double():
    """Labels of which half are values, so that there are enough of these."""
    return [*VALUES, *VALUES], [*SIGNS, *[""] * N], [*RELATIONS, *[EXACT] * N]


@pytest.mark.parametrize("spell", ["{}", "'{}'", '"{}"', " {} "])
@pytest.mark.parametrize(
    "name",
    [
        "relation",
        "Standard Relation",
        "standard_relation",
        "Operator",
        "qualifier",
        "P1_relation",
        "acqualifier",
    ],
)
def test_a_column_is_found_by_its_name(write, double, spell, name):
    """ChEMBL's quotation marks make no difference, and an empty field is as good as `=`."""
    values, signs, relations = double
    data = load_dataset(write(**{name: [spell.format(s) if s else "" for s in signs], "P1": values}))
    assert data.targets == ["P1"]
    assert data.relations[:, 0].tolist() == relations
    np.testing.assert_array_equal(data.y[:, 0], np.array(values, float))
    np.testing.assert_array_equal(np.isnan(data.exact_y[:, 0]), np.array(relations) != EXACT)


def test_an_export_of_chembl_needs_only_its_target(write, double):
    """The relation is not taken for a label, so that the target is the only column that is left."""
    values, signs, relations = double
    table = {
        "Molecule ChEMBL ID": [f"CHEMBL{i}" for i in range(N * 2)],
        "Standard Relation": [f"'{s or '='}'" for s in signs],
    }
    path = write(**table, **{"Standard Value": values})
    data = load_dataset(path, Columns(("Standard Value",)))
    assert data.relations[:, 0].tolist() == relations


def test_an_export_of_chembl_needs_no_target_to_be_checked(write, double):
    """Its relation speaks of its value, whatever text other columns have; of other numbers it is asked."""
    values, signs, relations = double
    table = {"Standard Type": ["IC50"] * N * 2, "Standard Relation": signs, "Standard Value": values}
    path = write(**table, pIC50=[""] * N * 2)
    audit = check(path)
    assert audit.labels["Standard Value"]["bounds"] == sum(relation != EXACT for relation in relations)
    assert not audit.warnings
    data = load_dataset(path, Columns(("all",)))
    assert (data.targets, data.relations[:, 0].tolist()) == (["Standard Value"], relations)
    (said,) = check(write(**table, pIC50=values)).warnings
    assert "it is not clear which target has its bounds in 'Standard Relation'" in said


def test_relations_before_labels_and_beside_them_are_the_same(write, double):
    """Two ways of writing the same table have the same digest, another bound has another one."""
    values, signs, _ = double
    before = load_dataset(write(P1=[sign + value for sign, value in zip(signs, values, strict=True)]))
    beside = load_dataset(write(P1=values, relation=signs))
    exact = load_dataset(write(P1=values))
    assert before.digest == beside.digest != exact.digest
    assert exact.relations is None
    assert load_dataset(write(P1=values, relation=["="] * N * 2)).digest == exact.digest


def test_about_a_value_counts_as_it_and_is_said(write, double, caplog):
    """`~5` is 5."""
    caplog.set_level("INFO", "servier")
    data = load_dataset(write(P1=["~" + value for value in double[0]]))
    assert data.relations is None
    assert "60 labels are about a value, and count as it" in caplog.text


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (
            {"P1": VALUES * 2, "relation": [">", "what"] * N},
            {},
            r"line 3, column P1: 'what' is not a relation",
        ),
        ({"P1": [f"<{v}" for v in VALUES] * 2, "relation": [">"] * N * 2}, {}, r"line 2.*'<0' stands beside"),
        ({"P1": [f"<{v}" for v in VALUES] * 2}, {}, "0 labels beside 60 bounds are too few"),
        (
            {"P1": ["0", "1"] * N, "relation": ["=", ">"] * N},
            {},
            "line 3, column P1: a bound in a target of two",
        ),
        (
            {"P1": ["active", "inactive"] * N, "relation": ["=", ">"] * N},
            {},
            "line 3.*'inactive' stands beside",
        ),
        ({"P1": [">1", "0", "1", "0"] * 15}, {}, "line 2, column P1: a bound in a target of two classes"),
        (
            {"P1": VALUES * 2, "P2": VALUES * 2, "relation": [">", "="] * N},
            {"targets": ("P1", "P2")},
            "not clear which target has its bounds in 'relation'",
        ),
        (
            {"P1": VALUES * 2, "P2": VALUES * 2, "relation": [">", "="] * N},
            {"targets": ("P1", "P2"), "relations": ("relation",)},
            "--relation_column names 1 columns for 2 targets",
        ),
        ({"P1": VALUES * 2}, {"relations": ("sign",)}, "no column 'sign'"),
    ],
)
def test_bounds_that_cannot_be_learnt_from_are_refused(write, columns, options, message):
    """One line says which row and why."""
    with pytest.raises(DataError, match=message):
        load_dataset(write(**columns), Columns(**options))


@pytest.mark.parametrize(
    ("label", "beside", "reason"),
    [
        ("5", "what", "'what' is not a relation"),
        ("5", "10", "'10' is not a relation"),
        (">5", "<", "'>5' stands beside the relation '<'"),
    ],
)
def test_a_few_labels_beside_no_relation_are_left_out(write, double, caplog, label, beside, reason):
    """One bad row costs itself, and is named with its line, to train as to check."""
    values, signs, relations = double
    path = write(P1=[values[0], label, *values[2:]], relation=[signs[0], beside, *signs[2:]])
    data = load_dataset(path)
    np.testing.assert_array_equal(data.y[:, 0], [float(values[0]), np.nan, *map(float, values[2:])])
    assert data.relations[:, 0].tolist() == [relations[0], EXACT, *relations[2:]]
    assert f"{path}, line 3: left out: P1: {reason}" in caplog.text
    audit = check(path)
    assert (audit.counts["bad_relation"], audit.findings[1].problems) == (1, ["bad_relation", "unlabelled"])
    assert audit.findings[1].details[0] == f"P1: {reason}"


def test_each_target_has_its_own_column(write, double):
    """They are found by the names of the targets, or named in their order, whatever they are called."""
    values, signs, relations = double
    exact = [EXACT] * N * 2
    path = write(P1=values, P2=values, P2_operator=signs)
    data = load_dataset(path, Columns(("P1", "P2")))
    assert data.relations.T.tolist() == [exact, relations]
    assert load_dataset(path, Columns(("all",))).targets == ["P1", "P2"]
    path = write(P1=values, P2=values, a=signs, b=["="] * N * 2)
    named = load_dataset(path, Columns(("P1", "P2"), relations=("a", "b")))
    assert named.relations.T.tolist() == [relations, exact]
    shared = load_dataset(path, Columns(("P1", "P2"), relations=("A", "a")))
    assert shared.relations.T.tolist() == [relations, relations]


def test_a_column_of_another_kind_is_none_of_relations(write, double):
    """Names of people in a column called operator change nothing; of numbers it may be the target."""
    data = load_dataset(write(P1=double[0], Operator=["Smith", "Lee", "=)"] * 20))
    assert data.relations is None
    assert load_dataset(write(operator=double[0])).targets == ["operator"]


def test_check_tells_bounds_from_values(write, double):
    """Bounds are counted; a bound that the value of the same molecule contradicts is a conflict."""
    values, signs, relations = double
    path = write(P1=values, relation=signs)
    with path.open("a") as stream:
        stream.write("CC,7,=\nCCC,0.5,>\n")
    audit = check(path)
    assert audit.labels["P1"]["bounds"] == sum(relation != EXACT for relation in relations) + 1
    assert audit.counts["conflict"] == 2
    assert "P1: <0.5, 7" in audit.findings[1].details
    assert not audit.warnings


def test_check_says_where_bounds_may_be_those_of_any_target(write, double):
    """What train would refuse is a warning."""
    audit = check(write(P1=double[0], P2=double[0], relation=double[1]))
    assert audit.warnings[0] == (
        "train refuses it: it is not clear which target has its bounds in 'relation'; say --relation_column "
        "TARGET=relation, or --relation_column none"
    )
    assert "bounds" not in audit.labels["P1"]


def test_the_option_names_any_column(command, write, double):
    """`--relation_column` reaches the table, whatever the column is called; bounds are counted."""
    values, signs, relations = double
    path = write(P1=values, sign=signs)
    arguments = ["check", path, "--target", "P1", "--json"]
    n_bounds = sum(relation != EXACT for relation in relations)
    found = [
        json.loads(command(*arguments, *more).stdout)["labels"]["P1"].get("bounds")
        for more in ([], ["--relation_column", "sign"])
    ]
    assert found == [None, n_bounds]
