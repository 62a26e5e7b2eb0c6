"""Runs that end when their journal is written for the n-th time.

As a script it runs a command whose process then sends itself a signal:
python stopping_for_tests.py SIGKILL 2 torn predict-file in.csv out.csv
"""

import os
import signal
import sys
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from servier.bulk import run
from servier.bulk.journal import Journal
from servier.cli import main

MOMENTS = ("before", "torn", "after")


class Stopped(BaseException):
    """The end of a run, which nothing in it catches."""


def stop():
    raise Stopped


@contextmanager
def stopping(n, moment, end=stop):
    """End runs at the n-th line of their journal: before it is written, after it, or within it.

    After each block of rows there is such a line, however fast the run is.
    """
    commits = count(1)
    commit = Journal.commit

    def watched(journal, progress):
        is_last = next(commits) == n
        if not is_last or moment != "before":
            commit(journal, progress)
        if is_last:
            if moment == "torn":
                os.truncate(journal.path, journal.path.stat().st_size - 5)
            end()

    with patch.object(Journal, "commit", watched), patch.object(run, "COMMIT_SECONDS", 0.0):
        yield


if __name__ == "__main__":
    name, number, where, *arguments = sys.argv[1:]
    with stopping(int(number), where, lambda: os.killpg(0, signal.Signals[name])):
        main(arguments)
