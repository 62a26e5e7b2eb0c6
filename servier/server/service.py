"""What answers requests: the models, and the worker processes that have loaded them."""

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
    """What a service may use.

    Parameters
    ----------
    workers
        Processes that score; one more explains.
    timeout
        Seconds that one molecule may take.
    """

    workers: int
    timeout: float


class Service:
    """Models, and processes that score with them.

    Explanations take long: they have a process of their own, so that no prediction waits for one.

    Parameters
    ----------
    models, limits
        The models and what may be used for them.

    Raises
    ------
    ServierError
        The processes do not start.
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models = models
        # Copies are sent to the processes: without what is computed of a checkpoint when it is asked for.
        work = Work({name: replace(found) for name, found in models.checkpoints.items()}, models.parts)
        self._scoring = WorkerPool(work, limits.workers, limits.timeout)
        self._explaining = WorkerPool(work, 1, limits.timeout)
        self._threads = ThreadPoolExecutor(limits.workers)
        self._scoring.start()
        self._explaining.start()

    def predict(self, model_name: str, smiles: Sequence[str]) -> list[Row]:
        """Return a row for each molecule, in order: its SMILES, canonical SMILES, and what the model says."""
        if len(smiles) == 1:
            return self._score(model_name, smiles)
        chunks = [smiles[start : start + CHUNK] for start in range(0, len(smiles), CHUNK)]
        parts = self._threads.map(lambda chunk: self._score(model_name, chunk), chunks)
        return [row for part in parts for row in part]

    def _score(self, model_name: str, smiles: Sequence[str]) -> list[Row]:
        """Score some molecules; where that fails, find the one that does it, and give only that one up."""
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
        """End the processes, when nothing is asked any more."""
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
    """Where requests find the service of the moment; there is none before the first `replace`."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._service: Service | None = None
        self._users: dict[Service | None, int] = {None: 0}

    @contextmanager
    def service(self) -> Iterator[Service]:
        """Give out the service of the moment, which is not closed meanwhile."""
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
        """Let another service answer from now on, and close the one before when it has answered."""
        with self._lock:
            before, self._service = self._service, service
            self._users[service] = 0
            self._lock.wait_for(lambda: not self._users[before])
            del self._users[before]
        if before is not None:
            before.close()

    def close(self) -> None:
        """Close the service of the moment when it has answered."""
        self.replace(None)
