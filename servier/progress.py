"""How far a long run is: a bar on a terminal, a line now and then elsewhere; both on stderr."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable

logger = logging.getLogger(__name__)

Report = Callable[[Counter[str], int | None, int, float], None]
"""Told of rows by status, rows in all where that is known, rows of an earlier run, and seconds."""

BAR_SECONDS = 0.2
LINE_SECONDS = 30.0
BAR_WIDTH = 24


class ProgressReport:
    """Told of each block of rows; says something only when enough time has passed."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty() and logger.isEnabledFor(logging.INFO)
        self._pause = BAR_SECONDS if self._is_terminal else LINE_SECONDS
        self._next = time.monotonic() + self._pause

    def __call__(self, counts: Counter[str], n_rows: int | None, resumed: int, seconds: float) -> None:
        """Show rows done, rate, share of rows without an answer, and time left."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._pause
        text = describe(counts, n_rows, resumed, seconds)
        if self._is_terminal:
            _clear_line()
            sys.stderr.write(text)
            sys.stderr.flush()
        else:
            logger.info("%s", text)

    def close(self) -> None:
        """Clear the bar."""
        if self._is_terminal:
            _clear_line()
            sys.stderr.flush()


def _clear_line() -> None:
    """Steer the terminal, which a stream that escapes what others write has a way of its own for."""
    getattr(sys.stderr, "write_control", sys.stderr.write)("\r\x1b[K")


def describe(counts: Counter[str], n_rows: int | None, resumed: int, seconds: float) -> str:
    """Return one line on how far a run is."""
    done = counts.total()
    rate = (done - resumed) / max(seconds, 1e-9)
    bad = 1 - counts["ok"] / max(done, 1)
    text = f"{done:,} rows, {rate:,.0f} rows/s, {bad:.2%} without an answer"
    if not n_rows:
        return text
    filled = round(BAR_WIDTH * done / n_rows)
    bar = "#" * filled + "." * (BAR_WIDTH - filled)
    return f"[{bar}] {done / n_rows:.1%}: {text}, {format_seconds((n_rows - done) / max(rate, 1e-9))} left"


def format_seconds(seconds: float) -> str:
    """Return a duration as people say it: `45 s`, `12 min`, `3.5 h`, `2.1 d`."""
    for unit, size in (("d", 86_400.0), ("h", 3_600.0)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
