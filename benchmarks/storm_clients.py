"""The clients of the storm: those that ask, those that are hostile, and one that looks whether it lives."""

import http.client
import json
import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlencode

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
HOST = "127.0.0.1"

SECONDS_BETWEEN_PROBES = 0.05
GRACE = 5.0
LIST = 50
CHAIN = "C" * 400
SMALL_CHAIN = "C" * 120

Key = tuple[str, tuple[str, ...]]
"""A model name, and the digests of the checkpoints that answered."""
Expected = dict[Key, dict[str, dict[str, str]]]
"""For each of these and each SMILES string the row of predict-file."""


@dataclass(frozen=True)
class Crowd:
    """What a process of clients is told.

    Parameters
    ----------
    port
        The service's.
    clients
        How many ask at once.
    ends
        When they stop, as `time.time`.
    deadline
        The seconds after which the service has to have answered any request.
    hostile
        The share of hostile requests.
    pause
        The seconds that a client waits between two requests.
    smiles
        What they ask for.
    expected
        The right answers.
    """

    port: int
    clients: int
    ends: float
    deadline: float
    hostile: float
    pause: float
    smiles: list[str]
    expected: Expected


def probe(port: int, ends: float) -> list[float]:
    """Ask for `/health` again and again; return the seconds of each answer. Runs in a process of its own."""
    found = []
    while time.time() < ends:
        started = time.perf_counter()
        try:
            status, _ = _ask(port, "GET", "/health", timeout=60)
        except OSError:
            status = 0
        if time.time() < ends:
            found.append(time.perf_counter() - started if status == 200 else float("inf"))
        time.sleep(SECONDS_BETWEEN_PROBES)
    return found


def ask_for_long(crowd: Crowd, seed: int) -> Counter[str]:
    """Ask from several threads; return how often each outcome was met. Runs in a process of its own."""
    counts: Counter[str] = Counter()
    with ThreadPoolExecutor(crowd.clients) as threads:
        for found in threads.map(
            lambda i: _ask_on(crowd, random.Random(f"{seed}.{i}")), range(crowd.clients)
        ):
            counts += found
    return counts


def _ask_on(crowd, chance):
    counts = Counter()
    while time.time() < crowd.ends:
        attacks = chance.random() < crowd.hostile
        kind = chance.choice(list(HOSTILE)) if attacks else chance.choices(list(PEACEFUL), WEIGHTS)[0]
        started = time.monotonic()
        try:
            outcome = HOSTILE[kind](crowd.port, chance) if attacks else PEACEFUL[kind](crowd, chance)
        except (OSError, http.client.HTTPException) as error:
            outcome = "hung up" if attacks else f"WRONG {type(error).__name__}"
        if time.time() >= crowd.ends:
            break
        if time.monotonic() - started > crowd.deadline + GRACE:
            outcome += " LATE"
        counts[f"{kind}: {outcome}"] += 1
        time.sleep(crowd.pause)
    return counts


def _ask(port, method, path, body=None, headers=None, timeout=180.0):
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _judge(status, retry_is_right=True):
    """Say what a status means where no answer is compared."""
    if status in {200, 400, 404, 405, 413, 415, 421, 422, 431, 408, 429, 501, 505}:
        return str(status)
    return "busy" if status == 503 and retry_is_right else f"WRONG {status}"


def _predict_one(crowd, chance):
    text, name = chance.choice(crowd.smiles), chance.choice(["1", "2", "consensus"])
    status, content = _ask(
        crowd.port, "POST", "/predict", urlencode({"smile": text, "model_name": name}), FORM
    )
    return _compare(crowd, status, json.loads(content), [text])


def _predict_list(crowd, chance):
    texts, name = chance.sample(crowd.smiles, LIST), chance.choice(["1", "2", "consensus"])
    body = json.dumps({"smile": texts, "model_name": name})
    status, content = _ask(crowd.port, "POST", "/predict", body, JSON)
    return _compare(crowd, status, json.loads(content), texts)


