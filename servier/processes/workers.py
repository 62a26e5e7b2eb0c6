"""Processes that work for this one, and which may hang or die."""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

from servier.errors import ServierError

Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)

MALLOC_VARIABLE = "GLIBC_TUNABLES"
MALLOC_SETTINGS = "glibc.malloc.tcache_count=250"


class Preparation(Protocol[Item_contra, Answer_co]):
    """The preparation of a worker process. It must be picklable."""

    def prepare(self) -> Callable[[Sequence[Item_contra]], Answer_co]:
        """Return the function from a chunk to its answer; called once in each worker process."""


class WorkerProcess:
    """A process that answers what is sent through a connection, one chunk after another.

    It first sends `("ready", None)`, or `("error", problem)` if it could not be prepared. It answers each
    chunk with `("answer", content)`, or with `("failed", reason)` after an exception. If the connection is
    closed, the process has died.

    Parameters
    ----------
    work
        The work of the process.
    """

    def __init__(self, work: Preparation[Any, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with _ignoring_interrupts(), _allocating_fast():
            self.process.start()
        theirs.close()

    def stop(self) -> None:
        """Kill the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def start_failure() -> ServierError:
    """Return the error for worker processes that die before they are ready."""
    return ServierError("worker processes die as they start", hint="is there enough memory?")


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Let processes started here ignore Ctrl-C from the start: their parent decides when they end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _allocating_fast() -> Iterator[None]:
    """Let processes started here keep more freed memory at hand, since a molecule has many small parts.

    The GNU C library reads its settings once, when a process starts. The user's own settings take precedence.
    """
    if MALLOC_VARIABLE in os.environ:
        yield
        return
    os.environ[MALLOC_VARIABLE] = MALLOC_SETTINGS
    try:
        yield
    finally:
        del os.environ[MALLOC_VARIABLE]


def _serve(connection: Connection, work: Preparation[Any, Any]) -> None:
    """Answer chunks until the other side is gone; runs in the worker process."""
    _die_with_parent()
    with suppress(EOFError, ConnectionError):
        try:
            apply = work.prepare()
        except ServierError as error:
            connection.send(("error", error))
            return
        connection.send(("ready", None))
        while True:
            connection.send(_answer(apply, connection.recv()))


def _answer(apply: Callable[[Any], Any], items: Any) -> tuple[str, Any]:
    try:
        return "answer", apply(items)
    except Exception as error:  # noqa: BLE001 - one odd item never costs the run: it is found and named
        return "failed", f"{type(error).__name__}: {error}"


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent dies, even while it is inside native code."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:  # the parent has died already
        sys.exit()
