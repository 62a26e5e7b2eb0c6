"""The signals to the service, which are heard from the start of the command to the end of the process."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

from servier.errors import EndedError

SECONDS_TO_END = 28
"""After which the process is ended from outside of Python, whatever it waits for."""
STOPS = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """The requests that were made by signals.

    What starts is ended at once, by an exception; later a request to stop is only noted. In both cases an
    alarm ends the process, should anything keep it: Python notes signals whatever it waits for.
    """

    def __init__(self) -> None:
        self.has_started = self.has_to_stop = self.was_interrupted = self._has_to_reload = False

    @contextmanager
    def caught(self) -> Iterator[Self]:
        """Let SIGTERM and SIGINT request a stop, and SIGHUP a reload of the models.

        Once there was a request to stop, others change nothing any more, to the very end of the process.
        """
        before = {number: signal.signal(number, self._note) for number in (*STOPS, signal.SIGHUP)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self.has_to_stop else handler)

    def take_reload(self) -> bool:
        """Return whether a reload was requested since the last call."""
        has_to_reload, self._has_to_reload = self._has_to_reload, False
        return has_to_reload

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._has_to_reload = True
            return
        if self.has_to_stop:
            return
        self.has_to_stop, self.was_interrupted = True, number == signal.SIGINT
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS_TO_END)
        if not self.has_started:
            raise KeyboardInterrupt if self.was_interrupted else EndedError(number)
