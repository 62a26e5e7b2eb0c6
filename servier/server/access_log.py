"""The access log: a line for each request, which names molecules only on demand."""

import json
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Flask, Response, g, request

logger = logging.getLogger(__name__)


def note_molecules(smiles: Sequence[str]) -> None:
    """Store the molecules of a request for its line in the log."""
    g.molecules = smiles


def log_access(app: Flask, *, log_molecules: bool) -> None:
    """Have an app log its requests.

    Structures are confidential and may occur in addresses, of which only known paths are logged.

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
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        path = request.url_rule.rule if request.url_rule else "-"
        milliseconds = 1000 * (time.perf_counter() - g.started)
        line = f"{now} {request.remote_addr} {_method()} {path} {response.status_code} {milliseconds:.1f} ms"
        if log_molecules and "molecules" in g:
            line += f" {json.dumps(list(g.molecules))}"
        logger.info("%s", line)
        return response


def _method() -> str:
    """Return the method of the request if HTTP defines it: a client may send any text."""
    known = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}
    return request.method if request.method in known else "-"
