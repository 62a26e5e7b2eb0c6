"""Tables as ChEMBL and PubChem export them, written here in their form, train with no option but a target."""

import csv
import json

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem.Descriptors import MolWt

from servier.data.datasets import Columns, load_dataset
from servier.data.simulation import simulate
from servier.errors import DataError

CHEMBL = [
    "Molecule ChEMBL ID", "Molecule Name", "Molecule Max Phase", "Molecular Weight", "#RO5 Violations",
    "AlogP", "Compound Key", "Smiles", "Standard Type", "Standard Relation", "Standard Value",
    "Standard Units", "pChEMBL Value", "Data Validity Comment", "Comment",
]  # fmt: skip
PUBCHEM = [
    "PUBCHEM_RESULT_TAG", "PUBCHEM_SID", "PUBCHEM_CID", "PUBCHEM_EXT_DATASOURCE_SMILES",
    "PUBCHEM_ACTIVITY_OUTCOME", "PUBCHEM_ACTIVITY_SCORE", "PUBCHEM_ACTIVITY_URL", "PUBCHEM_ASSAYDATA_COMMENT",
    "Potency", "Efficacy",
]  # fmt: skip
N = 120


@pytest.fixture(scope="module")
def truth():
    """Molecules with their weights, classes, and concentrations in mol/L over three powers of ten."""
    simulation = simulate(N, seed=11)
    weights = np.array([MolWt(Chem.MolFromSmiles(smiles)) for smiles in simulation.smiles])
    molar = 10 ** (-8 + (weights - weights.min()) / np.ptp(weights) * 3)
    return simulation.smiles, simulation.labels, weights, molar


def write_chembl(path, truth, units=("nM",), kinds=("IC50",), relations=("'='",), names=CHEMBL):
    """An export of ChEMBL: semicolons, everything in quotation marks, a relation with its own."""
    smiles, _, weights, molar = truth
    in_unit = {"nM": molar * 1e9, "uM": molar * 1e6, "ug.mL-1": molar * weights * 1e3, "%": molar, "": molar}
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        writer.writerow(names)
        for i, text in enumerate(smiles):
            unit = units[i % len(units)]
            writer.writerow([
                f"CHEMBL{i}", "", "0", f"{weights[i]:.2f}", "0", "2.6", f"{i}", text, kinds[i % len(kinds)],
                relations[i % len(relations)], repr(float(in_unit[unit][i])), unit, "", "", "",
            ])  # fmt: skip
    return path


def write_pubchem(path, truth):
    """A table of a bioassay of PubChem, with the three rows that describe its columns."""
    smiles, labels, _, molar = truth
    described = [("RESULT_TYPE", "FLOAT", "FLOAT"), ("RESULT_DESCR", "Concentration, half of it", "Maximum"),
                 ("RESULT_UNIT", "MICROMOLAR", "PERCENT")]  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(PUBCHEM)
        writer.writerows([tag, *[""] * 7, first, second] for tag, first, second in described)
        for i, text in enumerate(smiles):
            outcome = {0: "Inconclusive", 1: "Unspecified", 2: "Probe"}.get(
                i, "Active" if labels[i] else "Inactive"
            )
            potency = repr(float(molar[i] * 1e6)) if i % 3 else ""
            writer.writerow(
                [i + 1, 100 + i, 200 + i, text, outcome, 40 * labels[i], "", "", potency, i % 90 - 10]
            )
    return path


def test_values_of_chembl_come_in_one_unit(truth, tmp_path, caplog):
    """Nanomoles, micromoles and micrograms become nanomoles, the most frequent of them, which is said."""
    path = write_chembl(tmp_path / "export.csv", truth, ["nM", "nM", "uM", "ug.mL-1"])
    with caplog.at_level("INFO", "servier"):
        data = load_dataset(path, Columns(("Standard Value",)))
    np.testing.assert_allclose(data.y[:, 0], truth[3] * 1e9, rtol=1e-5)
    assert (data.units, data.limits) == ({"Standard Value": "nM"}, {"Standard Value": (0.0, None)})
    assert data.ids[:2] == ["CHEMBL0", "CHEMBL1"]
    assert caplog.messages[-1] == "target Standard Value: labels in nM (30 from µM, 30 from µg/mL)"


def test_names_of_chembls_own_tables_are_known(truth, tmp_path):
    """What its clients write has small letters and underscores."""
    names = [name.lower().replace(" ", "_") for name in CHEMBL]
    path = write_chembl(tmp_path / "export.csv", truth, ["nM", "uM"], names=names)
    assert load_dataset(path, Columns(("standard_value",))).units == {"standard_value": "nM"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            {"units": ["nM", "nM", "%"]},
            r"line 4, column Standard Value: the label is in %, and that of line 2 in nM",
        ),
        (
            {"units": ["uM", ""]},
            r"line 3, .*the label has no unit, and that of line 2 is in µM \(60 of 120 .*; write its unit",
        ),
        (
            {"kinds": ["IC50", "IC50", "Ki"]},
            "values of several types: IC50, Ki; keep the rows of one Standard Type",
        ),
    ],
)
def test_what_cannot_be_one_is_refused(truth, tmp_path, arguments, problem):
    """Percent beside concentrations, a value without a unit, and values of several types."""
    path = write_chembl(tmp_path / "export.csv", truth, **arguments)
    with pytest.raises(DataError, match=problem):
        load_dataset(path, Columns(("Standard Value",)))


