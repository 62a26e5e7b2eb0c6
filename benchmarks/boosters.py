"""Which boosters do best together in model 1.

    python benchmarks/boosters.py --data ../shared/data

Cross-validates single boosters on the training rows of the data sets of benchmarks/quality.py, in folds that
share no scaffold, and keeps what they score in the working directory. Then prints the official metric of the
held-out rows, all folds together, for each booster and for the means of several.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from quality import METRICS, TASKS, read_tables

from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import map_scores
from servier.data.datasets import Columns, load_dataset
from servier.features.computing import compute_features
from servier.features.feature_set import FeatureSet
from servier.models import boosting, boosting_recipe
from servier.training.options import Options
from servier.training.rows import select_rows
from servier.training.train import transform_labels

FEATURES = [
    {"kind": "morgan_count", "radius": 2, "fp_size": 2048},
    {"kind": "atom_pair_count"},
    {"kind": "torsion_count"},
    {"kind": "erg"},
    {"kind": "descriptors_2d"},
]
EXTRA = {"num_leaves": 31, "min_data_in_leaf": 5, "extra_trees": True, "fingerprint_gain": 0.5}
PAIRS, TORSIONS = "atom_pair_count", "torsion_count"
MORGAN, DESCRIPTORS = "morgan_count", "descriptors_2d"
BOOSTERS = {
    "B": {"without": [TORSIONS]},
    "C": {"without": [PAIRS, TORSIONS], "num_leaves": 8},
    "D": EXTRA | {"without": [PAIRS, TORSIONS], "num_leaves": 15, "fingerprint_gain": 0.2},
    "G": EXTRA | {"without": [MORGAN]},
    "H": EXTRA | {"without": [DESCRIPTORS]},
    "B31": {"without": [TORSIONS], "num_leaves": 31},
    "B63": {"without": [TORSIONS], "num_leaves": 63},
    "D31": EXTRA | {"without": [PAIRS, TORSIONS], "fingerprint_gain": 0.2},
    "G63": EXTRA | {"without": [MORGAN], "num_leaves": 63},
    "G127": EXTRA | {"without": [MORGAN], "num_leaves": 127},
    "H63": EXTRA | {"without": [DESCRIPTORS], "num_leaves": 63},
}
ENSEMBLES = [
    "B C D G H",
    "B63 C D31 G63 H63",
]


def prepare(task, data, work_dir, seed):
    """Return what is to be learnt, the transform of the labels, and the labels themselves."""
    table = load_dataset(read_tables(task, data, work_dir).train, Columns((task.target,)))
    rows = select_rows(table, Options(test_fraction=0.0, seed=seed))
    (transform,), labels = transform_labels(rows)
    path = work_dir / task.name / "features.npy"
    if not path.exists():
        np.save(path, compute_features([table.smiles[i] for i in rows.train], FEATURES, 1).X)
    features = FeatureSet(FEATURES)
    problem = boosting_recipe.Problem(
        np.load(path), features.is_count, features.kinds, labels, table.tasks, [rows.target_folds(0, 5, seed)]
    )
    return problem, transform, rows.y[:, 0]


def score(task, data, work_dir, seed):
    """Return the labels, and the held-out answers of each booster."""
    path = work_dir / task.name / f"boosters_{seed}.npz"
    found = dict(np.load(path)) if path.exists() else {}
    missing = [name for name in BOOSTERS if name not in found]
    if missing:
        problem, transform, found["y"] = prepare(task, data, work_dir, seed)
        for name in missing:
            recipe = replace(boosting_recipe.Recipe(), boosters=[BOOSTERS[name]], repeats=1)
            raw = boosting.cross_validate(problem, recipe, seed, lambda _: None)[0]
            target = Target(
                "y",
                problem.tasks[0],
                transform.width,
                transform.mean,
                transform=transform.transform,
                bound=transform.bound,
            )
            found[name] = raw if problem.tasks[0] == "binary" else map_scores(Target.to_answer, [target], raw)
        np.savez(path, **found)
    return found


def main():
    """Print a table: a line for each booster and each ensemble, a column for each data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work_dir", type=Path, default=Path("results/quality"))
    parser.add_argument("--tasks", nargs="+", default=[task.name for task in TASKS])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    tasks = [task for task in TASKS if task.name in options.tasks]
    lines = [[ensemble] for ensemble in [*BOOSTERS, *ENSEMBLES]]
    for task in tasks:
        found = [score(task, options.data, options.work_dir, seed) for seed in range(options.seeds)]
        for line in lines:
            means = [np.mean([one[name][:, 0] for name in line[0].split()], axis=0) for one in found]
            held_out = [~np.isnan(mean) for mean in means]
            values = [
                METRICS[task.metric](one["y"][known], mean[known])
                for one, mean, known in zip(found, means, held_out, strict=True)
            ]
            line.append(f"{np.mean(values):.4f}")
        print(
            "\n".join(f"| {' | '.join(line)} |" for line in [["", *(t.name for t in tasks)], *lines]),
            flush=True,
        )


if __name__ == "__main__":
    main()
