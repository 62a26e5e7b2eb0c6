"""Processes that work for this one, and which may hang or die."""

import ctypes
import math
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

from servier.errors import ServierError

Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)

MALLOC_VARIABLE = "GLIBC_TUNABLES"
MALLOC_SETTINGS = "glibc.malloc.tcache_count=250"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""Settings of the linear algebra under NumPy, which reads them when it is loaded."""
WALL_FACTOR = 20.0
"""How much longer than its processor time a worker may take, on a machine that is busy with other things."""


class Preparation(Protocol[Item_contra, Answer_co]):
    """The preparation of a worker process. It must be picklable."""

    def prepare(self) -> Callable[[Sequence[Item_contra]], Answer_co]:
        """Return the function from a chunk to its answer; called once in each worker process."""


class WorkerProcess:
    """A process that answers what is sent through a connection, one chunk after another.

    It first sends `("ready", None)`, or `("error", problem)` if it could not be prepared. It answers each
    chunk with `("answer", content)`, or with `("failed", reason)` after an exception. If the connection is
    closed, the process has died.

    Each chunk comes with the processor time that it may take. The process sets a timer that counts its own
    processor time (`ITIMER_PROF`, which Linux and macOS have), and is ended by it, even inside native code.
    So what else the machine is doing does not count.

    Parameters
    ----------
    work
        The work of the process.
    """

    def __init__(self, work: Preparation[Any, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, work), daemon=True)
        with _holding_interrupts(), _environment():
            self.process.start()
        theirs.close()

    def ask(self, items: Any, seconds: float) -> float:
        """Send a chunk.

        Parameters
        ----------
        items
            The chunk.
        seconds
            The processor time that it may take, perhaps infinite.

        Returns
        -------
        The wall time after which a process that does not even use its processor time is taken for lost.

        Raises
        ------
        OSError
            The process has died.
        """
        self.connection.send((seconds, items))
        return WALL_FACTOR * seconds

    def has_run_out_of_time(self) -> bool:
        """Say whether a process that has died, or is about to, was ended by its timer."""
        self.process.join()
        return self.process.exitcode == -signal.SIGPROF

    def stop(self) -> None:
        """Kill the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def start_failure() -> ServierError:
    """Return the error for worker processes that die before they are ready."""
    return ServierError("worker processes die as they start", hint="is there enough memory?")


@contextmanager
def _holding_interrupts() -> Iterator[None]:
    """Let processes started here never notice Ctrl-C; their parent, which does afterwards, ends them.

    A signal that is held back when a program starts stays so in that program.
    """
    resource_tracker.ensure_running()  # which would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment() -> Iterator[None]:
    """Let processes started here keep more freed memory, and use one thread for linear algebra.

    A molecule has many small parts, so the GNU C library is to keep more memory at hand; the user's own
    settings take precedence. There are as many workers as cores, and how sums are rounded depends on the
    number of threads. Libraries read these settings once, when they are loaded.
    """
    settings = {MALLOC_VARIABLE: os.environ.get(MALLOC_VARIABLE, MALLOC_SETTINGS), **ONE_THREAD}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(connection: Connection, work: Preparation[Any, Any]) -> None:
    """Answer chunks until the other side is gone; runs in the worker process."""
    _die_with_parent()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with suppress(EOFError, ConnectionError):
        try:
            apply = work.prepare()
        except ServierError as error:
            connection.send(("error", error))
            return
        connection.send(("ready", None))
        while True:
            seconds, items = connection.recv()
            signal.setitimer(signal.ITIMER_PROF, 0.0 if math.isinf(seconds) else seconds)
            answer = _answer(apply, items)
            signal.setitimer(signal.ITIMER_PROF, 0.0)
            connection.send(answer)


def _answer(apply: Callable[[Any], Any], items: Any) -> tuple[str, Any]:
    """Return an answer, or why there is none: a problem that the user can solve stays an error."""
    try:
        return "answer", apply(items)
    except ServierError as error:
        return "failed", error
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
