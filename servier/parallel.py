"""Work spread over processes, answers in order, a bounded amount of it under way."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

IN_FLIGHT_PER_WORKER = 3

_work: Callable[[Any], Any] | None = None


def count_cores() -> int:
    """Return the number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    prepare: Callable[[], Callable[[Item], Answer]], items: Iterable[Item], workers: int
) -> Iterator[Answer]:
    """Apply one function to many items on several processes.

    Parameters
    ----------
    prepare
        Called once in each process; returns the function. It must pickle, the function need not.
    items
        What the function is applied to; read only as far ahead as keeps the workers busy.
    workers
        Number of processes; with 1 the work is done in this process.

    Yields
    ------
    The answers, in the order of the items.
    """
    if workers <= 1:
        yield from map(prepare(), items)
        return
    context = multiprocessing.get_context("spawn")
    pending: deque[Future[Answer]] = deque()
    with ProcessPoolExecutor(workers, context, _start_worker, (prepare,)) as pool:
        try:
            for item in items:
                pending.append(pool.submit(_apply, item))
                if len(pending) >= workers * IN_FLIGHT_PER_WORKER:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _start_worker(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    global _work  # noqa: PLW0603 - a worker process has one job for its whole life
    _work = prepare()


def _apply(item: Any) -> Any:
    assert _work is not None
    return _work(item)
