"""The service behind the requests: the models, and the worker processes that have loaded them."""

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from servier.chem.molecules import InvalidMolecule
from servier.processes.pool import UnansweredError, WorkerPool
from servier.server.loading import Models
from servier.server.questions import Compare, Draw, Explain, Row, Score, Work

logger = logging.getLogger(__name__)

CHUNK = 32
PIECES = 8


@dataclass(frozen=True)
class Limits:
    """The limits of a service.

    Parameters
    ----------
    workers
        The number of processes that score; one more explains.
    timeout
        The seconds that one molecule may take.
    """

    workers: int
    timeout: float


class Service:
    """The models, and the processes that score with them.

    Explanations take long, so they have a process of their own, and no prediction waits for one.

    Parameters
    ----------
    models, limits
        The models, and the limits of their processes.

    Raises
    ------
    ServierError
        The processes do not start.
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models = models
        # The processes get copies, without the cached properties of the checkpoints.
        work = Work({name: replace(found) for name, found in models.checkpoints.items()}, models.parts)
        self._scoring = WorkerPool(work, limits.workers, limits.timeout)
        self._explaining = WorkerPool(work, 1, limits.timeout)
        self._threads = ThreadPoolExecutor(limits.workers)
        self._scoring.start()
        self._explaining.start()

    def predict(self, model_name: str, smiles: Sequence[str]) -> list[Row]:
        """Return a row for each molecule, in order: its SMILES, canonical SMILES and predictions."""
        if len(smiles) == 1:
            return self._score(model_name, smiles)
        chunks = [smiles[start : start + CHUNK] for start in range(0, len(smiles), CHUNK)]
        parts = self._threads.map(lambda chunk: self._score(model_name, chunk), chunks)
        return [row for part in parts for row in part]

    def _score(self, model_name: str, smiles: Sequence[str]) -> list[Row]:
        """Score some molecules; if that fails, find the one responsible and give up only that one."""
        try:
            return list(self._scoring.ask(Score(model_name, tuple(smiles))))
        except UnansweredError as error:
            if len(smiles) == 1:
                return [{"smile": smiles[0], "status": str(error.status), "reason": error.reason}]
        size = -(-len(smiles) // PIECES)
        pieces = (smiles[start : start + size] for start in range(0, len(smiles), size))
        return [row for piece in pieces for row in self._score(model_name, piece)]

    def draw(self, smiles: str) -> str | InvalidMolecule:
        """Return the structure as SVG, or why there is none."""
        found: str | InvalidMolecule = self._ask(self._scoring, Draw(smiles))
        return found

    def explain(self, model_name: str, smiles: str, target: str | None) -> Any:
        """Return the contributions of the atoms as SVG, or why there are none."""
        return self._ask(self._explaining, Explain(model_name, smiles, target))

    def compare(self, model_name: str, smiles: str) -> list[Row]:
        """Return the training molecules that are most like a molecule."""
        found = self._ask(self._scoring, Compare(model_name, smiles))
        return [] if isinstance(found, InvalidMolecule) else found

    def close(self) -> None:
        """End the processes, once there are no more requests."""
        self._threads.shutdown()
        self._scoring.close()
        self._explaining.close()

    @staticmethod
    def _ask(pool: WorkerPool, question: Draw | Explain | Compare) -> Any:
        try:
            return pool.ask(question)
        except UnansweredError as error:
            return InvalidMolecule(error.status, error.reason)


class Desk:
    """Provides the current service; there is none before the first `replace`."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._service: Service | None = None
        self._users: dict[Service | None, int] = {None: 0}

    @contextmanager
    def service(self) -> Iterator[Service]:
        """Provide the current service, which is not closed in the meantime."""
        with self._lock:
            service = self._service
            assert service is not None
            self._users[service] += 1
        try:
            yield service
        finally:
            with self._lock:
                self._users[service] -= 1
                self._lock.notify_all()

    def replace(self, service: Service | None) -> None:
        """Make another service the current one, and close the former one when it has answered."""
        with self._lock:
            before, self._service = self._service, service
            self._users[service] = 0
            self._lock.wait_for(lambda: not self._users[before])
            del self._users[before]
        if before is not None:
            before.close()

    def close(self) -> None:
        """Close the current service when it has answered."""
        self.replace(None)
