"""Measure how much of what teachers know their students keep, inside training rows.

Of each data set a fifth of the rows for training is held out by scaffold; rows whose split is `test` are
dropped when a file is read. Models 1 and 2, and model 1 of preset `fast`, are trained on the rest. The
consensus of the first two is the teacher of two students: one that learns from molecules of a library, of
which those are left out that have the skeleton of a molecule in a test set or of one that is held out, and
one for which molecules are made. The table goes to standard output. Checkpoints are kept in --work_dir; what
is there already is not made again.

    python benchmarks/distillation.py --data ../shared/data --sets BBB_Martins Caco2_Wang
"""

import argparse
import csv
import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from quality import METRICS, TASKS
from rdkit import Chem

from servier.bulk.distilling import Lessons, write_student
from servier.bulk.options import Options as FileOptions
from servier.bulk.sampling import draw_sample
from servier.checkpoint.file import encode_checkpoint, open_checkpoint
from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, parse_smiles
from servier.data.datasets import Columns, load_dataset
from servier.metrics.measures import measure_coverage
from servier.processes.ordered_map import count_cores
from servier.scoring.scorer import Scorer
from servier.tables import write_csv, write_whole
from servier.training.distillation import StudentOptions
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.train import train

SETS = ["BBB_Martins", "hERG", "Lipophilicity", "Caco2_Wang", "Clearance_Microsome"]
MODELS = {"model_1": Options("1"), "model_2": Options("2"), "fast": Options("1", preset="fast")}
TEACHERS = ("model_1", "model_2")
CONFIDENCE = "0.9"


@dataclass(frozen=True)
class HeldOut:
    """The rows of a data set that nobody learns from."""

    smiles: list[str]
    y: np.ndarray


def write_table(task, data, folder):
    """Write the rows for training into a table."""
    path = folder / "train.csv"
    with gzip.open(data / task.file, "rt") as stream:
        rows = [[row["Drug"], row["Y"]] for row in csv.DictReader(stream) if row["split"] != "test"]
    write_csv(path, ["smiles", "Y"], rows)
    return path


def make_model(name, table, folder, workers):
    """Train a model, if that was not done before; return it."""
    path, how = folder / f"{name}.servier", replace(MODELS[name], workers=workers)
    if not path.exists():
        checkpoint = train(table, how, make_recipe(how, {}))
        with write_whole(path) as temporary:
            temporary.write_bytes(encode_checkpoint(checkpoint))
    return open_checkpoint(path)


def skeleton(smiles):
    """Return the first block of the InChIKey of the molecule without salts and charges."""
    mol = parse_smiles(smiles, level=Level.PARENT)
    return "" if isinstance(mol, InvalidMolecule) else Chem.MolToInchiKey(mol).partition("-")[0]


def write_library(data, work_dir, n):
    """Write a sample of the library without skeletons of test sets; return molecules with their skeletons."""
    path = work_dir / "library.csv"
    if not path.exists():
        known = set((data / "assays" / "test_skeletons.txt").read_text().split())
        sample = draw_sample(data / "library" / "molecules_1.3m.csv.gz", n, 0, FileOptions())
        found = [(smiles, skeleton(smiles)) for smiles in sample.smiles]
        write_csv(path, ["smiles", "skeleton"], [row for row in found if row[1] and row[1] not in known])
    with path.open() as stream:
        return [(row["smiles"], row["skeleton"]) for row in csv.DictReader(stream)]


def run(task, options, molecules):
    """Train teachers and students of one data set; return a row of the table."""
    folder = options.work_dir / task.name
    folder.mkdir(parents=True, exist_ok=True)
    table = load_dataset(write_table(task, options.data, folder), Columns(("Y",)))
    models = {name: make_model(name, table, folder, options.workers) for name in MODELS}
    rows = models["fast"].reference.test_rows
    held_out = HeldOut([table.smiles[row] for row in rows], table.y[rows, 0])
    kept_back = {skeleton(smiles) for smiles in held_out.smiles}
    library = folder / "library.csv"
    write_csv(library, ["smiles"], [[smiles] for smiles, own in molecules if own not in kept_back])
    paths = [str(folder / f"{name}.servier") for name in TEACHERS]
    students = {}
    for name, source in (("library", str(library)), ("made", None)):
        path = folder / f"student_{name}.servier"
        lessons = Lessons(paths, source, options.rows, FileOptions(workers=options.workers))
        if not path.exists():
            write_student(lessons, path, StudentOptions(workers=options.workers))
        students[name] = open_checkpoint(path)
    asked = {"teacher": [models[name] for name in TEACHERS], "fast": [models["fast"]]}
    asked |= {name: [student] for name, student in students.items()}
    cells = [task.name, task.metric, f"{len(rows)}"]
    cells += [f"{METRICS[task.metric](held_out.y, answer(own, held_out)):.4f}" for own in asked.values()]
    cells += [f"{students[name].metadata.distillation.fidelity['Y']['all']['r2']:.3f}" for name in students]
    return cells + [cover(asked[name], held_out) for name in ("teacher", "library", "made")]


def answer(checkpoints, held_out):
    """Return the answers of one model or of several for the held-out rows."""
    return Scorer(checkpoints).score(held_out.smiles).values[:, 0]


def cover(checkpoints, held_out):
    """Return how often conformal bounds hold the truth of the held-out rows."""
    scorer = Scorer(checkpoints, confidences=[CONFIDENCE])
    bounds = scorer.score(held_out.smiles).bounds[CONFIDENCE][:, 0]
    return f"{100 * measure_coverage(held_out.y, bounds, scorer.targets[0].task)['coverage']:.0f} %"


def main():
    """Train, measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work_dir", type=Path, default=Path("results/distillation"))
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--workers", type=int, default=count_cores())
    options = parser.parse_args()
    options.work_dir.mkdir(parents=True, exist_ok=True)
    molecules = write_library(options.data, options.work_dir, options.rows * 11 // 10)
    print("| data set | metric | rows | teacher | fast | student, library | student, made ", end="")
    print("| R2, library | R2, made | coverage at 90 %, teacher | library | made |")
    print("|---" * 12 + "|", flush=True)
    for task in TASKS:
        if task.name in options.sets:
            print(f"| {' | '.join(run(task, options, molecules))} |", flush=True)


if __name__ == "__main__":
    main()
