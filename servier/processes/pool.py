"""Worker processes that answer the questions of many threads, and are replaced when they hang or die."""

import logging
import queue
import threading
import time
from contextlib import suppress
from typing import Any, Protocol

from servier.chem.molecules import Status
from servier.errors import ServierError
from servier.processes.workers import Preparation, WorkerProcess, start_failure

logger = logging.getLogger(__name__)

ATTEMPTS = 3
SECONDS_PER_ITEM = 0.1
SECONDS_TO_START = 120.0
SECONDS_BETWEEN_STARTS = 1.0
PATIENCE = 30.0


class Question(Protocol):
    """A question for a worker."""

    @property
    def size(self) -> int:
        """The number of molecules that it is about."""


class UnansweredError(Exception):
    """A question that hung or killed the process that worked on it.

    Parameters
    ----------
    status
        `timeout` or `crashed`.
    reason
        The reason in words.
    """

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class BusyError(Exception):
    """No worker was free in time."""


class WorkerPool:
    """A number of worker processes, each of which has one question at a time.

    Parameters
    ----------
    work
        The work of each process.
    workers
        The number of processes.
    timeout
        The seconds of processor time that a question about one molecule may take.
    """

    def __init__(self, work: Preparation[Any, Any], workers: int, timeout: float) -> None:
        self._work, self._size, self._timeout = work, workers, timeout
        self._idle: queue.SimpleQueue[WorkerProcess] = queue.SimpleQueue()
        self._lost: queue.SimpleQueue[WorkerProcess | None] = queue.SimpleQueue()
        self._has_started = threading.Event()
        self._problem: ServierError | None = None
        # Linux ends a worker when the thread that started it ends, so one thread starts all of them.
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start the workers.

        Raises
        ------
        ServierError
            The workers cannot be prepared for their work.
        """
        self._keeper.start()
        self._has_started.wait()
        if self._problem is not None:
            raise self._problem

    def close(self) -> None:
        """End the workers, none of which may be working on a question."""
        self._lost.put(None)
        self._keeper.join()

    def ask(self, question: Question) -> Any:
        """Have a question answered.

        A worker that hangs or dies is replaced. One that died may have been killed by something else, so the
        question is asked again; after one that hung, it is not.

        Raises
        ------
        UnansweredError
            The question hangs or kills the process that works on it, or raises an error there.
        BusyError
            No worker was free in time.
        """
        limit = self._timeout + SECONDS_PER_ITEM * (question.size - 1)
        for _ in range(ATTEMPTS):
            kind, content = self._put(question, limit)
            if kind == "answer":
                return content
            if kind == "late":
                raise UnansweredError(Status.TIMEOUT, f"no answer within {limit:g} s")
            if kind == "failed":
                logger.error("a question failed: %s", content.partition(":")[0])  # the rest may quote it
                break
        raise UnansweredError(Status.CRASHED, "it crashes what reads it")

    def _put(self, question: Question, limit: float) -> tuple[str, Any]:
        """Put a question to a worker; return its reply, or `late` or `lost` for a worker that is replaced."""
        worker = self._take()
        kind = "late"
        try:
            if worker.connection.poll(worker.ask([question], limit)):
                reply: tuple[str, Any] = worker.connection.recv()
                self._idle.put(worker)
                return reply
        except (EOFError, OSError):
            kind = "late" if worker.has_run_out_of_time() else "lost"
        self._lost.put(worker)
        return kind, None

    def _take(self) -> WorkerProcess:
        """Return a worker that is alive."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                worker = self._idle.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise BusyError from None
            if worker.process.is_alive():
                return worker
            self._lost.put(worker)

    def _keep(self) -> None:
        """Start the workers, replace those that are lost, and end them all when the pool is closed."""
        try:
            workers = [WorkerProcess(self._work) for _ in range(self._size)]
            for worker in workers:
                self._welcome(worker)
        except ServierError as error:
            self._problem = error
            return
        finally:
            self._has_started.set()
        while (lost := self._lost.get()) is not None:
            logger.warning("a worker process hung or died, and is replaced")
            lost.stop()
            self._replace()
        while True:
            try:
                self._idle.get_nowait().stop()
            except queue.Empty:
                return

    def _replace(self) -> None:
        while True:
            try:
                self._welcome(WorkerProcess(self._work))
            except ServierError as error:
                logger.exception("a worker process does not start: %s", error.problem)
                time.sleep(SECONDS_BETWEEN_STARTS)
            else:
                return

    def _welcome(self, worker: WorkerProcess) -> None:
        """Wait until a worker is ready, then make it available."""
        kind, content = None, None
        with suppress(EOFError, OSError):
            if worker.connection.poll(SECONDS_TO_START):
                kind, content = worker.connection.recv()
        if kind == "ready":
            self._idle.put(worker)
            return
        worker.stop()
        if isinstance(content, ServierError):
            raise content
        raise start_failure()
