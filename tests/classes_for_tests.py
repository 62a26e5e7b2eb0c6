"""A simulated table with three classes: words without an order, words in an order, and whole numbers."""

import csv

import numpy as np

KINDS = ["kinase", "ion channel", "GPCR"]
LEVELS = ["low", "medium", "high"]
TASKS = {"kind": "multiclass", "level": "ordinal"}


def write_classes(path, n=240, seed=3):
    """Cut the log-odds of simulated molecules, with noise, into three classes of equally many rows."""
    from servier.data.simulation import simulate

    found = simulate(n, seed)
    noise = np.random.default_rng(seed).logistic(size=n)
    latent = np.log(found.probability / (1 - found.probability)) + noise / 2
    cut = np.searchsorted(np.quantile(latent, [1 / 3, 2 / 3]), latent)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", "kind", "level", "stage", "P1", "size"])
        for smiles, label, y in zip(found.smiles, cut, found.labels, strict=True):
            writer.writerow([smiles, KINDS[label], LEVELS[label], label + 1, y, len(smiles) / 3])
    return path
