"""The examples of pre-training: randomized SMILES of molecules, with properties that RDKit computes."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.chem.molecules import InvalidMolecule, parse_smiles
from servier.chem.spelling import augmented_smiles
from servier.errors import DataError
from servier.features.feature_set import FeatureSet
from servier.processes.ordered_map import ordered_map
from servier.tables import open_table, require_smiles_column, write_whole

SHARD_ROWS = 8192
CHUNK_ROWS = 256
MIN_SHARDS = 10
MIN_ROWS = 500
MAX_ATOMS = 100
MAX_LENGTH = 200
DESCRIPTORS = [{"kind": "descriptors_2d"}]
FINGERPRINT = [{"kind": "morgan_count", "radius": 2, "fp_size": 1024}]


@dataclass(frozen=True)
class Examples:
    """Molecules to learn from, with their properties.

    Parameters
    ----------
    smiles
        Several SMILES of each molecule: the canonical one, then randomized ones.
    descriptors
        float32, shape (n_rows, 217): RDKit's descriptors.
    bits
        uint8, shape (n_rows, 128): 1,024 Morgan fingerprint bits, packed.
    """

    smiles: list[list[str]]
    descriptors: NDArray[np.float32]
    bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.smiles)

    def save(self, path: Path) -> None:
        """Write the examples to a file, whole or not at all."""
        text = "\n".join("\t".join(written) for written in self.smiles)
        smiles = np.frombuffer(text.encode(), np.uint8)
        write_arrays(path, {"smiles": smiles, "descriptors": self.descriptors, "bits": self.bits})

    @staticmethod
    def count(path: Path) -> int:
        """Return the number of molecules in a file."""
        with np.load(path, allow_pickle=False) as arrays:
            return len(arrays["bits"])

    @classmethod
    def load(cls, path: Path) -> "Examples":
        """Read the examples of a file."""
        with np.load(path, allow_pickle=False) as arrays:
            text = arrays["smiles"].tobytes().decode()
            smiles = [line.split("\t") for line in text.split("\n")]
            return cls(smiles, arrays["descriptors"], arrays["bits"])


@dataclass(frozen=True)
class ExampleWork:
    """Examples of chunks of SMILES strings, for worker processes.

    Parameters
    ----------
    n_smiles, seed
        The number of randomized SMILES of each molecule, and their seed.
    """

    n_smiles: int
    seed: int

    def prepare(self) -> Callable[[Sequence[str]], Examples]:
        """Build the feature sets."""
        descriptors, fingerprint = FeatureSet(DESCRIPTORS), FeatureSet(FINGERPRINT)

        def compute(smiles: Sequence[str]) -> Examples:
            parsed = [parse_smiles(text, MAX_ATOMS) for text in smiles]
            mols = [mol for mol in parsed if not isinstance(mol, InvalidMolecule)]
            written = [augmented_smiles(mol, self.n_smiles + 1, self.seed) for mol in mols]
            computed = descriptors(mols)
            rows = [
                row
                for row, (problem, texts) in enumerate(zip(computed.problems, written, strict=True))
                if problem is None and max(map(len, texts)) <= MAX_LENGTH
            ]
            bits = np.packbits(fingerprint(mols).X[rows] > 0, axis=1)
            return Examples([written[row] for row in rows], computed.X[rows], bits)

        return compute

    def give_up(self, item: str, status: str, reason: str) -> Examples:  # noqa: ARG002 - as `Work` has it
        """Leave the molecule out."""
        return self.join([])

    def join(self, answers: list[Examples]) -> Examples:
        """Concatenate examples."""
        empty = Examples(
            [], np.zeros((0, len(FeatureSet(DESCRIPTORS))), np.float32), np.zeros((0, 128), np.uint8)
        )
        parts = [empty, *answers]
        return Examples(
            [written for part in parts for written in part.smiles],
            np.concatenate([part.descriptors for part in parts]),
            np.concatenate([part.bits for part in parts]),
        )


def some_smiles(parts: Sequence[Examples], n: int = 3) -> Iterator[str]:
    """Yield the canonical SMILES of each molecule and the first of its randomized ones, `n` in all."""
    return (smiles for part in parts for written in part.smiles for smiles in written[:n])


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to a file, which is whole on disk before it replaces another of this name."""
    with write_whole(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())


def read_smiles(path: str | Path, column: str | None, seed: int, n_molecules: int = 0) -> list[str]:
    """Read the SMILES strings of a table in random order, `n_molecules` of them or, with 0, all.

    Raises
    ------
    DataError
        The table cannot be read, or has too few rows.
    """
    with open_table(path, as_unicode=True) as table:
        names = table.header.columns
        position = names.index(require_smiles_column(names, column or table.header.molecules))
        smiles = [str(record.fields[position] or "") for record in table if record.problem is None]
    if len(smiles) < MIN_ROWS:
        raise DataError(f"{len(smiles)} molecules are too few to learn from", path=path)
    order = np.random.default_rng(seed).permutation(len(smiles))
    return [smiles[i] for i in order[: n_molecules or None]]


def write_shards(
    smiles: Sequence[str], folder: Path, work: ExampleWork, workers: int
) -> Iterator[tuple[Path, int]]:
    """Compute the examples of all molecules, in at least ten files; existing files are kept.

    Yields
    ------
    Each file, and the number of molecules done so far.
    """
    n_rows = min(SHARD_ROWS, -(-len(smiles) // MIN_SHARDS))
    starts = range(0, len(smiles), n_rows)
    paths = [folder / f"examples_{number:05d}.npz" for number in range(len(starts))]
    missing = [start for path, start in zip(paths, starts, strict=True) if not path.exists()]
    chunks = (chunk for start in missing for chunk in _chunks(smiles[start : start + n_rows]))
    answers = ordered_map(work, chunks, workers) if missing else iter(())
    for path, start in zip(paths, starts, strict=True):
        rows = smiles[start : start + n_rows]
        if not path.exists():
            work.join(list(islice(answers, len(_chunks(rows))))).save(path)
        yield path, start + len(rows)


def _chunks(smiles: Sequence[str]) -> list[Sequence[str]]:
    return [smiles[start : start + CHUNK_ROWS] for start in range(0, len(smiles), CHUNK_ROWS)]
