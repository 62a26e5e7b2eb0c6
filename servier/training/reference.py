"""Reference molecules, such as approved drugs, among which answers get a percentile."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.metadata import ReferenceFacts
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import map_scores
from servier.chem.levels import Level
from servier.chem.molecules import InvalidMolecule, Mol, parse_all
from servier.chem.smiles_text import digest_texts
from servier.errors import DataError
from servier.scoring.engines import Engine
from servier.tables import open_table, require_smiles_column

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReferenceMolecules:
    """Molecules among whose answers the answers for others get a percentile.

    Parameters
    ----------
    file
        The name of their table.
    digest
        A sha256 of their SMILES strings.
    mols
        The molecules that can be read.
    """

    file: str
    digest: str
    mols: list[Mol]

    def describe(self) -> ReferenceFacts:
        """Return the facts that the metadata of a checkpoint records."""
        return ReferenceFacts(self.file, self.digest, len(self.mols))

    def answer(self, engine: Engine, targets: list[Target]) -> NDArray[np.float64]:
        """Return the answers of a model for them, shape (n_mols, n_answers); NaN where it has none."""
        return map_scores(Target.to_rounded_answer, targets, engine(self.mols).values)


def read_reference(path: str | Path, level: Level) -> ReferenceMolecules:
    """Read the molecules of a table; what cannot be read is left out.

    Parameters
    ----------
    path
        The table.
    level
        How far they are standardized.

    Raises
    ------
    DataError
        The table cannot be used, or holds no readable molecule.
    """
    with open_table(path, as_unicode=True) as table:
        names = table.header.columns
        position = names.index(require_smiles_column(names, table.header.molecules))
        smiles = [str(record.fields[position] or "") for record in table if record.problem is None]
    mols = [mol for mol in parse_all(smiles, level=level) if not isinstance(mol, InvalidMolecule)]
    if not mols:
        raise DataError("no molecule can be read", path=path, hint="give --reference a table with SMILES")
    logger.info("%s reference molecules, %s rows left out", len(mols), len(smiles) - len(mols))
    return ReferenceMolecules(Path(path).name, digest_texts(smiles), mols)
