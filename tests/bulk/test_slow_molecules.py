"""Molecules that take long: scored and described where they are within the limits, and a row in any case."""

import csv
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest

from servier.chem.levels import Level
from servier.chem.molecules import MAX_ATOMS
from servier.features.feature_file import read_features
from servier.features.rdkit2d import DESCRIPTOR_NAMES
from servier.features.registry import PRESETS
from servier.processes.ordered_map import TIMEOUT

pytestmark = pytest.mark.slow

LARGEST = {
    "an alkane": "C" * MAX_ATOMS,
    "a peptide": "N" + "C(Cc1ccccc1)C(=O)N" * 45,
    "small rings": "C1CC1" * (MAX_ATOMS // 3),
    "bushes": "C" + "C(C)(C)" * 166,
}
TIMED = """
import sys, time
from servier.features.computing import FeatureWork
compute = FeatureWork([{"kind": kind} for kind in sys.argv[2:]]).prepare()
started = time.process_time()
(problem,) = compute([(sys.argv[1], None)]).problems
assert problem is None, problem
print(time.process_time() - started)
"""
RDKIT = """
import sys
from rdkit import Chem
from rdkit.Chem import GraphDescriptors
print(repr(float(GraphDescriptors.AvgIpc(Chem.MolFromSmiles(sys.argv[1])))))
"""


def run_alone(code, *arguments):
    """Run code in a process with one thread for linear algebra, as workers have it; return what it prints."""
    words = ["env", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1", sys.executable, "-c", code, *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


@pytest.mark.process
@pytest.mark.parametrize("smiles", LARGEST.values(), ids=LARGEST)
def test_the_largest_molecules_take_less_than_a_tenth_of_the_limit(smiles):
    """So the limit is met by molecules that would never end, and by no other, on a slower machine too."""
    kinds = [spec["kind"] for spec in PRESETS["accurate"]]
    assert float(run_alone(TIMED, smiles, *kinds)) < TIMEOUT / 10


def test_the_largest_molecules_have_the_values_of_rdkit(servier, tmp_path):
    """Their features are there, and what takes longest is RDKit's value, bit for bit."""
    table, target = tmp_path / "in.csv", tmp_path / "f.parquet"
    table.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in LARGEST.values()))
    servier("featurize", table, target)
    found = read_features(target, PRESETS["accurate"], Level.PARENT)
    assert found.problems == [None] * len(LARGEST)
    values = found.X[:, -len(DESCRIPTOR_NAMES) + DESCRIPTOR_NAMES.index("AvgIpc")]
    expected = [float(run_alone(RDKIT, smiles)) for smiles in LARGEST.values()]
    np.testing.assert_array_equal(values, np.array(expected, np.float32))


def test_slow_molecules_of_others_are_described(servier, case, tmp_path):
    """Where other tools hang there are features, equal bytes; a limit costs only the slowest rows."""
    source = case(17) / "featurize_slow.csv"
    one, two, hurried = (tmp_path / f"{name}.parquet" for name in ("one", "two", "hurried"))
    servier("featurize", source, one, "--preset", "accurate", "--workers", 1)
    servier("featurize", source, two, "--preset", "accurate", "--workers", 2)
    servier("featurize", source, hurried, "--timeout", 1)
    table = pq.read_table(one, columns=["smiles", "status"])
    assert table["smiles"].to_pylist() == [row["smiles"] for row in csv.DictReader(source.open())]
    assert set(table["status"].to_pylist()) == {"ok"}
    assert one.read_bytes() == two.read_bytes()
    statuses = pq.read_table(hurried)["status"].to_pylist()
    assert set(statuses) == {"ok", "timeout"}
    ok = np.array(statuses) == "ok"
    features = [read_features(path, PRESETS["accurate"], Level.PARENT).X for path in (one, hurried)]
    np.testing.assert_array_equal(features[0][ok], features[1][ok])
    assert not features[1][~ok].any()


def test_slow_molecules_of_others_are_scored(servier, model_1, case, tmp_path):
    """Each has its row and an answer, those that once killed other tools too."""
    source, target = case(17) / "slow.csv", tmp_path / "out.csv"
    servier("predict-file", source, target, "--model_path", model_1, "--detail")
    rows = {row["what"]: row for row in csv.DictReader(target.open())}
    assert list(rows) == [row["what"] for row in csv.DictReader(source.open())]
    assert {row["status"] for row in rows.values()} <= {"ok", "invalid"}
    assert rows["CID 102128817"]["status"] == "ok"
