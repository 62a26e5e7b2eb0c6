"""An encoder of SMILES strings that learns what RDKit computes: no label is needed, so none can leak."""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from servier import __version__
from servier.errors import DataError
from servier.models.encoder import encode_encoder
from servier.pretraining.examples import ExampleWork, read_smiles, write_shards
from servier.pretraining.options import PretrainingOptions
from servier.pretraining.run import PretrainingRun
from servier.tables import write_whole

__all__ = ["PretrainingOptions", "pretrain"]

logger = logging.getLogger(__name__)

PACKAGES = ("rdkit", "numpy", "tensorflow-cpu", "keras")


def pretrain(
    library: str | Path,
    output: str | Path,
    work_dir: str | Path,
    options: PretrainingOptions,
    smiles_column: str | None = None,
    note: str = "",
    workers: int = 1,
    minutes: float | None = None,
) -> bool:
    """Train an encoder on a library of molecules, or go on training it.

    What is reached is saved in the working directory about once a minute; after an interruption, or when the
    minutes are over, the same call goes on from there.

    Parameters
    ----------
    library
        A table of molecules, of any format.
    output
        The encoder file; written when all epochs are done.
    work_dir
        For the computed properties and the state of the training.
    options
        How to train.
    smiles_column
        None to detect it.
    note
        A licence note, or whatever else should stand in the file.
    workers
        Number of processes that compute properties, then of cores that train.
    minutes
        When to stop for now; None for: when all is done.

    Returns
    -------
    Whether the encoder is complete.

    Raises
    ------
    DataError
        The library cannot be read, or the working directory belongs to other molecules or options.
    """
    stop = time.monotonic() + 60 * minutes if minutes else float("inf")
    folder = Path(work_dir)
    folder.mkdir(parents=True, exist_ok=True)
    smiles = read_smiles(library, smiles_column, options.seed, options.molecules)
    digest = hashlib.sha256("\n".join(sorted(smiles)).encode()).hexdigest()
    _check_identity(folder / "identity.json", {"library": digest, **asdict(options)})
    paths = _write_examples(smiles, folder, ExampleWork(options.n_smiles, options.seed), workers, stop)
    if paths is None:
        return False
    run = PretrainingRun(paths, folder / "state.npz", options, workers)
    if not run.go_on(stop):
        return False
    metadata = {
        **run.describe(),
        "library": {"file": Path(library).name, "digest": digest, "molecules": run.n_molecules},
        "note": note,
        "versions": {"servier": __version__, **{package: version(package) for package in PACKAGES}},
    }
    with write_whole(output) as temporary:
        temporary.write_bytes(encode_encoder(metadata, run.weights()))
    return True


def _check_identity(path: Path, identity: dict[str, Any]) -> None:
    """Refuse a working directory that belongs to something else."""
    if not path.exists():
        path.write_text(json.dumps(identity), encoding="utf-8")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in identity.items():
        if before.get(name) != value:
            problem = f"begun with another {name}: {before.get(name)!r}, now {value!r}"
            raise DataError(problem, path=path.parent, hint="give another --work_dir, or remove this one")


def _write_examples(
    smiles: Sequence[str], folder: Path, work: ExampleWork, workers: int, stop: float
) -> list[Path] | None:
    """Compute what is to be learnt; return None where the time did not suffice."""
    paths = []
    for path, n_done in write_shards(smiles, folder, work, workers):
        paths.append(path)
        logger.info("properties of %s of %s molecules", f"{n_done:,}", f"{len(smiles):,}")
        if time.monotonic() > stop and n_done < len(smiles):
            return None
    return paths
