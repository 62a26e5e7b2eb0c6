"""Measure whether model 1 learns more if its fingerprints tell stereoisomers apart.

`ignore` and `use` of `--stereo` are cross-validated with the recipe of a preset, in the same folds that share
no scaffold, on rows for training only: rows whose split is `test` are dropped when a file is read. Each fit
is a line of JSON in RESULTS; what is there already is not done again. The table goes to standard output.

    OMP_NUM_THREADS=1 python benchmarks/stereochemistry.py --data DIR --results stereochemistry.jsonl
"""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from blocks import Labelled, Result, cross_validate, gain, print_table, read_rows
from rdkit import Chem

from servier.chem.identity import scaffold_smiles
from servier.chem.levels import Level, Stereo
from servier.chem.molecules import InvalidMolecule, Mol, parse_all
from servier.data.folds import group_numbers, split_folds
from servier.features.feature_set import FeatureSet
from servier.features.registry import PRESETS, choose_features
from servier.models import boosting_recipe

DATASETS = {
    "Caco2_Wang": "regression",
    "CYP3A4_Substrate_CarbonMangels": "binary",
    "HIA_Hou": "binary",
    "BBB_Martins": "binary",
    "Pgp_Broccatelli": "binary",
    "hERG": "binary",
    "PPBR_AZ": "regression",
    "Lipophilicity_AstraZeneca": "regression",
}
"""The sets of the benchmark that have most stereo centres, the richest first."""


class Fit(NamedTuple):
    """What was cross-validated."""

    preset: str
    data: str
    seed: int
    stereo: str


def load(data: Path, name: str) -> Labelled:
    """Read a data set as `train` reads it, without its test rows."""
    rows = read_rows(data / "tdc" / f"{name}.csv.gz")
    pairs = [(row["Drug"], float(row["Y"])) for row in rows if row["split"] in {"train", "valid"}]
    mols = parse_all([smiles for smiles, _ in pairs], level=Level.PARENT)
    kept = [i for i, mol in enumerate(mols) if not isinstance(mol, InvalidMolecule)]
    return Labelled([mols[i] for i in kept], np.array([pairs[i][1] for i in kept]))


def describe(mols: list[Mol]) -> list[str]:
    """Return rows, specified stereo centres of a molecule, and the shares that have some, or open ones."""
    found = [[element.specified for element in Chem.FindPotentialStereo(mol)] for mol in mols]
    specified = [own.count(Chem.StereoSpecified.Specified) for own in found]
    is_open = [Chem.StereoSpecified.Unspecified in own for own in found]
    shares = [f"{100 * np.mean(is_so):.0f} %" for is_so in (np.array(specified) > 0, is_open)]
    return [str(len(mols)), f"{np.mean(specified):.2f}", *shares]


def fit(data: Labelled, wanted: Fit) -> dict[str, Any]:
    """Cross-validate, and return what was found."""
    task, started = DATASETS[wanted.data], time.monotonic()
    recipe = boosting_recipe.PRESETS[wanted.preset]
    groups = group_numbers([scaffold_smiles(mol) for mol in data.mols])
    folds = split_folds(data.y, task, groups, recipe.folds, wanted.seed)
    features = FeatureSet(choose_features(wanted.preset, Stereo(wanted.stereo)))
    X = features(data.mols).X
    found = cross_validate(X, features, data.y, task, folds, recipe, wanted.seed)
    seconds = round(time.monotonic() - started, 1)
    return {
        **wanted._asdict(),
        "metric": found.pooled,
        "folds": found.folds.tolist(),
        "seconds": seconds,
        "about": describe(data.mols),
    }


def read_results(path: Path) -> dict[Fit, dict[str, Any]]:
    """Return what an earlier run has found."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return {Fit(*(result[name] for name in Fit._fields)): result for result in found}


def tabulate(results: dict[Fit, dict[str, Any]]) -> Iterator[list[str]]:
    """Yield a row of the table for each data set, preset and seed that is complete."""
    for wanted, ignored in results.items():
        used = results.get(wanted._replace(stereo="use"))
        if wanted.stereo == "use" or used is None:
            continue
        task = DATASETS[wanted.data]
        first, second = (Result(one["metric"], np.array(one["folds"])) for one in (ignored, used))
        metric = "AUROC" if task == "binary" else "MAE"
        numbers = [f"{first.pooled:.4f}", f"{second.pooled:.4f}", gain(second, first, task)]
        yield [wanted.preset, f"{wanted.data} ({metric})", str(wanted.seed), *ignored["about"], *numbers]


def main() -> None:
    """Cross-validate what is missing, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with tdc/")
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--datasets", nargs="*", choices=DATASETS, default=list(DATASETS))
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="of the folds and of LightGBM")
    arguments = parser.parse_args()
    results = read_results(arguments.results)
    with arguments.results.open("a", encoding="utf-8") as stream:
        for preset, seed, name in product(arguments.presets, arguments.seeds, arguments.datasets):
            missing = [Fit(preset, name, seed, str(stereo)) for stereo in Stereo]
            missing = [wanted for wanted in missing if wanted not in results]
            data = load(arguments.data, name) if missing else None
            for wanted in missing:
                results[wanted] = fit(data, wanted)
                print(json.dumps(results[wanted]), file=stream, flush=True)
    about = ["rows", "centres", "with some", "with open ones"]
    print_table(["preset", "data", "seed", *about, "ignore", "use", "gain"], list(tabulate(results)))


if __name__ == "__main__":
    main()
