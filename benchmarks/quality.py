"""How good the models are on public data sets, beside published figures.

    python benchmarks/quality.py --data ../shared/data --seeds 5 --output docs/quality.md

Trains what `servier train` trains, for every data set, seed and kind of model, scores the test rows with the
checkpoints, alone and as a consensus, and prints the official metric. Checkpoints are kept in the working
directory: the same command goes on where it was.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, mean_absolute_error, roc_auc_score

from servier.checkpoint import encode_checkpoint, open_checkpoint
from servier.datasets import Columns, load_dataset
from servier.parallel import count_cores
from servier.scoring import Scorer
from servier.training import Options, train

METRICS = {
    "AUROC": roc_auc_score,
    "AUPRC": average_precision_score,
    "MAE": mean_absolute_error,
    "Spearman": lambda y, p: float(stats.spearmanr(y, p).statistic),
}


@dataclass(frozen=True)
class Task:
    """A data set with the metric by which it is judged, and published results."""

    name: str
    file: str
    metric: str
    published: str
    required: float
    target: str = "Y"
    test_file: str | None = None


TASKS = [
    Task("BBB_Martins", "tdc/BBB_Martins.csv.gz", "AUROC", ".916 / .924", 0.916),
    Task("hERG", "tdc/hERG.csv.gz", "AUROC", ".871 / .880", 0.865),
    Task("AMES", "tdc/AMES.csv.gz", "AUROC", ".868 / .871", 0.875),
    Task("HIA_Hou", "tdc/HIA_Hou.csv.gz", "AUROC", ".986 / .993", 0.986),
    Task("Pgp_Broccatelli", "tdc/Pgp_Broccatelli.csv.gz", "AUROC", ".930 / .938", 0.928),
    Task("CYP2D6_Veith", "tdc/CYP2D6_Veith.csv.gz", "AUPRC", ".723 / .790 (leaked)", 0.725),
    Task("CYP3A4_Substrate", "tdc/CYP3A4_Substrate_CarbonMangels.csv.gz", "AUROC", ".650 / .667", 0.665),
    Task("Caco2_Wang", "tdc/Caco2_Wang.csv.gz", "MAE", ".276 / .256", 0.276),
    Task("Lipophilicity", "tdc/Lipophilicity_AstraZeneca.csv.gz", "MAE", ".539 / .456", 0.535),
    Task("Solubility_AqSolDB", "tdc/Solubility_AqSolDB.csv.gz", "MAE", ".792 / .741", 0.785),
    Task("PPBR_AZ", "tdc/PPBR_AZ.csv.gz", "MAE", "7.66 / 7.44", 7.6),
    Task("LD50_Zhu", "tdc/LD50_Zhu.csv.gz", "MAE", ".621 / .552", 0.615),
    Task("Clearance_Microsome", "tdc/Clearance_Microsome_AZ.csv.gz", "Spearman", ".626 / .630", 0.62),
    Task("P1", "servier/p1_train.csv", "AUROC", "-", 0.770, "P1", "servier/p1_test.csv"),
]
MODELS = {
    "model 1, fast": (Options("1", preset="fast"), {}),
    "model 1": (Options("1"), {}),
    "model 2, not pre-trained": (Options("2"), {"encoder": "none"}),
    "model 2": (Options("2"), {}),
}
CONSENSUS = ("model 1", "model 2")


class Benchmark:
    """Checkpoints and results of the data sets, in a working directory."""

    def __init__(self, data, work_dir):
        self._data, self._work_dir = data, work_dir

    def load(self, task):
        """Return the training table, and SMILES strings and labels of the test rows."""
        columns = Columns((task.target,), split=None if task.test_file else "split")
        table = load_dataset(self._data / task.file, columns)
        tests = load_dataset(self._data / task.test_file, columns) if task.test_file else table
        is_test = np.array([tests.split is None or split == "test" for split in tests.split or tests.smiles])
        return table, [tests.smiles[i] for i in np.flatnonzero(is_test)], tests.y[is_test, 0]

    def train(self, task, model, seed):
        """Train one model, if that was not done before; return its path."""
        path = self._work_dir / task.name / f"{model.replace(' ', '_')}_{seed}.servier"
        if not path.exists():
            options, recipe = MODELS[model]
            split = {} if task.test_file is None else {"test_fraction": 0.0}
            started = time.monotonic()
            table = self.load(task)[0]
            chosen = Options(**(vars(options) | split | {"seed": seed, "workers": count_cores()}))
            checkpoint = train(table, chosen, recipe)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".seconds").write_text(f"{time.monotonic() - started:.1f}")
            path.write_bytes(encode_checkpoint(checkpoint))
        return path

    def measure(self, task, paths):
        """Return the official metric of the test rows."""
        result = paths[0].with_name("+".join(path.stem for path in paths) + ".json")
        if not result.exists():
            _, smiles, y = self.load(task)
            values = Scorer([open_checkpoint(path) for path in paths]).score(smiles).values[:, 0]
            known = ~np.isnan(values)
            if not known.all():
                print(f"{task.name}: {np.sum(~known)} test rows have no score", file=sys.stderr)
            result.write_text(json.dumps(float(METRICS[task.metric](y[known], values[known]))))
        return json.loads(result.read_text())


def run(benchmark, tasks, models, n_seeds):
    """Yield for each data set the values and training seconds of each model."""
    for task in tasks:
        values = {model: [] for model in models}
        seconds = {model: [] for model in models}
        if set(CONSENSUS) <= set(models):
            values["consensus"] = []
        for seed in range(n_seeds):
            paths = {model: benchmark.train(task, model, seed) for model in models}
            for model, path in paths.items():
                values[model].append(benchmark.measure(task, [path]))
                seconds[model].append(float(path.with_suffix(".seconds").read_text()))
            if "consensus" in values:
                values["consensus"].append(benchmark.measure(task, [paths[model] for model in CONSENSUS]))
            print(
                f"{task.name}, seed {seed}: " + ", ".join(f"{m} {v[-1]:.4f}" for m, v in values.items()),
                flush=True,
            )
        yield task, values, seconds


def as_table(found):
    """Return the results as lines of Markdown."""
    models = list(found[0][1])
    lines = [
        f"| data set | metric | MapLight / best | model 1 must | {' | '.join(models)} |",
        f"|---|---|---|---|{'---|' * len(models)}",
    ]
    for task, values, _ in found:
        digits = 2 if task.required > 1 else 3
        cells = [f"{np.mean(v):.{digits}f} ± {np.std(v):.{digits}f}" for v in values.values()]
        lines.append(
            f"| {task.name} | {task.metric} | {task.published} | {task.required} | {' | '.join(cells)} |"
        )
    lines += ["", f"| seconds of training | {' | '.join(found[0][2])} |", f"|---|{'---|' * len(found[0][2])}"]
    for task, _, seconds in found:
        lines.append(f"| {task.name} | {' | '.join(f'{np.mean(s):.0f}' for s in seconds.values())} |")
    return lines


def main():
    """Train, measure, print, and write the tables between the marks of the document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work_dir", type=Path, default=Path("results/quality"))
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--output", type=Path, help="A document; its tables of results are replaced.")
    options = parser.parse_args()
    tasks = [task for task in TASKS if task.name in options.tasks]
    found = list(run(Benchmark(options.data, options.work_dir), tasks, options.models, options.seeds))
    table = "\n".join(as_table(found))
    print(table)
    if options.output:
        before, _, rest = options.output.read_text().partition("<!-- results -->\n")
        after = rest.partition("<!-- end of results -->\n")[2]
        options.output.write_text(f"{before}<!-- results -->\n{table}\n<!-- end of results -->\n{after}")


if __name__ == "__main__":
    main()
