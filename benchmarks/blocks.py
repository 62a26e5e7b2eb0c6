"""Which blocks of features are worth their time.

For each data set and each set of blocks, model 1 is cross-validated with its own recipe, in folds that share
no scaffold and on rows for training only: rows whose split is `test` are dropped when a file is read. A line
of JSON per fit goes to standard error, the tables to standard output.

    OMP_NUM_THREADS=1 python benchmarks/blocks.py --data DIR
"""

import argparse
import csv
import gzip
import json
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, roc_auc_score

from servier.checkpoint.target import Target
from servier.chem.identity import scaffold_smiles
from servier.chem.molecules import InvalidMolecule, Mol, parse_all
from servier.data.folds import group_numbers, split_folds
from servier.features.feature_set import FeatureSet
from servier.models import boosting, boosting_recipe
from servier.models.fitted_model import Folds
from servier.training.target_transform import TargetTransform

BLOCKS: dict[str, dict[str, Any]] = {
    "morgan": {"kind": "morgan_count", "radius": 2, "fp_size": 2048},
    "pairs": {"kind": "atom_pair_count"},
    "torsions": {"kind": "torsion_count"},
    "erg": {"kind": "erg"},
    "descriptors": {"kind": "descriptors_2d"},
    "physchem": {"kind": "physchem"},
}
ALL = "all three"
SETS: dict[str, list[str]] = {
    "morgan + physchem (fast)": ["morgan", "physchem"],
    "descriptors": ["descriptors"],
    "descriptors + erg": ["erg", "descriptors"],
    "descriptors + morgan": ["morgan", "descriptors"],
    ALL: ["morgan", "erg", "descriptors"],
    "all but descriptors": ["morgan", "erg"],
}
DATASETS = {
    "hERG": "binary",
    "Caco2_Wang": "regression",
    "Clearance_Microsome_AZ": "regression",
    "BBB_Martins": "binary",
    "P1": "binary",
    "Lipophilicity_AstraZeneca": "regression",
    "AMES": "binary",
}


class Labelled(NamedTuple):
    """Molecules with their labels."""

    mols: list[Mol]
    y: NDArray[np.float64]


class Result(NamedTuple):
    """A metric over all held-out rows, and fold by fold."""

    pooled: float
    folds: NDArray[np.float64]


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Read a table of comma-separated values, compressed or not."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def load(data: Path, name: str) -> Labelled:
    """Read a data set, without its test rows."""
    if name == "P1":
        pairs = [(row["smiles"], row["P1"]) for row in read_rows(data / "servier" / "p1_train.csv")]
    else:
        rows = read_rows(data / "tdc" / f"{name}.csv.gz")
        pairs = [(row["Drug"], row["Y"]) for row in rows if row["split"] in {"train", "valid"}]
    mols = parse_all([smiles for smiles, _ in pairs])
    kept = [i for i, mol in enumerate(mols) if not isinstance(mol, InvalidMolecule)]
    return Labelled([mols[i] for i in kept], np.array([float(pairs[i][1]) for i in kept]))


def cross_validate(
    X: NDArray[np.float32],
    features: FeatureSet,
    y: NDArray[np.float64],
    task: str,
    folds: Folds,
    recipe: boosting_recipe.Recipe,
    seed: int,
) -> Result:
    """Return AUROC (binary) or mean absolute error (regression) of rows that were held out."""
    scale = TargetTransform.fit(y, task)
    problem = boosting_recipe.Problem(
        X, features.is_count, features.kinds, scale.apply(y)[:, None], [task], [folds]
    )
    raw = boosting.cross_validate(problem, recipe, seed, lambda _: None)[0]
    target = Target("", task, scale.width, scale.mean, transform=scale.transform, bound=scale.bound)
    scores = target.to_answer(raw[:, 0])
    metric = roc_auc_score if task == "binary" else mean_absolute_error
    return Result(metric(y, scores), np.array([metric(y[rows], scores[rows]) for _, rows in folds]))


