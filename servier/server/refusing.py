"""Answers to requests that are refused, and the security headers of all answers."""

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from servier.processes.budgets import AbandonedError, BusyError

logger = logging.getLogger(__name__)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
CARD_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
SECONDS_WHEN_BUSY = 5


class RequestError(Exception):
    """A request that is refused.

    Parameters
    ----------
    message
        What is wrong with the request.
    status
        The HTTP status.
    more
        Other fields of the answer.
    """

    def __init__(self, message: str, status: int = 400, more: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.more = status, more or {}


def protect(app: Flask, too_much: str) -> None:
    """Let an app answer errors as JSON, or as a page in a browser, and add headers to all answers.

    Parameters
    ----------
    app
        The app.
    too_much
        The message for a body that is too large.
    """

    @app.errorhandler(RequestError)
    def refuse(error: RequestError) -> Response:
        return _answer(str(error), error.status, error.more)

    @app.errorhandler(BusyError)
    @app.errorhandler(AbandonedError)
    def postpone(error: BusyError | AbandonedError) -> Response:
        answer = _answer(str(error), HTTPStatus.SERVICE_UNAVAILABLE, {})
        answer.headers["Retry-After"] = str(SECONDS_WHEN_BUSY)
        return answer

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> Response:
        code = error.code or 500
        message = too_much if code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else HTTPStatus(code).description
        answer = _answer(message or HTTPStatus(code).phrase, code, {})
        for name, value in error.get_headers():
            if name == "Allow":
                answer.headers[name] = value
        return answer

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def _answer(message: str, status: int, more: dict[str, Any]) -> Response:
    kinds = ["application/json", "text/html"]
    if request.accept_mimetypes.best_match(kinds, kinds[0]) == "text/html":
        title = HTTPStatus(status).phrase
        answer = Response(render_template("error.html", title=title, message=message))
    else:
        answer = jsonify({"success": False, "error": message, **more})
    answer.status_code = status
    return answer
