"""Runs of predict-file that go on while a test does something to them."""

import json
import os
import subprocess
import sys
import time

import pytest


def start(*arguments):
    """Start a run without the measuring of coverage, which takes its time when a process ends.

    It heeds Ctrl-C even if the tests run in a shell's background, where that is ignored.
    """
    heedful = ["env", "--default-signal=INT"]
    command = [*heedful, sys.executable, "-m", "servier", "predict-file", *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True, env=env)


def wait_for_progress(target, rows=1):
    """Wait until the journal has noted some rows."""
    journal = target.with_name(f"{target.name}.journal")
    for _ in range(600):
        if journal.exists():
            lines = journal.read_text().splitlines()[1:]
            if lines and json.loads(lines[-1])["rows"] >= rows:
                return
        time.sleep(0.05)
    pytest.fail("the run made no progress")
