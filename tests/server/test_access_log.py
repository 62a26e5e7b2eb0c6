"""No structure gets into what the service writes, wherever a client puts it."""

import io
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from server_for_tests import serving, statuses

from servier.server.access_log import METHODS, Discretion

SECRET = "CCCCCCCCBr"
WORST = f"{SECRET}%0d%0a{SECRET}\ud800"
HOST = "Host: localhost\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
JSON = "Content-Type: application/json\r\n"


def get(target, more="", method="GET", host=HOST, version="HTTP/1.1"):
    return f"{method} {target} {version}\r\n{host}{more}Connection: close\r\n\r\n"


def post(body, kind=FORM, path="/predict", more=""):
    length = f"Content-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\n{HOST}{kind}{more}{length}Connection: close\r\n\r\n{body}"


def part(name, content, more=""):
    disposition = f'Content-Disposition: form-data; name="{name}"{more}'
    kind = "Content-Type: multipart/form-data; boundary=x\r\n"
    return post(f"--x\r\n{disposition}\r\n\r\n{content}\r\n--x--\r\n", kind)


FIELDS = [
    "Accept", "Accept-Language", "Authorization", "Content-Encoding", "Content-Type", "Cookie", "Expect",
    "Forwarded", "From", "If-Modified-Since", "If-None-Match", "If-Range", "Origin", "Range", "Referer", "TE",
    "Trailer", "Upgrade", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
]  # fmt: skip
REQUESTS = [
    get("/health", method=SECRET),
    get("/health", method=SECRET.lower()),
    get(f"/{SECRET}"),
    get(f"/{SECRET}", method="DELETE"),
    get(f"/models/{SECRET}/card"),
    get(f"/static/{SECRET}.js"),
    get(f"/static/../{SECRET}"),
    get(f"/?smile={SECRET}"),
    get(f"/?smile={SECRET}&model_name={SECRET}"),
    get(f"/?{SECRET}={SECRET}"),
    get(f"/explanation.svg?smile={SECRET}&target={SECRET}"),
    get(f"/explanation.svg?smile={SECRET}%ff"),
    get(f"/explanation.svg?smile={SECRET}"),
    get(f"/health#{SECRET}"),
    get(f"/health?{SECRET}"),
    get(f"http://{SECRET}/health"),
    get(f"http://{SECRET}@localhost/health"),
    get(f"http://[{SECRET}/health"),
    get(f"http://localhost/{SECRET}"),
    get(f"ftp://localhost/{SECRET}"),
    get(f"{SECRET}:443", method="CONNECT"),
    get(SECRET),
    get(f"/{SECRET}\0"),
    get(f"/{SECRET}\xff"),
    get("/health", version=SECRET),
    get("/health", version=f"HTTP/{SECRET}"),
    get("/health", host=f"Host: {SECRET}\r\n"),
    get("/health", host=f"Host: {SECRET} {SECRET}\r\n"),
    get("/health", host=HOST + f"Host: {SECRET}\r\n"),
    get("/health", host=f"{HOST} {SECRET}\r\n"),
    get("/health", f"{SECRET}\r\n"),
    get("/health", f"{SECRET}: {SECRET}\r\n"),
    get("/health", f"X: {SECRET}\n{SECRET}\r\n"),
    get("/health", f"X: {SECRET}\0\r\n"),
    get("/health", f"X: {SECRET * 10_000}\r\n"),
    get(f"/{SECRET * 10_000}"),
    get("/health", f" {SECRET}: first\r\n", host=""),
    *(get("/", f"{field}: {SECRET}\r\n") for field in FIELDS),
    *(post(f"smile={SECRET}", more=f"{field}: {SECRET}\r\n") for field in FIELDS),
    *(get(f"/static/page.js?{SECRET}", f"{field}: {SECRET}=;,{SECRET}\r\n") for field in FIELDS),
    post(f"smile={SECRET}"),
    post(f"smile={SECRET}&smile={SECRET}"),
    post(f"smile={SECRET}(&{SECRET}={SECRET}"),
    post(f"smile={quote(SECRET)}%ff"),
    post(f"smile=C1{SECRET}"),
    post(f"smile=[{SECRET}"),
    post(f"smile={SECRET}&model_name={SECRET}"),
    post(SECRET * 200_000),
    post(SECRET, f"Content-Type: {SECRET}\r\n"),
    post(SECRET, "Content-Type: multipart/form-data\r\n"),
    post(SECRET, f"Content-Type: multipart/form-data; boundary={SECRET}\r\n"),
    post(SECRET, f"Content-Type: application/json; charset={SECRET}\r\n"),
    post(f"smile={SECRET}", path=f"/predict?smile={SECRET}"),
    post(f"smile={SECRET}", path="/draw"),
    post(f"smile={SECRET}(", path="/draw"),
    part("smile", SECRET),
    part(SECRET, SECRET),
    part("smile", SECRET, f'; filename="{SECRET}"'),
    part("smile", SECRET, f'"{SECRET}'),
    post(SECRET, JSON),
    post(f'{{"smile": "{SECRET}", }}', JSON),
    post(json.dumps({"smile": SECRET}), JSON),
    post(json.dumps({"smile": WORST}), JSON),
    post(json.dumps({"smile": [SECRET, SECRET + "(", WORST]}), JSON),
    post(json.dumps({"smile": {SECRET: [SECRET]}}), JSON),
    post(json.dumps({SECRET: SECRET}), JSON),
    post(json.dumps({WORST: SECRET}), JSON),
    post(json.dumps({"smile": "C", "model_name": WORST}), JSON),
    post(json.dumps({"smile": SECRET}), JSON, more=f"Transfer-Encoding: {SECRET}\r\n"),
    f"POST /predict HTTP/1.1\r\n{HOST}Content-Length: {SECRET}\r\n\r\n{SECRET}",
    f"POST /predict HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{SECRET}\r\n{SECRET}\r\n",
    f"POST /predict HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n2;{SECRET}\r\n{SECRET}\r\n",
    f"POST /predict HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n",
    get("/health", "Transfer-Encoding: chunked\r\n", "POST") + f"0\r\n{SECRET}: {SECRET}\r\n\r\n",
    f"POST /predict HTTP/1.1\r\n{HOST}{FORM}Content-Length: 999\r\n\r\nsmile={SECRET}",
    f"{SECRET}\r\n\r\n",
    f"{SECRET}",
    f"\x16\x03\x01{SECRET}\r\n\r\n",
]


