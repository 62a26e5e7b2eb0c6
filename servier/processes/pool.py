"""Worker processes that answer the questions of many threads, and are replaced when they hang or die."""

import logging
import math
import threading
import time
from typing import Any, Protocol

from servier.chem.molecules import Status
from servier.errors import ServierError
from servier.processes.budgets import Budget, OverdueError
from servier.processes.keeper import Keeper
from servier.processes.turns import Lane
from servier.processes.workers import Preparation, WorkerProcess

logger = logging.getLogger(__name__)

ATTEMPTS = 3
SECONDS_PER_ITEM = 0.1
SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_TO_START = 300.0
UNLIMITED = Budget(math.inf)


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
        self._keeper, self._timeout = Keeper(work, workers), timeout
        self._turns = self._keeper.turns

    def start(self, seconds: float = SECONDS_TO_START) -> None:
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
        self._keeper.start(seconds)

    def close(self) -> None:
        """End the workers, whatever they are doing; questions are not answered any more."""
        self._keeper.close()

    def problem(self) -> str | None:
        """Return why no question can be answered now; None if one can."""
        return self._keeper.problem()

    def ask(self, question: Question, budget: Budget = UNLIMITED, lane: Lane = Lane.SINGLE) -> Any:
        """Have a question answered, as `measure` does, which says more."""
        return self.measure(question, budget, lane)[0]

    def measure(self, question: Question, budget: Budget, lane: Lane) -> tuple[Any, float]:
        """Have a question answered; return the answer, and the seconds that the worker took.

        A worker that hangs or dies is replaced. One that died may have been killed by something else, so the
        question is asked again; after one that hung, it is not.

        Parameters
        ----------
        question
            The question.
        budget
            How long the answer is wanted. A worker that is busy with a question whose budget is used up gets
            the next one when it has answered.
        lane
            What kind of question it is.

        Raises
        ------
        UnansweredError
            The question hangs or kills the process that works on it, or raises an error there.
        BusyError
            There was no answer within the budget, or there are no workers any more.
        AbandonedError
            Nobody waits for the answer any more.
        """
        limit = self._timeout + SECONDS_PER_ITEM * (question.size - 1)
        for _ in range(ATTEMPTS):
            worker = self._turns.take(lane, budget)
            started = time.monotonic()
            kind, content = self._put(worker, question, limit, budget)
            if kind == "answer":
                return content, time.monotonic() - started
            if kind == "late":
                raise UnansweredError(Status.TIMEOUT, f"no answer within {limit:g} s")
            if isinstance(content, ServierError):
                logger.error("a question failed: %s", type(content).__name__)  # the rest may quote it
                raise UnansweredError(Status.CRASHED, "the model cannot answer it")
            if kind == "failed":
                logger.error("a question failed: %s", content.partition(":")[0])  # the rest may quote it
                break
        raise UnansweredError(Status.CRASHED, "it crashes what reads it")

    def _put(
        self, worker: WorkerProcess, question: Question, limit: float, budget: Budget
    ) -> tuple[str, Any]:
        """Put a question to a worker; return its reply, or `late` or `lost` for a worker that is replaced."""
        try:
            worker.ask([question], limit)
            while not worker.connection.poll(SECONDS_BETWEEN_LOOKS):
                self._check(worker, budget)
            reply = worker.receive()
        except (EOFError, OSError):
            is_late = worker.has_run_out_of_time() or time.monotonic() >= worker.deadline
            self._keeper.lose(worker)
            return ("late" if is_late else "lost"), None
        self._turns.give_back(worker)
        return reply

    def _check(self, worker: WorkerProcess, budget: Budget) -> None:
        """Leave a worker whose answer is not wanted any more: another thread will hear it."""
        try:
            budget.check()
        except Exception as error:
            if isinstance(error, OverdueError):
                self._turns.note_late(worker)
            threading.Thread(target=self._hear, args=(worker,), daemon=True).start()
            raise

    def _hear(self, worker: WorkerProcess) -> None:
        try:
            worker.receive()
        except (EOFError, OSError):
            self._keeper.lose(worker)
        else:
            self._turns.give_back(worker)
