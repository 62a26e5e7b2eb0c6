"""How targets with classes are best taken apart and put together.

    python benchmarks/classes.py --data ../shared/data

Cuts the training rows of Lipophilicity into three classes of equally many rows, cross-validates model 1
(preset fast) on them in folds that share no scaffold, and prints metrics of the held-out rows. What is fitted
to scores is measured on other rows than it is fitted on.
"""

import argparse
import csv
import gzip
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from servier.data.datasets import Columns, load_dataset
from servier.metrics.measures import measure
from servier.models import boosting
from servier.models.boosting_recipe import PRESETS
from servier.training.calibration import calibrate_classes
from servier.training.fitting import prepare_features
from servier.training.options import Options
from servier.training.rows import select_rows
from servier.training.score_labels import code_labels

WORDS = ["low", "medium", "high"]
OPTIONS = Options(preset="fast", test_fraction=0.0)
SHOWN = ["quadratic_kappa", "auroc", "balanced_accuracy", "log_loss"]


def write_table(data, path):
    """Write the training rows of Lipophilicity with classes in place of values."""
    with gzip.open(data / "tdc" / "Lipophilicity_AstraZeneca.csv.gz", "rt") as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] != "test"]
    values = np.array([float(row["Y"]) for row in rows])
    classes = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "level"])
        writer.writerows((row["Drug"], WORDS[label]) for row, label in zip(rows, classes, strict=True))


def hold_out(path, task):
    """Return labels, raw scores of held-out rows, and what they were learnt from."""
    rows = select_rows(load_dataset(path, Columns(("level",)), task, orders=[WORDS]), OPTIONS)
    labels = code_labels(rows.y, replace(rows.data, words={"level": WORDS}))
    problem = prepare_features(rows, labels, OPTIONS, PRESETS["fast"].folds)
    return rows.y[:, 0], boosting.cross_validate(problem, PRESETS["fast"], 0, print)[0], problem


def hold_out_softmax(y, problem):
    """Return the scores of held-out rows of LightGBM's own objective for classes."""
    recipe = PRESETS["fast"]
    parameters = problem.parameters(0, recipe, 0, 0)
    parameters |= {"objective": "multiclass", "num_class": 3, "metric": "multi_logloss", "num_threads": 1}
    stop = [lgb.early_stopping(recipe.patience, verbose=False)]
    found = lgb.cv(
        parameters, lgb.Dataset(problem.X, y, free_raw_data=False), recipe.max_rounds,
        folds=problem.folds[0], stratified=False, callbacks=stop, return_cvbooster=True,
    )["cvbooster"]  # fmt: skip
    scores = np.full((len(y), 3), np.nan)
    for booster, (_, held_out) in zip(found.boosters, problem.folds[0], strict=True):
        scores[held_out] = booster.predict(
            problem.X[held_out], num_iteration=max(1, found.best_iteration), raw_score=True, num_threads=1
        )
    return scores


def put_together(task):
    """Return the function that fits a calibration of servier, and answers."""

    def answer(y, raw, new):
        return calibrate_classes("level", task, WORDS, y, raw).to_answer(new)

    return answer


def subtract(y, raw, new):
    """Answer with the differences of cumulative probabilities, each calibrated alone, in falling order."""
    lines = [LogisticRegression(C=1e3).fit(raw[:, [i]], y > i) for i in range(raw.shape[1])]
    at_least = expit(np.column_stack([line.decision_function(new[:, [i]]) for i, line in enumerate(lines)]))
    falling = -np.sort(-at_least, axis=1)
    return -np.diff(np.column_stack([np.ones(len(new)), falling, np.zeros(len(new))]), axis=1)


def judge(y, raw, answer):
    """Return metrics of rows that the calibration has not seen."""
    known = ~np.isnan(raw).any(axis=1)
    y, raw = y[known], raw[known]
    p = np.zeros((len(y), len(WORDS)))
    for fit, held_out in StratifiedKFold(5, shuffle=True, random_state=0).split(raw, y):
        p[held_out] = answer(y[fit], raw[fit], raw[held_out])
    found = measure(y, p, "ordinal", None)
    return [f"{found[name]:.4f}" for name in SHOWN]


def main():
    """Print a line for each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work_dir", type=Path, default=Path("results/classes"))
    options = parser.parse_args()
    options.work_dir.mkdir(parents=True, exist_ok=True)
    path = options.work_dir / "level.csv"
    write_table(options.data, path)
    y, apart, problem = hold_out(path, "multiclass")
    _, steps, _ = hold_out(path, "ordinal")
    ways = {
        "LightGBM's own softmax": (hold_out_softmax(y, problem), put_together("multiclass")),
        "one class against the others": (apart, put_together("multiclass")),
        "ordinal, cumulative probabilities in falling order, subtracted": (steps, subtract),
        "ordinal, adjacent-categories logits": (steps, put_together("ordinal")),
    }
    print(" | ".join(["", *SHOWN]))
    for name, (raw, answer) in ways.items():
        print(" | ".join([name, *judge(y, raw, answer)]))


if __name__ == "__main__":
    main()
