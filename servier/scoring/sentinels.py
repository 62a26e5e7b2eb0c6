"""Sentinels: molecules whose scores show whether a model still reads molecules as it did in training."""

from collections.abc import Iterator

import numpy as np

from servier.checkpoint.file import Checkpoint
from servier.checkpoint.metadata import COPY, Sentinel
from servier.chem.levels import Level
from servier.chem.molecules import parse_all
from servier.errors import CheckpointError
from servier.scoring.engines import Engine

SENTINELS = (
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "C[C@H](N)C(=O)N1CCC[C@H]1C(=O)O",
    "O=C([O-])c1ccc(cc1)S(=O)(=O)NCC[NH3+].Cl",
)
SENTINEL_TOLERANCE = 1e-4
MAX_SENTINELS = 100


def make_sentinels(engine: Engine, level: Level) -> list[Sentinel]:
    """Score the sentinel molecules, for the metadata of a checkpoint."""
    mols = parse_all(SENTINELS, level=level)
    scores = engine(mols).values.tolist()
    return [
        Sentinel(smiles, engine.digest(mol), values)
        for smiles, mol, values in zip(SENTINELS, mols, scores, strict=True)
    ]


def name_sentinels(checkpoint: Checkpoint) -> list[str]:
    """Return the SMILES of the sentinels of a checkpoint, and of those that it lacks."""
    own = [sentinel.smiles for sentinel in checkpoint.metadata.sentinels]
    return [*own, *(smiles for smiles in SENTINELS if smiles not in own)]


def find_other_scores(checkpoint: Checkpoint, engine: Engine) -> Iterator[tuple[str, str | None]]:
    """Score the sentinels of a checkpoint anew.

    Parameters
    ----------
    checkpoint, engine
        The checkpoint and its engine.

    Yields
    ------
    Of each molecule in `name_sentinels` the SMILES, and what is wrong, or None.
    """
    sentinels = checkpoint.metadata.sentinels
    mols = parse_all([sentinel.smiles for sentinel in sentinels], level=checkpoint.metadata.level)
    found = engine(mols).values
    for sentinel, scores in zip(sentinels, found, strict=True):
        if len(sentinel.scores) != len(scores):
            yield sentinel.smiles, "it does not have a score for each target"
            continue
        difference = float(np.abs(scores - sentinel.scores).max())
        is_equal = difference <= SENTINEL_TOLERANCE
        yield (
            sentinel.smiles,
            None if is_equal else f"its score differs by {difference:.2g} from that of training",
        )
    for smiles in name_sentinels(checkpoint)[len(sentinels) :]:
        yield smiles, "it is missing"


def require_sentinels(checkpoint: Checkpoint, engine: Engine) -> None:
    """Refuse a checkpoint that lacks sentinels, or does not reproduce their scores here.

    Raises
    ------
    CheckpointError
        It is one.
    """
    path = checkpoint.path
    own = [sentinel.smiles for sentinel in checkpoint.metadata.sentinels]
    if set(SENTINELS) - set(own) or len(own) > MAX_SENTINELS:
        raise CheckpointError("its sentinel molecules are not those of training", path=path, hint=COPY)
    if any(problem for _, problem in find_other_scores(checkpoint, engine)):
        from rdkit import __version__ as here

        there = checkpoint.metadata.versions.get("rdkit", "another version")
        problem = f"molecules read differently here (RDKit {here}) from where it was trained (RDKit {there})"
        raise CheckpointError(problem, path=path, hint="install that version, or train again")
