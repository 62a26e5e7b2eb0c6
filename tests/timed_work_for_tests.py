"""Work that takes time in known ways. It stands by itself, so that its worker processes start at once."""

import os
import signal
import time
from dataclasses import dataclass


def sleep(seconds):
    """Take wall time only."""
    time.sleep(seconds)


def compute(seconds):
    """Take processor time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def stop(_):
    """Take neither, for ever."""
    os.kill(os.getpid(), signal.SIGSTOP)


@dataclass(frozen=True)
class TimedWork:
    """Does with each item, a function of this module and its seconds, what it says."""

    def prepare(self):
        return lambda items: [self.do(*item) for item in items]

    def do(self, what, seconds):
        globals()[what](seconds)
        return what

    def give_up(self, _, status, reason):
        return [f"{status}: {reason}"]

    def join(self, answers):
        return [answer for part in answers for answer in part]


@dataclass(frozen=True)
class PooledWork(TimedWork):
    """The same for a pool, which puts one question at a time."""

    def prepare(self):
        return lambda questions: [self.do(*item) for question in questions for item in question]


class Asked(list):
    """A question to timed work."""

    size = 1


class LargeWork:
    """Work that is as large as it is said to be, and answers how large it is; it dies if it has no size."""

    def __init__(self, size):
        self._content, self._dies = b"x" * size, size < 0

    def prepare(self):
        if self._dies:
            os._exit(1)
        return lambda _: len(self._content)


@dataclass(frozen=True)
class EnvironmentWork:
    """Says which settings of the environment a worker has."""

    def prepare(self):
        return lambda names: [os.environ.get(name) for name in names]
