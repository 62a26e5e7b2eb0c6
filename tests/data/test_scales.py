"""Labels in one unit: whatever the table, the user and a model say, they are converted or refused."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from servier.checkpoint.target import Target
from servier.data.audit import check
from servier.data.datasets import Columns, load_dataset
from servier.data.wishes import Wishes
from servier.errors import DataError

WATER, SALT = "O", "CCN.Cl"
WATER_WEIGHT, SALT_WEIGHT = 18.015, 81.546


def write(tmp_path, rows, header="smiles,y,unit"):
    """A table of the rows, and of thirty more that are like the first."""
    path = tmp_path / "t.csv"
    rows = [*rows, *[(rows[0][0], float(rows[0][1]) + 1 + i, *rows[0][2:]) for i in range(30)]]
    path.write_text(header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return path


def load(path, *, learnt=None, unit=(), transform=(), bounds=(), column="unit", targets=("y",)):
    """The labels of the table, read by these options, or as a model has learnt."""
    tasks = None if learnt is None else [target.task for target in learnt]
    columns = Columns(targets, units=(column,) if column else ())
    return load_dataset(path, columns, tasks, learnt=learnt or (), wishes=Wishes(unit, transform, bounds))


MIXED = [
    ("O", 10, "nM"),
    ("CO", 2, "uM"),
    ("CCO", 3, "\u03bcM"),
    ("CCCO", 0.5, "mM"),
    (WATER, 18.015, "ng/mL"),
]


@pytest.mark.parametrize(
    ("unit", "transform", "expected", "name"),
    [
        ((), (), [10, 2000, 3000, 500_000, 1000], "nM"),
        (("uM",), (), [0.01, 2, 3, 500, 1], "µM"),
        (("y=M",), (), [1e-8, 2e-6, 3e-6, 5e-4, 1e-6], "M"),
        ((), ("pIC50",), [8, 5.69897000, 5.52287875, 3.30103, 6], "-log10(M)"),
        ((), ("log10",), [1, 3.30103, 3.47712125, 5.69897, 3], "log10(nM)"),
        (("uM",), ("y=log10",), [-2, 0.30103, 0.47712125, 2.69897, 0], "log10(µM)"),
        (("pIC50",), (), [8, 5.69897000, 5.52287875, 3.30103, 6], "-log10(M)"),
    ],
)
def test_mixed_units_become_one(tmp_path, unit, transform, expected, name):
    """The most frequent unit, or the one that is asked for, on the scale that is asked for."""
    data = load(write(tmp_path, MIXED), unit=unit, transform=transform)
    np.testing.assert_allclose(data.y[:5, 0], expected, rtol=2e-7)
    assert data.units == {"y": name}
    assert data.limits == {"y": (0.0 if "log" not in name else None, None)}


def test_a_mass_is_that_of_the_molecule_as_written(tmp_path):
    """The salt in the table weighs more than its parent; moles are taken however few they are."""
    data = load(write(tmp_path, [(SALT, 81.546, "mg/L"), ("CO", 1, "mM"), (WATER, 18.015, "mg/L")]))
    np.testing.assert_allclose(data.y[:3, 0], [1, 1, 1], rtol=2e-5)
    assert data.units == {"y": "mM"}


def test_masses_alone_stay_masses(tmp_path):
    """No weight is needed where all labels are grams in a litre."""
    data = load(
        write(tmp_path, [("O", 5, "mg/L"), ("CO", 7, "ug/mL"), ("CCO", 900, "ng/mL"), ("not one", 1, "mg/L")])
    )
    np.testing.assert_allclose(data.y[:4, 0], [5, 7, 0.9, 1], rtol=1e-12)
    assert data.units == {"y": "mg/L"}


def test_a_molecule_without_a_weight_loses_its_label(tmp_path, caplog):
    """It cannot be read, so that no model could learn from it anyway; its line is named."""
    data = load(write(tmp_path, [("O", 1, "nM"), ("c1ccc", 5, "mg/L")]))
    assert math.isnan(data.y[1, 0])
    assert "line 3: left out: its molecule cannot be read, and without its weight" in caplog.text


@pytest.mark.parametrize(
    ("rows", "options", "problem"),
    [
        (
            [("O", 1, "nM"), ("CO", 2, "uM"), ("CCO", 3, "%")],
            {},
            "line 4, .*is in %, and that of line 2 in nM",
        ),
        ([("O", 1, "nm"), ("CO", 2, "nM")], {}, "line 3, .*is in nM, and that of line 2 in nm"),
        ([("O", 1, "hr"), ("CO", 2, "min")], {}, "line 3, .*is in min, and that of line 2 in hr"),
        ([("O", 1, "hr"), ("CO", 2, "nM")], {"unit": ["hr"]}, "line 3, .*is in nM, and that of line 2 in hr"),
        ([("O", 1, "NONE"), ("CO", 2, "nM")], {}, "line 2, .*has no unit, and that of line 3 is in nM"),
        ([("O", 1, "nm"), ("CO", 2, "nM")], {"learnt": "nM"}, "line 2, .*in nm, which cannot be converted"),
        ([("O", 1, "%")], {"unit": ["nM"]}, "line 2, .*is in %, which cannot be converted to nM"),
        ([("O", 1, "%")], {"transform": ["pIC50"]}, "takes concentrations, and % is none"),
        (
            [("O", 1, "")],
            {"transform": ["pIC50"]},
            "takes concentrations, and these labels have no unit; say",
        ),
        (
            [("O", 1, "nM"), ("CO", -2, "uM")],
            {},
            r"line 3, .*-2 µM is below 0, and no concentration is; if labels",
        ),
        ([("O", 1, "nM"), ("CO", 0, "uM")], {"transform": ["pIC50"]}, "line 3, .*0 has no logarithm"),
        ([("O", 1, "%"), ("CO", -3, "%")], {"transform": ["log10"]}, "line 3, .*-3 has no logarithm"),
        ([("O", 1, "nM"), ("CO", 2e30, "M")], {}, r"line 3, .*2e\+30 M is too large in nM"),
        ([("O", 1, "nM")], {"transform": ["ln"]}, "'ln' is no transform; choose among pIC50, log10, none"),
        ([("O", 1, "nM")], {"unit": ["nM", "uM"]}, "--unit says both nM and uM"),
        ([("O", 1, "nM")], {"unit": ["z=nM"]}, "--unit z=nM: no target is called 'z'"),
        ([("O", 1, "x" * 100)], {}, "is no unit"),
        ([("O", 1, "%")], {"bounds": ["5"]}, "--bounds '5' are not two numbers; write 0,100"),
        ([("O", 1, "%")], {"bounds": ["100,0"]}, "the bound 100 is not below 0"),
        ([("O", 1, "%")], {"bounds": ["0,1e200"]}, "'1e200' is too large for a label"),
        ([("O", 1, "%")], {"bounds": ["a,b"]}, "'a' is not a number"),
        (
            [("O", 1, "%"), ("CO", 101, "%")],
            {"bounds": ["0,100"]},
            "line 3, .*the label 101 is above the bound 100",
        ),
        ([("O", 1, "%"), ("CO", -1, "%")], {"bounds": ["0,"]}, "line 3, .*the label -1 is below the bound 0"),
    ],
)
def test_what_cannot_be_one_unit_is_refused(tmp_path, rows, options, problem):
    """The line of the first label that does not fit is named, and the one that it does not fit to."""
    if "learnt" in options:
        options = {"learnt": model(options["learnt"])}
    with pytest.raises(DataError, match=problem):
        load(write(tmp_path, rows), **options)


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        ("nm", "y: 'nm' is no unit that is known"),
        (" nanoM? ", "y: 'nanoM?' is no unit that is known"),
        ("", "y: the label has no unit"),
        ("log10(hr)", r"y: 'log10(hr)' is no unit that is known"),
        ("x" * 61, "is no unit"),
    ],
)
@pytest.mark.parametrize("others", ["nM", "%", "pIC50"])
@pytest.mark.parametrize("learns", [False, True])
def test_a_few_labels_of_no_unit_are_left_out(tmp_path, caplog, unit, reason, others, learns):
    """One bad row costs itself: its line is named, as it is to check, and other labels are what they were."""
    rows = [("O", 1, others), ("CO", 2, unit), ("CCO", 3, others)]
    learnt = model({"pIC50": "-log10(M)"}.get(others, others)) if learns else None
    path = write(tmp_path, rows)
    data = load(path, learnt=learnt)
    np.testing.assert_array_equal(data.y[:3, 0], [1, np.nan, 3])
    assert f"{path}, line 3: left out: " in caplog.text
    assert reason in caplog.text
    (found,) = [found for found in check(path, Columns(("y",))).findings if "bad_unit" in found.problems]
    assert (found.line, found.problems[-1]) == (3, "unlabelled")
    assert reason in found.details[0]


def test_a_unit_that_is_only_like_itself_is_as_good_as_others(tmp_path, caplog):
    """Where all have it, or the user says it, labels are in it; those without any are left out."""
    rows = [("O", 1, "hr"), ("CO", 2, ""), ("CCO", 3, "hr")]
    for options in ({}, {"unit": ["hr"]}):
        data = load(write(tmp_path, rows), **options)
        np.testing.assert_array_equal(data.y[:3, 0], [1, np.nan, 3])
        assert data.units == {"y": "hr"}
    assert caplog.text.count("line 3: left out: y: the label has no unit") == 2


def test_many_labels_of_no_unit_are_counted(tmp_path, caplog):
    """Five lines are named, and the others counted; half of the labels are too many."""
    bad = [("C" * i, 2, "mol per l") for i in range(2, 30)]
    data = load(write(tmp_path, [("O", 1, "nM"), *bad]))
    assert np.isnan(data.y[:, 0]).sum() == len(bad)
    assert caplog.text.count("'mol per l' is no unit that is known") == 5
    assert "and 23 more labels whose unit or relation cannot be read" in caplog.text
    many = [*bad, ("CCC", 2, "mol per l"), ("CCC", 3, "mol per l"), ("CCC", 2, "mol per l")]
    with pytest.raises(DataError, match=r"line 3, .*is in mol per l, and that of line 2 in nM"):
        load(write(tmp_path, [("O", 1, "nM"), *many]))


@given(st.lists(st.sampled_from(["nM", "uM", "%", "hr", "mg/L", ""]), min_size=2, max_size=6))
def test_units_are_never_mixed(tmp_path_factory, units):
    """Every mixture is converted, each label to its right value, or refused; few of no unit are left out."""
    rows = [(WATER, 1.5, unit) for unit in units]
    path = write(tmp_path_factory.mktemp("mixed"), rows)
    molar = {"nM": 1e-9, "uM": 1e-6, "mg/L": 1e-3 / WATER_WEIGHT}
    try:
        data = load(path)
    except DataError:
        assert len(set(units)) > 1
        assert not set(units) <= set(molar)
        assert "%" in units or units[0] in {"hr", ""}
        return
    known = {unit for unit in units if unit in molar}
    if known:
        assert units[0] in known
        assert "%" not in units
        factor = molar[{"µM": "uM"}.get(data.units["y"], data.units["y"])]
        right = [1.5 * molar.get(unit, np.nan) for unit in units]
        np.testing.assert_allclose(data.y[: len(units), 0] * factor, right, rtol=1e-4)
    else:
        right = [1.5 if unit == units[0] else np.nan for unit in units]
        np.testing.assert_array_equal(data.y[: len(units), 0], right)


def test_the_user_says_the_unit_of_a_table_without_one(tmp_path):
    """Labels stay as they are, and the model will say what they are."""
    path = write(tmp_path, [("O", 1), ("CO", 2)], "smiles,y")
    data = load(path, unit=["nM"], column=None)
    assert (data.y[:2, 0].tolist(), data.units) == ([1, 2], {"y": "nM"})
    data = load(path, unit=["nM"], transform=["pIC50"], column=None)
    np.testing.assert_allclose(data.y[:2, 0], [9, 8.69897], rtol=1e-6)


def test_nothing_is_said_where_nothing_is_known(tmp_path):
    """A table without units is read as ever; a column of units that are all missing is none."""
    plain = load(write(tmp_path, [("O", 1), ("CO", -2)], "smiles,y"), column=None)
    empty = load(write(tmp_path, [("O", 1, ""), ("CO", -2, "")]))
    for data in (plain, empty):
        assert (data.units, data.limits, data.y[:2, 0].tolist()) == ({}, {"y": (None, None)}, [1, -2])
    logarithms = load(write(tmp_path, [("O", 1), ("CO", 100)], "smiles,y"), column=None, transform=["log10"])
    assert (logarithms.units, logarithms.y[:2, 0].tolist()) == ({"y": "log10"}, [0, 2])


@pytest.mark.parametrize(
    ("rows", "header"),
    [([("O", 0, "nM"), ("CO", 1, "nM")], "smiles,y,unit"), ([("O", "no"), ("CO", "yes")], "smiles,y")],
)
def test_classes_have_no_unit(tmp_path, rows, header):
    """What is said of a target of two classes alone is refused; a column of units is passed over."""
    path = tmp_path / "t.csv"
    path.write_text(header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows * 15))
    column = "unit" if "unit" in header else None
    assert load(path, column=column).units == {}
    for option in ({"unit": ["nM"]}, {"transform": ["y=log10"]}, {"bounds": ["0,1"]}):
        with pytest.raises(DataError, match=r"its labels are classes, and --[a-z]+ is for numbers"):
            load(path, column=column, **option)


def test_each_of_several_targets_has_its_own(tmp_path):
    """Units, scales and bounds are named by target; what is said without a name holds for the others."""
    rows = [(f"{'C' * i}O", i, 10 * i, i % 2) for i in range(1, 31)]
    path = tmp_path / "t.csv"
    path.write_text("smiles,ic50,yield,toxic\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    data = load(
        path, targets=("ic50", "yield", "toxic"), column=None, unit=["%", "ic50=nM"],
        transform=["ic50=pIC50"], bounds=["yield=0,500"],
    )  # fmt: skip
    assert data.units == {"ic50": "-log10(M)", "yield": "%"}
    assert data.limits == {"ic50": (None, None), "yield": (0, 500), "toxic": (None, None)}


def model(unit, **fields):
    return [Target("ic50", "regression", unit=unit, **fields)]


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("nM", [10, 2000, 3000]), ("µM", [0.01, 2, 3]), ("-log10(M)", [8, 5.69897, 5.52287875])],
)
def test_labels_come_in_the_unit_of_a_model(tmp_path, unit, expected):
    """Whatever the table has, a model is compared with labels in its own unit."""
    data = load(write(tmp_path, MIXED[:3]), learnt=model(unit, lowest=None, highest=9e9))
    np.testing.assert_allclose(data.y[:3, 0], expected, rtol=1e-6)
    assert (data.units, data.limits) == ({"y": unit}, {"y": (None, 9e9)})


def test_a_table_of_another_unit_than_the_model_is_never_taken_as_it_is(tmp_path):
    """Neither where it has no unit at all, nor where it has one that cannot be converted."""
    path = write(tmp_path, [("O", 1), ("CO", 2)], "smiles,y")
    with pytest.raises(
        DataError, match="the model answers in nM, and nothing says in which unit the labels are; say"
    ):
        load(path, column=None, learnt=model("nM"))
    assert load(path, column=None, learnt=model("nM"), unit=["uM"]).y[:2, 0].tolist() == [1000, 2000]
    assert load(path, column=None, learnt=model("log10")).y[0, 0] == 0
    with pytest.raises(DataError, match=r"line 2, .*is in %, which cannot be converted to nM"):
        load(path, column=None, learnt=model("nM"), unit=["%"])


def test_a_model_that_does_not_say_its_unit(tmp_path, caplog):
    """It is compared with labels of one unit as they are, with a warning, and with no mixture."""
    data = load(write(tmp_path, [("O", 1, "nM"), ("CO", 2, "nM")]), learnt=model(None))
    assert (data.y[:2, 0].tolist(), data.units) == ([1, 2], {})
    assert "the model does not say its unit: labels in nM are compared as they are" in caplog.text
    with pytest.raises(DataError, match="labels are in several units, and the model does not say"):
        load(write(tmp_path, MIXED), learnt=model(None))


def test_labels_beyond_the_bounds_of_a_model_may_be_evaluated(tmp_path):
    """Bounds are those of answers: a measured inhibition may well be above 100."""
    data = load(
        write(tmp_path, [("O", 1, "%"), ("CO", 104, "%")]), learnt=model("%", lowest=0.0, highest=100.0)
    )
    assert data.y[1, 0] == 104


@pytest.mark.parametrize(
    ("unit", "transform", "expected", "relations"),
    [
        ((), (), [10, 2000, 500], [0, 1, -1]),
        (("uM",), (), [0.01, 2, 0.5], [0, 1, -1]),
        ((), ("pIC50",), [8, 5.69897000, 6.30103], [0, -1, 1]),
        (("log10(M)",), (), [-8, -5.69897000, -6.30103], [0, 1, -1]),
    ],
)
def test_bounds_are_converted_like_values(tmp_path, unit, transform, expected, relations):
    """More than 2 uM is a pIC50 below 5.7: negative logarithms turn bounds around, nothing else does."""
    data = load(
        write(tmp_path, [("O", 10, "nM"), ("CO", ">2", "uM"), ("CCO", "<500", "nM")]),
        unit=unit,
        transform=transform,
    )
    np.testing.assert_allclose(data.y[:3, 0], expected, rtol=1e-6)
    assert data.relations[:3, 0].tolist() == relations


def test_bounds_come_in_the_unit_of_a_model(tmp_path):
    """A table of pIC50 is compared with a model of nanomoles, and the other way round."""
    data = load(write(tmp_path, [("O", 8, "pIC50"), ("CO", ">6", "pIC50")]), learnt=model("nM"))
    np.testing.assert_allclose(data.y[:2, 0], [10, 1000])
    assert data.relations[:2, 0].tolist() == [0, -1]
