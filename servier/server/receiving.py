"""Requests as they come in: read by waitress, and refused before anything is done with them.

What two programs might read differently is refused, for behind a proxy a request could be hidden in another
one (request smuggling): a length beside chunks, versions of HTTP other than 1.0 and 1.1, targets of odd form.

References
----------
RFC 9112, sections 2.3, 3.2 and 6.1; RFC 9110, section 7.4.
"""

import json
import re
import time
from http import HTTPStatus
from typing import Any

from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import Error

from servier.server.access_log import log_request
from servier.server.hosts import Hosts
from servier.server.reading import MAX_BODY, TOO_MUCH
from servier.server.refusing import HEADERS, SECONDS_WHEN_BUSY

MAX_RECEIVED = 2 * MAX_BODY  # chunks have lines of their own
MAX_HEADERS = 32 * 1024
MAX_CHUNK_LINE = 1024
MAX_TRAILER = 8 * 1024

SHORT = {
    HTTPStatus.BAD_REQUEST: "this is not an HTTP request that can be understood",
    HTTPStatus.REQUEST_TIMEOUT: "the request did not come in within the time that requests have",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_MUCH,
    HTTPStatus.MISDIRECTED_REQUEST: "the service does not answer to this host; "
    "names that it shall answer to are given with: servier serve --allowed_hosts NAME",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: f"the header has at most {MAX_HEADERS // 1024} KiB",
    HTTPStatus.NOT_IMPLEMENTED: "of transfer encodings only chunked is understood",
    HTTPStatus.SERVICE_UNAVAILABLE: "this client has too many requests under way; try again",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "HTTP/1.0 and HTTP/1.1 are understood",
}
NO_HOST = "a request names one host, in the field Host"
TWO_LENGTHS = "a request in chunks is one of HTTP/1.1, without Content-Length"
ODD_TARGET = "a request asks for a path, such as /health"

_TARGET = re.compile(r"/[^\x00-\x20\x7f]*|https?://[^\x00-\x20\x7f]+", re.ASCII | re.IGNORECASE)


class ReceivingError(Error):
    """An answer to a request that is not read, in the form of the service's other answers.

    Parameters
    ----------
    status
        The HTTP status.
    message
        What is wrong, without anything that the request said; by default what the status means here.
    """

    def __init__(self, status: int, message: str | None = None) -> None:
        super().__init__(message or SHORT.get(HTTPStatus(status), HTTPStatus(status).phrase))
        self.code, self.reason = int(status), HTTPStatus(status).phrase

    def to_response(self, _: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return status, header fields and body."""
        content = json.dumps({"success": False, "error": self.body}).encode()
        fields = [("Content-Type", "application/json"), *HEADERS.items()]
        if self.code == HTTPStatus.SERVICE_UNAVAILABLE:
            fields.append(("Retry-After", str(SECONDS_WHEN_BUSY)))
        return f"{self.code} {self.reason}", fields, content


class RefusalTask(ErrorTask):
    """Answers a request that is refused, and logs that."""

    def execute(self) -> None:
        """Write the answer."""
        request, error = self.request, self.request.error
        if not isinstance(error, ReceivingError):
            request.error = error = ReceivingError(error.code)
        self.channel.has_refused = error.code != HTTPStatus.REQUEST_TIMEOUT
        super().execute()
        log_request(
            self.channel.addr[0], request.command, None, error.code, time.perf_counter() - request.began
        )


class Request(HTTPRequestParser):
    """Reads a request, and refuses it as soon as its header has come in.

    Parameters
    ----------
    adj
        The settings of waitress.
    hosts
        The hosts that a request may name.
    """

    command, path = "", ""

    def __init__(self, adj: Any, hosts: Hosts) -> None:
        super().__init__(adj)
        self._hosts, self._is_checked = hosts, False
        self.began = time.perf_counter()

    def received(self, data: bytes) -> int:
        """Read some bytes, and return how many of them belong to this request."""
        try:
            consumed: int = super().received(data)
            self._check()
        except Exception:  # noqa: BLE001 - such as numbers of thousands of digits, or brackets that do not close
            self.error = ReceivingError(HTTPStatus.BAD_REQUEST)
        if self.error is not None:
            self.completed = True
        if self.completed:  # then there is nothing that a client should be told to continue with
            self.expect_continue = False
        # What comes after a request that is refused is never read: it may be its body.
        return len(data) if self.error is not None else consumed

    def _check(self) -> None:
        if self.error is not None or self.empty:
            return
        if self.headers_finished and not self._is_checked:
            self._is_checked = True
            self.error = self._find_fault()
        if self.chunked and not self.completed and self._has_long_line():
            self.error = ReceivingError(HTTPStatus.BAD_REQUEST)

    def _has_long_line(self) -> bool:
        """Say whether a line between chunks goes on and on: waitress looks through it with each byte."""
        chunks = self.body_rcv
        return len(chunks.control_line) > MAX_CHUNK_LINE or len(chunks.trailer) > MAX_TRAILER

    def _find_fault(self) -> ReceivingError | None:
        if self.version not in {"1.0", "1.1"}:
            return ReceivingError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
        if "TRANSFER_ENCODING" in self.headers or (self.chunked and "CONTENT_LENGTH" in self.headers):
            return ReceivingError(HTTPStatus.BAD_REQUEST, TWO_LENGTHS)
        if not _TARGET.fullmatch(self.request_uri):
            return ReceivingError(HTTPStatus.BAD_REQUEST, ODD_TARGET)
        return self._find_other_host()

    def _find_other_host(self) -> ReceivingError | None:
        """Refuse a host that the service does not have, in the field or in the target of the request."""
        named = [self.headers["HOST"]] if "HOST" in self.headers else []
        if not named and self.version == "1.1":
            return ReceivingError(HTTPStatus.BAD_REQUEST, NO_HOST)
        if not self.request_uri.startswith("/"):
            named.append(self.proxy_netloc)
        try:
            if all(map(self._hosts.allow, named)):
                return None
        except ValueError:
            return ReceivingError(HTTPStatus.BAD_REQUEST, NO_HOST)
        return ReceivingError(HTTPStatus.MISDIRECTED_REQUEST)
