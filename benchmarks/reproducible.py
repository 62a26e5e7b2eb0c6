"""Whether complete runs of the default workflow give the same bytes, wherever they run and whatever is lost.

    python benchmarks/reproducible.py --folder reproduced
    python benchmarks/reproducible.py --folder reproduced --ways one-core slurm lost-work

Each way starts from nothing in a folder of its own: on one core, on two, through a real Slurm (a controller
and four nodes on this machine: needs Debian's packages and root), and through Slurm with a job cancelled, a
node switched off, the controller killed, a job over its memory, and the library in shards. Features, models,
metrics, pages and predictions of each are compared with those of the first, byte for byte.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "slurm")]
from cluster_for_tests import FOLDER, Cluster  # noqa: E402 - in the folders above
from run_for_tests import Run, over_memory  # noqa: E402 - in the folders above
from workflow_for_tests import change_settings, copy_workflow, made, snakemake  # noqa: E402 - in the folders above

TOO_LITTLE = 400  # MB for `evaluate`: enough at a later trial only
SHARD = 1000  # rows, of 3000
DONE = "results/provenance.json"


def run_locally(folder, cores):
    """Run everything on this machine."""
    snakemake(folder, "--cores", str(cores), site=".")


def run_on_slurm(folder, *, lose):
    """Run everything as jobs; with losses, three kinds of them and shards."""
    if lose:
        change_settings(folder, make_it_hard)
    with (
        tempfile.TemporaryDirectory(prefix=FOLDER, dir="/tmp") as temporary,
        Cluster(Path(temporary)) as cluster,
    ):
        run = Run(folder, cluster, site=".")
        if lose:
            run.lose_work("rule_featurize", "rule_train_wildcards_2")
        if run.process.wait() != 0:
            sys.exit(run.said())
    if lose and not over_memory(folder):
        sys.exit("no job was over its memory")


def make_it_hard(settings):
    """Change settings that no result may depend on."""
    settings["resources"]["evaluate"]["mem_mb"] = TOO_LITTLE
    settings["sharding"]["rows_per_shard"] = SHARD


WAYS = {
    "one-core": lambda folder: run_locally(folder, 1),
    "two-cores": lambda folder: run_locally(folder, 2),
    "slurm": lambda folder: run_on_slurm(folder, lose=False),
    "lost-work": lambda folder: run_on_slurm(folder, lose=True),
}


def run_from_nothing(folder, run):
    """Run everything in a new folder; return how long it took."""
    if folder.exists():
        sys.exit(f"{folder} holds an unfinished run; remove it")
    folder.mkdir(parents=True)
    copy_workflow(folder)
    started = time.monotonic()
    run(folder)
    return f"{time.monotonic() - started:.0f} s"


def main():
    """Print a line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="where each way has a folder; what is there already is not run again",
    )
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    options = parser.parse_args()
    first, all_equal = None, True
    for way in options.ways:
        folder = options.folder / way
        took = "kept" if (folder / DONE).exists() else run_from_nothing(folder, WAYS[way])
        found = made(folder / "results")
        first = first or found
        names = sorted(found.keys() | first.keys())
        different = [name for name in names if found.get(name) != first.get(name)]
        all_equal &= not different
        verdict = f"DIFFERENT: {', '.join(different)}" if different else "the same bytes"
        print(f"{way}: {len(names)} files, {took}, {verdict}", flush=True)
    sys.exit(not all_equal)


if __name__ == "__main__":
    main()
