import subprocess
import sys
from pathlib import Path

import pytest
from molecules_for_tests import SMILES

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_service_holds_out(models_dir, tmp_path):
    """Five minutes of requests, hostile ones, kills and reloads: no wrong or late answer, and no growth."""
    library = tmp_path / "library.csv"
    drugs = ("C" * n + "Oc1ccccc1" for n in range(60))
    library.write_text("smiles\n" + "\n".join([*SMILES, *drugs]) + "\n")
    command = [sys.executable, ROOT / "benchmarks" / "storm.py", "--minutes", "5", "--pause", "0.1"]
    found = subprocess.run(
        [*command, "--models_dir", models_dir, "--library", library],
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout[-4000:] + found.stderr[-2000:]