def time_blocks(library: Path, number: int) -> dict[str, float]:
    """Microseconds of each block for a molecule, with the tables of atoms already filled."""
    smiles = [row["smiles"] for row in read_rows(library)]
    sample = parse_all(random.Random(0).sample(smiles, number * 11))
    mols = [mol for mol in sample if not isinstance(mol, InvalidMolecule)]
    warm_up, mols = mols[number:], mols[:number]
    times = {}
    for name, spec in BLOCKS.items():
        features = FeatureSet([spec])
        features(warm_up)
        start = time.process_time()
        features(mols)
        times[name] = (time.process_time() - start) / len(mols) * 1e6
    return times


def compare(
    data: Path, name: str, sets: list[str], recipe: boosting_recipe.Recipe, seed: int
) -> dict[str, Result]:
    """Cross-validate sets of blocks on one data set."""
    mols, y = load(data, name)
    task = DATASETS[name]
    groups = group_numbers([scaffold_smiles(mol) for mol in mols])
    folds = split_folds(y, task, groups, recipe.folds, seed)
    blocks = {block: FeatureSet([spec]) for block, spec in BLOCKS.items()}
    values = {block: features(mols).X for block, features in blocks.items()}
    results = {}
    for title in sets:
        blocks = SETS[title]
        start = time.monotonic()
        X = np.hstack([values[block] for block in blocks])
        features = FeatureSet([BLOCKS[block] for block in blocks])
        results[title] = cross_validate(X, features, y, task, folds, recipe, seed)
        report = {
            "data": name,
            "seed": seed,
            "rows": len(y),
            "blocks": title,
            "metric": results[title].pooled,
        }
        report |= {"folds": results[title].folds.tolist(), "seconds": round(time.monotonic() - start, 1)}
        print(json.dumps(report), file=sys.stderr, flush=True)
    return results


def gain(result: Result, reference: Result, task: str) -> str:
    """How much better than the reference, fold by fold, with its standard error over the folds."""
    differences = result.folds - reference.folds
    if task == "regression":
        differences = -differences
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return f"{differences.mean():+.4f} ± {error:.4f}"


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    print("|", " | ".join(head), "|")
    print("|---" + "|---:" * (len(head) - 1) + "|")
    for row in rows:
        print("|", " | ".join(row), "|")
    print()


def main() -> None:
    """Cross-validate, time, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with servier/, tdc/ and library/")
    parser.add_argument("--datasets", nargs="*", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET")
    parser.add_argument("--seed", type=int, default=0, help="of the folds and of LightGBM")
    parser.add_argument("--max-rounds", type=int, default=300)
    parser.add_argument("--molecules", type=int, default=500, help="how many library molecules are timed")
    arguments = parser.parse_args()
    times = time_blocks(arguments.data / "library" / "molecules_1.3m.csv.gz", arguments.molecules)
    print_table(["block", "µs per molecule"], [[name, f"{value:.0f}"] for name, value in times.items()])
    recipe = replace(boosting_recipe.PRESETS["fast"], max_rounds=arguments.max_rounds)
    results = {
        name: compare(arguments.data, name, arguments.sets, recipe, arguments.seed)
        for name in arguments.datasets
    }
    metrics = {name: "AUROC" if DATASETS[name] == "binary" else "MAE" for name in results}
    head = ["blocks", "µs per molecule", *(f"{name} ({metric})" for name, metric in metrics.items())]
    costs = {title: f"{sum(times[block] for block in SETS[title]):.0f}" for title in arguments.sets}
    print_table(
        head, [[s, c, *(f"{found[s].pooled:.4f}" for found in results.values())] for s, c in costs.items()]
    )
    if ALL in costs:
        print(f"Gain over {ALL}, mean ± standard error over the folds (positive is better):\n")
        rows = [
            [s, c, *(gain(found[s], found[ALL], DATASETS[name]) for name, found in results.items())]
            for s, c in costs.items()
            if s != ALL
        ]
        print_table(head, rows)


if __name__ == "__main__":
    main()
