"""What it gains to learn bounds as bounds: the error on exact labels that were held out.

    python benchmarks/censored.py --data ../shared/data --seeds 3 --output results/censored.json

Three tables, whose training labels are cut off at a limit of measurement and whose test labels are not:

- `simulated`, the molecules and values of `servier simulate --censored`; a third of them is for testing;
- `Caco2`, permeabilities (log10 cm/s) that cannot be measured below 1e-6 cm/s;
- `LD50`, acute toxicities (-log10 mol/kg) that are not tested above the limit dose of 2,000 mg/kg.

Training learns the bounds, drops the rows that have one, or takes the limits for values. Results are kept in
the file, and the same command goes on where it was. `all` are all test rows, `measured` those within the
limits, `beyond` the others; coverage is that of the conformal intervals for 90 %.
"""

import argparse
import csv
import gzip
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem.Descriptors import MolWt
from sklearn.metrics import r2_score

from servier.data.censored_simulation import DETECTED, simulate_censored
from servier.data.datasets import Columns, load_dataset
from servier.processes.ordered_map import count_cores
from servier.scoring.scorer import Scorer
from servier.tables import write_whole
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.train import train

MODELS = {
    "model_1_fast": Options("1", preset="fast", test_fraction=0.0),
    "model_1": Options("1", test_fraction=0.0),
    "model_2": Options("2", test_fraction=0.0),
}
TREATMENTS = ("learnt", "dropped", "as values")
CONFIDENCE = "0.9"
ROWS = 1500
LIMIT_DOSE = 2000


@dataclass(frozen=True)
class Task:
    """Molecules with their values, the limits of these, and which rows are for testing."""

    smiles: list[str]
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray
    is_test: np.ndarray

    def write(self, treatment, path):
        """Write the training rows as a table in which values beyond the limits are treated in one way."""
        with path.open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["smiles", "y"])
            for i in np.flatnonzero(~self.is_test):
                value = float(np.clip(self.y[i], self.low[i], self.high[i]))
                sign = "<" if self.y[i] < self.low[i] else ">" if self.y[i] > self.high[i] else ""
                if not sign or treatment != "dropped":
                    writer.writerow([self.smiles[i], f"{sign if treatment == 'learnt' else ''}{value:.6g}"])


def simulated(_, seed):
    """Return the simulated table; its rows for testing are drawn anew for each seed."""
    made = simulate_censored(ROWS, seed)
    low, high = (np.full(ROWS, limit) for limit in DETECTED)
    is_test = np.random.default_rng(seed).permutation(ROWS) < ROWS // 3
    return Task(made.smiles, made.values, low, high, is_test)


def caco2(data, _):
    """Return the permeabilities."""
    smiles, y, is_test = _read(data / "tdc/Caco2_Wang.csv.gz")
    return Task(smiles, y, np.full(len(y), -6.0), np.full(len(y), np.inf), is_test)


def ld50(data, _):
    """Return the toxicities; the limit dose is one of mass, and the values are amounts."""
    smiles, y, is_test = _read(data / "tdc/LD50_Zhu.csv.gz")
    low = np.log10([1000 * MolWt(Chem.MolFromSmiles(text)) / LIMIT_DOSE for text in smiles])
    return Task(smiles, y, low, np.full(len(y), np.inf), is_test)


TASKS = {"simulated": simulated, "Caco2": caco2, "LD50": ld50}


def _read(path):
    with gzip.open(path, "rt") as stream:
        rows = [row for row in csv.DictReader(stream) if Chem.MolFromSmiles(row["Drug"]) is not None]
    y = np.array([float(row["Y"]) for row in rows])
    return [row["Drug"] for row in rows], y, np.array([row["split"] == "test" for row in rows])


def run(task, options, treatment, seed, workers):
    """Train on one of the tables, and measure on the test rows."""
    options = Options(**{**vars(options), "seed": seed, "workers": workers})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.csv"
        task.write(treatment, path)
        started = time.monotonic()
        table = load_dataset(path, Columns(("y",)), "regression")
        checkpoint = train(table, options, make_recipe(options, {}))
        seconds = time.monotonic() - started
    predictions = Scorer([checkpoint], confidences=[CONFIDENCE]).score(
        [task.smiles[i] for i in np.flatnonzero(task.is_test)]
    )
    y, low, high = (values[task.is_test] for values in (task.y, task.low, task.high))
    is_measured = (y >= low) & (y <= high)
    bounds = predictions.bounds[CONFIDENCE][:, 0]
    is_covered = (bounds[:, 0] <= y) & (y <= bounds[:, 1])
    errors = np.abs(y - predictions.values[:, 0])
    of_training = task.y[~task.is_test]
    cut = (of_training < task.low[~task.is_test]) | (of_training > task.high[~task.is_test])
    return {
        "seconds": round(seconds, 1),
        "bounds": float(cut.mean()),
        "mae": float(errors.mean()),
        "r2": float(r2_score(y, predictions.values[:, 0])),
        "mae_measured": float(errors[is_measured].mean()),
        "mae_beyond": float(errors[~is_measured].mean()),
        "coverage": float(is_covered.mean()),
        "coverage_measured": float(is_covered[is_measured].mean()),
        "width": float((bounds[:, 1] - bounds[:, 0]).mean()),
    }


def as_table(found, tasks, models):
    """Return the means over the seeds as lines of Markdown."""
    heads = [
        "table", "model", "bounds are", "MAE, all", "R2, all", "MAE, measured", "MAE, beyond", "covered, all",
        "measured", "width",
    ]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in tasks:
        for model in models:
            for treatment in TREATMENTS:
                runs = [
                    value for key, value in found.items() if key.startswith(f"{name}/{model}/{treatment}/")
                ]
                if not runs:
                    continue
                mean = {key: np.mean([one[key] for one in runs]) for key in runs[0]}
                cells = [
                    *(f"{mean[key]:.3f}" for key in ("mae", "r2", "mae_measured", "mae_beyond")),
                    *(f"{100 * mean[key]:.1f} %" for key in ("coverage", "coverage_measured")),
                    f"{mean['width']:.2f}",
                ]
                lines.append(
                    f"| {name} ({100 * mean['bounds']:.0f} %) | {model.replace('_', ' ')} | {treatment} | "
                    f"{' | '.join(cells)} |"
                )
    return lines


def main():
    """Train, measure, keep and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--models", nargs="+", default=["model_1", "model_2"], choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=count_cores())
    parser.add_argument("--output", type=Path, required=True, help="The file in which results are kept.")
    options = parser.parse_args()
    found = json.loads(options.output.read_text()) if options.output.exists() else {}
    for seed in range(options.seeds):
        for name in options.tasks:
            task = TASKS[name](options.data, seed)
            for model in options.models:
                for treatment in TREATMENTS:
                    key = f"{name}/{model}/{treatment}/{seed}"
                    if key not in found:
                        found[key] = run(task, MODELS[model], treatment, seed, options.workers)
                        options.output.parent.mkdir(parents=True, exist_ok=True)
                        with write_whole(options.output) as temporary:
                            temporary.write_text(json.dumps(found, indent=1) + "\n")
                    print(f"{key}: MAE {found[key]['mae']:.4f}", flush=True)
    print("\n".join(as_table(found, options.tasks, options.models)))


if __name__ == "__main__":
    main()
