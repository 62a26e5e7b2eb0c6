"""Whether the service holds out while everything goes wrong at once.

    python benchmarks/storm.py --models_dir models --library molecules.csv.gz --minutes 60

Clients ask for molecules, lists, pictures and pages, a tenth of them with hostile requests; meanwhile worker
processes are killed, and the models are reloaded every 20 seconds, each fifth time from a damaged file. With
a second `--models_dir` the first model is exchanged for that of the other folder again and again.

Every prediction is compared with what predict-file writes with the same checkpoints. Printed by the minute:
memory, open files and outcomes; at the end, how long `/health` took. The exit status is 1 if an answer was
wrong, a request took longer than it may, the memory or the open files grew, a traceback was logged, or
SIGTERM did not end the service in its time. With `--report` each piece of a long storm adds a line to a file.
"""

import argparse
import csv
import gzip
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from storm_clients import Crowd, ask_for_long, probe

from servier.checkpoint.file import open_checkpoint

SERVIER = [sys.executable, "-m", "servier"]
SECONDS_BETWEEN_RELOADS = 20.0
SECONDS_TO_END = 30.0
MODELS = {"1": ("model_1",), "2": ("model_2",), "consensus": ("model_1", "model_2")}
MAX_GROWTH = 1.25
SECONDS_TO_LOOK = 1
"""Memory is highest for a moment of each reload, when two generations of workers are there."""
SPARE_FILES = 64
SECONDS_TO_WARM_UP = 60.0