@pytest.mark.process
def test_nothing_that_a_client_sends_is_written(models_dir):
    """A structure in any place of a request, well-formed or not, is in no line; all lines are of one form."""
    with serving(models_dir, "--receive_timeout", 3) as server:
        start = len(server.log)
        contents = [request.encode("latin-1", "replace") for request in REQUESTS]
        with ThreadPoolExecutor(8) as threads:
            answered = list(threads.map(server.exchange, contents))
        with server.connect(f"POST /predict HTTP/1.1\r\n{HOST}X: {SECRET}\r\n".encode()) as connection:
            assert statuses(connection.recv(65536)) == [408]
        server.ask("/health")
        server.wait_for("GET /health 200", start)
        time.sleep(0.5)
        lines = server.log[start:]
    assert not any(SECRET[:6].lower() in line.lower() for line in server.log)
    assert len(lines) >= sum(map(bool, answered))
    for line in lines:
        _, client, method, route, status, milliseconds, unit = line.split(" ")
        assert client == "127.0.0.1"
        assert method in {*METHODS, "-"}
        assert route in {"-", "/", "/predict", "/draw", "/health", "/models/<model_name>/card",
                         "/explanation.svg", "/static/<path:filename>"}  # fmt: skip
        assert 200 <= int(status) < 506
        assert status != "500"
        assert float(milliseconds) >= 0
        assert unit == "ms"


@pytest.mark.parametrize(
    "name", ["waitress", "waitress.queue", "servier.server.app", "servier.server.running", "PIL"]
)
def test_of_faults_only_kind_and_place_are_written(name):
    """Neither the message of an exception nor what other packages say is written, in one line each."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Discretion())
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        try:
            json.loads(SECRET)
        except ValueError:
            logger.exception("a fault")
        if not name.startswith("servier.server.running"):
            logger.warning("%s asked for it", SECRET)
            logger.warning(f"Exception when serving /{SECRET}")  # noqa: G004 - as waitress does
    finally:
        logger.removeHandler(handler)
    first, *rest = stream.getvalue().splitlines()
    assert "JSONDecodeError in decoder.py line " in first
    assert "test_access_log.py line" in first
    assert len(rest) in {0, 2}
    assert SECRET not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()