def _compare(crowd, status, answer, texts):
    """Say whether an answer has, digit for digit, what predict-file wrote with the same checkpoints."""
    if status not in {200, 422}:
        return _judge(status)
    known = crowd.expected[answer["model_name"], tuple(answer["checkpoints"].values())]
    for text, row in zip(texts, answer.get("predictions", [answer]), strict=True):
        if row["status"] == "timeout" and known[text]["status"] == "ok":
            return "out of time"
        if any(str(row.get(name, "")) != value for name, value in known[text].items()):
            return f"WRONG {row['status']}"
    return "right"


def _explain(crowd, chance):
    path = f"/explanation.svg?smile={quote(chance.choice(crowd.smiles))}&model_name={chance.choice('12')}"
    return _judge(_ask(crowd.port, "GET", path)[0])


def _look(crowd, chance):
    return _judge(_ask(crowd.port, "GET", f"/?smile={quote(chance.choice(crowd.smiles))}")[0])


def _draw(crowd, chance):
    return _judge(
        _ask(crowd.port, "POST", "/draw", urlencode({"smile": chance.choice(crowd.smiles)}), FORM)[0]
    )


def _describe(crowd, chance):
    return _judge(_ask(crowd.port, "GET", chance.choice(["/models", "/ready", "/openapi.json"]))[0])


PEACEFUL = {
    "one": _predict_one,
    "list": _predict_list,
    "explanation": _explain,
    "page": _look,
    "drawing": _draw,
    "description": _describe,
}
WEIGHTS = [70, 8, 4, 4, 8, 6]


def _send(port, *parts, pause=0.0):
    """Send raw bytes; return the status of the answer, if there is one."""
    with socket.create_connection((HOST, port), timeout=180) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        line = connection.makefile("rb").readline(100).split()
    return _judge(int(line[1])) if len(line) > 1 and line[1].isdigit() else "hung up"


def _post(port, body, path="/predict", **headers):
    return _judge(_ask(port, "POST", path, body, JSON | headers)[0])


def _hang_up(port, request):
    with socket.create_connection((HOST, port), timeout=180) as connection:
        connection.sendall(request)
    return "hung up"


def _raw(method, path, body=b"", *headers):
    head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def _garbage(port, chance):
    return _send(port, chance.randbytes(chance.randrange(1, 2000)), b"\r\n\r\n")


def _half(port, chance):
    request = _raw("POST", "/predict", b'{"smile": "CCO"}', "Content-Type: application/json")
    with socket.create_connection((HOST, port), timeout=180) as connection:
        connection.sendall(request[: chance.randrange(1, len(request))])
        time.sleep(chance.uniform(0.1, 3.0))
    return "hung up"


def _drip(port, chance):
    request = _raw("POST", "/predict", b'{"smile": "CCO"}', "Content-Type: application/json")
    stops = chance.randrange(1, len(request))
    return _send(port, *(request[i : i + 1] for i in range(stops)), pause=0.02)


def _smuggle(port, _):
    body = b"0\r\n\r\nGET /models HTTP/1.1\r\nHost: x\r\n\r\n"
    return _send(port, _raw("POST", "/predict", body, "Transfer-Encoding: chunked"))


def _slow_list(port, _):
    body = json.dumps({"smile": [CHAIN] * 40}).encode()
    return _hang_up(port, _raw("POST", "/predict", body, "Content-Type: application/json"))


def _slow_explanation(port, _):
    return _hang_up(port, _raw("GET", f"/explanation.svg?smile={SMALL_CHAIN}"))


HOSTILE = {
    "garbage": _garbage,
    "half a request": _half,
    "byte by byte": _drip,
    "smuggled": _smuggle,
    "slow list, hung up": _slow_list,
    "slow explanation, hung up": _slow_explanation,
    "lone surrogate": lambda port, _: _post(port, '{"smile": "\\ud800"}'),
    "deep JSON": lambda port, _: _post(port, "[" * 50_000),
    "other host": lambda port, _: _post(port, '{"smile": "CCO"}', Host="evil.example"),
    "unknown field": lambda port, _: _post(port, '{"smile": "CCO", "exec": "id"}'),
    "too much": lambda port, _: _post(port, json.dumps({"smile": ["C"] * 1001})),
    "odd molecule": lambda port, chance: _post(
        port, json.dumps({"smile": "".join(chance.choices("CNOcn1234()[]=#@+-/\\.%", k=40))})
    ),
}
