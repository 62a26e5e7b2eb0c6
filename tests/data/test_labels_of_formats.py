"""Labels in tables that are not text."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rdkit import Chem

from servier.data.datasets import load_dataset
from servier.data.labelled_table import Columns

N = 40
ACTIVE = [i % 3 == 0 for i in range(N)]


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(ACTIVE),
        pa.array(ACTIVE).cast(pa.int8()),
        pa.array(ACTIVE).cast(pa.float32()),
        pa.array(ACTIVE).cast(pa.int8()).cast(pa.decimal128(5, 2)),
        pa.array(ACTIVE).cast(pa.string()).dictionary_encode(),
    ],
    ids=lambda labels: str(labels.type),
)
def test_labels_of_every_type_are_read(tmp_path, labels):
    """Truth values are 0 and 1, numbers are what they are, whatever other columns hold."""
    table = pa.table(
        {
            "smiles": pa.array([b"C" * (i + 1) for i in range(N)]),
            "active": labels,
            "when": pa.array(range(N), pa.int64()).view(pa.timestamp("ns")),
            "lists": [[i] for i in range(N)],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    dataset = load_dataset(tmp_path / "t.parquet", Columns(targets=("active",)))
    assert dataset.tasks == ["binary"]
    assert dataset.smiles == ["C" * (i + 1) for i in range(N)]
    assert dataset.y[:, 0].tolist() == [float(active) for active in ACTIVE]


def test_labels_in_single_precision_are_not_widened(tmp_path):
    """6.1 in 32 bits is the label 6.1, as the same table has it in CSV."""
    values = [round(5 + i / 10, 1) for i in range(N)]
    table = pa.table({"smiles": ["C" * (i + 1) for i in range(N)], "y": pa.array(values, pa.float32())})
    pq.write_table(table, tmp_path / "t.parquet")
    assert load_dataset(tmp_path / "t.parquet").y[:, 0].tolist() == values


def test_labels_of_sd_files_are_data_fields(tmp_path):
    """The molecules are those of the mol blocks, though a field is called smiles."""
    with Chem.SDWriter(str(tmp_path / "t.sdf")) as writer:
        for i in range(N):
            mol = Chem.MolFromSmiles("C" * (i + 1))
            mol.SetProp("smiles", "none of this")
            mol.SetProp("y", str(i / 7))
            writer.write(mol)
    dataset = load_dataset(tmp_path / "t.sdf", Columns(targets=("y",)))
    assert dataset.smiles == ["C" * (i + 1) for i in range(N)]
    assert np.array_equal(dataset.y[:, 0], [i / 7 for i in range(N)])


@pytest.mark.parametrize(("name", "target"), [("train_bool", None), ("train_ns", "y"), ("train_index", None)])
def test_labelled_tables_of_the_case_are_read(case, name, target):
    """Truth values and numbers are labels, and other columns do not matter."""
    path = case(12) / f"{name}.parquet"
    dataset = load_dataset(path, Columns(targets=(target,) if target else ()))
    table = pq.read_table(path)
    expected = table[target or "active"].cast(pa.int8()).to_pylist()
    assert dataset.tasks == ["binary"]
    assert dataset.y[:, 0].tolist() == expected
