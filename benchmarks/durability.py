"""Whether predict-file writes the same bytes whatever happens to it.

    python benchmarks/durability.py --library molecules.csv.gz --model_path fast.servier --rows 200000

Kills a run at random moments and gives the same command again, scores with several numbers of workers, and
joins shards; each output must be that of a quiet run, byte for byte. Prints how long a run takes to end
after Ctrl-C, too.
"""

import argparse
import csv
import gzip
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

SERVIER = [sys.executable, "-m", "servier", "--quiet"]
OUTPUTS = ("out.csv", "out.csv.gz", "out.parquet")


def write_rows(library, n_rows, path):
    """Write the first rows of the library as a table of their own."""
    with gzip.open(library, "rt", newline="") as rows, path.open("w", newline="") as out:
        csv.writer(out).writerows(islice(csv.reader(rows), n_rows + 1))


def digest(path):
    """Return a sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def score(source, target, model, *more):
    """Score a table to its end; return the digest of the output and the seconds taken."""
    started = time.monotonic()
    command = [*SERVIER, "predict-file", source, target, "--model_path", model, *more]
    subprocess.run(list(map(str, command)), check=True)
    return digest(target), time.monotonic() - started


def start(source, target, model):
    """Start a run that something is to happen to."""
    command = [*SERVIER, "predict-file", source, target, "--model_path", model, "--workers", 2]
    return subprocess.Popen(list(map(str, command)), start_new_session=True, stderr=subprocess.DEVNULL)


def interrupt(source, target, model, seconds):
    """Press Ctrl-C in the middle of a run; return the seconds that it took to end."""
    process = start(source, target, model)
    time.sleep(1 + seconds / 2)
    interrupted = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.wait()
    return time.monotonic() - interrupted


def score_with_kills(source, target, model, n_kills, seconds):
    """Kill runs at random moments, then let one end; return the digest of the output."""
    rng = random.Random(0)
    killed = 0
    while killed < n_kills:
        process = start(source, target, model)
        try:
            process.wait(rng.uniform(0.3, 1 + 2 * seconds / n_kills))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed += 1
        else:
            target.unlink()  # it came to its end before its time: once more
    return score(source, target, model, "--workers", 2)[0]


def score_in_shards(source, folder, name, model, n_shards):
    """Score shards and join them; return the digest of the output."""
    parts = [folder / f"{i}.{name}" for i in range(1, n_shards + 1)]
    for i, part in enumerate(parts, start=1):
        score(source, part, model, "--shard", f"{i}/{n_shards}")
    subprocess.run([*SERVIER, "merge", folder / f"merged.{name}", *parts], check=True)
    return digest(folder / f"merged.{name}")


def main():
    """Print a line for each comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--model_path", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shards", type=int, default=7)
    parser.add_argument("--outputs", nargs="+", default=OUTPUTS)
    options = parser.parse_args()
    all_equal = True
    for name in options.outputs:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            source = folder / "in.csv"
            write_rows(options.library, options.rows, source)
            model = options.model_path.resolve()
            whole, seconds = score(source, folder / name, model, "--workers", 2)
            found = {f"{options.kills} kills": score_with_kills(
                source, folder / f"killed.{name}", model, options.kills, seconds
            )}  # fmt: skip
            for workers in (1, 4):
                target = folder / f"{workers}.{name}"
                found[f"{workers} workers"] = score(source, target, model, "--workers", workers)[0]
            ending = interrupt(source, folder / f"interrupted.{name}", model, seconds)
            found[f"{options.shards} shards"] = score_in_shards(source, folder, name, model, options.shards)
        print(f"{name}, {options.rows:,} rows, Ctrl-C: ended within {ending:.2f} s", flush=True)
        for what, other in found.items():
            all_equal &= other == whole
            print(
                f"{name}, {options.rows:,} rows, {what}: {'equal' if other == whole else 'DIFFERENT'}",
                flush=True,
            )
    sys.exit(not all_equal)


if __name__ == "__main__":
    main()
