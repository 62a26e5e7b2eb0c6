"""The same code on real molecules, where the data sets are beside the checkout."""

import csv
import gzip

import pytest

pytestmark = pytest.mark.data

ODD = [
    "chembl_salts.smi",
    "rdkit_inorganic_stereo.smi",
    "rdkit_smitest_pass_fail.csv",
    "invalid_rows_in_real_datasets.csv",
]


@pytest.mark.parametrize("name", ODD)
def test_every_odd_row_is_accounted_for(servier, model_1, real_data, tmp_path, name):
    """As many rows come out as went in, and none stops the run."""
    source = real_data / "odd_smiles" / name
    target = tmp_path / "out.csv"
    servier("predict-file", source, target, "--model_path", model_1)
    expected = (
        sum(1 for _ in csv.reader(source.open(newline=""))) - 1
        if name.endswith(".csv")
        else len(source.read_bytes().splitlines())
    )
    assert sum(1 for _ in csv.reader(target.open(newline=""))) - 1 == expected


def test_messy_substances_are_scored(servier, model_1, real_data, tmp_path):
    """The first thousand PubChem registrations all get a status."""
    with gzip.open(real_data / "odd_smiles" / "pubchem_substances.smi.gz", "rt") as stream:
        lines = [next(stream) for _ in range(1000)]
    (tmp_path / "in.smi").write_text("".join(lines))
    servier("predict-file", tmp_path / "in.smi", tmp_path / "out.csv", "--model_path", model_1)
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == 1000
    assert {row["status"] for row in rows} <= {"ok", "invalid", "too_large"}


@pytest.mark.parametrize(
    ("name", "target"),
    [("tdc/hERG.csv.gz", "Y"), ("moleculenet/FreeSolv.csv.gz", "expt"), ("moleculenet/BBBP.csv.gz", "p_np")],
)
def test_public_tables_train(servier, recipes, real_data, tmp_path, name, target):
    """Tables with their own names of columns are understood."""
    path = tmp_path / "m.servier"
    servier(
        "train",
        "--dataset",
        real_data / name,
        "--target",
        target,
        "--config",
        recipes["1"],
        "--model_path",
        path,
    )
    assert path.is_file()
