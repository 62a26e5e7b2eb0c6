"""The molecules of a list, scored in turns of a fraction of a second, so that others have theirs."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import accumulate, takewhile

from servier.chem.molecules import Status
from servier.processes.budgets import Budget, OverdueError
from servier.processes.pool import UnansweredError, WorkerPool
from servier.processes.turns import Lane
from servier.server.questions import Row, Score

CHUNK = 32
FIRST_CHUNK = 4
SHORT = 63
"""SMILES up to this length are alike in the time that they take; so are longer ones of about one length."""
LONG = 200
"""A single SMILES of more characters may take seconds."""
SECONDS_OF_A_TURN = 0.2
PIECES = 8
TINY = 1e-6


class ListScoring:
    """The scoring of a list by several workers at once.

    Parameters
    ----------
    pool
        The workers.
    asked
        The molecules, and what is asked about them.
    budget
        How long the answer may take. Molecules that are not reached by then have the status `timeout`.
    """

    def __init__(self, pool: WorkerPool, asked: Score, budget: Budget) -> None:
        self._pool, self._asked, self._smiles, self._budget = pool, asked, asked.smiles, budget
        self._chunk, self._first_chunk = (max(1, n // asked.weight) for n in (CHUNK, FIRST_CHUNK))
        self._lock = threading.Lock()
        self._next = 0
        self._sizes = [_size(text) for text in asked.smiles]
        self._seconds: dict[int, float] = {}
        reason = f"not reached within the {budget.seconds:g} s of a request"
        self._rows = [_give_up(text, Status.TIMEOUT, reason) for text in asked.smiles]

    def run(self, n_workers: int) -> list[Row]:
        """Return a row for each molecule, in order.

        Parameters
        ----------
        n_workers
            The number of workers that may work on the list at a time.
        """
        n_threads = min(n_workers, -(-len(self._smiles) // self._first_chunk))
        with ThreadPoolExecutor(n_threads) as threads:
            for done in [threads.submit(self._work) for _ in range(n_threads)]:
                done.result()
        return self._rows

    def _work(self) -> None:
        """Score chunk after chunk, until none or no time is left."""
        try:
            while (taken := self._take()) is not None:
                chunk, lane = taken
                self._rows[chunk] = self._score(self._smiles[chunk], lane)
        except OverdueError:
            return

    def _take(self) -> tuple[slice, Lane] | None:
        """Return the next chunk, and its lane; None after the last.

        It has as many molecules as fit in a turn, going by what those of their sizes took until now. Of sizes
        about which nothing is known, a few are tried by themselves.
        """
        with self._lock:
            start = self._next
            if start == len(self._smiles):
                return None
            coming = self._sizes[start : start + self._chunk]
            seconds = self._seconds.get(coming[0])
            if seconds is None:
                most = self._first_chunk if coming[0] == _size("") else 1
                self._next += sum(1 for _ in takewhile(coming[0].__eq__, coming[:most]))
            else:
                known = takewhile(lambda found: found is not None, map(self._seconds.get, coming))
                ends = accumulate(float(found or 0.0) for found in known)
                self._next += max(1, sum(end <= SECONDS_OF_A_TURN for end in ends))
            is_slow = seconds is None or seconds > SECONDS_OF_A_TURN
            return slice(start, self._next), Lane.SLOW if is_slow else Lane.LIST

    def _score(self, smiles: Sequence[str], lane: Lane) -> list[Row]:
        """Score a chunk; if that fails, find the molecule responsible and give up only that one."""
        try:
            question = replace(self._asked, smiles=tuple(smiles))
            rows, seconds = self._pool.measure(question, self._budget, lane)
        except UnansweredError as error:
            if len(smiles) == 1:
                return [_give_up(smiles[0], error.status, error.reason)]
        else:
            self._learn([_size(text) for text in smiles], seconds)
            return list(rows)
        count = -(-len(smiles) // PIECES)
        pieces = (smiles[start : start + count] for start in range(0, len(smiles), count))
        return [row for piece in pieces for row in self._score(piece, Lane.SLOW)]

    def _learn(self, sizes: Sequence[int], seconds: float) -> None:
        """Learn from a chunk how long molecules of its sizes take."""
        with self._lock:
            share = seconds / len(sizes)
            expected = sum(self._seconds.get(size, share) for size in sizes)
            for size in set(sizes):
                self._seconds[size] = self._seconds.get(size, share) * seconds / max(expected, TINY)


def score_one(pool: WorkerPool, asked: Score, budget: Budget) -> Row:
    """Return the row of the single molecule that a question is about."""
    (smiles,) = asked.smiles
    lane = Lane.LONG if len(smiles) > LONG or asked.weight > 1 else Lane.SINGLE
    try:
        (row,) = pool.ask(asked, budget, lane)
    except UnansweredError as error:
        return _give_up(smiles, error.status, error.reason)
    return dict(row)


def _size(smiles: str) -> int:
    """Return how long a SMILES is, in powers of two."""
    return max(SHORT, len(smiles)).bit_length()


def _give_up(smiles: str, status: Status, reason: str) -> Row:
    return {"smile": smiles, "status": str(status), "reason": reason}
