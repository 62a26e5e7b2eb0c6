"""Work distributed over processes that may hang or die: answers in order, a bounded amount in progress.

Each chunk of items is sent to a worker process, which returns its answer. When a worker hangs or dies, its
chunk is divided until the item responsible is alone. That item is given up; all others get their answers.
"""

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any, Generic, Protocol, TypeVar

from servier.errors import ServierError
from servier.processes.parcels import Parcel
from servier.processes.workers import Preparation, WorkerProcess, start_failure

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)
Answer = TypeVar("Answer")

TIMEOUT = 60.0
"""Processor time, in seconds, that a single item may take: far more than the largest molecules need."""
SHARE_OF_A_CHUNK = 1 / 6
"""The part of this time after which a chunk is divided, which changes no answer."""
SECONDS_PER_ITEM = 0.02
PIECES = 16
AHEAD_PER_WORKER = 4
START_ATTEMPTS = 3
SECONDS_TO_START = 600.0
"""The time after which a worker that is not ready is replaced: even a busy network drive needs less."""
SINGLE_ATTEMPTS = 2


class Work(Preparation[Item_contra, Answer], Protocol[Item_contra, Answer]):
    """The work to do on chunks of items. It must be picklable."""

    def give_up(self, item: Item_contra, status: str, reason: str) -> Answer:
        """Return the answer for a single item that hung (`timeout`) or killed its worker (`crashed`)."""

    def join(self, answers: list[Answer]) -> Answer:
        """Join the answers of consecutive pieces of a chunk."""


def count_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    work: Work[Item, Answer], chunks: Iterable[Sequence[Item]], workers: int, timeout: float = TIMEOUT
) -> Generator[Answer, None, None]:
    """Do the work on chunks of items, on several processes.

    Parameters
    ----------
    work
        The work to do on each chunk.
    chunks
        The chunks, read only far enough ahead to keep the workers busy.
    workers
        The number of processes; the answers do not depend on it.
    timeout
        The seconds of processor time that a single item may take.

    Yields
    ------
    The answers, in the order of the chunks.

    Raises
    ------
    ServierError
        The work could not be prepared.
    """
    crew = _Crew(work, workers, timeout)
    try:
        yield from crew.run(chunks)
    finally:
        crew.dismiss()


@dataclass(eq=False)
class _Job(Generic[Item, Answer]):
    """A chunk, or a piece of one, and the place of its answer."""

    items: Sequence[Item]
    parent: "_Job[Item, Answer] | None" = None
    place: int = 0
    attempts: int = 0
    parts: list[Any] = field(default_factory=list)
    missing: int = 0
    answer: Any = None
    is_done: bool = False


class _Worker(WorkerProcess):
    """A process and its job."""

    def __init__(self, parcel: Parcel) -> None:
        super().__init__(parcel, SECONDS_TO_START)
        self.is_ready = False
        self.job: _Job[Any, Any] | None = None

    def take(self, job: _Job[Any, Any], timeout: float) -> None:
        self.job = job
        job.attempts += 1
        n_items = len(job.items)
        limit = timeout if n_items == 1 else SHARE_OF_A_CHUNK * timeout + SECONDS_PER_ITEM * n_items
        with suppress(OSError):  # it has just died, as the next wait will notice
            self.ask(job.items, limit)


class _Crew(Generic[Item, Answer]):
    """The workers, and the jobs that are waiting for one."""

    def __init__(self, work: Work[Item, Answer], workers: int, timeout: float) -> None:
        self._work, self._timeout = work, timeout
        self._parcel = Parcel(work)
        self._workers = [_Worker(self._parcel) for _ in range(workers)]
        self._waiting: deque[_Job[Item, Answer]] = deque()
        self._failed_starts = 0

    def run(self, chunks: Iterable[Sequence[Item]]) -> Iterator[Answer]:
        source = iter(chunks)
        in_order: deque[_Job[Item, Answer]] = deque()
        is_exhausted = False
        while True:
            while not is_exhausted and len(in_order) < len(self._workers) * AHEAD_PER_WORKER:
                items = next(source, None)
                if items is None:
                    is_exhausted = True
                    break
                in_order.append(_Job(items))
                self._waiting.append(in_order[-1])
                self._assign()
            if not in_order:
                return
            self._attend(is_waiting=not in_order[0].is_done)
            while in_order and in_order[0].is_done:
                yield in_order.popleft().answer

    def dismiss(self) -> None:
        for worker in self._workers:
            worker.stop()
        self._parcel.close()

    def _assign(self) -> None:
        for worker in self._workers:
            if self._waiting and worker.is_ready and worker.job is None:
                worker.take(self._waiting.popleft(), self._timeout)

    def _attend(self, *, is_waiting: bool) -> None:
        """Receive answers, and replace workers that died or exceeded their time."""
        first = min(worker.deadline for worker in self._workers)
        patience = None if first == float("inf") else max(0.0, first - time.monotonic())
        patience = patience if is_waiting else 0.0
        by_connection: dict[object, _Worker] = {worker.connection: worker for worker in self._workers}
        for connection in wait([worker.connection for worker in self._workers], patience):
            worker = by_connection[connection]
            try:
                kind, content = worker.receive()
            except (EOFError, OSError):
                if worker.has_run_out_of_time():
                    self._give_up(worker)
                else:
                    self._replace(worker, "crashed", "it crashes the process that reads it")
            else:
                self._receive(worker, kind, content)
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.deadline <= now:
                self._give_up(worker)
        self._assign()

    def _give_up(self, worker: _Worker) -> None:
        self._replace(worker, "timeout", f"no answer within {self._timeout:g} s")

    def _receive(self, worker: _Worker, kind: str, content: Any) -> None:
        if isinstance(content, ServierError):  # it is not one item that is wrong
            raise content
        if kind == "ready":
            worker.is_ready, self._failed_starts = True, 0
            return
        assert worker.job is not None
        job, worker.job = worker.job, None
        if kind == "answer":
            self._finish(job, content)
        else:
            self._retry(job, "crashed", content)

    def _replace(self, worker: _Worker, status: str, reason: str) -> None:
        """Replace a worker that is lost, and retry its job."""
        job = worker.job
        if not worker.is_ready:
            self._failed_starts += 1
            if self._failed_starts >= START_ATTEMPTS:
                raise start_failure()
        worker.stop()
        self._workers[self._workers.index(worker)] = _Worker(self._parcel)
        if job is not None:
            self._retry(job, status, reason)

    def _retry(self, job: _Job[Item, Answer], status: str, reason: str) -> None:
        """Divide a chunk that failed, or give up its only item."""
        if len(job.items) > 1:
            self._cut(job)
        elif status == "crashed" and job.attempts < SINGLE_ATTEMPTS:
            self._waiting.appendleft(job)
        else:
            self._finish(job, self._work.give_up(job.items[0], status, reason))

    def _cut(self, job: _Job[Item, Answer]) -> None:
        size = -(-len(job.items) // PIECES)
        starts = range(0, len(job.items), size)
        pieces = [_Job(job.items[start : start + size], job, place) for place, start in enumerate(starts)]
        job.parts, job.missing = [None] * len(pieces), len(pieces)
        self._waiting.extendleft(reversed(pieces))

    def _finish(self, job: _Job[Item, Answer], answer: Answer) -> None:
        job.answer, job.is_done = answer, True
        parent = job.parent
        if parent is not None:
            parent.parts[job.place] = answer
            parent.missing -= 1
            if parent.missing == 0:
                self._finish(parent, self._work.join(parent.parts))
