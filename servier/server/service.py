"""The service behind the requests: the models, and the worker processes that have loaded them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from servier.chem.molecules import InvalidMolecule
from servier.processes.budgets import Budget
from servier.processes.pool import SECONDS_TO_START, UnansweredError, WorkerPool
from servier.server.lists import ListScoring, score_one
from servier.server.loading import Models
from servier.server.questions import Compare, Draw, Explain, Row, Score, Work


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
    """

    def __init__(self, models: Models, limits: Limits) -> None:
        self.models = models
        # The processes get copies, without the cached properties of the checkpoints.
        work = Work({name: replace(found) for name, found in models.checkpoints.items()}, models.parts)
        self._n_workers = limits.workers
        self._scoring = WorkerPool(work, limits.workers, limits.timeout)
        self._explaining = WorkerPool(work, 1, limits.timeout)

    def start(self, seconds: float = SECONDS_TO_START) -> None:
        """Start the processes, and wait until they are ready.

        Parameters
        ----------
        seconds
            How long to wait.

        Raises
        ------
        ServierError
            The processes do not start, or not in time.
        """
        deadline = time.monotonic() + seconds
        try:
            for pool in (self._scoring, self._explaining):
                pool.start(deadline - time.monotonic())
        except BaseException:
            self.close()
            raise

    def predict(self, asked: Score, budget: Budget) -> Row:
        """Return the SMILES, canonical SMILES and predictions of a single molecule."""
        return score_one(self._scoring, asked, budget)

    def predict_list(self, asked: Score, budget: Budget) -> list[Row]:
        """Return a row for each molecule, in order; the budget bounds how many are scored."""
        return ListScoring(self._scoring, asked, budget).run(self._n_workers)

    def draw(self, smiles: str, budget: Budget) -> str | InvalidMolecule:
        """Return the structure as SVG, or why there is none."""
        found: str | InvalidMolecule = self._ask(self._scoring, Draw(smiles), budget)
        return found

    def explain(self, model_name: str, smiles: str, target: str | None, budget: Budget) -> Any:
        """Return the contributions of the atoms as SVG, or why there are none."""
        return self._ask(self._explaining, Explain(model_name, smiles, target), budget)

    def compare(self, model_name: str, smiles: str, budget: Budget) -> list[Row]:
        """Return the training molecules that are most like a molecule."""
        found = self._ask(self._scoring, Compare(model_name, smiles), budget)
        return [] if isinstance(found, InvalidMolecule) else found

    def problem(self) -> str | None:
        """Return why no molecule can be scored now; None if one can."""
        return self._scoring.problem()

    def close(self) -> None:
        """End the processes; what they are working on is not answered any more."""
        self._scoring.close()
        self._explaining.close()

    @staticmethod
    def _ask(pool: WorkerPool, question: Draw | Explain | Compare, budget: Budget) -> Any:
        try:
            return pool.ask(question, budget)
        except UnansweredError as error:
            return InvalidMolecule(error.status, error.reason)


class Desk:
    """Provides the current service; there is none before the first `replace`."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._service: Service | None = None
        self._users: dict[Service | None, int] = {None: 0}
        self._is_closed = False

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

    def replace(self, service: Service) -> None:
        """Make another service the current one, and close the former one when it has answered.

        Every request has a budget, so this ends.
        """
        with self._lock:
            before, self._service = self._service, service
            self._users[service] = 0
            if self._is_closed:
                service.close()
            self._lock.wait_for(lambda: not self._users[before])
            del self._users[before]
        if before is not None:
            before.close()

    def close(self) -> None:
        """Close all services, whether they have answered or not, and those that come later."""
        with self._lock:
            self._is_closed = True
            services = [service for service in self._users if service is not None]
        for service in services:
            service.close()
