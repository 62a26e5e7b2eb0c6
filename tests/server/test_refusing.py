"""Requests that are refused, and what is said to whom."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

JSON = {"Content_Type": "application/json"}
FORM = {"Content_Type": "application/x-www-form-urlencoded"}
PARTS = {"Content_Type": "multipart/form-data; boundary=x"}
FILE = b'--x\r\nContent-Disposition: form-data; name="smile"; filename="a.smi"\r\n\r\nCCO\r\n--x--\r\n'


def as_json(**fields):
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"", {}, 400, "smile is missing"),
        ({"smile": "C", "molecule": "C"}, {}, 400, "no field is called 'molecule'"),
        ({"smile": ["C", "CC"]}, {}, 400, "given twice"),
        (b'{"smile": "C", "smile": "CC"}', JSON, 400, "the field smile is given twice"),
        ({"smile": "CC", "model_name": "../model_1"}, {}, 404, "no model is called"),
        ({"smile": "CC", "model_name": "/etc/passwd"}, {}, 404, "no model is called"),
        ({"smile": "C" * 2_000_000}, {}, 413, "predict-file"),
        (FILE, PARTS, 400, "predict-file"),
        (b"CCO", {"Content_Type": "text/plain"}, 415, "application/json"),
        (b"[1]", JSON, 400, "not an object"),
        (b'{"smile": "C",}', JSON, 400, "not JSON: Expecting property name"),
        (b"\xff", JSON, 400, "not JSON: 'utf-8'"),
        (b'{"a":' * 100_000, JSON, 400, ""),
        (b'{"smile": 7}', JSON, 400, "the field smile is not a SMILES string"),
        (b'{"smile": []}', JSON, 400, "the list smile is empty"),
        (b'{"smile": ["C", 7]}', JSON, 400, "entry 2 of the list smile is not a SMILES string"),
        (b'{"smile": null}', JSON, 400, "smile is missing"),
        (as_json(smile="C", threshold=1), JSON, 400, "no field is called 'threshold'"),
        (as_json(smile="C", model_name=True), JSON, 400, "model_name must be a string"),
        (as_json(smile="C", model_name=3), JSON, 404, "no model is called '3'"),
        (as_json(smile=["C"] * 1001), JSON, 413, "predict-file"),
        (as_json(smile="C\ud800"), JSON, 422, "U+D800, which is half of a character, does not belong"),
        (as_json(smile="\udc80"), JSON, 422, "byte 0x80 does not belong"),
        (as_json(smile="C", model_name="\ud800"), JSON, 400, "the field model_name has U+D800 in it"),
        (as_json(smile="C", **{"\ud800": 1}), JSON, 400, "no field is called '\\ud800'"),
        (as_json(smile={"\ud800": 1}), JSON, 400, "the field smile is not a SMILES string"),
        (b'{"smile": "\xed\xa0\x80"}', JSON, 422, "U+D800, which is half of a character"),
        (as_json(smile="C\U0001f600"), JSON, 422, "GRINNING FACE"),
        (b'{"smile": "C", "model_name": ' + b"9" * 5000 + b"}", JSON, 400, "thousands of digits"),
        (b"smile=C%ff", FORM, 400, "not UTF-8: there is a byte 0xFF"),
        (b"smile=C\xff", FORM, 400, "not UTF-8: there is a byte 0xFF"),
        (b"smile=%ed%a0%80", FORM, 400, "not UTF-8: there is a byte 0xED"),
        (b"a&" * 500_000, FORM, 400, "more than 100 fields"),
        (
            FILE.replace(b'; filename="a.smi"', b"").replace(b"CCO", b"C\xff"),
            PARTS,
            400,
            "there is a byte 0xFF",
        ),
    ],
)
def test_bad_request_gets_a_reason(server, body, headers, status, message):
    """A wrong request is a 4xx in JSON, with success false and what is wrong."""
    found, _, content = server.ask("/predict", body, **headers)
    answer = json.loads(content)
    assert found == status
    assert answer["success"] is False
    assert message in answer["error"]


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_names_with_half_characters_can_be_shown(server, kind):
    """A name that stands twice and cannot be written in UTF-8 is a refusal, as a page too."""
    body = b'{"\\ud800": 1, "\\ud800": 2}'
    status, headers, content = server.ask("/predict", body, Accept=kind, **JSON)
    assert status == 400
    assert headers["Content-Type"].startswith(kind)
    assert b"the field ? is given twice" in content


@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_half_characters_cost_only_their_molecule(server, kind):
    """In a list it is the row of that molecule; a single one is refused with the reason, as a page too."""
    reason = "U+D800, which is half of a character, does not belong in a SMILES string"
    status, _, content = server.ask("/predict", as_json(smile=["C", "C\ud800", "CCO"]), **JSON)
    rows = json.loads(content)["predictions"]
    assert (status, [row["status"] for row in rows]) == (200, ["ok", "invalid", "ok"])
    assert (rows[1]["smile"], rows[1]["reason"]) == ("C\ud800", reason)
    status, headers, content = server.ask("/predict", as_json(smile="C\ud800"), Accept=kind, **JSON)
    assert (status, headers["Content-Type"].startswith(kind)) == (422, True)
    assert reason.encode() in content


def test_half_characters_are_refused_by_drawings_too(server):
    """The reason is the same, not that of a molecule that crashes its reader."""
    _, _, content = server.ask("/draw", as_json(smile="C\ud800"), **JSON)
    found = json.loads(content)
    assert (found["success"], found["status"]) == (False, "invalid")
    assert found["reason"].startswith("U+D800, which is half of a character")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/?smile=C&colour=red", 400),
        ("/?smile=C&smile=C", 400),
        ("/?smile=C&model_name=7", 404),
        ("/?smile=C&target=P2", 404),
        ("/predict", 405),
        ("/explanation.svg", 400),
        ("/explanation.svg?smile=C1CC", 422),
        ("/models/3/card", 404),
        ("/health?deep=1", 400),
        ("/explanation.svg?smile=C%ff", 400),
        ("/explanation.svg?smile=%ed%a0%80", 400),
        ("/?smile=C&target=%ff", 400),
        ("/models/%ff/card", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
    ],
)
def test_browsers_get_pages_and_programs_get_json(server, path, status):
    """The same problem is a page for who prefers HTML, and JSON for all others."""
    for accept, kind in (("text/html,*/*;q=0.8", "text/html"), ("*/*", "application/json")):
        found, headers, _ = server.ask(path, Accept=accept)
        assert found == status
        assert headers["Content-Type"].startswith(kind)


def test_unknown_methods_are_refused_with_those_that_are_known(server):
    """A method that a path does not have is a 405 that names the others."""
    for method in ("GET", "PUT", "DELETE", "OPTIONS", "TRACE"):
        status, headers, _ = server.ask("/predict", method=method)
        assert (status, headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/", "/?smile=CCO", "/health", "/nothing", "/explanation.svg?smile=CCO"])
def test_every_answer_limits_what_a_browser_does(server, path):
    """No script, style or picture from elsewhere, no frame, no guessing of types, nothing kept."""
    headers = server.ask(path)[1]
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "Server" not in headers


def test_markup_in_a_request_stays_text(server):
    """What a request says is escaped in pages."""
    hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
    for path in (f"/?smile={hostile}", f"/?smile=C&model_name={hostile}", f"/?{hostile}=1"):
        content = server.ask(path, Accept="text/html")[2]
        assert b"<script>alert" not in content


def test_no_answer_names_a_path(server, models_dir):
    """Nothing that is served names a directory of the machine."""
    paths = ["/", "/?smile=CCO", "/models", "/openapi.json", "/models/1/card", "/?smile=C1CC", "/x"]
    for path in paths:
        content = server.ask(path)[2].decode()
        assert str(models_dir) not in content
        assert "Traceback" not in content


@pytest.mark.slow
@pytest.mark.parametrize(
    ("examples", "least"), [(25, 250), pytest.param(1000, 5000, marks=pytest.mark.exhaustive)]
)
def test_api_is_what_its_document_says(server, examples, least):
    """Schemathesis finds no server error and no undocumented answer in hundreds of requests."""
    tool, config = (
        Path(sys.executable).with_name("schemathesis"),
        Path(__file__).with_name("schemathesis.toml"),
    )
    command = [tool, "--config-file", config, "run", f"{server.address}/openapi.json"]
    options = ["--max-examples", str(examples), "--seed", "1", "--no-color"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert found[1] == found[2]
    assert int(found[1]) > least
