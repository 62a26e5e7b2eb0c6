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
LIMIT = 5
SLOW = "CC(C)(C)" * 45  # a twentieth of the limit or so
ENDLESS_ATOMS = 28


def endless():
    """A SMILES string of atoms that are all bound to each other: RDKit takes minutes for its paths."""
    pairs = [(i, j) for i in range(ENDLESS_ATOMS) for j in range(i + 2, ENDLESS_ATOMS)]
    numbers = {pair: f"%({number})" for number, pair in enumerate(pairs, start=1)}
    return "".join("*" + "".join(numbers[p] for p in pairs if i in p) for i in range(ENDLESS_ATOMS))


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
    """Of six blocks each has a slow molecule; four have their features, and two are given up."""
    slow = [SLOW, SLOW, endless(), SLOW, SLOW, endless()]
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
    assert statuses[BLOCK_ROWS - 1 :: BLOCK_ROWS] == ["ok", "ok", "timeout", "ok", "ok", "timeout"]
    assert statuses.count("timeout") == 2


def test_every_command_has_the_same_limit():
    """A molecule that predict-file answers is answered by the service too."""
    limits = [
        declarations(options)["timeout"].settings["default"] for options in (FileOptions, ServiceOptions)
    ]
    assert limits == [TIMEOUT, TIMEOUT]
