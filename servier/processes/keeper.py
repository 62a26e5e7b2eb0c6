"""The keeper of worker processes: starts them, watches them, and replaces those that hang or die."""

import logging
import multiprocessing
import queue
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from servier.errors import ServierError
from servier.processes.parcels import Parcel
from servier.processes.turns import STARTING, Turns
from servier.processes.workers import Preparation, WorkerProcess, start_failure

logger = logging.getLogger(__name__)

SECONDS_TO_START = 120.0
START_ATTEMPTS = 3
SECONDS_BETWEEN_STARTS = 1.0
"""The pause after a process that died as it started, which has cost a second of a core."""
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_CLOSE = 3.0
DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that are sent to a whole process group: the parent decides when workers end."""


class Keeper:
    """Keeps a number of workers at hand.

    A thread of its own starts all of them, for Linux ends a worker when the thread that started it ends. It
    never waits for a single worker.

    Parameters
    ----------
    work
        The work of each process.
    n_workers
        The number of processes.
    """

    def __init__(self, work: Preparation[Any, Any], n_workers: int) -> None:
        self.turns = Turns(n_workers, self.lose)
        self._parcel, self._n_workers = Parcel(work), n_workers
        self._workers: set[WorkerProcess] = set()
        self._starting: dict[Any, WorkerProcess] = {}
        self._lost: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        self._woken, self._wake = multiprocessing.Pipe(duplex=False)
        self._failed_starts, self._next_start = 0, 0.0
        self._problem: ServierError | None = None
        self._has_started, self._is_closing = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self, seconds: float) -> None:
        """Start the workers, and wait until all are ready.

        Parameters
        ----------
        seconds
            How long to wait.

        Raises
        ------
        ServierError
            The workers cannot be prepared for their work, or not in time.
        """
        self._thread.start()
        problem = None
        if not self._has_started.wait(seconds):
            problem = ServierError("worker processes are not ready in time")
        elif self._is_closing.is_set():
            problem = self._problem or ServierError("worker processes are ended as they start")
        if problem is not None:
            self.close()
            raise problem

    def close(self) -> None:
        """End the workers, whatever they are doing; nobody gets one any more."""
        self.turns.close()
        self._is_closing.set()
        self._has_started.set()
        self._look()
        if self._thread.is_alive():
            self._thread.join(SECONDS_TO_CLOSE)
        else:
            self._parcel.close()

    def lose(self, worker: WorkerProcess) -> None:
        """Replace a worker that hangs or has died."""
        self._lost.put(worker)
        self._look()

    def problem(self) -> str | None:
        """Return why there is no worker; None if there is one."""
        found = self.turns.problem()
        return self._problem.problem if found == STARTING and self._problem is not None else found

    def _look(self) -> None:
        self._wake.send_bytes(b".")

    def _keep(self) -> None:
        try:
            while not self._is_closing.is_set():
                self._start_missing()
                for connection in wait([self._woken, *self._starting], self._patience()):
                    if connection is self._woken:
                        self._woken.recv_bytes()
                    else:
                        self._welcome(self._starting[connection])
                self.turns.lose_dead()
                while not self._lost.empty():
                    self._replace(self._lost.get())
                self._kill_overdue()
        finally:
            self._end_all()

    def _patience(self) -> float:
        """Return for how long to wait: until the next look, or the next start if that comes first."""
        if len(self._workers) == self._n_workers:
            return SECONDS_BETWEEN_LOOKS
        return min(SECONDS_BETWEEN_LOOKS, max(0.0, self._next_start - time.monotonic()))

    def _start_missing(self) -> None:
        while len(self._workers) < self._n_workers and time.monotonic() >= self._next_start:
            try:
                worker = WorkerProcess(self._parcel, SECONDS_TO_START, DEAF_TO)
            except (OSError, MemoryError) as error:
                hint = "are there enough memory and processes?"
                self._note_failed_start(ServierError(f"a process cannot be started: {error}", hint=hint))
                return
            self._workers.add(worker)
            self._starting[worker.connection] = worker

    def _welcome(self, worker: WorkerProcess) -> None:
        """Hear whether a worker is ready."""
        kind, content = "dead", None
        with suppress(EOFError, OSError):
            kind, content = worker.receive()
        if kind != "ready":
            self._replace(worker, content)
            return
        del self._starting[worker.connection]
        self._failed_starts, self._problem = 0, None
        self.turns.add(worker)
        if not self._starting and len(self._workers) == self._n_workers:
            self._has_started.set()

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.deadline <= now:
                if worker.connection in self._starting:
                    self._replace(worker)
                else:
                    worker.process.kill()  # which whoever talks to it notices, even within a message

    def _replace(self, worker: WorkerProcess, problem: ServierError | None = None) -> None:
        self._workers.remove(worker)
        self.turns.remove(worker)
        was_starting = self._starting.pop(worker.connection, None) is not None
        worker.stop()
        if was_starting:
            self._note_failed_start(problem or start_failure(), is_final=problem is not None)
        else:
            logger.warning("a worker process hung or died, and is replaced")

    def _note_failed_start(self, problem: ServierError, *, is_final: bool = False) -> None:
        """Try again after a pause, unless none has ever started."""
        logger.warning("a worker process does not start: %s", problem.problem)
        self._problem = problem
        self._failed_starts += 1
        self._next_start = time.monotonic() + SECONDS_BETWEEN_STARTS
        if not self._has_started.is_set() and (is_final or self._failed_starts >= START_ATTEMPTS):
            self._is_closing.set()
            self._has_started.set()

    def _end_all(self) -> None:
        self.turns.close()
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.stop()
        self._parcel.close()
