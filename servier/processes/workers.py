"""Processes that work for this one, and which may hang or die."""

import ctypes
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any, Protocol, TypeVar

from servier.errors import ServierError
from servier.processes.parcels import InheritedParcel, Parcel

Item_contra = TypeVar("Item_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)

MALLOC_VARIABLE = "GLIBC_TUNABLES"
MALLOC_SETTINGS = "glibc.malloc.tcache_count=250"
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""Settings of the linear algebra under NumPy, which reads them when it is loaded."""
WALL_FACTOR = 20.0
"""How much longer than its processor time a worker may take, on a machine that is busy with other things."""
FITS_ALWAYS = 32 * 1024
"""A message of so many bytes is taken by the kernel, whether the process reads or not."""
SECONDS_TO_DIE = 5.0
"""How long a killed process is waited for: only the kernel can keep it, as while a disk does not answer."""

_is_starting = threading.Lock()


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

    Starting one takes milliseconds, and never waits for the process.

    Parameters
    ----------
    parcel
        The work of the process, a `Preparation`.
    seconds_to_start
        The time after which a process that is not ready is taken for lost.
    deaf_to
        The signals that never reach it: its parent decides when it ends.
    """

    def __init__(
        self,
        parcel: Parcel,
        seconds_to_start: float,
        deaf_to: Collection[signal.Signals] = (signal.SIGINT,),
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._sending: threading.Thread | None = None
        self.process = context.Process(target=_serve, args=(theirs, parcel), daemon=True)
        resource_tracker.ensure_running()  # else it starts now, and unblocks signals
        with _is_starting, _blocking(deaf_to), _environment():
            self.process.start()
        theirs.close()
        self.deadline = time.monotonic() + seconds_to_start
        """The moment from which it is taken for lost, by the clock of `time.monotonic`."""

    def ask(self, items: Any, seconds: float) -> None:
        """Send a chunk, and set the deadline of a process that does not even use its processor time.

        This never waits for the process: what may not fit into the connection is sent by a thread.

        Parameters
        ----------
        items
            The chunk.
        seconds
            The processor time that it may take, perhaps infinite.

        Raises
        ------
        OSError
            The process has died.
        """
        self.deadline = time.monotonic() + WALL_FACTOR * seconds
        content = ForkingPickler.dumps((seconds, items))
        if len(content) <= FITS_ALWAYS:
            self.connection.send_bytes(content)
        else:
            self._sending = threading.Thread(target=self._send, args=(content,), daemon=True)
            self._sending.start()

    def _send(self, content: Any) -> None:
        with suppress(OSError):  # it has died, which is noticed where its answer is waited for
            self.connection.send_bytes(content)

    def receive(self) -> tuple[str, Any]:
        """Wait for what it says, after which it has no deadline until it is asked again.

        Raises
        ------
        EOFError, OSError
            The process has died.
        """
        said: tuple[str, Any] = self.connection.recv()
        self.deadline = math.inf
        return said

    def has_run_out_of_time(self) -> bool:
        """Say whether a process that has died, or is about to, was ended by its timer."""
        self.process.join(SECONDS_TO_DIE)
        return self.process.exitcode == -signal.SIGPROF

    def stop(self) -> None:
        """Kill the process, whatever it is doing."""
        self.process.kill()
        self.process.join(SECONDS_TO_DIE)
        if self._sending is not None:
            self._sending.join(SECONDS_TO_DIE)
        self.connection.close()


def start_failure() -> ServierError:
    """Return the error for worker processes that die before they are ready."""
    return ServierError("worker processes die as they start", hint="is there enough memory?")


@contextmanager
def _blocking(signals: Collection[signal.Signals]) -> Iterator[None]:
    """Let processes started here never receive these signals: they inherit what their parent blocks."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
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


def _serve(connection: Connection, parcel: InheritedParcel) -> None:
    """Answer chunks until the other side is gone; runs in the worker process."""
    _die_with_parent()
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with suppress(EOFError, ConnectionError):
        try:
            work: Preparation[Any, Any] = parcel.unpack()
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
