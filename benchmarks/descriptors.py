"""The fast descriptors against RDKit's own, on the same molecules in the same run.

Prints the columns that differ, the speed of both (alternating, so that a busy machine slows both), and where
the time goes. A table with a column `smiles` is read, compressed or not.

    OMP_NUM_THREADS=1 python benchmarks/descriptors.py --library FILE --molecules 2000
"""

import argparse
import csv
import gzip
import random
import sys
import time
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import RDLogger
from rdkit.Chem import Descriptors, Mol

from servier.chem.molecules import InvalidMolecule, parse_all
from servier.features.rdkit2d import DESCRIPTOR_NAMES, calculate

Values = NDArray[np.float64]

CHUNK = 50
RELATIVE_TOLERANCE = 1e-9
ABSOLUTE_TOLERANCE = 1e-12
BLOCKS = {
    "tables of atoms and bonds": ["build_graph"],
    "Gasteiger charges": ["_gasteiger_charges"],
    "Crippen contributions": ["crippen_values"],
    "EState indices": ["estate_indices"],
    "VSA histograms": ["_surface_histograms", "_estate_histograms"],
    "rotatable bonds": ["rotatable_bonds"],
    "chi and kappa": ["connectivity_indices"],
    "SMARTS screen": ["screen_molecule"],
    "fragment counts": ["fragment_counts"],
    "QED": ["qed"],
    "BCUT2D, Ipc": ["_spectral_values"],
    "Balaban J": ["balaban_j"],
    "Bertz CT": ["bertz_ct"],
    "weights and electrons": ["_weights_and_electrons"],
    "Morgan densities": ["_morgan_densities"],
    "rings and groups": ["_ring_and_group_counts"],
    "spacial score": ["spacial_score"],
}


def read_molecules(path: Path, number: int) -> list[Mol]:
    """Draw molecules from a library."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as lines:
        smiles = [row["smiles"] for row in csv.DictReader(lines)]
    drawn = random.Random(0).sample(smiles, min(number, len(smiles)))
    return [mol for mol in parse_all(drawn) if not isinstance(mol, InvalidMolecule)]


def rdkit_values(mol: Mol) -> Values:
    """Compute the descriptors as RDKit does."""
    values = Descriptors.CalcMolDescriptors(mol, missingVal=np.nan)
    return np.array([values[name] for name in DESCRIPTOR_NAMES])


def seconds(function: Callable[[Mol], Values], mols: list[Mol]) -> tuple[float, list[Values]]:
    """Time a function over molecules; return the processor time and the values."""
    start = time.process_time()
    values = [function(mol) for mol in mols]
    return time.process_time() - start, values


def measure(mols: list[Mol]) -> tuple[float, float, Values, Values]:
    """Compute everything with both codes in turn; return the seconds of each, and the values of each."""
    times = np.zeros(2)
    found: list[Values] = []
    expected: list[Values] = []
    for first in range(0, len(mols), CHUNK):
        copies = [
            Mol(mol) for mol in mols[first : first + CHUNK]
        ]  # what one code remembers is not for the other
        ours, values = seconds(calculate.calculate_descriptors, mols[first : first + CHUNK])
        found += values
        rdkits, values = seconds(rdkit_values, copies)
        expected += values
        times += ours, rdkits
    return times[0], times[1], np.array(found), np.array(expected)


def report_differences(found: Values, expected: Values) -> bool:
    """Print how the values differ; return whether any does beyond rounding."""
    with np.errstate(all="ignore"):
        same = (found == expected) | (np.isnan(found) & np.isnan(expected))
        absolute = np.where(same, 0.0, np.nan_to_num(np.abs(found - expected), nan=np.inf))
        relative = np.where(absolute > ABSOLUTE_TOLERANCE, absolute / np.abs(expected), 0.0)
    beyond = (relative > RELATIVE_TOLERANCE).any(axis=0)
    print(f"{len(found)} molecules, {len(DESCRIPTOR_NAMES)} columns")
    print(f"columns that differ by more than 1e-9 of their value: {beyond.sum()}")
    print(f"columns with the same bits everywhere: {same.all(axis=0).sum()}; most different:")
    for column in np.argsort(-absolute.max(axis=0))[:8]:
        relatively, by = relative[:, column].max(), absolute[:, column].max()
        print(f"  {DESCRIPTOR_NAMES[column]:24s} {by:8.1e}, {relatively:8.1e} of the value")
    return bool(beyond.any())


def block_seconds(mols: list[Mol]) -> dict[str, float]:
    """Time the functions that the calculation is made of, with clocks around them."""
    times = dict.fromkeys(BLOCKS, 0.0)

    def clocked(block: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = function(*arguments)
            times[block] += time.perf_counter() - start
            return result

        return run

    originals = {name: getattr(calculate, name) for names in BLOCKS.values() for name in names}
    for block, names in BLOCKS.items():
        for name in names:
            setattr(calculate, name, clocked(block, originals[name]))
    start = time.perf_counter()
    for mol in mols:
        calculate.calculate_descriptors(mol)
    total = time.perf_counter() - start
    for name, function in originals.items():
        setattr(calculate, name, function)
    return times | {"distances, surfaces and the rest": total - sum(times.values())}


def main() -> int:
    """Compare, time and print; the status is 1 if any value differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--molecules", type=int, default=2000)
    parser.add_argument("--warm-up", type=int, default=5000, help="molecules that fill the tables beforehand")
    arguments = parser.parse_args()
    RDLogger.DisableLog("rdApp.*")
    warnings.simplefilter("ignore")
    mols = read_molecules(arguments.library, arguments.warm_up + arguments.molecules)
    warm_up, mols = mols[arguments.molecules :], mols[: arguments.molecules]
    for first in range(0, len(warm_up), 1000):
        chunk = warm_up[first : first + 1000]
        took = seconds(calculate.calculate_descriptors, chunk)[0] / len(chunk)
        print(f"warming up: {took * 1e6:.0f} µs per molecule")
    ours, rdkits, found, expected = measure(mols)
    differ = report_differences(found, expected)
    ours_each, rdkits_each = ours / len(mols) * 1e6, rdkits / len(mols) * 1e6
    print(f"µs per molecule: {ours_each:.0f} here, {rdkits_each:.0f} CalcMolDescriptors")
    print(f"ratio: {rdkits_each / ours_each:.2f}\n\n| block | µs per molecule |\n|---|---:|")
    for block, took in sorted(block_seconds(mols[:1000]).items(), key=lambda item: -item[1]):
        print(f"| {block} | {took / len(mols[:1000]) * 1e6:.0f} |")
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
