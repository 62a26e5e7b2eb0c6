"""Clients that have said all, and those that have gone."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from server_for_tests import predict, read_all, serving, statuses

pytestmark = pytest.mark.process
HOST = b"Host: localhost\r\n"
REQUESTS = {
    "health": b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "page": b"GET /?smile=CCO HTTP/1.1\r\n" + HOST + b"\r\n",
    "old explanation": b"GET /explanation.svg?smile=CCO HTTP/1.0\r\n\r\n",
    "molecule": predict("CCO"),
    "old molecule": predict("CCO", "1.0"),
    "list": predict(["CCO"] * 1000),
}


@pytest.fixture(scope="module")
def stopped(models_dir):
    """A service, and the workers that it has; a test may stop them."""
    with serving(models_dir) as server:
        yield server, server.workers()


def send_all(pids, number):
    for pid in pids:
        os.kill(pid, number)


def test_clients_that_close_their_sending_side_are_answered(stopped):
    """They have said all, and wait; who speaks HTTP/1.1 may be told to go on waiting."""
    server, workers = stopped
    for seconds in (0, 2.5):
        send_all(workers, signal.SIGSTOP)
        asked = [server.connect(request) for request in REQUESTS.values()]
        for connection in asked:
            connection.shutdown(socket.SHUT_WR)
        time.sleep(seconds)
        send_all(workers, signal.SIGCONT)
        for name, connection in zip(REQUESTS, asked, strict=True):
            with connection:
                found = statuses(read_all(connection))
            assert found in ([[200]] if "old" in name else [[200], [100, 200]])


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_answers_begin_with_nothing_else_where_that_is_not_understood(stopped, version):
    """Only HTTP/1.1 has answers before the answer."""
    server, workers = stopped
    send_all(workers, signal.SIGSTOP)
    with server.connect(predict("CCO", version)) as connection:
        connection.shutdown(socket.SHUT_WR)
        time.sleep(2.5)
        send_all(workers, signal.SIGCONT)
        assert statuses(read_all(connection)) == ([100, 200] if version == "1.1" else [200])


def test_clients_that_have_gone_are_noticed(stopped):
    """What a client asked that has closed its connection is given up while no worker has it yet."""
    server, workers = stopped
    start = len(server.log)
    send_all(workers, signal.SIGSTOP)
    server.connect(predict("CCO")).close()
    server.wait_for("POST /predict 503", start)
    send_all(workers, signal.SIGCONT)
    assert server.predict("CCO")[0] == 200


def reset(server, request=b""):
    """Connect, and hang up in a way that throws away what was sent."""
    with server.connect(request) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_clients_that_are_refused_may_have_gone(models_dir):
    """Neither those for whom there is no connection left nor those whose request is none leave a fault."""
    with serving(models_dir, "--connections_per_client", 2) as server:
        workers = server.workers()
        send_all(workers, signal.SIGSTOP)
        with server.connect(predict("CCO")), server.connect(predict("CCO")):
            time.sleep(0.5)
            for _ in range(200):
                reset(server)
        send_all(workers, signal.SIGCONT)
        for _ in range(200):
            reset(server, b"GET /health HTTP/9\r\n\r\n")
        assert server.predict("CCO")[0] == 200
        assert not [line for line in server.log if "error" in line]


CLIENTS = {
    "curl": ["curl", "-s", "-d", "smile=CCO"],
    "curl 1.0": ["curl", "-s", "--http1.0", "-d", "smile=CCO"],
    "curl chunks": ["curl", "-s", "-H", "Transfer-Encoding: chunked", "-d", "smile=CCO"],
    "curl expecting": ["curl", "-s", "-H", "Expect: 100-continue", "-d", "smile=CCO"],
    "wget": ["wget", "-qO-", "--post-data", "smile=CCO"],
    "python": [
        sys.executable,
        "-c",
        "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], b'smile=CCO').read())",
    ],
}


@pytest.mark.parametrize("name", CLIENTS)
def test_common_clients_are_answered(server, name):
    """Each in its own way of speaking HTTP."""
    if shutil.which(CLIENTS[name][0]) is None:
        pytest.skip(f"there is no {CLIENTS[name][0]}")
    command = [*CLIENTS[name], server.address + "/predict"]
    found = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert b'"status":"ok"' in found.stdout
