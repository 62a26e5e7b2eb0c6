"""Which tests run when: the marks that follow from what a test uses, and what pure tests are kept from.

A test is pure unless it says otherwise: it starts no process, trains nothing, and takes milliseconds. What a
fixture needs, the tests that use it need too; what a test does by itself, its file says with a mark.
"""

import subprocess
import sys
from contextlib import contextmanager
from importlib.abc import Loader
from importlib.machinery import PathFinder
from multiprocessing.process import BaseProcess
from unittest.mock import patch

MARKS_OF_FIXTURES = {
    "servier": "process",
    "server": "process",
    "recipes": "training",
    "models_dir": "training",
    "real_data": "data",
    "ruled": "slow",
    "fresh": "workflow",
    "whole_run": "slow",
    "cluster": "cluster",
    "browser": "browser",
}
SLOW = {"cluster", "browser", "data"}
LONGEST_FIRST = ("exhaustive", "cluster", "slow", "workflow", "training", "process", "seconds")
LEFT_TO_TRAINING = {"tensorflow", "keras"}


def mark(item):
    """Give a test the marks that follow from its fixtures and from its other marks."""
    for fixture, name in MARKS_OF_FIXTURES.items():
        if fixture in item.fixturenames:
            item.add_marker(name)
    own = {found.name for found in item.iter_markers()}
    if own & SLOW:
        item.add_marker("slow")
    if not own & {*SLOW, *LONGEST_FIRST}:
        item.add_marker("pure")


def place(item):
    """Where a test comes: what takes longest first, for at the end it would keep a single process busy."""
    return next(
        (i for i, name in enumerate(LONGEST_FIRST) if item.get_closest_marker(name)), len(LONGEST_FIRST)
    )


class TrainingPackages:
    """Finds the packages that only training needs, to refuse their loading; they may be looked for."""

    @staticmethod
    def find_spec(name, *places):
        if name not in LEFT_TO_TRAINING:
            return None
        spec = PathFinder.find_spec(name, *places)
        if spec is not None:
            spec.loader = Refusal()
        return spec


class Refusal(Loader):
    """Loads nothing."""

    def exec_module(self, module):
        name = module.__name__
        raise ImportError(f"a pure test loads {name}: mark it `training`, or import it where it is used")


@contextmanager
def refusing_training_packages():
    """Let an import of TensorFlow fail."""
    sys.meta_path.insert(0, TrainingPackages)
    try:
        yield
    finally:
        sys.meta_path.remove(TrainingPackages)


@contextmanager
def purity():
    """Let a test fail that starts a process or loads TensorFlow, though it is taken for a pure one."""

    def refuse(*_, **__):
        raise AssertionError("a pure test starts a process: mark it `process`")

    with (
        refusing_training_packages(),
        patch.object(subprocess.Popen, "__init__", refuse),
        patch.object(BaseProcess, "start", refuse),
    ):
        yield
