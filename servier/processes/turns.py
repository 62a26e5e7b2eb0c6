"""Whose turn it is: idle workers, and the threads that wait for one."""

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from servier.processes.budgets import Budget, BusyError
from servier.processes.workers import WorkerProcess

SECONDS_BETWEEN_LOOKS = 0.25
STARTING = "worker processes are starting"
NO_ANSWER = "no worker process has answered within the time of a request"


class Lane(StrEnum):
    """What a worker is wanted for."""

    SINGLE = "single"
    """A short question, for which somebody waits."""
    LONG = "long"
    """The same about a large molecule, or one with its forms, which may be slow."""
    LIST = "list"
    """A part of many questions."""
    SLOW = "slow"
    """A part of many questions that are slow, or about which nothing is known yet."""


WEIGHTS = {Lane.SINGLE: 4.0, Lane.LONG: 2.0, Lane.LIST: 1.0, Lane.SLOW: 1.0}
"""The shares of the workers' time, where all lanes are full."""
MAY_BE_SLOW = {Lane.LONG, Lane.SLOW}


class _Waiter:
    """A thread that waits for a worker."""

    def __init__(self) -> None:
        self.worker: WorkerProcess | None = None
        self.is_called = threading.Event()


class Turns:
    """Hands idle workers to those who wait for one.

    The lanes share the time of the workers by their weights, and within a lane who comes first has the first
    turn. Of several workers one is always left to what is short.

    Parameters
    ----------
    n_workers
        The number of workers, idle or not.
    lose
        Called with each worker that has died while it was idle.
    """

    def __init__(self, n_workers: int, lose: Callable[[WorkerProcess], None]) -> None:
        self._lose = lose
        self._lock = threading.Lock()
        self._idle: list[WorkerProcess] = []
        self._waiting: dict[Lane, deque[_Waiter]] = {lane: deque() for lane in Lane}
        self._used = dict.fromkeys(Lane, 0.0)
        self._now = 0.0
        self._most_slow = max(1, n_workers - 1)
        self._taken: dict[WorkerProcess, tuple[Lane, float]] = {}
        self._late: set[WorkerProcess] = set()
        self._is_closed = False

    def take(self, lane: Lane, budget: Budget) -> WorkerProcess:
        """Wait for a worker.

        Raises
        ------
        BusyError
            None was free within the budget, or there are no workers any more.
        AbandonedError
            Nobody waits for the answer any more.
        """
        budget.check()
        waiter = _Waiter()
        with self._lock:
            self._enter(lane, waiter)
            self._match()
            if waiter.worker is not None:
                return waiter.worker
        while not waiter.is_called.wait(SECONDS_BETWEEN_LOOKS):
            try:
                budget.check()
            except Exception:
                self._leave(lane, waiter)
                raise
        if waiter.worker is None:
            raise BusyError("the service stops")
        return waiter.worker

    def add(self, worker: WorkerProcess) -> None:
        """Make a new worker available."""
        with self._lock:
            self._idle.append(worker)
            self._match()

    def give_back(self, worker: WorkerProcess) -> None:
        """Make a worker available again."""
        with self._lock:
            self._end_turn(worker)
            self._idle.append(worker)
            self._match()

    def remove(self, worker: WorkerProcess) -> None:
        """Forget a worker that is lost."""
        with self._lock:
            self._end_turn(worker)
            self._match()

    def lose_dead(self) -> None:
        """Lose the workers that have died while they were idle."""
        with self._lock:
            for worker in [found for found in self._idle if not found.process.is_alive()]:
                self._idle.remove(worker)
                self._lose(worker)

    def note_late(self, worker: WorkerProcess) -> None:
        """Note that a worker has not answered in time, and may go on like this."""
        with self._lock:
            if worker in self._taken:
                self._late.add(worker)

    def problem(self) -> str | None:
        """Return why nobody can count on a worker; None if there is one that is idle, or soon will be."""
        if self.count_alive() > len(self._late):
            return None
        return NO_ANSWER if self._late else STARTING

    def count_alive(self) -> int:
        """Return the number of workers that are idle or at work."""
        with self._lock:
            return len(self._taken) + sum(worker.process.is_alive() for worker in self._idle)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._lock:
            self._is_closed = True
            for waiting in self._waiting.values():
                while waiting:
                    waiting.popleft().is_called.set()

    def _enter(self, lane: Lane, waiter: _Waiter) -> None:
        if self._is_closed:
            waiter.is_called.set()
            return
        if not self._waiting[lane]:
            # While a lane was empty it has saved up no time: it stands where the lane of the last turn stood.
            self._used[lane] = max(self._used[lane], self._now)
        self._waiting[lane].append(waiter)

    def _leave(self, lane: Lane, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._waiting[lane]:
                self._waiting[lane].remove(waiter)
                return
        if waiter.worker is not None:
            self.give_back(waiter.worker)

    def _match(self) -> None:
        """Hand idle workers to those whose turn it is."""
        while self._idle and any(self._waiting.values()):
            lane = self._next_lane()
            if lane is None:
                return
            worker = self._idle.pop()
            if not worker.process.is_alive():
                self._lose(worker)
                continue
            self._now = self._used[lane]
            self._taken[worker] = (lane, time.monotonic())
            waiter = self._waiting[lane].popleft()
            waiter.worker = worker
            waiter.is_called.set()

    def _next_lane(self) -> Lane | None:
        """Return the lane that has used least of its share, of those that wait and may have a worker."""
        n_slow = sum(lane in MAY_BE_SLOW for lane, _ in self._taken.values())
        closed = MAY_BE_SLOW if n_slow >= self._most_slow else set()
        ready = [lane for lane in Lane if self._waiting[lane] and lane not in closed]
        return min(ready, key=self._used.__getitem__, default=None)

    def _end_turn(self, worker: WorkerProcess) -> None:
        self._late.discard(worker)
        if worker in self._taken:
            lane, since = self._taken.pop(worker)
            self._used[lane] += (time.monotonic() - since) / WEIGHTS[lane]
