"""Runs of predict-file that go on while a test does something to them."""

import json
import subprocess
import sys
import time

import pytest


def start(*arguments):
    command = [sys.executable, "-m", "servier", "predict-file", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)


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
