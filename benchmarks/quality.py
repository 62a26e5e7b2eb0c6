"""How good the models are on public data sets, beside published figures.

    python benchmarks/quality.py --data ../shared/data --seeds 5 --output docs/quality.md

Trains what `servier train` trains, for every data set, seed and kind of model, scores the test rows with the
checkpoint, and keeps the scores in benchmarks/quality, a file for each model and data set: the same command
goes on where it was. Then prints the official metric of each model, and of the consensus of models 1 and 2.
`--seeds 0` only prints. What was trained with another recipe or encoder is trained again.
"""

import argparse
import csv
import gzip
import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, mean_absolute_error, roc_auc_score

from servier.bulk import options as bulk_options
from servier.bulk.featurizing import featurize_file
from servier.data.datasets import Columns, load_dataset
from servier.features.registry import PRESETS
from servier.models.encoder import SHIPPED
from servier.processes.ordered_map import count_cores
from servier.progress import ProgressReport
from servier.scoring.consensus import WEIGHTS
from servier.scoring.scorer import Scorer
from servier.tables import write_whole
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.train import train

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
    "model_1_fast": (Options("1", preset="fast", test_fraction=0.0), {}),
    "model_1": (Options("1", test_fraction=0.0), {}),
    "model_2_no_encoder": (Options("2", test_fraction=0.0), {"encoder": "none"}),
    "model_2": (Options("2", test_fraction=0.0), {}),
}
CONSENSUS = ("model_1", "model_2")


def identify(model):
    """Return a digest of the recipe, and of the encoder that it starts from."""
    options, changes = MODELS[model]
    text = json.dumps(asdict(make_recipe(options, changes)), sort_keys=True).encode()
    encoder = files("servier.models").joinpath(SHIPPED).read_bytes() if model == "model_2" else b""
    return hashlib.sha256(text + encoder).hexdigest()[:16]


