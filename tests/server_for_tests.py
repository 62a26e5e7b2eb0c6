"""A real server and its client."""

import json
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path


def read_all(connection):
    """Return what comes until the other side hangs up."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def statuses(answered):
    """Return the statuses of all answers in some bytes."""
    return [int(code) for code in re.findall(rb"^HTTP/1\.[01] (\d{3}) ", answered, re.MULTILINE)]


def workers_of(pid):
    """Return the numbers of the worker processes of a process, the oldest first."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(errors="replace").rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_text(errors="replace")
        except OSError:
            continue
        if parent == pid and "spawn_main" in command:
            found.append(int(path.parent.name))
    return sorted(found)


def predict(smiles, version="1.1", more=""):
    """A request for predictions, as bytes."""
    body = json.dumps({"smile": smiles})
    fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}"
    return f"POST /predict HTTP/{version}\r\n{fields}\r\n{body}".encode()


class Server:
    """A real `servier serve`, all that it writes, and a client."""

    def __init__(self, models_dir, *options):
        command = [sys.executable, "-m", "servier", "serve", "--models_dir", str(models_dir), "--port", "0"]
        command += ["--workers", "2", *map(str, options)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="backslashreplace"
        )
        self.log = []
        self._has_logged = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.address = re.search(r"http://\S+", self.wait_for("^serving on|^Error"))[0]

    def _read(self):
        for line in self.process.stdout:
            with self._has_logged:
                self.log.append(line.rstrip("\n"))
                self._has_logged.notify_all()

    def wait_for(self, pattern, start=0, timeout=120):
        """Return the first line, of those from a number on, that has a pattern."""

        def find():
            return next((line for line in self.log[start:] if re.search(pattern, line)), None)

        with self._has_logged:
            found = self._has_logged.wait_for(find, timeout)
        assert found, self.log
        return found

    def ask(self, path, body=None, method=None, **headers):
        """Return status, headers and content of an answer."""
        data = urllib.parse.urlencode(body, doseq=True).encode() if isinstance(body, dict) else body
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        asked = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=120) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    def predict(self, smiles, model_name="1"):
        """Return status and document of the answer to a JSON request."""
        body = json.dumps({"smile": smiles, "model_name": model_name}).encode()
        status, _, content = self.ask("/predict", body, Content_Type="application/json")
        return status, json.loads(content)

    def connect(self, content=b"", timeout=60):
        """Open a connection, and send some bytes through it."""
        host, _, port = self.address.removeprefix("http://").rpartition(":")
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout)
        connection.sendall(content)
        return connection

    def exchange(self, content, timeout=60):
        """Send bytes; return all that comes back until the server hangs up."""
        with self.connect(content, timeout) as connection:
            return read_all(connection)

    def workers(self):
        """Return the numbers of the worker processes: those that score, then the one that explains."""
        return workers_of(self.process.pid)


@contextmanager
def serving(models_dir, *options):
    """Run a server for a while."""
    server = Server(models_dir, *options)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.wait()
