"""What balancing the classes of an imbalanced table does to model 1: the evidence for doing nothing.

    python benchmarks/imbalance.py --data ../shared/data --rows 3000 --output results/imbalance.json

Three public tables, of which at most so many rows are drawn: inhibition of CYP2D6 (a fifth are of class 1),
and two assays of Tox21, SR-p53 and SR-ATAD5 (some 5 %). Rows and molecules of test sets are dropped when a
table is read. The rest is divided into five folds that share no scaffold; each is scored by a model that is
trained on the other four with the preset `fast`:

- `as is`, with no weights;
- `weights`, each class with half of the weight, in a column that `--weight_column` names;
- `undersampled`, without rows of the larger class drawn at random, until both are as large.

Each model is calibrated and given its threshold on all rows of the four folds, each counted once: by their
scores in cross-validation, and the rows that undersampling leaves out by those of the model, which never saw
them. So all probabilities are for the classes as they come, and differ by what was learnt alone. (A user of
`--weight_column` is calibrated with the weights.) Rows of the fifth fold are scored without weights, and none
is left out. Results are kept in the file, and the same command goes on where it was.
"""

import argparse
import csv
import gzip
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rdkit import Chem, RDLogger

from servier.data.datasets import Columns, load_dataset
from servier.metrics import measure
from servier.processes.ordered_map import count_cores
from servier.tables import write_whole
from servier.training.calibration import calibrate
from servier.training.fitting import fit_features
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.rows import usable_rows
from servier.training.score_labels import code_labels

TABLES = {
    "CYP2D6": ("tdc/CYP2D6_Veith.csv.gz", "Drug", "Y"),
    "SR-p53": ("moleculenet/tox21.csv.gz", "smiles", "SR-p53"),
    "SR-ATAD5": ("moleculenet/tox21.csv.gz", "smiles", "SR-ATAD5"),
}
TREATMENTS = ("as is", "weights", "undersampled")
METRICS = ("auroc", "average_precision", "log_loss", "brier", "calibration_error", "balanced_accuracy")
FOLDS = 5
OPTIONS = Options("1", preset="fast", split="scaffold", test_fraction=0.0)


def read_table(data, name, n_rows):
    """Return molecules and labels of the rows that are for training, as many as are asked for."""
    file, smiles, label = TABLES[name]
    blocked = set((data / "assays/test_skeletons.txt").read_text().split())
    with gzip.open(data / file, "rt") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("split") != "test" and row[label]]
    kept = []
    for number in np.random.default_rng(0).permutation(len(rows)):
        mol = Chem.MolFromSmiles(rows[number][smiles])
        if mol is not None and Chem.MolToInchiKey(mol).split("-")[0] not in blocked:
            kept.append((rows[number][smiles], int(float(rows[number][label]))))
        if len(kept) == n_rows:
            break
    return kept


def write_table(rows, path):
    """Write a table with a column in which both classes have the same weight."""
    sizes = np.bincount([label for _, label in rows])
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "y", "weight"])
        writer.writerows([smiles, label, f"{len(rows) / 2 / sizes[label]:.6g}"] for smiles, label in rows)


def undersample(train, y, seed):
    """Return the rows for training without some of the larger class."""
    classes = [train[y[train] == label] for label in (0, 1)]
    n = min(map(len, classes))
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate([rng.choice(rows, n, replace=False) for rows in classes]))


def run(usable, fold, treatment):
    """Train on all folds but one, calibrate without weights, and measure on that one."""
    train, test = fold
    left_out = np.array([], np.int64)
    if treatment == "undersampled":
        chosen = undersample(train, usable.data.y[usable.rows, 0], OPTIONS.seed)
        left_out = train[~np.isin(usable.molecules[train], usable.molecules[chosen])]
        train = chosen
    if treatment != "weights":
        usable = replace(usable, data=replace(usable.data, weights=None))
    rows = usable.divide(train, test)
    labels = code_labels(rows.y, rows.data, rows.relations, rows.weights)
    fitted = fit_features(rows, labels, usable.options, make_recipe(usable.options, {}))
    y, held_out = rows.y[:, 0], fitted.model.held_out[:, 0]
    if left_out.size:
        y = np.concatenate([y, usable.data.y[usable.rows[left_out], 0]])
        held_out = np.concatenate([held_out, score(fitted, [usable.mols[i] for i in left_out])])
    target = calibrate("y", y, held_out)
    answers = target.to_answer(score(fitted, rows.test_mols))
    found = measure(rows.data.y[rows.test, 0], answers, "binary", target.threshold)
    return {name: found[name] for name in METRICS}


def score(fitted, mols):
    """Return the raw scores of molecules."""
    return fitted.engine(mols).values[:, 0]


def as_table(found):
    """Return the means over the folds as lines of Markdown."""
    lines = [f"| table | training rows are | {' | '.join(METRICS)} |", "|---" * (len(METRICS) + 2) + "|"]
    for name in TABLES:
        for treatment in TREATMENTS:
            runs = [value for key, value in found.items() if key.startswith(f"{name}/{treatment}/")]
            if runs:
                means = [np.mean([one[metric] for one in runs]) for metric in METRICS]
                lines.append(f"| {name} | {treatment} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    return lines


def main():
    """Train, measure, keep and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=count_cores())
    parser.add_argument("--output", type=Path, required=True, help="The file in which results are kept.")
    given = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    options = replace(OPTIONS, workers=given.workers)
    found = json.loads(given.output.read_text()) if given.output.exists() else {}
    for name in TABLES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.csv"
            rows = read_table(given.data, name, given.rows)
            write_table(rows, path)
            print(
                f"{name}: {len(rows)} rows, {np.mean([label for _, label in rows]):.1%} of class 1",
                flush=True,
            )
            usable = usable_rows(load_dataset(path, Columns(("y",), weight="weight"), "binary"), options)
            for number, fold in enumerate(usable.splitter.folds(FOLDS, options.seed)):
                for treatment in TREATMENTS:
                    key = f"{name}/{treatment}/{number}"
                    if key not in found:
                        found[key] = run(usable, fold, treatment)
                        given.output.parent.mkdir(parents=True, exist_ok=True)
                        with write_whole(given.output) as temporary:
                            temporary.write_text(json.dumps(found, indent=1) + "\n")
                    print(f"{key}: AUROC {found[key]['auroc']:.4f}", flush=True)
    print("\n".join(as_table(found)))


if __name__ == "__main__":
    main()
