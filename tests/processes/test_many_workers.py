"""Slow molecules on a busy machine: the output does not depend on the number of processes."""

import subprocess
import sys
from contextlib import contextmanager

import pyarrow.parquet as pq
import pytest
from molecules_for_tests import SMILES

from servier.cli.bulk import FileOptions
from servier.cli.commands import declarations
from servier.cli.scoring import ServiceOptions
from servier.processes.ordered_map import TIMEOUT

BLOCK_ROWS = 512
LIMIT = 1
SLOW = "CC(C)(C)" * 25  # a tenth of the limit at most
MAX_ATOMS = 2000
ENDLESS = "C" * 1500  # its descriptors take minutes


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
    """Blocks that end in a slow molecule have all their features; of a short one its last row is given up."""
    library = tmp_path / "in.csv"
    block = [*(SMILES * 99)[: BLOCK_ROWS - 1], SLOW]
    rows = [*block * 2, *SMILES[:31], ENDLESS]
    library.write_text("smiles\n" + "".join(f"{smiles}\n" for smiles in rows))
    found = {}
    with other_work(3):
        for workers in (1, 3, 16):
            target = tmp_path / f"{workers}.parquet"
            options = ["--timeout", LIMIT, "--max_atoms", MAX_ATOMS, "--workers", workers]
            servier("featurize", library, target, *options, timeout=1200)
            found[workers] = target.read_bytes()
    assert len(set(found.values())) == 1
    statuses = pq.read_table(tmp_path / "1.parquet", columns=["status"])["status"].to_pylist()
    assert statuses == ["ok"] * (len(rows) - 1) + ["timeout"]


def test_every_command_has_the_same_limit():
    """A molecule that predict-file answers is answered by the service too."""
    limits = [
        declarations(options)["timeout"].settings["default"] for options in (FileOptions, ServiceOptions)
    ]
    assert limits == [TIMEOUT, TIMEOUT]
