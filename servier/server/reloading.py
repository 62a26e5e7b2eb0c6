"""Other models, loaded while those before go on answering.

A file that has just been put in place may be anything, so it is read and tried in a process of its own, which
is ended when its time is up. Nothing in this process waits for it without a limit.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from logging.handlers import QueueHandler
from typing import Any, Protocol

from servier.errors import ServierError
from servier.processes.keeper import DEAF_TO
from servier.processes.parcels import Parcel
from servier.processes.workers import WorkerProcess
from servier.server.loading import Models
from servier.server.service import Desk, Limits, Service

logger = logging.getLogger(__name__)


class Load(Protocol):
    """A function that loads models."""

    def __call__(self, *, before: Models | None = None) -> Models:
        """Return verified models.

        Parameters
        ----------
        before
            The models that are served until now.
        """


class Reloader:
    """Reloads the models, one reload at a time, each within a limited time.

    Parameters
    ----------
    desk
        Provides the service that is replaced.
    load
        Loads the models, given those before; it must be picklable.
    limits
        The limits of the new service.
    seconds
        The time after which a reload is given up.
    """

    def __init__(self, desk: Desk, load: Load, limits: Limits, seconds: float) -> None:
        self._desk, self._load, self._limits, self._seconds = desk, load, limits, seconds
        self._is_wanted = threading.Event()
        self._lock = threading.Lock()
        self._is_ending = False
        self._cancel: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def begin(self) -> None:
        """Reload the models, after the reload that may be under way."""
        self._is_wanted.set()

    def end(self) -> None:
        """Give up the reload that may be under way; there is no other one."""
        with self._lock:
            self._is_ending = True
            cancel = self._cancel
        cancel()

    def _work(self) -> None:
        while self._is_wanted.wait():
            self._is_wanted.clear()
            try:
                self._reload()
            except Exception as error:
                if self._is_ending:
                    return
                if isinstance(error, ServierError):
                    logger.warning("the models are unchanged: %s", error)
                else:
                    logger.exception("the models are unchanged")
            else:
                logger.info("the models have been reloaded")

    def _reload(self) -> None:
        deadline = time.monotonic() + self._seconds
        with self._desk.service() as service:
            before = service.models
        loading = _LoadingProcess(self._load, before)
        self._hold(loading.kill)
        models = loading.take_models(self._seconds)
        service = Service(models, self._limits)
        self._hold(service.close)
        service.start(deadline - time.monotonic())
        self._hold(lambda: None)  # from now on the desk closes it, when it has answered
        self._desk.replace(service)

    def _hold(self, cancel: Callable[[], None]) -> None:
        """Note how to give up what comes next."""
        with self._lock:
            self._cancel = cancel
            is_ending = self._is_ending
        if is_ending:
            cancel()


class _LoadingProcess:
    """A process that loads models."""

    def __init__(self, load: Load, before: Models) -> None:
        self._parcel = Parcel(_Loading(load, _without_caches(before)))
        self._worker = WorkerProcess(self._parcel, math.inf, DEAF_TO)

    def take_models(self, seconds: float) -> Models:
        """Return the models, and log what the process says of them."""
        deadline = time.monotonic() + seconds
        watch = threading.Timer(seconds, self.kill)
        watch.daemon = True
        watch.start()
        try:
            self._worker.receive()
            self._worker.ask((), math.inf)
            content, records = self._worker.receive()[1]
        except (EOFError, OSError):
            is_late = time.monotonic() >= deadline
            problem = f"not loaded within {seconds:g} s" if is_late else "the process that loads them died"
            raise ServierError(problem) from None
        finally:
            watch.cancel()
            self._worker.stop()
            self._parcel.close()
        for record in records:
            if logging.getLogger(record.name).isEnabledFor(record.levelno):
                logging.getLogger(record.name).handle(record)
        if isinstance(content, ServierError):
            raise content
        assert isinstance(content, Models)
        return content

    def kill(self) -> None:
        """End the process; it is noticed where its answer is waited for."""
        self._worker.process.kill()


@dataclass(frozen=True)
class _Loading:
    """The work of loading models; the answer is the models or why there are none, and what was logged."""

    load: Load
    before: Models

    def prepare(self) -> Callable[[Any], tuple[Models | ServierError, list[logging.LogRecord]]]:
        return lambda _: self._load()

    def _load(self) -> tuple[Models | ServierError, list[logging.LogRecord]]:
        records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        package = logging.getLogger("servier")
        package.addHandler(QueueHandler(records))
        package.setLevel(logging.INFO)
        package.propagate = False
        content: Models | ServierError
        try:
            content = _without_caches(self.load(before=self.before))
        except ServierError as error:
            content = error
        return content, [records.get() for _ in range(records.qsize())]


def _without_caches(models: Models) -> Models:
    """Return models whose checkpoints hold their files only, not what was read from them."""
    return replace(models, checkpoints={name: replace(found) for name, found in models.checkpoints.items()})
