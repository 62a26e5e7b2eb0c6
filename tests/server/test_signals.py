"""Signals at any moment, once and again: as it starts, as it reloads, as it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from server_for_tests import predict, read_all, serving, statuses, workers_of

pytestmark = pytest.mark.process

IN_TIME = 30.0


def newest(server, old):
    """The workers after a reload, once they are asked."""
    with suppress(TimeoutError), server.connect(predict("CCN"), 1) as asked:
        if statuses(asked.recv(100)) == [200]:
            return set(server.workers()) - set(old)
    return None


def keep_asking(address, is_done):
    """Ask for what is answered at once, with many connections; no answer is waited for for long."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    asked = []
    while not is_done.is_set():
        with suppress(OSError):
            asked.append(socket.create_connection((host, int(port)), 10))
            asked[-1].sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while len(asked) > 50:
            asked.pop(0).close()


@pytest.fixture
def starting(models_dir):
    """A service that hangs as it starts, for its first worker process is stopped; and that process."""
    command = ["env", "--default-signal=INT,HUP,TERM", sys.executable, "-m", "servier", "serve"]
    options = ["--models_dir", str(models_dir), "--port", "0", "--workers", "1"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        while not (found := workers_of(process.pid)):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(found[0], signal.SIGSTOP)
        yield process, found[0]
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_hangs_is_ended(starting, number):
    """The status is that of the signal, in one line, and no process is left."""
    process, stopped = starting
    process.send_signal(number)
    assert process.wait(60) == 128 + number
    assert "Traceback" not in process.stderr.read()
    assert not Path(f"/proc/{stopped}").exists()


def test_a_reload_that_is_wanted_too_early_comes_later(starting):
    """SIGHUP does not end what has not started yet."""
    process, stopped = starting
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    os.kill(stopped, signal.SIGCONT)
    for line in process.stderr:
        if "have been reloaded" in line:
            process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


def test_it_ends_with_status_0_however_often_it_is_told_to(models_dir):
    """SIGTERM and SIGHUP again and again, to the last moment, change nothing."""
    with serving(models_dir) as server:
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.005)
        assert server.process.returncode == 0
        assert server.wait_for("^stopped")


def test_a_storm_of_reloads_ends_with_the_models(models_dir):
    """Fifty SIGHUP in a row give no more than a reload or two, and the answers stay."""
    with serving(models_dir) as server:
        before = server.predict("CCO")
        start = len(server.log)
        for _ in range(50):
            server.process.send_signal(signal.SIGHUP)
            time.sleep(0.002)
        server.wait_for("have been reloaded", start)
        assert server.predict("CCO") == before
        time.sleep(1)
        assert sum("reloaded" in line for line in server.log[start:]) <= 3


@pytest.mark.slow
def test_what_came_after_a_reload_is_answered_when_it_ends(models_dir):
    """SIGTERM while the former models still answer gives up nothing that the new ones are asked."""
    with serving(models_dir) as server:
        old = server.workers()
        for pid in old:
            os.kill(pid, signal.SIGSTOP)
        with server.connect(predict("CCO")) as first:
            time.sleep(0.5)
            server.process.send_signal(signal.SIGHUP)
            ends = time.monotonic() + 100
            while not (new := newest(server, old)):
                assert time.monotonic() < ends
            for pid in new:
                os.kill(pid, signal.SIGSTOP)
            with server.connect(predict("CCC")) as second:
                time.sleep(0.5)
                server.process.send_signal(signal.SIGTERM)
                time.sleep(1)
                for pid in {*old, *new}:
                    os.kill(pid, signal.SIGCONT)
                assert [statuses(read_all(asked)) for asked in (first, second)] == [[200], [200]]
        assert server.process.wait(60) == 0


@pytest.mark.slow
def test_it_ends_though_nobody_reads_its_log(models_dir):
    """With a log that takes no more lines, all threads wait; an alarm ends the process all the same."""
    command = [sys.executable, "-m", "servier", "serve", "--models_dir", str(models_dir), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
        is_done = threading.Event()
        threading.Thread(target=keep_asking, args=(address, is_done), daemon=True).start()
        time.sleep(15)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in {0, -signal.SIGALRM}
        is_done.set()
        assert time.monotonic() - started < IN_TIME
