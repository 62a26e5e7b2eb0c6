"""The server: waitress in front of the app, and the handling of signals."""

import logging
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore

from servier.checkpoint.signatures import TrustedKeys
from servier.errors import ServierError
from servier.server.access_log import be_discreet
from servier.server.app import create_app
from servier.server.channel import ClientLimits
from servier.server.connections import Server, create_server
from servier.server.hosts import allow_hosts
from servier.server.loading import load_models
from servier.server.service import Desk, Limits, Service

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_TO_FINISH = 30.0


@dataclass(frozen=True)
class ServeOptions:
    """The options of the service.

    Parameters
    ----------
    models_dir
        The folder of `model_1.servier` and `model_2.servier`.
    host, port
        The address; port 0 for any free port.
    threads
        The number of requests that are answered at a time.
    limits
        The limits of the processes that score.
    log_molecules
        Whether the log of requests names the molecules.
    required_models
        The names of models without which the service does not start.
    allowed_hosts
        Further hosts that requests may name; `*` for any.
    receive_timeout
        The seconds within which a request has to come in.
    connections_per_client
        The number of connections that one client may have.
    keys
        Those of which one must have signed each checkpoint; None where none need be signed.
    """

    models_dir: str | Path
    host: str
    port: int
    threads: int
    limits: Limits
    log_molecules: bool = False
    required_models: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()
    receive_timeout: float = 30.0
    connections_per_client: int = 100
    keys: TrustedKeys | None = None


def serve_models(options: ServeOptions) -> None:
    """Load the models and answer requests until SIGTERM or SIGINT; SIGHUP reloads the models.

    Requests that have been received are answered before the service stops.

    Raises
    ------
    ServierError
        The address cannot be listened on, or no model can be served.
    KeyboardInterrupt
        The service was stopped by SIGINT.
    """
    be_discreet()
    signals, desk = _Signals(), Desk()
    reloading = _Reloading(desk, options)
    sockets: dict[int, Any] = {}
    server = _listen(options, create_app(desk, log_molecules=options.log_molecules), sockets)
    models = load_models(options.models_dir, required=options.required_models, keys=options.keys)
    desk.replace(Service(models, options.limits))
    with signals.caught():
        shown = f"[{options.host}]" if ":" in options.host else options.host
        logger.info("serving on http://%s:%s", shown, server.effective_port)
        while not signals.has_to_stop:
            wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)
            server.supervise()
            if signals.take_reload():
                reloading.begin()
        _finish(server, sockets)
    reloading.finish()
    desk.close()
    logger.info("stopped")
    if signals.was_interrupted:
        raise KeyboardInterrupt


class _Signals:
    """The requests that were made by signals."""

    def __init__(self) -> None:
        self.has_to_stop = self.was_interrupted = self._has_to_reload = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Let SIGTERM and SIGINT request a stop, and SIGHUP a reload of the models."""
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
        """Return whether a reload was requested since the last call."""
        has_to_reload, self._has_to_reload = self._has_to_reload, False
        return has_to_reload

    def _note(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._has_to_reload = True
        else:
            self.has_to_stop, self.was_interrupted = True, number == signal.SIGINT


class _Reloading:
    """Reloads the models, one reload at a time, while the current models go on answering."""

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
                models = load_models(
                    self._options.models_dir,
                    service.models,
                    self._options.required_models,
                    self._options.keys,
                )
            self._desk.replace(Service(models, self._options.limits))
        except ServierError as error:
            logger.warning("the models are unchanged: %s", error)
        except Exception:
            logger.exception("the models are unchanged")
        else:
            logger.info("the models have been reloaded")


def _listen(options: ServeOptions, app: Flask, sockets: dict[int, Any]) -> Server:
    """Listen on the address with waitress."""
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        listening = socket.create_server(address[:2], family=family)
    except OSError as error:
        place = f"{options.host}:{options.port}"
        hint = "choose another --host or --port"
        raise ServierError(f"cannot listen on {place}: {error.strerror}", hint=hint) from error
    hosts = allow_hosts(options.host, listening.getsockname()[0], options.allowed_hosts)
    limits = ClientLimits(options.receive_timeout, options.connections_per_client, hosts)
    return create_server(app, listening, limits, sockets, options.threads)


def _finish(server: Any, sockets: dict[int, Any]) -> None:
    """Accept no more connections, and answer the requests that have been received."""
    server.del_channel()
    server.socket.close()
    deadline = time.monotonic() + SECONDS_TO_FINISH
    while time.monotonic() < deadline and any(map(_is_busy, server.active_channels.values())):
        wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()


def _is_busy(channel: Any) -> bool:
    """Return whether a connection has unanswered requests or unsent answers."""
    return bool(channel.requests or channel.total_outbufs_len)
