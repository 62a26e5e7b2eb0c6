import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest
from molecules_for_tests import SMILES


@pytest.fixture(scope="module")
def address(models_dir):
    """The address of a real server, on a free port."""
    command = [sys.executable, "-m", "servier", "serve", "--models_dir", str(models_dir), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        yield found[0]
        process.terminate()


def post(address, body, headers=None, path="/predict"):
    data = body if isinstance(body, bytes) else urllib.parse.urlencode(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, data, headers or {})) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("model_name", ["1", "2", "consensus"])
def test_form_gets_the_answer_of_the_command_line(address, servier, models_dir, model_name):
    """The server and `servier predict` give the same digits."""
    status, answer = post(address, {"smile": "CC(=O)Oc1ccccc1C(=O)O", "model_name": model_name})
    paths = [f"--model_{name}_path={models_dir}/model_{name}.servier" for name in "12"]
    said = json.loads(
        servier("predict", "CC(=O)Oc1ccccc1C(=O)O", *paths, "--model_name", model_name, "--json").stdout
    )
    assert status == 200
    assert answer["success"] is True
    assert {key: answer[key] for key in ("P1_pred", "P1_probability", "model_name")} == {
        key: said[key] for key in ("P1_pred", "P1_probability", "model_name")
    }


def test_json_body_works_too(address):
    """A JSON object with the same fields gets the same answer."""
    body = json.dumps({"smile": "CCO", "model_name": "1"}).encode()
    assert post(address, body, {"Content-Type": "application/json"}) == post(address, {"smile": "CCO"})


@pytest.mark.parametrize("smiles", SMILES)
def test_every_molecule_is_answered(address, smiles):
    """Whatever RDKit reads has an answer."""
    assert post(address, {"smile": smiles})[0] == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        ({}, {}, 400, "smile is missing"),
        ({"smile": " "}, {}, 400, "smile is missing"),
        ({"smile": "C1CC"}, {}, 422, "invalid: unclosed ring"),
        ({"smile": "CC", "model_name": "../1"}, {}, 404, "no model is called"),
        (b"[1]", {"Content-Type": "application/json"}, 400, "not an object"),
        (b"{", {"Content-Type": "application/json"}, 400, ""),
        (b'{"smile": 7}', {"Content-Type": "application/json"}, 400, "smile is missing"),
        ({"smile": "C" * 100_000}, {}, 413, ""),
    ],
)
def test_bad_request_gets_a_reason(address, body, headers, status, message):
    """A wrong request is a 4xx with success false and a reason."""
    found, answer = post(address, body, headers)
    assert found == status
    assert answer["success"] is False
    assert message in answer["error"]


def test_health_names_the_models(address):
    """The service says what it serves."""
    with urllib.request.urlopen(f"{address}/health") as answer:
        assert json.load(answer) == {"success": True, "models": ["1", "2", "consensus"]}


def test_other_paths_and_methods_are_refused_in_json(address):
    """An unknown path is a 404, a wrong method a 405, both as JSON."""
    assert post(address, {}, path="/nothing")[0] == 404
    assert post(address, {}, path="/health")[0] == 405


def test_a_damaged_model_is_reported_and_not_served(models_dir, tmp_path):
    """A model that cannot be loaded is left out, and asking for it is refused."""
    from servier.server.app import create_app, load_scorers

    (tmp_path / "model_1.servier").write_bytes((models_dir / "model_1.servier").read_bytes()[:-100])
    scorers = load_scorers(tmp_path)
    assert scorers == {}
    answer = create_app(scorers).test_client().post("/predict", data={"smile": "CC"})
    assert answer.status_code == 404
    assert "served are: none" in answer.json["error"]


def test_taken_port_is_one_clear_error(address, servier, models_dir):
    """A port in use is one line."""
    port = address.rpartition(":")[2]
    assert "cannot listen" in servier("serve", "--models_dir", models_dir, "--port", port, status=1).stderr
