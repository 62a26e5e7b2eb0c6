"""A random sample of the molecules of a table, drawn over the whole of it."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from servier.bulk.inputs import make_reader
from servier.bulk.options import Options
from servier.bulk.source import open_source
from servier.chem.smiles_text import digest_texts
from servier.errors import DataError
from servier.tables import STANDARD_STREAM


@dataclass(frozen=True)
class Sample:
    """Rows that were drawn from a table.

    Parameters
    ----------
    smiles
        Their SMILES strings, in the order of the table.
    n_rows
        How many rows the table has.
    """

    smiles: list[str]
    n_rows: int

    @property
    def digest(self) -> str:
        """A sha256 of the strings."""
        return digest_texts(self.smiles)


def draw_sample(path: str | Path, n: int, seed: int, options: Options) -> Sample:
    """Draw rows of a table at random, without looking at it twice or keeping more than the sample.

    Each row gets a random number, and those with the lowest stay. Rows without a SMILES string, and those
    that cannot be read, are left out.

    Parameters
    ----------
    path
        A table of any format.
    n, seed
        How many rows are drawn at most, and the seed.
    options
        Its column with the SMILES strings, and how its text is written.

    Raises
    ------
    DataError
        The table cannot be used, changes while it is read, or is stdin, which other steps cannot read again.
    """
    if str(path) == STANDARD_STREAM:
        raise DataError("stdin cannot be sampled", hint="give a file")
    rng, limit, n_rows = np.random.default_rng(seed), 1.0, 0
    drawn: list[tuple[float, int, str]] = []
    with open_source(Path(path), options.dialect) as source, source.watch.watching():
        reader = make_reader(source, Path("sample.csv"), options)
        for block in reader.blocks(range(sys.maxsize)):
            keys = rng.random(len(block.items))
            for i in np.flatnonzero(keys < limit).tolist():
                smiles, problem = block.items[i]
                if smiles and problem is None:
                    drawn.append((float(keys[i]), n_rows + i, smiles))
            n_rows += len(block.items)
            if len(drawn) >= 2 * n:
                drawn = sorted(drawn)[:n]
                limit = drawn[-1][0]
    chosen = sorted(sorted(drawn)[:n], key=lambda row: row[1])
    return Sample([smiles for _, _, smiles in chosen], n_rows)
