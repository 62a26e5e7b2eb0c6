"""How long an answer is wanted: until its time is up, or nobody waits for it any more."""

import time
from collections.abc import Callable


class BusyError(Exception):
    """There is no answer now, but there may be one later."""


class OverdueError(BusyError):
    """The time for an answer is up."""


class AbandonedError(Exception):
    """Nobody waits for the answer any more."""


class Budget:
    """The time that an answer may take, from now on.

    Parameters
    ----------
    seconds
        The time.
    is_abandoned
        Says whether nobody waits any more.
    """

    def __init__(self, seconds: float, is_abandoned: Callable[[], bool] = lambda: False) -> None:
        self.seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._is_abandoned = is_abandoned

    def check(self) -> None:
        """Raise an error unless an answer is still wanted.

        Raises
        ------
        OverdueError
            The time is up.
        AbandonedError
            Nobody waits any more.
        """
        if self._is_abandoned():
            raise AbandonedError("the client has hung up")
        if time.monotonic() >= self._deadline:
            raise OverdueError(f"no answer within {self.seconds:g} s; try again")
