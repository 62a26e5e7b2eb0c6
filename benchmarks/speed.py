"""How fast scoring is, as ratios measured in one run.

    python benchmarks/speed.py --library molecules.csv.gz --rows 200000 --model_1_path fast.servier \\
        --accurate_path accurate.servier --model_2_path model_2.servier --processes 2

Every figure is a ratio of two things done by the same machine within the same minutes; absolute rates are
printed beside it to be read with care. Features are also compared with those of scikit-fingerprints, where it
is installed.
"""

import argparse
import csv
import gzip
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

REPEATS = 3


def read_molecules(path, n_rows):
    """Return SMILES strings spread over the library."""
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", newline="") as stream:
        rows = [row["smiles"] for row in csv.DictReader(stream)]
    step = max(1, len(rows) // n_rows)
    return list(islice(rows, 0, None, step))[:n_rows]


def parse_part(smiles, start, ready):
    """Parse a part of the molecules, once all processes are there."""
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        ready.wait()
        for text in smiles:
            Chem.MolFromSmiles(text)
    start.wait()


def time_bare_parsing(smiles, n_processes):
    """Return seconds that bare MolFromSmiles loops take, start-up left out."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Barrier(n_processes + 1), context.Barrier(n_processes + 1)
    parts = [smiles[i::n_processes] for i in range(n_processes)]
    processes = [context.Process(target=parse_part, args=(part, done, ready)) for part in parts]
    for process in processes:
        process.start()
    ready.wait()
    started = time.perf_counter()
    done.wait()
    seconds = time.perf_counter() - started
    for process in processes:
        process.join()
    return seconds


def servier(*arguments):
    """Run the command; return the seconds it takes, all of it."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "servier", "--quiet", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def compare(name, ours, other, n_rows, note):
    """Time two things in turn, and print the ratio of their speeds."""
    pairs = [(ours(), other()) for _ in range(REPEATS)]
    ratio = statistics.median(b / a for a, b in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"| {name} | {n_rows / mine:,.0f}/s | {n_rows / theirs:,.0f}/s | {ratio:.2f} | {note} |", flush=True
    )
    return ratio


def stopwatch(work):
    """Return a function that does some work and returns the seconds it takes."""

    def run():
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return run


def compare_features(smiles):
    """Compare features with RDKit's own functions and with scikit-fingerprints, in one process."""
    from rdkit import Chem, rdBase
    from rdkit.Chem import Descriptors, rdFingerprintGenerator

    from servier.chem.molecules import SmilesRows, parse_all
    from servier.features.feature_set import FeatureSet

    rdBase.DisableLog("rdApp.*")
    morgan = FeatureSet([{"kind": "morgan_count", "radius": 2, "fp_size": 2048}])
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)

    def ours():
        for start in range(0, len(smiles), 512):
            rows = [(text, None) for text in smiles[start : start + 512]]
            morgan(SmilesRows(rows, constitution_only=True))

    def rdkit():
        for text in smiles:
            generator.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(text))

    compare("Morgan counts from SMILES", stopwatch(ours), stopwatch(rdkit), len(smiles), "RDKit")
    try:
        from skfp.fingerprints import ECFPFingerprint
    except ImportError:
        print("| Morgan counts from SMILES | | | | scikit-fingerprints is not installed: left out |")
    else:
        other = ECFPFingerprint(count=True, fp_size=2048, n_jobs=1)
        theirs = stopwatch(lambda: other.transform(smiles))
        compare("Morgan counts from SMILES", stopwatch(ours), theirs, len(smiles), "scikit-fingerprints")
    descriptors = FeatureSet([{"kind": "descriptors_2d"}])
    mols = parse_all(smiles[: max(100, len(smiles) // 20)])
    descriptors(parse_all(smiles[-2000:]))
    theirs = stopwatch(lambda: [Descriptors.CalcMolDescriptors(mol) for mol in mols])
    compare("217 descriptors", stopwatch(lambda: descriptors(mols)), theirs, len(mols), "CalcMolDescriptors")


def time_start_up(model_path):
    """Compare one prediction with the imports that it cannot do without."""
    imports = [sys.executable, "-c", "import numpy, onnxruntime, rdkit.Chem"]

    def bare():
        started = time.perf_counter()
        subprocess.run(imports, check=True)
        return time.perf_counter() - started

    servier("predict", "CCO", "--model_1_path", model_path)
    pairs = [(servier("predict", "CCO", "--model_1_path", model_path), bare()) for _ in range(2 * REPEATS)]
    return statistics.median(a / b for a, b in pairs)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--model_1_path", type=Path, required=True, help="model 1, preset fast")
    parser.add_argument("--accurate_path", type=Path, help="model 1, preset accurate")
    parser.add_argument("--model_2_path", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    smiles = read_molecules(options.library, options.rows)
    workers = ["--workers", options.processes]
    with tempfile.TemporaryDirectory() as folder:
        run(options, smiles, workers, Path(folder))


def run(options, smiles, workers, folder):
    """Measure everything."""

    def write(name, n_rows):
        path = folder / name
        path.write_text("smiles\n" + "".join(f"{text}\n" for text in smiles[:n_rows]))
        return path

    def score(source, model, *more):
        return lambda: servier(
            "predict-file", source, folder / "out.csv", "--force", "--model_path", model, *workers, *more
        )

    def parse(n_rows):
        return lambda: time_bare_parsing(smiles[:n_rows], options.processes)

    n_rows = len(smiles)
    everything = write("all.csv", n_rows)
    print("| what | servier | compared with | ratio | the other |\n|---|---|---|---|---|")
    compare(
        "fast, end to end", score(everything, options.model_1_path), parse(n_rows), n_rows, "bare parsing"
    )
    detailed = score(everything, options.model_1_path, "--detail")
    compare("fast, --detail", detailed, score(everything, options.model_1_path), n_rows, "without")
    features = folder / "features.parquet"
    servier("featurize", everything, features, "--preset", "fast", *workers)
    model = options.model_1_path
    compare("fast, from features", score(features, model), score(everything, model), n_rows, "from SMILES")
    if options.accurate_path:
        few = max(2000, n_rows // 10)
        part = write("part.csv", few)
        compare("accurate, end to end", score(part, options.accurate_path), parse(few), few, "bare parsing")
    if options.model_2_path:
        some = max(4000, n_rows // 5)
        part = write("some.csv", some)
        one_smiles = score(part, options.model_2_path, "--n_smiles", 1)
        compare("model 2, one SMILES", one_smiles, parse(some), some, "bare parsing")
    compare_features(smiles[: n_rows // 10])
    start_up = time_start_up(options.model_1_path)
    print(
        f"\nOne prediction takes {start_up:.2f} times as long as importing numpy, onnxruntime and rdkit.Chem."
    )
    print(json.dumps({"rows": n_rows, "processes": options.processes}))


if __name__ == "__main__":
    main()
