"""Slow molecules on a busy machine: the output does not depend on the number of processes."""

import subprocess
import sys
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES

from servier.chem.molecules import MAX_ATOMS
from servier.cli.bulk import FileOptions
from servier.cli.commands import declarations
from servier.cli.scoring import ServiceOptions
from servier.processes.ordered_map import TIMEOUT

BLOCK_ROWS = 512
LIMIT = 1
SLOW = "CC(C)(C)" * 25  # a tenth of the limit at most
TOO_SLOW = "C" * MAX_ATOMS  # several times the limit


@contextmanager
def other_work(n_processes):
    """Keep the machine busy with something else."""
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_slow_blocks_give_equal_bytes_with_any_number_of_workers(servier, tmp_path):
    """Of four blocks each has a slow molecule; three have their features, and one is given up."""
    slow = [SLOW, SLOW, TOO_SLOW, SLOW]
    library = tmp_path / "in.csv"
    rows = [smiles for last in slow for smiles in [*(SMILES * 99)[: BLOCK_ROWS - 1], last]]
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in rows))
    found = {}
    with other_work(3):
        for workers in (1, 2, 6, 16):
            target = tmp_path / f"{workers}.parquet"
            servier("featurize", library, target, "--timeout", LIMIT, "--workers", workers, timeout=1200)
            found[workers] = target.read_bytes()
    assert len(set(found.values())) == 1
    statuses = pq.read_table(tmp_path / "1.parquet", columns=["status"])["status"].to_pylist()
    assert statuses[BLOCK_ROWS - 1 :: BLOCK_ROWS] == ["ok", "ok", "timeout", "ok"]
    assert statuses.count("timeout") == 1


def test_every_command_has_the_same_limit():
    """A molecule that predict-file answers is answered by the service too."""
    limits = [
        declarations(options)["timeout"].settings["default"] for options in (FileOptions, ServiceOptions)
    ]
    assert limits == [TIMEOUT, TIMEOUT]
