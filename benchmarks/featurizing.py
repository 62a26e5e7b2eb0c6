"""Whether featurize writes the same bytes whatever happens to it.

    python benchmarks/featurizing.py --library molecules.csv.gz --rows 200000 --folder featurized

Computes the features of the first rows of a library with one worker and with two, with kills at random
moments, in shards that are merged, and beside processes that keep the machine busy; prints a line for each
that says whether its bytes are those of the first. What is done is noted in the folder: the same command goes
on there.
"""

import argparse
import csv
import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

SERVIER = [sys.executable, "-m", "servier", "--quiet"]
BUSY = [sys.executable, "-c", "while True: pass"]


class Bench:
    """A folder with a table, the files made of it, and notes on those that are done.

    Parameters
    ----------
    options
        The options of the command line.
    """

    def __init__(self, options):
        self.options, self.folder = options, options.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.source = self.folder / f"{options.rows}.csv"
        self._notes = self.folder / f"{options.rows}.{options.preset}.json"
        self.done = json.loads(self._notes.read_text()) if self._notes.exists() else {}
        if not self.source.exists():
            self._write_rows()

    def _write_rows(self):
        temporary = self.source.with_suffix(".writing")
        with (
            gzip.open(self.options.library, "rt", newline="") as rows,
            temporary.open("w", newline="") as out,
        ):
            csv.writer(out).writerows(islice(csv.reader(rows), self.options.rows + 1))
        temporary.replace(self.source)

    def path(self, name):
        """Return where a file of features is made."""
        return self.folder / f"{self.options.rows}.{self.options.preset}.{name.replace(' ', '_')}.parquet"

    def command(self, target, *more):
        """Return the command line that makes a file."""
        words = [*SERVIER, "featurize", self.source, target, "--preset", self.options.preset, *more]
        return [str(word) for word in words]

    def run(self, target, *more):
        """Make a file."""
        subprocess.run(self.command(target, *more), check=True)

    def note(self, name, make):
        """Make a file where that was not done before, and note its digest; print how it compares."""
        if name not in self.done:
            target, started = self.path(name), time.monotonic()
            make(target)
            self.done[name] = {
                "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
                "bytes": target.stat().st_size,
                "seconds": time.monotonic() - started,
            }
            target.unlink()
            self._notes.write_text(json.dumps(self.done, indent=1) + "\n")
        first, found = next(iter(self.done.values())), self.done[name]
        is_equal = found["sha256"] == first["sha256"]
        print(
            f"{self.options.rows:,} rows, {self.options.preset}, {name}: {found['bytes']:,} bytes, "
            f"{found['seconds']:.0f} s, {'equal' if is_equal else 'DIFFERENT'}",
            flush=True,
        )
        return is_equal

    def kill_often(self, target):
        """Kill runs at random moments, spread over the time of a quiet one, then let one end."""
        rng, killed = random.Random(0), 0
        seconds = self.done["2 workers"]["seconds"]
        while killed < self.options.kills:
            process = subprocess.Popen(
                self.command(target, "--workers", 2), start_new_session=True, stderr=subprocess.DEVNULL
            )
            try:
                process.wait(rng.uniform(1, 4 + 1.5 * seconds / self.options.kills))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
            else:
                target.unlink()  # it came to its end before its time: once more
        self.run(target, "--workers", 2)

    def merge_shards(self, target):
        """Make shards with one worker and with two in turn, and join them."""
        total = self.options.shards
        parts = [target.with_suffix(f".{i}.parquet") for i in range(1, total + 1)]
        for i, part in enumerate(parts, start=1):
            self.run(part, "--shard", f"{i}/{total}", "--workers", 2 - i % 2)
        subprocess.run([*SERVIER, "merge", *map(str, [target, *parts])], check=True)
        for part in parts:
            part.unlink()
            part.with_name(f"{part.name}.journal").unlink()

    def run_beside_others(self, target):
        """Make the file while other processes take the processors."""
        with keeping_busy(self.options.busy):
            self.run(target, "--workers", 2)


@contextmanager
def keeping_busy(n_processes):
    """Let processes compute as much as they can."""
    processes = [subprocess.Popen(BUSY) for _ in range(n_processes)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main():
    """Print a line for each comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--preset", default="accurate")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--busy", type=int, default=4)
    options = parser.parse_args()
    bench = Bench(options)
    ways = {
        "2 workers": lambda target: bench.run(target, "--workers", 2),
        "1 worker": lambda target: bench.run(target, "--workers", 1),
        f"{options.kills} kills": bench.kill_often,
        f"{options.shards} shards": bench.merge_shards,
        f"{options.busy} busy processes": bench.run_beside_others,
    }
    found = [bench.note(name, make) for name, make in ways.items()]
    sys.exit(not all(found))


if __name__ == "__main__":
    main()
