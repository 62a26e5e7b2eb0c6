"""SD files through predict-file: all data comes out as it went in."""

import csv
import io

import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from servier.tables.lines import decode

ETHANOL = Chem.MolToMolBlock(Chem.MolFromSmiles("CCO")).encode()


@pytest.fixture
def predict(command, model_1, tmp_path):
    """Scores an SD file; returns the rows of the output, with bytes that are not UTF-8 as surrogates."""

    def run(source, target="out.csv", *options):
        out = tmp_path / target
        command("predict-file", source, out, "--model_path", model_1, *options)
        if out.suffix == ".parquet":
            return pq.read_table(out).to_pylist()
        return list(csv.DictReader(io.StringIO(decode(out.read_bytes()), newline="")))

    return run


def supplied(path):
    """Return what RDKit reads of a file: the canonical SMILES string and the data fields of each record."""
    content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return [
        (Chem.MolToSmiles(mol), {name: mol.GetProp(name) for name in mol.GetPropNames()})
        for mol in Chem.ForwardSDMolSupplier(io.BytesIO(content))
    ]


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
@pytest.mark.parametrize(
    ("number", "name", "own"),
    [
        (6, "name_field.sdf", "smiles"),
        (6, "Name_field.sdf", "smiles"),
        (6, "smiles_field.sdf", "molblock_smiles"),
        (6, "SMILES_field.sdf", "smiles"),
        (6, "value_with_gt.sdf", "smiles"),
        (3, "mac.sdf", "smiles"),
    ],
)
def test_damaged_files_are_what_rdkit_reads(predict, case, number, name, own, target):
    """Molecules are scored, and every data field has RDKit's value."""
    path = case(number) / name
    rows, expected = predict(path, target), supplied(path)
    assert [row["status"] for row in rows] == ["ok"] * len(expected)
    assert [row[own] for row in rows] == [smiles for smiles, _ in expected]
    for row, (_, data) in zip(rows, expected, strict=True):
        assert {field: row[field] for field in data} == data


def test_names_in_other_encodings_come_out_as_they_were(predict, case, tmp_path):
    """The bytes of names and values are those of the file."""
    path = case(7) / "names.sdf"
    rows = predict(path)
    titles = [lines.split(b"\n")[0] for lines in path.read_bytes().split(b"$$$$\n")[:-1]]
    assert [row["name"].encode("utf-8", "surrogateescape") for row in rows] == titles
    assert b"M\xfcller & S\xf6hne" in (tmp_path / "out.csv").read_bytes()


@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
def test_a_data_field_may_hold_the_molecules(predict, tmp_path, target):
    """The mol block is scored unless a data field is named; rows that cannot be used keep their data."""
    (tmp_path / "in.sdf").write_bytes(
        ETHANOL
        + b"> <smiles>\nnot a molecule\n\n> <SMILES>\nc1ccccc1\n\n$$$$\n"
        + ETHANOL.replace(b" O ", b" A ")
        + b"> <SMILES>\nCC\n\n> <later>\n1\n2\n\n$$$$\n"
    )
    first, second = predict(tmp_path / "in.sdf", target)
    assert (first["molblock_smiles"], first["smiles"], first["status"]) == ("CCO", "not a molecule", "ok")
    assert (second["status"], second["SMILES"], second["later"]) == ("invalid", "CC", "1\n2")
    assert second["reason"] == "atom 3 is a query atom, which stands for several elements or groups"
    first, _ = predict(tmp_path / "in.sdf", f"other-{target}", "--smiles_column", "SMILES")
    assert first["status"] == "ok"
