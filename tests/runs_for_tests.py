"""Runs of predict-file and featurize that a test interrupts, or does something to while they go on."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stopping_for_tests
from stopping_for_tests import Stopped, stopping


def start(*arguments, **options):
    """Start a run without the measuring of coverage, which takes its time when a process ends."""
    return _start([sys.executable, "-m", "servier", *map(str, arguments)], **options)


def end_by(signal_name, n, moment, *arguments):
    """Start a run that ends itself at the n-th line of its journal; return its status and what it said."""
    script = Path(stopping_for_tests.__file__)
    words = [signal_name, n, moment, *arguments]
    process = _start([sys.executable, str(script), *map(str, words)])
    said = process.communicate(timeout=120)[1]
    return process.returncode, said.decode()


def _start(command, **options):
    """Start a process in a group of its own, which Ctrl-C ends even where the tests ignore it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    interruptible = ["env", "--default-signal=INT,HUP,TERM"]
    return subprocess.Popen(
        [*interruptible, *command], stderr=subprocess.PIPE, start_new_session=True, env=env, **options
    )


def stop_at(n, moment, command, *arguments):
    """Run a command line here, up to the n-th line of its journal; return whether it was stopped there."""
    try:
        with stopping(n, moment):
            command(*arguments)
    except Stopped:
        return True
    return False


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
