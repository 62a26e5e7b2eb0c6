"""How fast the service answers, and whether it holds out.

    python benchmarks/serve.py speed --models_dir models --library molecules.csv.gz
    python benchmarks/serve.py soak --models_dir models --library molecules.csv.gz --minutes 10

`speed` prints the time of single requests over loopback, one after another, and how many a second are served
when several clients ask at once; then how many of the answers are, digit for digit, those of predict-file.
`soak` asks for single molecules, lists and pictures while worker processes are killed, compares every answer
with the one before, and prints the memory of all processes by the minute.
"""

import argparse
import csv
import gzip
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import quote, urlencode

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
KILL_EVERY = 5.0


def read_molecules(path, n_rows):
    """Return SMILES strings from the beginning of a library."""
    with gzip.open(path, "rt", newline="") as stream:
        return [row["smiles"] for row in islice(csv.DictReader(stream), n_rows)]


@contextmanager
def serving(models_dir, workers):
    """Run the service; gives its process and its port."""
    command = [sys.executable, "-m", "servier", "serve", "--models_dir", models_dir, "--port", "0"]
    process = subprocess.Popen([*command, "--workers", str(workers)], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"http://[^:]+:(\d+)", line):
            break
    threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
    try:
        yield process, int(found[1])
    finally:
        process.terminate()
        process.wait()


class Client:
    """Asks over one connection."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method, path, body=None, headers=None):
        """Return status and content."""
        self._connection.request(method, path, body, headers or {})
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def predict(self, smiles, model_name="1"):
        """Return status and document of the answer for one molecule, asked for with a form."""
        body = urlencode({"smile": smiles, "model_name": model_name})
        status, content = self.ask("POST", "/predict", body, FORM)
        return status, json.loads(content)


def measure_latency(port, smiles):
    """Print how long single requests take, one after another."""
    client, seconds = Client(port), []
    for text in smiles:
        started = time.perf_counter()
        client.predict(text)
        seconds.append(1000 * (time.perf_counter() - started))
    median, tail = statistics.median(seconds), statistics.quantiles(seconds, n=100)[98]
    print(
        f"single requests: median {median:.2f} ms, 99 of 100 within {tail:.2f} ms ({len(seconds)} requests)"
    )


def load(port, smiles, seconds):
    """Ask for single molecules for some seconds; return how many were answered. Runs in a process."""
    client, answered, ends = Client(port), 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        status, _ = client.predict(smiles[answered % len(smiles)])
        answered += status == 200
    return answered


def measure_throughput(port, smiles, clients, seconds):
    """Print how many single requests a second are answered to several clients."""
    with ThreadPoolExecutor(clients) as threads:
        started = time.monotonic()
        answered = sum(threads.map(lambda i: load(port, smiles[i::clients], seconds), range(clients)))
        taken = time.monotonic() - started
    print(f"{clients} clients at once: {answered / taken:.0f} requests/s over {taken:.0f} s")


def compare_with_file(port, models_dir, smiles):
    """Print how many answers are, digit for digit, those of predict-file."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.csv"), Path(folder, "out.csv")
        source.write_text("smiles\n" + "\n".join(smiles) + "\n")
        model = Path(models_dir, "model_1.servier")
        options = ["--model_path", str(model), "--detail"]
        command = [sys.executable, "-m", "servier", "--quiet", "predict-file", str(source), str(target)]
        subprocess.run([*command, *options], check=True)
        with target.open() as stream:
            rows = list(csv.DictReader(stream))
    client, equal = Client(port), 0
    for row in rows:
        answer = client.predict(row["smiles"])[1]
        equal += all(str(answer.get(name, "")) == row[name] for name in row if name != "smiles")
    print(f"answers equal to those of predict-file: {equal} of {len(rows)}")


class Soak:
    """Mixed load, whose answers are compared with those before."""

    def __init__(self, process, port, smiles):
        self._process, self._port, self._smiles = process, port, smiles
        client = Client(port)
        self._models = json.loads(client.ask("GET", "/health")[1])["models"]
        self._expected = {
            (text, name): client.predict(text, name) for text in smiles for name in self._models
        }
        self._ends = 0.0
        self.counts = Counter()

    def run(self, minutes, clients):
        """Ask from several clients, kill workers, and print the memory by the minute."""
        self._ends = time.monotonic() + 60 * minutes
        with ThreadPoolExecutor(clients + 1) as threads:
            running = [threads.submit(self._ask, seed) for seed in range(clients)]
            running.append(threads.submit(self._kill))
            while time.monotonic() < self._ends:
                print(
                    f"{self._memory():.0f} MB in {len(self._family())} processes, {dict(self.counts)}",
                    flush=True,
                )
                time.sleep(min(60, max(0.1, self._ends - time.monotonic())))
            for one in running:
                one.result()
        print(f"{self._memory():.0f} MB at the end, {dict(self.counts)}")

    def _ask(self, seed):
        client, chance = Client(self._port), random.Random(seed)
        while time.monotonic() < self._ends:
            kind = chance.choices(["single", "list", "explanation", "page"], [80, 10, 5, 5])[0]
            text, model_name = chance.choice(self._smiles), chance.choice(self._models)
            if kind == "single":
                self._note(kind, client.predict(text, model_name) == self._expected[text, model_name])
            elif kind == "list":
                self._note(kind, self._ask_list(client, chance.sample(self._smiles, 50), model_name))
            else:
                path = "/explanation.svg" if kind == "explanation" else "/"
                status, _ = client.ask("GET", f"{path}?smile={quote(text)}&model_name={model_name}")
                self._note(kind, status == 200)

    def _ask_list(self, client, smiles, model_name):
        body = json.dumps({"smile": smiles, "model_name": model_name})
        status, content = client.ask("POST", "/predict", body, JSON)
        rows = json.loads(content)["predictions"]
        expected = [self._expected[text, model_name][1].items() for text in smiles]
        return status == 200 and all(row.items() <= known for known, row in zip(expected, rows, strict=True))

    def _note(self, kind, is_right):
        self.counts[kind if is_right else f"wrong {kind}"] += 1

    def _kill(self):
        chance = random.Random(0)
        while time.monotonic() + KILL_EVERY < self._ends:
            time.sleep(KILL_EVERY)
            workers = [pid for pid, command in self._family().items() if "spawn_main" in command]
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
                self.counts["kills"] += 1

    def _family(self):
        """Return the commands of the service and its processes, by their numbers."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                if self._process.pid in (parent, int(path.parent.name)):
                    found[int(path.parent.name)] = (path.parent / "cmdline").read_text()
            except OSError:
                continue
        return found

    def _memory(self):
        """Return the resident memory of all processes, in MB."""
        total = 0
        for pid in self._family():
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
        return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["speed", "soak"])
    parser.add_argument("--models_dir", required=True)
    parser.add_argument("--library", type=Path, required=True, help="CSV.gz with a column smiles.")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    smiles = read_molecules(options.library, options.rows)
    with serving(options.models_dir, options.workers) as (process, port):
        if options.what == "soak":
            Soak(process, port, smiles).run(options.minutes, options.clients)
            return
        measure_latency(port, smiles)
        measure_throughput(port, smiles, options.clients, options.seconds)
        compare_with_file(port, options.models_dir, smiles)


if __name__ == "__main__":
    main()
