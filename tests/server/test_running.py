"""Starting, stopping, other models, and workers that hang or die."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from server_for_tests import serving

from servier.checkpoint.file import open_checkpoint
from servier.data.simulation import simulate

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def signal_all(processes, number):
    for process in processes:
        os.kill(process, number)


@pytest.fixture
def models(models_dir, tmp_path):
    """A folder with both models that a test may change."""
    shutil.copytree(models_dir, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture(scope="module")
def other(command, simulated, recipes, tmp_path_factory):
    """Another model 1."""
    path = tmp_path_factory.mktemp("other") / "other.servier"
    command(
        "train", "--data_dir", simulated.parent, "--model_path", path, "--config", recipes["1"], "--seed", 7,
    )  # fmt: skip
    return path


@pytest.mark.slow
def test_missing_and_damaged_models_are_reported(models):
    """A model that is missing or damaged is named at the start and in /models; the other one is served."""
    path = models / "model_1.servier"
    path.write_bytes(path.read_bytes()[:-100])
    with serving(models) as server:
        assert any("model 1 is not served" in line and "damaged" in line for line in server.log)
        found = json.loads(server.ask("/models")[2])
        assert [model["model_name"] for model in found["models"]] == ["2"]
        assert [problem["model_name"] for problem in found["problems"]] == ["1"]
        assert server.predict("C", "1")[0] == 404
        assert server.predict("C", "2")[0] == 200
        assert json.loads(server.ask("/health")[2]) == {"success": True, "models": ["2"]}


@pytest.mark.slow
def test_damage_that_scoring_would_not_meet_is_refused(models):
    """An entry that no score needs is compared with its digest too."""
    path = models / "model_1.servier"
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        native = archive.infolist()[-1]
    assert not native.filename.endswith((".onnx", ".npz", ".json"))
    content[native.header_offset + native.compress_size // 2] ^= 0xFF
    path.write_bytes(content)
    with serving(models) as server:
        assert [model["model_name"] for model in json.loads(server.ask("/models")[2])["models"]] == ["2"]


def test_without_a_model_it_does_not_start(command, tmp_path):
    """A directory without models is one clear line."""
    assert "no model can be served" in command("serve", "--models_dir", tmp_path, status=1).stderr


def test_taken_port_is_one_clear_error(server, servier, models_dir):
    """A port in use is one line."""
    port = server.address.rpartition(":")[2]
    assert "cannot listen" in servier("serve", "--models_dir", models_dir, "--port", port, status=1).stderr


@pytest.mark.parametrize("host", ["lab..example", "x" * 70 + ".example", "a\u202eb"], ids=ascii)
def test_what_cannot_be_a_host_is_one_clear_error(servier, models_dir, host):
    """A name that the name service of no country takes is refused before it is asked."""
    done = servier("serve", "--models_dir", models_dir, "--port", 0, "--host", host, status=1)
    assert "this is not the name of a host; choose another --host or --port" in done.stderr


@pytest.mark.process
def test_sigterm_lets_requests_finish(models_dir):
    """What has come in is answered, though all processes get the signal; then all end, with status 0."""
    smiles = simulate(1000, seed=5).smiles
    with serving(models_dir) as server, ThreadPoolExecutor() as threads:
        workers = server.workers()
        signal_all(workers, signal.SIGSTOP)
        asked = threads.submit(server.predict, smiles, "2")
        time.sleep(0.5)
        signal_all([server.process.pid, *workers], signal.SIGTERM)
        time.sleep(0.5)
        assert not asked.done()
        signal_all(workers, signal.SIGCONT)
        status, answer = asked.result()
        assert status == 200
        assert [row["smile"] for row in answer["predictions"]] == smiles
        assert server.process.wait(60) == 0
        assert len(workers) == 3
        assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.slow
def test_interrupt_ends_it_with_status_130(models_dir):
    """Ctrl-C ends it like other commands."""
    command = ["env", "--default-signal=INT,HUP,TERM", sys.executable, "-m", "servier", "serve"]
    options = ["--models_dir", str(models_dir), "--port", "0", "--workers", "1"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "serving on" in line:
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


@pytest.mark.slow
def test_sighup_takes_the_new_model_without_a_wrong_answer(models, other):
    """While models are exchanged every answer is that of the model whose digest it carries."""
    path = models / "model_1.servier"
    digests = [open_checkpoint(found).digest for found in (path, other)]
    with serving(models) as server:
        answers, is_done = [], threading.Event()

        def ask():
            while not is_done.is_set():
                answers.append(server.predict(ASPIRIN))

        with ThreadPoolExecutor() as threads:
            for _ in range(3):
                threads.submit(ask)
            shutil.copy(other, models / "new").replace(path)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("have been reloaded")
            time.sleep(0.5)
            is_done.set()
        assert {status for status, _ in answers} == {200}
        said = {(answer["checkpoints"]["1"], answer["P1_probability"]) for _, answer in answers}
        assert {digest for digest, _ in said} == set(digests)
        assert len(said) == 2
        assert server.predict(ASPIRIN)[1]["checkpoints"]["1"] == digests[1]
        assert len(server.workers()) == 3


@pytest.mark.slow
def test_sighup_keeps_a_model_whose_new_file_is_damaged(models):
    """A file that fails verification is refused, and what was served before goes on."""
    path = models / "model_1.servier"
    with serving(models) as server:
        before = server.predict(ASPIRIN)
        path.write_bytes(path.read_bytes()[:-100])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("have been reloaded")
        assert any("model 1 is unchanged" in line for line in server.log)
        assert server.predict(ASPIRIN) == before
        assert json.loads(server.ask("/models")[2])["problems"][0]["model_name"] == "1"


def test_log_has_time_and_status_but_no_molecule(server):
    """A request is a line without the molecule, wherever the molecule stands in the request."""
    start = len(server.log)
    server.predict("CCCCCCBr")
    server.ask("/?smile=CCCCCCBr")
    server.ask("/explanation.svg?smile=CCCCCCBr")
    server.ask("/CCCCCCBr")
    server.wait_for("GET - 404", start)
    lines = server.log[start:]
    assert len(lines) == 4
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 127\.0\.0\.1 POST /predict 200 [\d.]+ ms"
    assert re.fullmatch(line, lines[0])
    assert "CCCCCCBr" not in "".join(lines)


@pytest.mark.slow
def test_log_names_molecules_where_that_is_asked_for(models_dir):
    """`--log_molecules` adds them, as JSON, so that no molecule can forge a line."""
    with serving(models_dir, "--log_molecules") as server:
        server.predict(["CCO", "C\nforged"])
        assert server.wait_for("POST /predict").endswith('ms ["CCO", "C\\nforged"]')


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced(models_dir):
    """A molecule without an answer in time is a 422, in a list too; then all is as before."""
    with serving(models_dir, "--timeout", "1") as server:
        before = server.predict(ASPIRIN)
        signal_all(server.workers(), signal.SIGSTOP)
        status, answer = server.predict(ASPIRIN)
        assert (status, answer["status"], answer["reason"]) == (422, "timeout", "no answer within 1 s")
        server.wait_for("is replaced")
        status, _, content = server.ask("/explanation.svg?smile=CCO")
        assert status == 422
        assert b"timeout" in content
        rows = server.predict(["CCO", ASPIRIN])[1]["predictions"]
        assert [row["status"] for row in rows] == ["ok", "ok"]
        assert server.predict(ASPIRIN) == before
        assert server.ask("/explanation.svg?smile=CCO")[0] == 200


@pytest.mark.slow
def test_workers_that_are_killed_lose_no_answer(models_dir):
    """While workers are killed, every request gets the answer for its own molecule."""
    smiles = simulate(60, seed=9).smiles
    with serving(models_dir) as server:
        expected = {text: server.predict(text) for text in smiles}
        is_done = threading.Event()

        def kill():
            while not is_done.wait(1.5):
                os.kill(server.workers()[0], signal.SIGKILL)

        with ThreadPoolExecutor() as threads:
            killing = threads.submit(kill)
            found = list(threads.map(server.predict, smiles * 20))
            is_done.set()
            killing.result()
        assert found == [expected[text] for text in smiles * 20]
        assert any("is replaced" in line for line in server.log)
