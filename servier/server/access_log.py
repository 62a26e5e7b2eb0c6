"""The access log: a line for each request, which names molecules only on demand.

Structures are confidential, and may stand anywhere in a request: in its method, its address, the names of its
fields. So a line holds nothing that a client chose, but what is found in a list.
"""

import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from traceback import extract_tb
from typing import Any

from flask import Flask, Response, g, request

logger = logging.getLogger(__name__)

METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}
PLACES_SHOWN = 5


def note_molecules(smiles: Sequence[str]) -> None:
    """Store the molecules of a request for its line in the log."""
    g.molecules = smiles


def log_access(app: Flask, *, log_molecules: bool) -> None:
    """Have an app log its requests.

    Parameters
    ----------
    app
        The app.
    log_molecules
        Whether the molecules are logged too.
    """

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else None
        molecules = g.molecules if log_molecules and "molecules" in g else None
        seconds = time.perf_counter() - g.started
        log_request(request.remote_addr, request.method, route, response.status_code, seconds, molecules)
        return response


def log_request(
    client: str | None,
    method: str,
    route: str | None,
    status: int,
    seconds: float,
    molecules: Sequence[str] | None = None,
) -> None:
    """Write the line of a request.

    Parameters
    ----------
    client
        The address that it came from.
    method
        Its method, which is any text; only one that HTTP defines is written.
    route
        The path, with placeholders, that answered it; None if the service does not have it.
    status, seconds
        The status of the answer, and how long it took.
    molecules
        The molecules, if they are to be logged.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    known = method if method in METHODS else "-"
    line = f"{now} {client} {known} {route or '-'} {int(status)} {1000 * seconds:.1f} ms"
    if molecules is not None:
        line += f" {json.dumps(list(molecules))}"
    logger.info("%s", line)


class Discretion(logging.Filter):
    """Keeps what other packages say of requests out of the log.

    Flask and waitress quote addresses and header fields, and so may the message of any exception. Of these
    records the kind of the exception and the places in the code are left.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record; none is dropped."""
        is_own = record.name.startswith("servier.") and record.name != "servier.server.app"  # that is Flask's
        if is_own and not record.exc_info:
            return True
        text = record.getMessage() if is_own else f"{record.levelname.lower()} in {record.module}"
        kind, error, _ = record.exc_info or (None, None, None)
        if kind is not None and error is not None:
            text += f": {kind.__name__} in {_places(error)}"
        record.msg, record.args, record.exc_info, record.exc_text = text, (), None, None
        return True


def be_discreet() -> None:
    """Let nothing that other packages say of requests reach the log, nor that one more request waits."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(Discretion())


def _places(error: BaseException) -> str:
    """Return where an exception was raised: the innermost places first."""
    frames: list[Any] = list(extract_tb(error.__traceback__))[::-1]
    return ", ".join(f"{Path(frame.filename).name} line {frame.lineno}" for frame in frames[:PLACES_SHOWN])