def read_molecules(path, n_rows):
    """Return SMILES strings from the beginning of a table."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as stream:
        return list(dict.fromkeys(row["smiles"] for row in islice(csv.DictReader(stream), n_rows)))


def find_expected(folders, smiles, scratch):
    """Return what predict-file writes, for each model and the digests of its checkpoints."""
    source = scratch / "molecules.csv"
    source.write_text("smiles\n" + "\n".join(smiles) + "\n")
    expected = {}
    for folder in folders:
        for name, parts in MODELS.items():
            paths = [(folder if part == "model_1" else folders[0]) / f"{part}.servier" for part in parts]
            key = name, tuple(open_checkpoint(path).digest for path in paths)
            if key in expected:
                continue
            target = scratch / f"{len(expected)}.csv"
            options = [word for path in paths for word in ("--model_path", path)]
            subprocess.run(
                [*SERVIER, "--quiet", "predict-file", source, target, "--detail", *options], check=True
            )
            with target.open() as stream:
                expected[key] = {row.pop("smiles"): row for row in csv.DictReader(stream)}
    return expected


@contextmanager
def serving(models_dir, log, *options):
    """Run the service; gives its process and its port."""
    command = [*SERVIER, "serve", "--models_dir", models_dir, "--port", "0", "--workers", "2", *options]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stderr=stream, stdout=stream)
    try:
        while not (found := re.search(r"http://[^:]+:(\d+)", log.read_text())):
            time.sleep(0.1)
            if process.poll() is not None:
                sys.exit(log.read_text())
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()


class Faults:
    """What goes wrong: workers die, models are exchanged for others and for damaged ones.

    Parameters
    ----------
    process
        The service.
    served
        Its folder of models.
    folders
        Folders with the models to exchange.
    ends
        When it is over, as `time.time`.
    """

    def __init__(self, process, served, folders, ends):
        self._process, self._served, self._folders, self._ends = process, served, folders, ends
        self._chance = random.Random(0)
        self.counts = Counter()
        self.sizes = []

    def kill_workers(self):
        """Kill workers at random moments."""
        while time.time() < self._ends:
            time.sleep(self._chance.uniform(0.5, 6.0))
            workers = [pid for pid, command in self._family().items() if "spawn_main" in command]
            if workers:
                with suppress(ProcessLookupError):
                    os.kill(self._chance.choice(workers), signal.SIGKILL)
                self.counts["kills"] += 1

    def reload_models(self):
        """Reload the models, one time in five from a damaged file."""
        for turn in range(1_000_000):
            time.sleep(SECONDS_BETWEEN_RELOADS)
            if time.time() + SECONDS_BETWEEN_RELOADS >= self._ends:
                return
            content = (self._folders[turn % len(self._folders)] / "model_1.servier").read_bytes()
            is_bad = turn % 5 == 4
            self._install(self._damage(content) if is_bad else content)
            self._process.send_signal(signal.SIGHUP)
            self.counts["bad reloads" if is_bad else "reloads"] += 1

    def watch(self):
        """Note memory and open files, and print them by the minute."""
        while time.time() < self._ends:
            self.sizes.append((self._memory(), self._open_files()))
            if len(self.sizes) % (60 // SECONDS_TO_LOOK) == 1:
                memory, files = self.sizes[-1]
                print(f"{memory:.0f} MB, {files} open files, {dict(self.counts)}", flush=True)
            time.sleep(SECONDS_TO_LOOK)

    def _damage(self, content):
        place = self._chance.randrange(len(content))
        kind = self._chance.choice(["cut", "changed", "none"])
        if kind == "cut":
            return content[:place]
        return content[:place] + bytes(64) + content[place + 64 :] if kind == "changed" else b""

    def _install(self, content):
        temporary = self._served / "model_1.writing"
        temporary.write_bytes(content)
        temporary.replace(self._served / "model_1.servier")

    def _family(self):
        """Return the commands of the service and its processes, by their numbers."""
        found = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                parent = int(path.read_text().rpartition(")")[2].split()[1])
                if self._process.pid in (parent, int(path.parent.name)):
                    found[int(path.parent.name)] = (path.parent / "cmdline").read_text()
        return found

    def _memory(self):
        """Return the memory of all processes in MB, what they share counted once."""
        total = 0
        for pid in self._family():
            with suppress(OSError):
                found = re.search(
                    r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
                )
                total += int(found[1]) if found else 0
        return total / 1000

    def _open_files(self):
        with suppress(OSError):
            return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))
        return 0


def run_storm(options, scratch):
    """Run the storm; return what is to be reported, and what is wrong."""
    smiles = read_molecules(options.library, options.rows)
    expected = find_expected(options.models_dir, smiles, scratch)
    served, log = scratch / "served", scratch / "log"
    shutil.copytree(options.models_dir[0], served)
    limit = str(options.request_timeout)
    with serving(served, log, "--request_timeout", limit) as (process, port):
        ends = time.time() + 60 * options.minutes
        faults = Faults(process, served, options.models_dir, ends)
        asked = (options.request_timeout, options.hostile, options.pause)
        crowd = Crowd(port, options.clients, ends, *asked, smiles, expected)
        threads = [
            threading.Thread(target=work)
            for work in (faults.kill_workers, faults.reload_models, faults.watch)
        ]
        with ProcessPoolExecutor(options.processes + 1, get_context("spawn")) as processes:
            health = processes.submit(probe, port, ends)
            asking = [processes.submit(ask_for_long, crowd, seed) for seed in range(options.processes)]
            for thread in threads:
                thread.start()
            time.sleep(max(0.0, ends - time.time()))
            seconds_to_end = _terminate(process)
            counts = sum((found.result() for found in asking), Counter())
            seconds = health.result()
        for thread in threads:
            thread.join()
        return _report(counts + faults.counts, seconds, faults.sizes, seconds_to_end, log.read_text())


def _terminate(process):
    """Send SIGTERM; return the seconds until the service has ended, infinite where it did not end well."""
    started = time.monotonic()
    process.terminate()
    try:
        status = process.wait(2 * SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        return float("inf")
    return time.monotonic() - started if status == 0 else float("inf")


def _report(counts, health, sizes, seconds_to_end, log):
    """Return a document, and a list of what is wrong."""
    ranked = sorted(health)
    quantiles = {name: ranked[int(len(ranked) * share)] for name, share in (("99", 0.99), ("99.9", 0.999))}
    memory, files = zip(*sizes, strict=True)
    # The first minute fills caches and loads the models of each worker for the first time.
    settled = sizes[min(len(sizes) // 4, round(SECONDS_TO_WARM_UP / SECONDS_TO_LOOK)) :]
    half = len(settled) // 2
    before, after = settled[:half], settled[half:]
    wrong = [f"{kind}: {n}" for kind, n in counts.items() if "WRONG" in kind or "LATE" in kind]
    if max(m for m, _ in after) > MAX_GROWTH * max(m for m, _ in before):
        wrong.append("the memory grows")
    if min(f for _, f in after) > max(f for _, f in before) + SPARE_FILES:
        wrong.append("the open files grow")
    if "Traceback" in log:
        wrong.append(log[log.index("Traceback") :][:3000])
    if seconds_to_end > SECONDS_TO_END:
        wrong.append(f"SIGTERM took {seconds_to_end:.1f} s, or the status was not 0")
    if "inf" in map(str, ranked[-1:]):
        wrong.append(f"/health failed {ranked.count(float('inf'))} times")
    return {
        "outcomes": dict(sorted(counts.items())),
        "health": {
            "requests": len(ranked),
            "median": statistics.median(ranked),
            **quantiles,
            "most": ranked[-1],
        },
        "memory_mb": [round(min(memory)), round(max(memory))],
        "open_files": [min(files), max(files)],
        "seconds_to_end": seconds_to_end,
        "wrong": wrong,
    }


def main():
    """Run the storm, and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models_dir", required=True, type=Path, action="append")
    parser.add_argument("--library", type=Path, required=True, help="CSV or CSV.gz with a column smiles.")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--processes", type=int, default=1, help="Processes of clients.")
    parser.add_argument("--clients", type=int, default=8, help="Clients in each process.")
    parser.add_argument("--hostile", type=float, default=0.1, help="Share of hostile requests.")
    parser.add_argument("--pause", type=float, default=0, help="Seconds between two requests of a client.")
    parser.add_argument("--request_timeout", type=float, default=20)
    parser.add_argument("--report", type=Path, help="Add the result to this file, a line each time.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = run_storm(options, Path(scratch))
    print(json.dumps(found, indent=2))
    if options.report:
        with options.report.open("a") as stream:
            print(json.dumps(found), file=stream)
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
