"""Clients and signals that mean no good: each request ends in time, and the next one is answered."""

import http.client
import json
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from server_for_tests import serving

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CHAIN = "C" * 400
"""Its descriptors take seconds of processor time."""
JSON = {"Content-Type": "application/json"}
IN_TIME = 30.0
"""What the tests call prompt, for a machine that is busy with other things: alone it is milliseconds."""


@pytest.fixture(scope="module")
def slow_models(command, simulated, recipes, once):
    """A folder with a model that computes descriptors, so that long chains take long."""

    def fill(folder):
        recipe = folder / "recipe.yaml"
        recipe.write_text(recipes["1"].read_text().replace("preset: fast", "preset: accurate"))
        command("train", "--data_dir", simulated.parent, "--models_dir", folder, "--config", recipe)

    return once("slow_models", fill)


def post(server, smiles):
    """Send a request, and return the connection before there is an answer."""
    connection = http.client.HTTPConnection(server.address.removeprefix("http://"), timeout=120)
    connection.request("POST", "/predict", json.dumps({"smile": smiles}), JSON)
    return connection


def timed(function, *arguments):
    started = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - started


def processor_seconds(pids):
    """The processor time that processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def is_prompt(server):
    """Ask what never computes, and for a molecule, and say whether all is answered soon."""
    for path in ("/health", "/ready", "/models"):
        (status, *_), seconds = timed(server.ask, path)
        assert status == 200 or path == "/ready"
        assert seconds < IN_TIME
    (status, answer), seconds = timed(server.predict, ASPIRIN)
    assert (status, answer["status"]) == (200, "ok")
    return seconds < IN_TIME


KILLS = [5, pytest.param(25, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.exhaustive)]


@pytest.mark.parametrize("kills", KILLS)
def test_after_any_kill_the_next_request_is_answered_right(models_dir, kills):
    """Workers are killed as they start, load, idle and work; the answers are those that were given before."""
    chance = random.Random(kills)
    with serving(models_dir) as server:
        smiles = [ASPIRIN, "CCO", "c1ccccc1O", "CCN", "CC(C)C"]
        expected = {text: server.predict(text) for text in smiles}
        rows = server.predict(smiles * 10)
        for number in range(kills):
            time.sleep(chance.random())
            workers = server.workers()
            for pid in chance.sample(workers, min(len(workers), chance.randint(1, 2))):
                os.kill(pid, signal.SIGKILL)
            text = chance.choice(smiles)
            assert server.predict(text) == expected[text]
            if number % 5 == 0:
                assert server.predict(smiles * 10) == rows
            assert server.ask("/health")[0] == 200
        assert server.process.poll() is None


def test_readiness_follows_the_workers(models_dir):
    """Without a worker it is 503 with the reason, while the liveness stays 200; then it is 200 again."""
    with serving(models_dir) as server:
        assert server.ask("/ready")[0] == 200
        for pid in server.workers():
            os.kill(pid, signal.SIGKILL)
        status, headers, content = server.ask("/ready")
        while status == 200:  # the processes have not ended yet
            status, headers, content = server.ask("/ready")
        assert status == 503
        assert int(headers["Retry-After"]) > 0
        assert "worker processes" in json.loads(content)["error"]
        assert server.ask("/health")[0] == 200
        assert server.predict("CCO")[0] == 200
        assert json.loads(server.ask("/ready")[2]) == {"success": True, "models": ["1", "2", "consensus"]}


def test_what_is_more_than_the_queue_is_refused_at_once(models_dir):
    """Of five requests that wait for stopped workers four are kept, and answered when that is over."""
    with serving(models_dir, "--queue", 4) as server:
        workers = server.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        waiting = [post(server, ["CCO"]), post(server, ASPIRIN)]
        time.sleep(1)
        assert server.ask("/predict", {})[0] == 400  # what cannot be understood needs no room
        status, answer = server.predict(["CCN"])
        assert (status, answer["success"]) == (503, False)  # a quarter may be lists
        waiting += [post(server, "CCC"), post(server, "CCCC")]
        time.sleep(1)
        (status, headers, content), seconds = timed(server.ask, "/predict", {"smile": "CCO"})
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)
        assert "too many requests" in json.loads(content)["error"]
        assert seconds < IN_TIME
        assert server.ask("/explanation.svg?smile=CCO")[0] == 503
        assert server.ask("/ready")[0] == 503
        assert [server.ask(path)[0] for path in ("/health", "/models", "/")] == [200] * 3
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        assert [connection.getresponse().status for connection in waiting] == [200] * 4
        assert server.predict("CCO")[0] == 200


@pytest.mark.slow
def test_work_for_clients_that_hung_up_is_dropped(slow_models):
    """Sixteen lists of forty slow molecules, whose clients are gone, keep neither others nor a processor."""
    with serving(slow_models) as server:
        for connection in [post(server, [CHAIN] * 40) for _ in range(16)]:
            connection.close()
        assert is_prompt(server)
        workers = server.workers()
        ends = time.monotonic() + 100
        while True:
            before = processor_seconds(workers)
            time.sleep(2)
            if processor_seconds(workers) - before < 0.2:
                break
            assert time.monotonic() < ends
        assert is_prompt(server)


@pytest.mark.slow
def test_explanations_keep_nothing_else_waiting(slow_models):
    """Beside forty explanations of a long chain all else is prompt; what is too much is told at once."""
    path = f"/explanation.svg?smile={quote(CHAIN)}"
    with serving(slow_models, "--request_timeout", 10) as server, ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(timed, server.ask, path) for _ in range(40)]
        time.sleep(2)
        for _ in range(3):
            assert is_prompt(server)
        answers = [one.result() for one in asked]
        assert {status for (status, *_), _ in answers} <= {200, 422, 503}
        assert sum(status == 503 for (status, *_), _ in answers) >= 24
        assert max(seconds for _, seconds in answers) < 10 + IN_TIME


@pytest.mark.slow
def test_a_long_list_is_answered_as_far_as_it_got(slow_models):
    """A thousand slow molecules get their rows when the time is up; beside them single ones are prompt."""
    smiles = [ASPIRIN, "C1CC"] * 10 + [CHAIN] * 980
    with serving(slow_models, "--request_timeout", 15) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(timed, server.predict, smiles)
        time.sleep(2)
        assert is_prompt(server)
        (status, answer), seconds = asked.result()
        rows = answer["predictions"]
        assert status == 200
        assert seconds < 15 + IN_TIME
        assert [row["smile"] for row in rows] == smiles
        assert [row["status"] for row in rows[:20]] == ["ok", "invalid"] * 10
        assert rows[-1] == {
            "smile": CHAIN,
            "status": "timeout",
            "reason": "not reached within the 15 s of a request",
        }
        assert server.predict(ASPIRIN)[0] == 200


@pytest.mark.slow
def test_a_single_molecule_whose_time_is_up_is_a_503(models_dir):
    """The answer says when to try again; the worker is not given up for it."""
    with serving(models_dir, "--request_timeout", 2) as server:
        workers = server.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        for path in ("/?smile=CCO", "/explanation.svg?smile=CCO"):
            status, headers, content = server.ask(path)
            assert (status, headers["Retry-After"]) == (503, "5")
            assert b"no answer within 2 s" in content
        assert server.predict("CCO")[0] == 503
        assert server.predict(["CCO"])[1]["predictions"][0]["status"] == "timeout"
        status, headers, content = server.ask("/ready")
        assert (status, headers["Retry-After"]) == (503, "5")
        assert b"no worker process has answered" in content
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        while server.predict("CCO")[0] != 200:
            time.sleep(0.1)
        assert server.ask("/ready")[0] == 200
        assert server.workers() == workers


@pytest.mark.slow
@pytest.mark.parametrize("smiles", ["C" * 1_000_000, ["C" * 30_000] * 30])
def test_a_worker_that_reads_nothing_keeps_nobody_waiting(models_dir, smiles):
    """More molecules than a connection holds are put to stopped workers: the request ends in its time."""
    with serving(models_dir, "--request_timeout", 2) as server:
        workers = server.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        (status, _), seconds = timed(server.predict, smiles)
        assert status == (200 if isinstance(smiles, list) else 503)
        assert seconds < IN_TIME
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        while server.predict("CCO")[0] != 200:
            time.sleep(0.1)
        assert server.predict("C" * 1_000_000)[1]["status"] == "too_large"
        assert server.workers() == workers


def loading_process(server, known):
    """Wait for the process that loads models, and return its number."""
    ends = time.monotonic() + 60
    while not (found := set(server.workers()) - set(known)):
        assert time.monotonic() < ends
        time.sleep(0.001)
    return found.pop()


@pytest.mark.slow
def test_a_reload_that_hangs_is_given_up(models_dir):
    """The models stay, requests are answered meanwhile, and the next reload succeeds."""
    with serving(models_dir, "--reload_timeout", 40) as server:
        before = server.predict(ASPIRIN)
        workers = server.workers()
        server.process.send_signal(signal.SIGHUP)
        os.kill(loading_process(server, workers), signal.SIGSTOP)
        assert server.predict(ASPIRIN) == before
        assert "not loaded within 40 s" in server.wait_for("models are unchanged")
        assert server.workers() == workers
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("have been reloaded")
        assert server.predict(ASPIRIN) == before
        assert not set(server.workers()) & set(workers)


@pytest.mark.slow
def test_sigterm_ends_it_whatever_it_does(slow_models):
    """A reload that hangs, lists, stopped workers, and clients that hold connections do not keep it."""
    with serving(slow_models) as server:
        workers = server.workers()
        server.process.send_signal(signal.SIGHUP)
        loading = loading_process(server, workers)
        os.kill(loading, signal.SIGSTOP)
        asked = [post(server, [CHAIN] * 1000), post(server, ASPIRIN)]
        held = post(server, ASPIRIN)
        held.getresponse().read()
        half = http.client.HTTPConnection(server.address.removeprefix("http://"))
        half.connect()
        half.sock.sendall(b"POST /predict HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        os.kill(workers[0], signal.SIGSTOP)
        server.process.send_signal(signal.SIGTERM)
        assert timed(server.process.wait, 60)[1] < 30
        assert server.process.returncode in {0, -signal.SIGALRM}
        assert not any(Path(f"/proc/{pid}").exists() for pid in [*workers, loading])
        for connection in [*asked, held, half]:
            connection.close()
