import fcntl
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy.testing  # noqa: F401 - NumPy 2.0 starts a program when this is loaded, which pure tests must not
import pytest
from browser_for_tests import browser
from classes_for_tests import TASKS, write_classes
from command_for_tests import run_command, without_workers
from handed_for_tests import handed, handed_models
from hypothesis import settings
from tiers_for_tests import mark, place, purity, refusing_training_packages
from workflow_for_tests import finished, fresh, whole_run

__all__ = ["browser", "finished", "fresh", "handed", "handed_models", "whole_run"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("usual", deadline=None)
settings.register_profile("exhaustive", deadline=None, max_examples=5000)
settings.load_profile("usual")

SHARED = Path(__file__).resolve().parents[2] / "shared"
REAL_DATA = SHARED / "data"

LONGEST_ID = 40

TINY = Path(__file__).resolve().parents[1] / ".test" / "config"


def pytest_configure(config):
    """Where only pure tests run, files of tests do not load TensorFlow either."""
    if config.getoption("markexpr") == "pure":
        refusal = refusing_training_packages()
        refusal.__enter__()
        config.add_cleanup(lambda: refusal.__exit__(None, None, None))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what each test needs, before any are chosen by their marks."""
    for item in items:
        mark(item)
    items.sort(key=place)


def pytest_make_parametrize_id(val):
    """Return the length of long bytes, which nobody can read in the name of a test."""
    return f"{len(val)} bytes" if isinstance(val, bytes) and len(val) > LONGEST_ID else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    """A pure test stays pure while its fixtures are made."""
    with purity() if item.get_closest_marker("pure") else nullcontext():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """A pure test stays pure while it runs."""
    with purity() if item.get_closest_marker("pure") else nullcontext():
        return (yield)


@pytest.fixture(scope="session")
def servier():
    """Run the real command, in a process of its own; returns the finished process."""

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
def command():
    """Run the command in this process, without worker processes; returns what `servier` returns."""
    return run_command


@pytest.fixture
def one_process():
    """What would go to worker processes is done in this one."""
    with without_workers():
        yield


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
def once(workshop):
    """Have a folder of the workshop filled by whichever process comes first; returns the folder."""

    def make_once(name, fill):
        folder, done = workshop / name, workshop / f"{name}.done"
        with alone(done) as is_missing:
            if is_missing:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make_once


@pytest.fixture(scope="session")
def simulated(once):
    """A small simulated data set, as a CSV file in a data directory."""
    from servier.data.simulation import simulate, write_simulation

    def fill(folder):
        write_simulation(simulate(240, seed=3), folder / "dataset_single.csv")

    return once("data", fill) / "dataset_single.csv"


@pytest.fixture(scope="session")
def recipes():
    """Recipe files that train in seconds: those of the tiny configuration."""
    return {name: TINY / f"model_{name}.yaml" for name in "12"}


@pytest.fixture(scope="session")
def models_dir(command, once, simulated, recipes):
    """A folder with both models, trained once, so that one process of the session loads TensorFlow for it."""

    def fill(folder):
        for name, recipe in recipes.items():
            command(
                "train", "--data_dir", simulated.parent, "--model_name", name, "--config", recipe,
                "--models_dir", folder,
            )  # fmt: skip

    return once("models", fill)


@pytest.fixture(scope="session")
def classes(command, once, recipes):
    """A table of three classes, and for each target with classes a folder with both models of it."""

    def fill(folder):
        table = write_classes(folder / "classes.csv")
        for target, task in TASKS.items():
            for name, recipe in recipes.items():
                command(
                    "train", "--dataset", table, "--target", target, "--task", task, "--config", recipe,
                    "--model_name", name, "--models_dir", folder / target,
                )  # fmt: skip

    return once("classes", fill)


@pytest.fixture(scope="session")
def model_1(models_dir):
    return models_dir / "model_1.servier"


@pytest.fixture(scope="session")
def model_2(models_dir):
    return models_dir / "model_2.servier"


@pytest.fixture
def case():
    """Return the folder of a damaged input, by its number."""

    def find(number):
        folder = next((SHARED / "cases").glob(f"{number:02d}-*"), None)
        if folder is None:
            pytest.skip(f"case {number} is not beside the checkout, in ../shared/cases")
        return folder

    return find


@pytest.fixture
def real_data():
    """The folder of real data sets beside the checkout; the test skips where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return REAL_DATA
