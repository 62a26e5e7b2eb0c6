"""Columns that speak of one target are never taken for those of another."""

import csv

import numpy as np
import pytest

from servier.data.bounds import AT_LEAST, AT_MOST
from servier.data.datasets import Columns, load_dataset
from servier.errors import DataError

N = 60
VALUES = [str(10 + i) for i in range(N)]
SIGNS = [">" if i % 3 == 0 else "=" for i in range(N)]
IS_BOUND = np.array([sign == ">" for sign in SIGNS])


@pytest.fixture
def write(tmp_path):
    def write_table(**columns):
        path = tmp_path / "t.csv"
        with path.open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["smiles", *(name.replace("__", " ") for name in columns)])
            rows.writerows(
                [("C" * (i + 1), *row) for i, row in enumerate(zip(*columns.values(), strict=True))]
            )
        return path

    return write_table


@pytest.mark.parametrize("target", ["pIC50", "pChEMBL Value"])
def test_relations_of_the_standard_value_are_not_those_of_another_target(write, target):
    """A `>` beside a concentration would be inverted for its negative logarithm: the user is asked."""
    exported = {"Standard__Relation": SIGNS, "Standard__Value": VALUES, "Standard__Units": ["nM"] * N}
    path = write(**exported, **{target.replace(" ", "__"): [str(5 + i / 20) for i in range(N)]})
    with pytest.raises(DataError, match="not clear which target has its bounds in 'Standard Relation'"):
        load_dataset(path, Columns((target,)))
    assert load_dataset(path, Columns((target,), relations=("none",))).relations is None
    named = load_dataset(path, Columns((target,), relations=(f"{target}=Standard Relation",)))
    np.testing.assert_array_equal(named.relations[:, 0] == AT_LEAST, IS_BOUND)
    both = load_dataset(path, Columns(("Standard Value",)))
    np.testing.assert_array_equal(both.relations[:, 0] == AT_LEAST, IS_BOUND)


def test_a_negative_logarithm_that_is_missing_beside_bounds_needs_no_answer(write):
    """As in exports of ChEMBL, which has no pChEMBL value where the relation is one of a bound."""
    values = ["" if bound else str(5 + i / 20) for i, bound in enumerate(IS_BOUND)]
    path = write(Standard__Relation=SIGNS, Standard__Value=VALUES, pChEMBL__Value=values)
    assert load_dataset(path, Columns(("pChEMBL Value",))).relations is None


MIXED = [("nM", 1) if i % 2 else ("uM", 1000) for i in range(N)]


@pytest.mark.parametrize("name", ["units", "Unit", "IC50_units", "IC50__Unit", "unit_IC50"])
def test_units_are_found_by_the_name_of_their_column(write, name):
    """A table with mixed units is converted without an option."""
    values = [str(float(value) / scale) for value, (_, scale) in zip(VALUES, MIXED, strict=True)]
    path = write(IC50=values, **{name: [unit for unit, _ in MIXED]})
    data = load_dataset(path, Columns(("IC50",)))
    assert data.units in ({"IC50": "nM"}, {"IC50": "µM"})
    expected = np.array(VALUES, float) / (1 if data.units["IC50"] == "nM" else 1000)
    np.testing.assert_allclose(data.y[:, 0], expected)


def test_units_of_a_neighbour_are_not_those_of_the_target(write):
    """They belong to the column of numbers that they stand beside."""
    units = [unit for unit, _ in MIXED]
    path = write(
        IC50=VALUES, Units=units, pIC50=[str(i / 20) for i in range(N)], logS=[str(-i) for i in range(N)]
    )
    assert load_dataset(path, Columns(("pIC50", "logS"))).units == {}
    assert load_dataset(path, Columns(("IC50",))).units == {"IC50": "µM"}


def test_units_that_may_be_those_of_several_targets_are_asked_for(write):
    """Where no column of numbers stands beside them, and they differ."""
    path = write(a=VALUES, b=VALUES, what=["x"] * N, units=[unit for unit, _ in MIXED], more=["y"] * N)
    with pytest.raises(DataError, match="not clear which target has its units in 'units'"):
        load_dataset(path, Columns(("a", "b")))
    assert load_dataset(path, Columns(("a", "b"), units=("a=units",))).units == {"a": "µM"}
    assert load_dataset(path, Columns(("a", "b"), units=("none",))).units == {}


def test_each_target_may_have_a_column_of_units(write):
    """Found by their names, or named; one for two targets is refused."""
    path = write(IC50=VALUES, IC50_units=["nM"] * N, sol=VALUES, sol_units=["ug/mL"] * N)
    expected = {"IC50": "nM", "sol": "µg/mL"}
    targets = ("IC50", "sol")
    assert load_dataset(path, Columns(targets)).units == expected
    assert load_dataset(path, Columns(targets, units=("IC50_units", "sol_units"))).units == expected
    assert load_dataset(path, Columns(targets, units=("sol=sol_units",))).units == {"sol": "µg/mL"}
    with pytest.raises(DataError, match="--unit_column names 1 columns for 2 targets"):
        load_dataset(path, Columns(targets, units=("IC50_units",)))
    with pytest.raises(DataError, match="no target is called 'Ki'"):
        load_dataset(path, Columns(targets, units=("Ki=IC50_units",)))


PUBCHEM = {
    "PUBCHEM_CID": list(map(str, range(N))), "PUBCHEM_ACTIVITY_OUTCOME": ["Active", "Inactive"] * (N // 2),
    "Potency": VALUES, "Efficacy": VALUES[::-1], "Qualifier": SIGNS,
}  # fmt: skip


def test_relations_of_one_result_of_pubchem_are_doubted_for_another(write, caplog):
    """A warning says for which column they are taken; an outcome never has bounds."""
    path = write(**PUBCHEM)
    load_dataset(path, Columns(("Efficacy",)))
    assert "say --relation_column none" in caplog.text
    assert load_dataset(path, Columns(("PUBCHEM_ACTIVITY_OUTCOME",))).relations is None


def test_one_of_two_targets_may_have_bounds(write):
    """The other one has none."""
    columns = Columns(("Efficacy", "Potency"), relations=("Potency=Qualifier",))
    data = load_dataset(write(**PUBCHEM), columns)
    assert not data.relations[:, 0].any()
    np.testing.assert_array_equal(data.relations[:, 1] == AT_LEAST, IS_BOUND)
    assert not (data.relations == AT_MOST).any()


@pytest.mark.parametrize("name", ["sign", "modifier", "Op", "q"])
def test_relations_that_nobody_reads_are_named(command, write, name):
    """`check` and `train` ask for them."""
    path = write(IC50=VALUES, **{name: SIGNS})
    said = command("check", path, "--target", "IC50").stdout
    assert f"{name}: holds nothing but relations" in said
    named = command("check", path, "--target", "IC50", "--relation_column", name).stdout
    assert "holds nothing but relations" not in named


def test_check_refuses_what_train_refuses_of_a_scale(command, write):
    """A value that has no logarithm, and one that is beyond its bounds."""
    path = write(IC50=["0", *VALUES[1:]], units=["nM"] * N)
    assert "0 has no logarithm" in command("check", path, "--target", "IC50", "--transform", "pIC50").stdout
    assert "above the bound 20" in command("check", path, "--target", "IC50", "--bounds", "0,20").stdout
