"""The server: waitress in front of the app, and the handling of signals."""

import logging
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask
from waitress import wasyncore

from servier.checkpoint.signatures import TrustedKeys
from servier.errors import ServierError
from servier.server.access_log import be_discreet
from servier.server.admission import Gate
from servier.server.app import create_app
from servier.server.channel import ClientLimits
from servier.server.connections import Server, create_server
from servier.server.hosts import allow_hosts
from servier.server.loading import load_models
from servier.server.reloading import Reloader
from servier.server.service import Desk, Limits, Service
from servier.server.signals import Signals

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_TO_FINISH = 20.0
SECONDS_TO_SAY_SO = 2.0
SPARE_THREADS = 8
"""They answer what needs no worker process, and refuse what is too much."""


@dataclass(frozen=True)
class ServeOptions:
    """The options of the service.

    Parameters
    ----------
    models_dir
        The folder of `model_1.servier` and `model_2.servier`.
    host, port
        The address; port 0 for any free port.
    queue
        The number of requests that may be under way: worked on, or waiting for a worker process.
    request_timeout
        The seconds that a request may take.
    reload_timeout
        The seconds after which a reload of the models is given up.
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
    queue: int
    request_timeout: float
    reload_timeout: float
    limits: Limits
    log_molecules: bool = False
    required_models: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()
    receive_timeout: float = 30.0
    connections_per_client: int = 100
    keys: TrustedKeys | None = None


def serve_models(options: ServeOptions, signals: Signals) -> None:
    """Load the models and answer requests until SIGTERM or SIGINT; SIGHUP reloads the models.

    Requests that have been received are answered before the service stops, if that takes no longer than
    `SECONDS_TO_FINISH`.

    Parameters
    ----------
    options
        The options.
    signals
        The signals, which are caught already.

    Raises
    ------
    ServierError
        The address cannot be listened on, or no model can be served.
    KeyboardInterrupt
        The service was stopped by SIGINT.
    """
    be_discreet()
    desk, gate = Desk(), Gate(options.queue, options.request_timeout)
    sockets: dict[int, Any] = {}
    server = _listen(options, create_app(desk, gate, log_molecules=options.log_molecules), sockets)
    load = partial(load_models, options.models_dir, required=options.required_models, keys=options.keys)
    service = Service(load(), options.limits)
    service.start()
    desk.replace(service)
    reloader = Reloader(desk, load, options.limits, options.reload_timeout)
    signals.has_started = True
    shown = f"[{options.host}]" if ":" in options.host else options.host
    logger.info("serving on http://%s:%s", shown, server.effective_port)
    while not signals.has_to_stop:
        wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)
        server.supervise()
        if signals.take_reload():
            reloader.begin()
    _end(server, sockets, desk, reloader)
    logger.info("stopped")
    if signals.was_interrupted:
        raise KeyboardInterrupt


def _listen(options: ServeOptions, app: Flask, sockets: dict[int, Any]) -> Server:
    """Listen on the address with waitress."""
    try:
        found = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        listening = socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        place = f"{options.host}:{options.port}"
        reason = error.strerror if isinstance(error, OSError) else "this is not the name of a host"
        hint = "choose another --host or --port"
        raise ServierError(f"cannot listen on {place}: {reason}", hint=hint) from error
    hosts = allow_hosts(options.host, listening.getsockname()[0], options.allowed_hosts)
    limits = ClientLimits(options.receive_timeout, options.connections_per_client, hosts)
    return create_server(app, listening, limits, sockets, options.queue + SPARE_THREADS)


def _end(server: Any, sockets: dict[int, Any], desk: Desk, reloader: Reloader) -> None:
    """Accept no more connections, answer the requests that have been received, and end all processes.

    What is not answered in time is given up, and no step waits without a limit.
    """
    reloader.end()
    server.del_channel()
    server.socket.close()
    _answer(server, sockets, SECONDS_TO_FINISH)
    desk.close()
    _answer(server, sockets, SECONDS_TO_SAY_SO)
    server.task_dispatcher.shutdown(timeout=1)


def _answer(server: Any, sockets: dict[int, Any], seconds: float) -> None:
    """Go on until all requests that have been received are answered, but not for longer than a time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(_is_busy, list(server.active_channels.values()))):
        wasyncore.loop(SECONDS_BETWEEN_LOOKS, use_poll=True, map=sockets, count=1)


def _is_busy(channel: Any) -> bool:
    """Return whether a connection has unanswered requests or unsent answers."""
    return bool(channel.requests or channel.total_outbufs_len)
