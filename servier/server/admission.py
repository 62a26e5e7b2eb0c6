"""Which requests are worked on: only so many at a time, each for a limited time."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from flask import request

from servier.processes.budgets import Budget, BusyError

SHARE_OF_A_KIND = 4


class Kind(StrEnum):
    """The kinds of requests that need worker processes."""

    SINGLE = "single"
    LIST = "list"
    EXPLANATION = "explanation"


class Gate:
    """Admits requests that need worker processes, and refuses at once those that are too many.

    Lists and explanations take long, so each may be a quarter of what is under way, and single molecules
    always find room.

    Parameters
    ----------
    queue
        How many requests may be under way: worked on, or waiting for a worker.
    seconds
        How long a request may take.
    """

    def __init__(self, queue: int, seconds: float) -> None:
        share = max(1, queue // SHARE_OF_A_KIND)
        self._queue, self._seconds = queue, seconds
        self._most = {Kind.SINGLE: queue, Kind.LIST: share, Kind.EXPLANATION: share}
        self._under_way: Counter[Kind] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def admit(self, kind: Kind) -> Iterator[Budget]:
        """Admit the current request for as long as it is worked on; gives its budget.

        Raises
        ------
        BusyError
            Too many requests, or too many of this kind, are under way.
        """
        with self._lock:
            if self.is_full(kind):
                raise BusyError("too many requests are under way; try again")
            self._under_way[kind] += 1
        try:
            yield Budget(self._seconds, request.environ.get("waitress.client_disconnected", lambda: False))
        finally:
            with self._lock:
                self._under_way[kind] -= 1

    def is_full(self, kind: Kind = Kind.SINGLE) -> bool:
        """Say whether no request of a kind would be admitted now."""
        return self._under_way.total() >= self._queue or self._under_way[kind] >= self._most[kind]
