import fcntl
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser_for_tests import browser

__all__ = ["browser"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

TINY = Path(__file__).resolve().parents[1] / ".test" / "config"

LONGEST = [
    "test_workflow",
    "test_slurm",
    "test_training",
    "test_cli",
    "test_tuning",
    "test_pretrain",
    "test_smiles_network",
    "test_report",
]


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: one of them at the end would keep a single process busy."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session")
def servier():
    """Run the real command; returns the finished process."""

    def run(*arguments, cwd=None, status=0, stdin=None, timeout=300):
        finished = subprocess.run(
            [sys.executable, "-m", "servier", *map(str, arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=os.environ,
        )
        assert finished.returncode == status, finished.stderr + finished.stdout
        assert "Traceback" not in finished.stderr, finished.stderr
        return finished

    return run


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, worker_id):
    """A folder for what all processes of the session share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "workshop"
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def alone(path):
    """Let one process at a time make something; says whether it is still to be made."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not path.exists()


@pytest.fixture(scope="session")
def simulated(workshop):
    """A small simulated data set, as a CSV file in a data directory."""
    from servier.data.simulation import simulate, write_simulation

    folder = workshop / "data"
    with alone(folder) as is_missing:
        if is_missing:
            write_simulation(simulate(240, seed=3), folder / "dataset_single.csv")
    return folder / "dataset_single.csv"


@pytest.fixture(scope="session")
def recipes():
    """Recipe files that train in seconds: those of the tiny configuration."""
    return {name: TINY / f"model_{name}.yaml" for name in "12"}


@pytest.fixture(scope="session")
def models_dir(servier, workshop, simulated, recipes):
    """A folder with both models, trained by the real command."""
    folder = workshop / "models"
    with alone(folder) as is_missing:
        for name, recipe in recipes.items() if is_missing else ():
            servier(
                "train", "--data_dir", simulated.parent, "--model_name", name, "--config", recipe,
                "--models_dir", folder, "--workers", 1,
            )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def model_1(models_dir):
    return models_dir / "model_1.servier"


@pytest.fixture(scope="session")
def model_2(models_dir):
    return models_dir / "model_2.servier"


@pytest.fixture
def real_data():
    """The folder of real data sets beside the checkout; the test skips where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return REAL_DATA
