"""How commands end before their time: by a signal, or because nobody takes what they say."""

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from servier.errors import EndedError, ServierError
from servier.tables.files import writing_stdout

WORDS = {
    signal.SIGINT: "Interrupted.",
    signal.SIGTERM: "Terminated.",
    signal.SIGHUP: "The terminal has gone.",
}
PAUSE = 1.0
"""Seconds in which a signal that is sent again does not disturb what the first one has begun."""


@contextmanager
def ending_by_signals() -> Iterator[None]:
    """Let signals that would end the process at once end the code of a `with` block by an exception.

    So what it has opened is closed, and what it cannot go on from is removed. A signal that is ignored, as
    SIGHUP is under nohup, stays ignored.

    Raises
    ------
    EndedError
        SIGTERM or SIGHUP has come.
    KeyboardInterrupt
        SIGINT has come.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    ending = _Ending()
    before = {number: signal.getsignal(number) for number in usual}
    taken = [number for number, handler in usual.items() if before[number] is handler]
    try:
        for number in taken:
            signal.signal(number, ending)
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is ending:  # else the code has decided what comes of it now
                signal.signal(number, before[number])


class _Ending:
    """Raises the exception of a signal, and not again while it is being dealt with."""

    def __init__(self) -> None:
        self._last = -PAUSE

    def __call__(self, number: int, _: FrameType | None) -> None:
        before, self._last = self._last, time.monotonic()
        if self._last - before >= PAUSE:
            raise KeyboardInterrupt if number == signal.SIGINT else EndedError(number)


def describe_end(end: KeyboardInterrupt | EndedError) -> tuple[int, str]:
    """Return the exit status of a command that was ended by a signal, and a line with what it has left."""
    number = end.signal if isinstance(end, EndedError) else signal.SIGINT
    left = getattr(end, "__notes__", ["Nothing was written."])
    return 128 + number, " ".join([WORDS[signal.Signals(number)], *left])


def prepare_standard_streams() -> None:
    """Refuse to run without stdout, and let its errors be told; without stderr, say things to nobody.

    Whatever is opened next would otherwise take their place, and what is printed would go into it.

    Raises
    ------
    ServierError
        Stdout is closed.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    if sys.stdout is None:
        raise ServierError("standard output is closed", hint="give it a reader, a file, or /dev/null")
    if type(sys.stdout) is io.TextIOWrapper:  # not that of a test
        before = sys.stdout
        sys.stdout = _Stdout(
            before.buffer, before.encoding, before.errors, None, before.line_buffering, before.write_through
        )


def pass_on() -> None:
    """Pass on what was printed.

    Raises
    ------
    ServierError
        Nobody reads it any more, or stdout is full.
    """
    sys.stdout.flush()


class _Stdout(io.TextIOWrapper):
    """Stdout, whose errors are told as what they are, whoever prints."""

    def write(self, text: str, /) -> int:
        if text == "":  # by which click asks whether this is a text stream; a full disk refuses it too
            return 0
        with writing_stdout():
            return super().write(text)

    def flush(self) -> None:
        with writing_stdout():
            super().flush()
