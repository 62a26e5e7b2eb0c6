"""The command line inside the process of the tests, where an answer takes milliseconds."""

import logging
import os
import sys
from contextlib import chdir, contextmanager
from typing import NamedTuple
from unittest.mock import patch

from click.testing import CliRunner

from servier.cli import main
from servier.processes import ordered_map


class Finished(NamedTuple):
    """What became of a command, under the names that a finished process has for it."""

    returncode: int
    stdout: str
    stderr: str


class OneProcess:
    """In place of the crew of worker processes: the same work, chunk by chunk, in this process."""

    def __init__(self, work, *_):
        self._apply = work.prepare()

    def run(self, chunks):
        return map(self._apply, chunks)

    def dismiss(self):
        pass


@contextmanager
def without_workers():
    """Let everything that would go to worker processes be done here, as on a machine with one core."""
    with patch.object(ordered_map, "_Crew", OneProcess), patch.object(os, "sched_getaffinity", lambda _: {0}):
        yield


@contextmanager
def keeping_logging():
    """Give logging back as it was: each run of the command sets it up anew, for a stderr that then closes."""
    root, package = logging.getLogger(), logging.getLogger("servier")
    handlers, levels = root.handlers[:], (root.level, package.level)
    root.handlers.clear()  # the command would close those of pytest
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for logger, level in zip((root, package), levels, strict=True):
            logger.setLevel(level)


def run_command(*arguments, cwd=".", status=0, stdin=None):
    """Run a command line here; an exception that it does not turn into a line is the test's.

    Where the status is None, any will do.
    """
    words = [str(argument) for argument in arguments]
    with keeping_logging(), without_workers(), chdir(cwd), patch.object(sys, "argv", ["servier", *words]):
        result = CliRunner().invoke(main, words, input=stdin, prog_name="servier", catch_exceptions=False)
    assert status in (None, result.exit_code), result.stderr + result.stdout
    return Finished(result.exit_code, result.stdout, result.stderr)