def test_rows_without_a_value_need_neither_unit_nor_type(truth, tmp_path):
    """Only what is learnt from has to be of one kind."""
    path = write_chembl(tmp_path / "export.csv", truth)
    lines = path.read_text().splitlines()
    lines[1] = '"CHEMBL0";"";"";"";"";"";"";"CCO";"Ki";"";"";"";"";"Not Active";""'
    path.write_text("\n".join(lines) + "\n")
    data = load_dataset(path, Columns(("Standard Value",)))
    assert np.isnan(data.y[0, 0])
    assert data.units == {"Standard Value": "nM"}


def test_a_table_of_pubchem_says_its_units(truth, tmp_path, caplog):
    """The rows under the header are no molecules, and give the unit of each column."""
    path = write_pubchem(tmp_path / "AID_1.csv", truth)
    with caplog.at_level("INFO", "servier"):
        data = load_dataset(path, Columns(("Potency", "Efficacy")))
    assert len(data) == N
    assert data.ids[:2] == ["200", "201"]
    assert data.lines[0] == 5
    assert data.units == {"Potency": "µM", "Efficacy": "%"}
    assert data.limits == {"Potency": (0.0, None), "Efficacy": (None, None)}
    np.testing.assert_allclose(data.y[1, 0], truth[3][1] * 1e6)
    assert caplog.messages[0] == (
        "rows that describe the columns are no molecules: RESULT_TYPE, RESULT_DESCR, RESULT_UNIT"
    )


def test_outcomes_of_pubchem_are_two_classes(truth, tmp_path, caplog):
    """A probe is active; of what is inconclusive or not specified the class is not known."""
    path = write_pubchem(tmp_path / "AID_1.csv", truth)
    with caplog.at_level("INFO", "servier"):
        data = load_dataset(path, Columns(("PUBCHEM_ACTIVITY_OUTCOME",)))
    assert (data.tasks, data.units) == (["binary"], {})
    np.testing.assert_array_equal(data.y[:4, 0], [np.nan, np.nan, 1, truth[1][3]])
    assert "1 inconclusive left out, 1 probe counted as active, 1 unspecified left out" in caplog.text


def test_only_tables_of_pubchem_have_such_rows(tmp_path):
    """In any other table RESULT_TYPE is an identifier like others."""
    rows = "".join(f"RESULT_{i},{'C' * i},{i % 7 + 0.5}\n" for i in range(1, 31))
    (tmp_path / "t.csv").write_text("id,smiles,y\n" + rows)
    assert len(load_dataset(tmp_path / "t.csv")) == 30


@pytest.mark.training
@pytest.mark.parametrize("target", ["Standard Value", "Potency", "PUBCHEM_ACTIVITY_OUTCOME"])
def test_exports_train_with_a_target_alone(command, recipes, truth, tmp_path, target):
    """The model answers in the unit of the table, and is evaluated on the rows that training held out."""
    write = write_chembl if target == "Standard Value" else write_pubchem
    table, model = write(tmp_path / "export.csv", truth), tmp_path / "m.servier"
    command("train", "--dataset", table, "--target", target, "--config", recipes["1"], "--model_path", model)
    answer = json.loads(command("predict", "CCOc1ccccc1", "--model_1_path", model, "--json").stdout)
    unit = {"Standard Value": "nM", "Potency": "µM"}.get(target)
    assert answer.get(f"{target}_unit") == unit
    said = command("evaluate", "--dataset", table, "--model_path", model, "--resamples", 20).stdout
    assert "the rows that training held out" in said
    assert f"{target} in {unit}" in said or unit is None


def test_a_mixture_is_refused_in_one_line(servier, truth, tmp_path):
    """The real command names file, line and column, and writes no model."""
    table, model = write_chembl(tmp_path / "export.csv", truth, ["nM", "%"]), tmp_path / "m.servier"
    train = ["train", "--dataset", table, "--target", "Standard Value", "--model_path", model]
    *_, said = servier(*train, status=1).stderr.splitlines()
    assert said.startswith(
        f"Error: {table}, line 3, column Standard Value: the label is in %, and that of line 2"
    )
    assert not model.exists()


def test_rows_that_describe_columns_are_rows_of_an_output(command, model_1, truth, tmp_path):
    """A file that is scored keeps every row: those without a molecule have no answer."""
    table, out = write_pubchem(tmp_path / "AID_1.csv", truth), tmp_path / "out.csv"
    command("predict-file", table, out, "--model_path", model_1, "--workers", 1)
    with out.open(newline="") as file:
        statuses = [row["status"] for row in csv.DictReader(file)]
    assert statuses == ["empty"] * 3 + ["ok"] * N
