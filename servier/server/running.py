"""waitress in front of the app, and what signals do."""

import logging
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import waitress
from flask import Flask
from waitress import wasyncore

from servier.errors import ServierError
from servier.server.app import create_app
from servier.server.loading import load_models
from servier.server.service import Desk, Limits, Service

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_TO_FINISH = 30.0
SECONDS_OF_SILENCE = 60
MAX_CONNECTIONS = 500
MAX_RECEIVED = 16 * 1024 * 1024
MAX_HEADERS = 32 * 1024


@dataclass(frozen=True)
class ServeOptions:
    """Where the service listens, and what it may use.

    Parameters
    ----------
    models_dir
        Where `model_1.servier` and `model_2.servier` are.
    host, port
        The address; port 0 for any that is free.
    threads
        How many requests are answered at a time.
    limits
        Of the processes that score.
    log_molecules
        Whether the log of requests names the molecules.
    """

    models_dir: str | Path
    host: str
    port: int
    threads: int
    limits: Limits
    log_molecules: bool = False


def serve_models(options: ServeOptions) -> None:
    """Load the models and answer requests until SIGTERM or SIGINT; SIGHUP loads the models anew.

    Requests that have come in are answered before it ends.

    Raises
    ------
    ServierError
        The address cannot be listened on, or no model can be served.
    KeyboardInterrupt
        It was ended by SIGINT.
    """
    signals, desk = _Signals(), Desk()
    reloading = _Reloading(desk, options)
    sockets: dict[int, Any] = {}
    server = _listen(options, create_app(desk, log_molecules=options.log_molecules), sockets)
    desk.replace(Service(load_models(options.models_dir), options.limits))
    with signals.caught():
        logger.info("serving on http://%s:%s", options.host, server.effective_port)
        while not signals.has_to_stop:
            wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)
            if signals.take_reload():
                reloading.begin()
        _finish(server, sockets)
    reloading.finish()
    desk.close()
    logger.info("stopped")
    if signals.was_interrupted:
        raise KeyboardInterrupt


class _Signals:
    """What signals have asked for."""

    def __init__(self) -> None:
        self.has_to_stop = self.was_interrupted = self._has_to_reload = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT ask for a stop, and SIGHUP for other models."""
        before = {
            number: signal.signal(number, self._note)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def take_reload(self) -> bool:
        """Say whether models are to be loaded anew, once for each time that it was asked for."""
        has_to_reload, self._has_to_reload = self._has_to_reload, False
        return has_to_reload

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._has_to_reload = True
        else:
            self.has_to_stop, self.was_interrupted = True, number == signal.SIGINT


class _Reloading:
    """Models are loaded anew, one time after another, while the ones before go on answering."""

    def __init__(self, desk: Desk, options: ServeOptions) -> None:
        self._desk, self._options = desk, options
        self._threads = ThreadPoolExecutor(1)

    def begin(self) -> None:
        self._threads.submit(self._reload)

    def finish(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def _reload(self) -> None:
        try:
            with self._desk.service() as service:
                models = load_models(self._options.models_dir, service.models)
            self._desk.replace(Service(models, self._options.limits))
        except ServierError as error:
            logger.warning("the models stay what they were: %s", error)
        except Exception:
            logger.exception("the models stay what they were")
        else:
            logger.info("the models have been loaded anew")


def _listen(options: ServeOptions, app: Flask, sockets: dict[int, Any]) -> Any:
    """Open the address, and put waitress behind it."""
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        listening = socket.create_server(address[:2], family=family)
    except OSError as error:
        place = f"{options.host}:{options.port}"
        hint = "choose another --host or --port"
        raise ServierError(f"cannot listen on {place}: {error.strerror}", hint=hint) from error
    return waitress.create_server(
        app,
        map=sockets,
        sockets=[listening],
        threads=options.threads,
        channel_timeout=SECONDS_OF_SILENCE,
        connection_limit=MAX_CONNECTIONS,
        max_request_body_size=MAX_RECEIVED,
        max_request_header_size=MAX_HEADERS,
        ident=None,
    )


def _finish(server: Any, sockets: dict[int, Any]) -> None:
    """Take no more connections, and answer what has come in."""
    server.del_channel()
    server.socket.close()
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while time.monotonic() < deadline and any(map(_is_busy, server.active_channels.values())):
        wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()


def _is_busy(channel: Any) -> bool:
    """Say whether a connection has requests without an answer, or answers that are not sent."""
    return bool(channel.requests or channel.total_outbufs_len)
