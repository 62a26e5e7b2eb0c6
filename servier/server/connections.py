"""All connections: waitress, with room for new ones however many there are.

A connection that waits for the rest of a request costs nothing but its place, so places are what has to be
kept free. Where there are none left, the connection that has waited longest gives way to the new one: who
sends a whole request at once is answered, however many others send theirs byte by byte.
"""

import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from servier.server.channel import Channel, ClientLimits
from servier.server.receiving import MAX_HEADERS, MAX_RECEIVED

MAX_CONNECTIONS = 500
SECONDS_OF_SILENCE = 60
RECEIVED_AT_ONCE = 32 * 1024
SECONDS_BETWEEN_CHECKS = 0.5


class Server(TcpWSGIServer):
    """A listening socket with its connections.

    Parameters
    ----------
    limits
        What a client may take.
    arguments, options
        Those of waitress.
    """

    channel_class = Channel

    def __init__(self, *arguments: Any, limits: ClientLimits, **options: Any) -> None:
        self.limits = limits
        self.newcomers: list[Channel] = []
        self._next_check = 0.0
        super().__init__(*arguments, **options)

    def supervise(self) -> None:
        """Hold clients to their limits; called between two rounds of the loop, when no socket is in use.

        By then connections that came before the newest one have been read from, so those that still wait have
        not sent a whole request.
        """
        while self.newcomers:
            self.make_room(self.newcomers.pop())
        now = time.monotonic()
        if now >= self._next_check:
            self._next_check = now + SECONDS_BETWEEN_CHECKS
            for channel in list(self.active_channels.values()):
                channel.enforce(self.limits, now)

    def make_room(self, new: Channel) -> None:
        """Close a connection, if a new one is one too many."""
        channels = list(self.active_channels.values())
        same = [found for found in channels if found.client == new.client and not found.is_lingering]
        if len(same) > self.limits.connections:
            _replace(same, new)
        elif len(channels) > max_connections(self.limits):
            _replace(channels, new)


def _replace(channels: Iterable[Channel], new: Channel) -> None:
    """Let a connection give way to a new one: of the client with most of them, the one idle for longest."""
    idle = [channel for channel in channels if channel is not new and channel.is_idle]
    if not idle:
        new.turn_away()
        return
    greediest, _ = Counter(channel.client for channel in idle).most_common(1)[0]
    theirs = [channel for channel in idle if channel.client == greediest]
    min(theirs, key=lambda channel: (channel.total_outbufs_len > 0, channel.rests_since)).handle_close()


def max_connections(limits: ClientLimits) -> int:
    """Return the number of connections of all clients, which may take half of the files that may be open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(MAX_CONNECTIONS, limits.connections)
    return wanted if most == resource.RLIM_INFINITY else min(wanted, most // 2)


def create_server(
    app: Callable[..., Any],
    listening: socket.socket,
    limits: ClientLimits,
    sockets: dict[int, Any],
    threads: int,
) -> Server:
    """Serve an app on a socket that listens.

    Parameters
    ----------
    app
        The app.
    listening
        The socket.
    limits
        What a client may take.
    sockets
        Where the sockets are noted, for the loop that looks after them.
    threads
        The number of requests that are answered at a time.
    """
    settings = Adjustments(
        sockets=[listening],
        channel_timeout=SECONDS_OF_SILENCE,
        recv_bytes=RECEIVED_AT_ONCE,
        connection_limit=2 * max_connections(limits),  # never reached: connections give way before
        max_request_body_size=MAX_RECEIVED,
        max_request_header_size=MAX_HEADERS,
        ident=None,
    )
    dispatcher = ThreadedTaskDispatcher()
    dispatcher.set_thread_count(threads)
    return Server(
        app,
        sockets,
        True,
        listening,
        limits=limits,
        dispatcher=dispatcher,
        adj=settings,
        bind_socket=False,
        sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
    )
