"""One connection: how long its client may take to send, to take an answer, and to hang up."""

import ipaddress
import select
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from waitress.channel import HTTPChannel

from servier.server.access_log import log_request
from servier.server.hosts import Hosts
from servier.server.receiving import ReceivingError, RefusalTask, Request

SENDING_FACTOR = 4.0
MAX_PIPELINED = 8
SECONDS_TO_LINGER = 5.0
SECONDS_BEFORE_SOUNDS = 1.0
SECONDS_BETWEEN_SOUNDS = 10.0
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class ClientLimits:
    """What a client may take.

    Parameters
    ----------
    seconds
        The time within which a request, header and body, has to come in; four times as long its answers may
        take to be received.
    connections
        The number of connections that one client may have.
    hosts
        The hosts that requests may name.
    """

    seconds: float
    connections: int
    hosts: Hosts


class Channel(HTTPChannel):
    """One connection.

    A request that has not come in within its time is answered with 408, and so ends a client that sends a
    byte now and then. A client that is refused may still be sending: what it sends is thrown away for a
    while, since to hang up at once would take the answer back.
    """

    error_task_class = RefusalTask
    has_refused = False
    close_when_flushed = False
    request: Any = None

    def __init__(self, server: Any, sock: Any, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002
        self.parser_class = partial(Request, hosts=server.limits.hosts)
        self.client = client_of(addr[0])
        self.rests_since = time.monotonic()
        self._waits_since: float | None = self.rests_since
        self._has_begun = False
        self._answers_since: float | None = None
        self._lingers_until: float | None = None
        self._next_sound: float | None = None
        super().__init__(server, sock, addr, adj, map=map)
        server.newcomers.append(self)

    @property
    def is_idle(self) -> bool:
        """Whether the service has nothing to do for this connection before its client does something."""
        return not self.requests

    @property
    def is_lingering(self) -> bool:
        """Whether all has been said, and the client is only awaited to hang up."""
        return self._lingers_until is not None

    def check_client_disconnected(self) -> bool:
        """Say whether the client has gone, while its request is worked on and nobody reads from it.

        A client may close its sending side once it has said all, and wait (`nc -N`, ncat and socat do). One
        that has gone looks the same, until something is sent to it, which it refuses.

        The `waitress.client_disconnected` of a request asks this. With `channel_request_lookahead` waitress
        would know of some, at the price of a third more processor time for every request.
        """
        if not self.connected:
            return True
        try:
            if self.socket.recv(1, socket.MSG_PEEK):
                return False
        except BlockingIOError:
            return False
        except OSError:
            return True
        self._sound_out(time.monotonic())
        return _is_refused(self.socket)

    def _sound_out(self, now: float) -> None:
        """Now and then say "100 Continue", which HTTP/1.1 allows at any time before the answer.

        A client of HTTP/1.0 does not know that, so it is taken to wait.
        """
        with self.outbuf_lock:
            if self._next_sound is None:  # most answers come before anything need be known
                self._next_sound = now + SECONDS_BEFORE_SOUNDS
            elif now >= self._next_sound and not self.total_outbufs_len and self.requests[0].version == "1.1":
                self._next_sound = now + SECONDS_BETWEEN_SOUNDS
                with suppress(OSError):
                    self.socket.send(CONTINUE)

    def received(self, data: bytes) -> Any:
        """Take what has come in, of which no more than some requests are answered in a row.

        Answers that nobody receives would otherwise fill the memory, and hold the threads that wrote them.
        """
        if not self._has_begun:
            self._has_begun, self._waits_since = True, time.monotonic()
        found = super().received(data)
        with self.requests_lock:
            if len(self.requests) > MAX_PIPELINED:
                self.requests[MAX_PIPELINED - 1].headers["CONNECTION"] = "close"
        return found

    def service(self) -> None:
        """Answer a request; the time of the next one begins with its first byte."""
        self._has_begun, self._waits_since = False, None
        super().service()
        self.rests_since = time.monotonic()

    def readable(self) -> bool:
        """Say whether to read: also what is thrown away."""
        return self.is_lingering or bool(super().readable())

    def handle_read(self) -> None:
        """Read some bytes."""
        if self.is_lingering:
            self.recv(self.adj.recv_bytes)
        else:
            super().handle_read()

    def handle_write(self) -> None:
        """Send some bytes, and hang up after the last ones."""
        if not (self.close_when_flushed and self.has_refused):
            super().handle_write()
            return
        self._flush_exception(self._flush_some)
        if not self.connected:
            return
        if self.will_close:
            self.handle_close()
        elif not self.total_outbufs_len:
            self.close_when_flushed = False
            self.linger()

    def linger(self) -> None:
        """Say that no more will be sent, and wait for the client to hang up, if it has not yet."""
        if not self.connected:
            return
        self._lingers_until = time.monotonic() + SECONDS_TO_LINGER
        with suppress(OSError):  # the client has hung up already, which is read next
            self.socket.shutdown(socket.SHUT_WR)

    def enforce(self, limits: ClientLimits, now: float) -> None:
        """End the connection if the client takes too long to send, to take its answer, or to hang up."""
        self._answers_since = (self._answers_since or now) if self.total_outbufs_len else None
        is_stuck = (
            self._answers_since is not None and now - self._answers_since > SENDING_FACTOR * limits.seconds
        )
        if is_stuck or (self._lingers_until is not None and now > self._lingers_until):
            self.handle_close()
        elif self.is_idle and not self.total_outbufs_len and self._is_late(limits, now):
            self._expire()

    def turn_away(self) -> None:
        """Refuse a connection of a client whose other connections are all being answered."""
        status, fields, content = ReceivingError(HTTPStatus.SERVICE_UNAVAILABLE).to_response()
        fields += [("Connection", "close"), ("Content-Length", str(len(content)))]
        header = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.send(f"HTTP/1.1 {status}\r\n{header}\r\n".encode() + content)
        log_request(self.addr[0], "-", None, HTTPStatus.SERVICE_UNAVAILABLE, 0.0)
        self.linger()

    def _is_late(self, limits: ClientLimits, now: float) -> bool:
        return self._waits_since is not None and now - self._waits_since > limits.seconds

    def _expire(self) -> None:
        with self.requests_lock:
            request, self.request = self.request, None
            if request is None:
                self.handle_close()
                return
            request.error, request.completed = ReceivingError(HTTPStatus.REQUEST_TIMEOUT), True
            self.requests.append(request)
        self.server.add_task(self)


def _is_refused(connection: socket.socket) -> bool:
    """Say whether the other side has refused what was sent to it: it takes nothing any more."""
    poll = select.poll()
    try:
        poll.register(connection, 0)
    except ValueError:  # it has just been closed
        return True
    return bool(poll.poll(0))


def client_of(address: str) -> str:
    """Return the client of an address: of IPv6 a network of 64 bits, which one machine may have."""
    found = ipaddress.ip_address(address.partition("%")[0])
    is_network = isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None
    return str(ipaddress.ip_network((found, 64), strict=False)) if is_network else address
