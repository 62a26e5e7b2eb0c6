"""Peak memory of predict-file, all its processes together, at several sizes of input.

python benchmarks/memory.py --library molecules.csv.gz --model_path fast.servier --rows 200000 1000000 5000000
"""

import argparse
import csv
import gzip
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def write_rows(library, n_rows, path):
    """Write as many rows as wanted, the library again and again."""
    with gzip.open(library, "rt", newline="") as stream:
        smiles = [row["smiles"] for row in csv.DictReader(stream)]
    with path.open("w") as out:
        out.write("id,smiles\n")
        for number in range(n_rows):
            out.write(f"{number},{smiles[number % len(smiles)]}\n")


def tree_memory(pid):
    """Return the bytes of a process and its descendants, shared pages counted once."""
    total = 0
    for path in [Path(f"/proc/{pid}"), *descendants(pid)]:
        try:
            lines = (path / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def descendants(pid):
    """Yield the /proc folders of all children, and of their children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield Path(f"/proc/{child}")
        yield from descendants(child)


def measure(source, model, workers, folder):
    """Return the peak in bytes and the seconds of one run."""
    command = [sys.executable, "-m", "servier", "--quiet", "predict-file", source, folder / "out.csv"]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--model_path", model, "--workers", str(workers), "--restart", "--force"]
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, tree_memory(process.pid))
        time.sleep(0.2)
    if process.returncode:
        sys.exit(f"predict-file ended with {process.returncode}")
    return peak, time.monotonic() - started


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--model_path", type=Path, required=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print("| rows | peak of all processes | to the first | rows/s |\n|---|---|---|---|")
    first = None
    for n_rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "in.csv"
            write_rows(options.library, n_rows, source)
            peak, seconds = measure(source, options.model_path, options.workers, Path(folder))
        first = first or peak
        row = f"| {n_rows:,} | {peak / 2**20:,.0f} MiB | {peak / first:.2f} | {n_rows / seconds:,.0f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
