"""Clients that are slow, many, or do not speak HTTP as it is meant."""

import json
import random
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest
from server_for_tests import predict, read_all, serving, statuses

from servier.server.channel import client_of

HOST = b"Host: localhost\r\n"
HALF = b"POST /predict HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nsmi"
HEALTH = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNKED = b"POST /predict HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
LIMIT = 2.0
REQUEST_TIMEOUT = 90.0  # the default of serve


@pytest.fixture(scope="module")
def impatient(models_dir):
    """A server with short limits, but for the number of lists that it works on: a quarter of the queue."""
    options = ("--receive_timeout", LIMIT, "--connections_per_client", 40, "--queue", 240)
    with serving(models_dir, *options) as server:
        yield server


def is_connected(server, connection):
    """Say whether the server still has its side of a connection, as the kernel lists it."""
    port = f":{connection.getsockname()[1]:04X}"
    links = {
        link.readlink().name for link in Path(f"/proc/{server.process.pid}/fd").iterdir() if link.is_symlink()
    }
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[2].endswith(port) and f"socket:[{row[9]}]" in links for row in rows)


def read_answer(connection):
    """Read one answer; return its status."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def drip(server, beginning, piece):
    """Send a beginning, then a piece again and again; return what was answered, and after how long."""
    started = time.monotonic()
    answered = b""
    with server.connect(beginning) as connection:
        connection.settimeout(0.2)
        while time.monotonic() - started < 60:
            try:
                received = connection.recv(65536)
                if not received:
                    break
                answered += received
            except TimeoutError:
                pass
            except ConnectionError:
                break
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
    return statuses(answered), time.monotonic() - started


SLOW = {
    "header": (b"GET /hea", b"l", [408]),
    "field": (b"GET /health HTTP/1.1\r\nX: ", b"l", [408]),
    "body": (HALF, b"l", [408]),
    "chunks": (CHUNKED, b"1\r\nl\r\n", [408]),
    "blank lines": (b"", b"\r\n\r\n", []),
    "nothing": (b"", b"", []),
    "second request": (HEALTH + b"GET /hea", b"l", [200, 408]),
    "second body": (HEALTH + HALF, b"l", [200, 408]),
    "blank lines after a request": (HEALTH, b"\r\n\r\n", [200]),
}


@pytest.mark.process
def test_a_request_has_to_come_in_within_its_time(impatient):
    """A byte now and then keeps no connection, and others are answered meanwhile."""
    with ThreadPoolExecutor(len(SLOW)) as threads:
        waiting = [threads.submit(drip, impatient, start, piece) for start, piece, _ in SLOW.values()]
        assert impatient.ask("/health")[0] == 200
        for asked, (_, _, expected) in zip(waiting, SLOW.values(), strict=True):
            found, seconds = asked.result()
            assert found == expected
            assert LIMIT - 0.5 < seconds < 30


@pytest.mark.process
def test_an_idle_connection_keeps_its_place_for_longer(impatient):
    """The time of a request begins with its first byte, not with the answer before it."""
    with impatient.connect(HEALTH) as connection:
        assert read_answer(connection) == 200
        time.sleep(LIMIT + 2)
        connection.sendall(HEALTH[:-9])
        time.sleep(0.2)
        connection.sendall(HEALTH[-9:])
        assert read_answer(connection) == 200


@pytest.mark.process
def test_answers_that_nobody_receives_are_given_up(impatient):
    """A connection whose client does not read is closed in the end, and others are answered meanwhile."""
    whole = predict(["?" * 900] * 1000)
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(("127.0.0.1", int(impatient.address.rpartition(":")[2])))
        lazy.settimeout(60)
        with suppress(TimeoutError):
            lazy.sendall(whole * 4)
        deadline = time.monotonic() + REQUEST_TIMEOUT + 4 * LIMIT + 5
        while is_connected(impatient, lazy) and time.monotonic() < deadline:
            assert impatient.ask("/health")[0] == 200
            time.sleep(0.5)
        assert not is_connected(impatient, lazy)


@pytest.mark.process
def test_hundreds_of_half_sent_requests_leave_room_for_others(impatient):
    """Also from one address: a whole request is answered, and the oldest half-sent one gives way."""
    with ExitStack() as stack:
        halves = [stack.enter_context(impatient.connect(HALF)) for _ in range(600)]
        for _ in range(3):
            assert impatient.ask("/health")[0] == 200
            assert impatient.predict("CCO")[0] == 200
        assert halves[0].recv(65536) == b""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 on its loopback")
def test_half_sent_requests_from_many_addresses_leave_room_for_others(server):
    """Where all places are taken, the client that has most of them gives one up."""
    with ExitStack() as stack:
        for number in range(700):
            half = stack.enter_context(socket.socket())
            half.bind((f"127.0.0.{2 + number % 9}", 0))
            half.connect(("127.0.0.1", int(server.address.rpartition(":")[2])))
            half.sendall(HALF)
        for _ in range(3):
            assert server.ask("/health")[0] == 200
            assert server.predict("CCO")[0] == 200


@pytest.mark.process
def test_requests_that_are_being_answered_never_give_way(impatient):
    """Where all connections of a client wait for answers, a new one is a 503, and all others are answered."""
    whole = predict(["C" * n for n in range(1, 60)], more="Connection: close\r\n")
    with ExitStack() as stack:
        asked = [stack.enter_context(impatient.connect(whole, 120)) for _ in range(60)]
        found = [statuses(read_all(connection)) for connection in asked]
    assert {code for answered in found for code in answered} <= {200, 503}
    assert all(len(answered) == 1 for answered in found)
    assert found.count([200]) >= 40


def test_clients_are_addresses_or_networks_of_ipv6():
    """One machine has 2 to the 64 addresses of IPv6."""
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
    assert client_of("2001:db8::1") == client_of("2001:db8::ffff:2")
    assert client_of("2001:db8::1") != client_of("2001:db8:0:1::1")
    assert client_of("fe80::1%eth0") == client_of("fe80::2%eth0")
    assert client_of("::ffff:192.0.2.1") != client_of("::ffff:192.0.2.2")


SMUGGLED = HEALTH.replace(b"/health", b"/models")
AMBIGUOUS = {
    "length and chunks": (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"0\r\n\r\n" + SMUGGLED,
        400,
    ),
    "chunks and length": (
        b"Transfer-Encoding: chunked\r\nContent-Length: 99\r\n",
        b"0\r\n\r\n" + SMUGGLED,
        400,
    ),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: 7\r\n", b"smile=C" + SMUGGLED, 400),
    "list of lengths": (b"Content-Length: 0, 7\r\n", b"smile=C" + SMUGGLED, 400),
    "signed length": (b"Content-Length: +7\r\n", b"smile=C" + SMUGGLED, 400),
    "negative length": (b"Content-Length: -1\r\n", SMUGGLED, 400),
    "hexadecimal length": (b"Content-Length: 0x7\r\n", b"smile=C" + SMUGGLED, 400),
    "endless length": (b"Content-Length: " + b"9" * 5000 + b"\r\n", SMUGGLED, 400),
    "length with a blank": (b"Content-Length : 0\r\n", SMUGGLED, 400),
    "other coding": (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + SMUGGLED, 501),
    "coding that looks alike": (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n" + SMUGGLED, 501),
    "coding after a control": (b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + SMUGGLED, 400),
    "size that is no number": (b"Transfer-Encoding: chunked\r\n", b"0x0\r\n\r\n" + SMUGGLED, 400),
    "size with a sign": (b"Transfer-Encoding: chunked\r\n", b"-1\r\n\r\n" + SMUGGLED, 400),
    "chunk that is too long": (b"Transfer-Encoding: chunked\r\n", b"1\r\nsmile\r\n0\r\n\r\n" + SMUGGLED, 400),
    "endless chunk line": (b"Transfer-Encoding: chunked\r\n", b"0;" + b"x" * 9000, 400),
    "endless trailer": (b"Transfer-Encoding: chunked\r\n", b"0\r\n" + b"x: y\r\n" * 9000, 400),
    "large body in chunks": (b"Transfer-Encoding: chunked\r\n", b"fffffff\r\n" + b"x" * 3_000_000, 413),
    "large body": (b"Content-Length: 3000000\r\n", b"x" * 3_000_000, 413),
    "line feed alone": (b"X: y\nContent-Length: 0\r\n", SMUGGLED, 400),
    "carriage return alone": (b"X: y\rContent-Length: 0\r\n", SMUGGLED, 400),
    "zero byte": (b"X: \0\r\n", SMUGGLED, 400),
    "no colon": (b"Content-Length\r\n", SMUGGLED, 400),
    "large field": (b"X: " + b"y" * 100_000 + b"\r\n", SMUGGLED, 431),
    "many fields": (b"X: y\r\n" * 20_000, SMUGGLED, 431),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_two_programs_may_read_differently_is_refused(server, kind):
    """No second request comes out of the body of another: there is one answer, which ends the connection."""
    fields, rest, status = AMBIGUOUS[kind]
    content = b"POST /predict HTTP/1.1\r\n" + HOST + FORM + fields + b"\r\n" + rest
    with server.connect() as connection, ThreadPoolExecutor(1) as threads:
        threads.submit(connection.sendall, content)
        answered = read_all(connection)
    assert statuses(answered) == [status]
    assert b'{"success": false, "error": ' in answered


LINES = {
    "no version": (b"GET /health\r\n\r\n", 505),
    "later version": (b"GET /health HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "version between": (b"POST /predict HTTP/1.2\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", 505),
    "chunks in 1.0": (
        b"POST /predict HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "no path": (b"GET health HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "tunnel": (b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "open bracket": (b"GET http://[::1/health HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "zero byte": (b"GET /he\0alth HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "tabulator": (b"GET /he\talth HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "lower case": (b"get /health HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "folded host": (b"GET /health HTTP/1.1\r\nHost: local\r\n host\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200 + b"\r\n\r\n", 400),
    "nothing but noise": (bytes(range(256)) * 20 + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize("kind", LINES)
def test_odd_request_lines_are_refused(server, kind):
    """What is not HTTP/1.0 or HTTP/1.1 with a path gets one answer, and the connection ends."""
    content, status = LINES[kind]
    assert statuses(server.exchange(content)) == [status]


def test_the_document_names_what_any_request_may_be_answered(server):
    """Each status that a request may get before it is read stands with each operation."""
    paths = json.loads(server.ask("/openapi.json")[2])["paths"]
    possible = {str(status) for *_, status in (*AMBIGUOUS.values(), *LINES.values())} | {"408", "421", "503"}
    for operations in paths.values():
        for operation in operations.values():
            assert possible <= set(operation["responses"])


def test_a_get_that_expects_to_be_continued_is_answered(server):
    """There is nothing to continue with, so the answer comes at once."""
    with server.connect(HEALTH[:-2] + b"Expect: 100-continue\r\nConnection: close\r\n\r\n") as connection:
        assert statuses(read_all(connection)) == [200]


def test_after_some_requests_in_a_row_the_connection_ends(server):
    """Eight are answered; the last answer says that the connection is closed, and the rest is sent anew."""
    answered = server.exchange(HEALTH * 100)
    assert statuses(answered) == [200] * 8
    assert answered.count(b"Connection: close") == 1


@pytest.mark.slow
def test_random_changes_of_requests_stop_nothing(server):
    """Thousands of requests with bytes changed, cut out or repeated are answered, and no fault is logged."""
    whole = b"POST /predict HTTP/1.1\r\n" + HOST + FORM + b"Content-Length: 7\r\n\r\nsmile=C"
    start = len(server.log)

    def attack(seed):
        chance = random.Random(seed)
        content = bytearray(chance.choice([whole, HEALTH, CHUNKED + b"7\r\nsmile=C\r\n0\r\n\r\n"]))
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(content))
            kind = chance.randrange(3)
            if kind == 0:
                content[place] = chance.randrange(256)
            elif kind == 1:
                del content[place : place + chance.randint(1, 9)]
            else:
                content[place:place] = content[place : place + 40] * chance.randint(1, 9)
            content = content or bytearray(b"x")
        with server.connect(bytes(content)) as connection:
            connection.shutdown(socket.SHUT_WR)
            found = statuses(read_all(connection))
        assert all(code < 500 or code in {501, 505} for code in found), bytes(content)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(attack, range(3000)))
    assert server.ask("/health")[0] == 200
    assert not any(" line " in line or "rror" in line for line in server.log[start:])