class Runs:
    """What one model scored on the test rows of one data set, by seed; kept in a file.

    Parameters
    ----------
    path
        The file, which need not exist.
    identity
        What the model is; runs of another one are forgotten.
    """

    def __init__(self, path, identity):
        self._path, self._identity = path, identity
        found = json.loads(path.read_text()) if path.exists() else {}
        self.by_seed = found["runs"] if found.get("identity") == identity else {}

    def add(self, seed, seconds, held_out, scores):
        """Keep a run: seconds of training, metrics in cross-validation, and the scores of the test rows."""
        self.by_seed[str(seed)] = {
            "seconds": round(seconds, 1),
            "held_out": {name: round(value, 5) for name, value in held_out.items()},
            "scores": [float(f"{score:.6g}") for score in scores],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with write_whole(self._path) as temporary:
            temporary.write_text(json.dumps({"identity": self._identity, "runs": self.by_seed}) + "\n")

    def scores(self):
        """Return the scores of the test rows of each seed."""
        return {seed: np.array(run["scores"], np.float64) for seed, run in self.by_seed.items()}

    def seconds(self):
        """Return the seconds that each training took."""
        return [run["seconds"] for run in self.by_seed.values()]


@dataclass(frozen=True)
class Tables:
    """The rows of a data set for training, in a file, and those for testing.

    Parameters
    ----------
    train
        A CSV file.
    smiles, y
        Molecules and labels of the test rows.
    """

    train: Path
    smiles: list[str]
    y: np.ndarray

    def features(self, preset, workers):
        """Compute the features of the training rows, where that was not done before; return their file."""
        path = self.train.with_name(f"{preset}.parquet")
        if not path.exists():
            options = bulk_options.Options(workers=workers)
            featurize_file(self.train, path, PRESETS[preset], options, report=ProgressReport())
        return path


def read_tables(task, data, work_dir):
    """Part the rows of a data set."""
    path = work_dir / task.name / "train.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = _read(data / task.file)
    tests = _read(data / task.test_file) if task.test_file else [r for r in rows if r["split"] == "test"]
    smiles = "Drug" if "Drug" in rows[0] else "smiles"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", task.target])
        writer.writerows([row[smiles], row[task.target]] for row in rows if row.get("split") != "test")
    return Tables(path, [row[smiles] for row in tests], np.array([float(row[task.target]) for row in tests]))


def _read(path):
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as stream:
        return list(csv.DictReader(stream))


def run(task, tables, model, seed, workers):
    """Train one model; return seconds, metrics in cross-validation, and the scores of the test rows."""
    options, changes = MODELS[model]
    options = replace(options, seed=seed, workers=workers)
    path = tables.features(options.preset, workers) if options.model_name == "1" else tables.train
    started = time.monotonic()
    table = load_dataset(path, Columns((task.target,)))
    checkpoint = train(table, options, make_recipe(options, changes))
    seconds = time.monotonic() - started
    held_out = checkpoint.metadata.metrics.held_out[task.target]
    return seconds, held_out, Scorer([checkpoint]).score(tables.smiles).values[:, 0]


def measure(task, y, scores):
    """Return the official metric of each seed, of the test rows that have a score."""
    return [
        float(METRICS[task.metric](y[known], values[known]))
        for values in scores.values()
        for known in [~np.isnan(values)]
    ]


def results(task, y, runs):
    """Return for each model, and for the consensus, the metric of each seed."""
    scores = {model: found.scores() for model, found in runs.items()}
    first, second = (scores[model] for model in CONSENSUS)
    weights = [WEIGHTS[name.removeprefix("model_")] for name in CONSENSUS]
    both = {
        seed: np.average([first[seed], second[seed]], axis=0, weights=weights)
        for seed in first
        if seed in second
    }
    return {name: measure(task, y, found) for name, found in (scores | {"consensus": both}).items()}


def as_tables(tasks, values, runs):
    """Return the results as lines of Markdown."""
    names = list(values[tasks[0].name])
    heads = " | ".join(name.replace("_", " ") for name in names)
    lines = [
        f"| data set | metric | MapLight / best | model 1 must | {heads} |",
        "|---" * (4 + len(names)) + "|",
    ]
    for task in tasks:
        digits = 2 if task.required > 1 else 3
        cells = [_mean_and_width(found, digits) for found in values[task.name].values()]
        lines.append(
            f"| {task.name} | {task.metric} | {task.published} | {task.required} | {' | '.join(cells)} |"
        )
    models = list(MODELS)
    lines += ["", f"| seconds of training | {' | '.join(m.replace('_', ' ') for m in models)} |"]
    lines.append("|---" * (1 + len(models)) + "|")
    for task in tasks:
        seconds = [runs[task.name][model].seconds() for model in models]
        lines.append(f"| {task.name} | {' | '.join(f'{np.mean(s):.0f}' if s else '-' for s in seconds)} |")
    return lines


def _mean_and_width(found, digits):
    text = f"{np.mean(found):.{digits}f} ± {np.std(found):.{digits}f}" if found else "-"
    return text if len(found) in (0, 5) else f"{text} ({len(found)})"


def main():
    """Train, measure, print, and write the tables between the marks of the document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scores_dir", type=Path, default=Path("benchmarks/quality"))
    parser.add_argument("--work_dir", type=Path, default=Path("results/quality"))
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=count_cores())
    parser.add_argument("--output", type=Path, help="A document; its tables of results are replaced.")
    options = parser.parse_args()
    tasks = [task for task in TASKS if task.name in options.tasks]
    tables = {task.name: read_tables(task, options.data, options.work_dir) for task in tasks}
    runs = {
        task.name: {m: Runs(options.scores_dir / m / f"{task.name}.json", identify(m)) for m in MODELS}
        for task in tasks
    }
    for seed in range(options.seeds):
        for task in tasks:
            for model in options.models:
                found = runs[task.name][model]
                if str(seed) not in found.by_seed:
                    found.add(seed, *run(task, tables[task.name], model, seed, options.workers))
                value = measure(task, tables[task.name].y, found.scores())[-1]
                print(f"seed {seed}, {task.name}, {model}: {value:.4f}", flush=True)
    values = {task.name: results(task, tables[task.name].y, runs[task.name]) for task in tasks}
    text = "\n".join(as_tables(tasks, values, runs))
    print(text)
    if options.output:
        before, _, rest = options.output.read_text().partition("<!-- results -->\n")
        after = rest.partition("<!-- end of results -->\n")[2]
        options.output.write_text(f"{before}<!-- results -->\n{text}\n<!-- end of results -->\n{after}")


if __name__ == "__main__":
    main()
