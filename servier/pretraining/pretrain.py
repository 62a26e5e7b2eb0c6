"""An encoder of SMILES strings that learns what RDKit computes: no label is needed, so none can leak."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from servier.checkpoint.versions import installed_versions
from servier.errors import DataError, EndedError
from servier.models.encoder import encode_encoder
from servier.pretraining.examples import ExampleWork, read_smiles, write_shards
from servier.pretraining.options import PretrainingOptions
from servier.pretraining.run import PretrainingRun
from servier.tables import write_whole

__all__ = ["PretrainingOptions", "pretrain"]

logger = logging.getLogger(__name__)

PACKAGES = ("rdkit", "numpy", "tensorflow-cpu", "tensorflow", "keras")


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
    """Train an encoder on a library of molecules, or continue its training.

    The state is saved in the working directory about once a minute. After an interruption, or when the time
    is up, the same call continues from there.

    Parameters
    ----------
    library, smiles_column
        A table of molecules, of any format, and its column with the SMILES strings; None to detect it.
    output
        The encoder file; written when all epochs are done.
    work_dir, options
        The folder for computed properties and the state of the training, and how to train.
    note
        A text to keep in the file, such as the licence of the library.
    workers
        The number of processes that compute properties, and of cores that train.
    minutes
        The time after which to stop for now; None to train until the end.

    Returns
    -------
    Whether the encoder is complete.

    Raises
    ------
    DataError
        The library cannot be read, or the working directory belongs to other molecules or options.
    """
    stop = time.monotonic() + 60 * minutes if minutes else float("inf")
    folder = _make_folder(Path(work_dir))
    smiles = read_smiles(library, smiles_column, options.seed, options.molecules)
    digest = hashlib.sha256("\n".join(sorted(smiles)).encode()).hexdigest()
    with _saying_how_to_go_on(folder):
        run = _open_run(smiles, digest, folder, options, workers, stop)
        if run is None or not run.go_on(stop):
            return False
    source = {"file": Path(library).name, "digest": digest, "molecules": run.n_molecules}
    _write_encoder(run, source, note, output)
    return True


@contextmanager
def _saying_how_to_go_on(folder: Path) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, EndedError) as end:
        end.add_note(f"Run the same command again to continue; {folder} has what was done.")
        raise


def _make_folder(path: Path) -> Path:
    """Make the working directory, and see that it can be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            return path
    except OSError as error:
        hint = "name another folder with --work_dir"
        raise DataError(f"cannot write here: {error.strerror}", path=path, hint=hint) from error


def _open_run(
    smiles: Sequence[str], digest: str, folder: Path, options: PretrainingOptions, workers: int, stop: float
) -> PretrainingRun | None:
    """Compute the examples and open the run in its folder; return None where the time did not suffice."""
    _check_identity(folder / "identity.json", {"library": digest, **asdict(options)})
    paths = _write_examples(smiles, folder, ExampleWork(options.n_smiles, options.seed), workers, stop)
    return None if paths is None else PretrainingRun(paths, folder / "state.npz", options, workers)


def _write_encoder(run: PretrainingRun, source: dict[str, Any], note: str, output: str | Path) -> None:
    """Write the encoder of a complete run, with the library that it comes from and a note."""
    metadata = {
        **run.describe(),
        "library": source,
        "note": note,
        "versions": installed_versions(*PACKAGES),
    }
    with write_whole(output) as temporary:
        temporary.write_bytes(encode_encoder(metadata, run.weights()))


def _check_identity(path: Path, identity: dict[str, Any]) -> None:
    """Refuse a working directory that belongs to another run."""
    if not path.exists():
        with write_whole(path) as temporary:
            temporary.write_text(json.dumps(identity), encoding="utf-8")
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    for name, value in identity.items():
        if before.get(name) != value:
            problem = f"begun with another {name}: {before.get(name)!r}, now {value!r}"
            raise DataError(problem, path=path.parent, hint="give another --work_dir, or remove this one")


def _write_examples(
    smiles: Sequence[str], folder: Path, work: ExampleWork, workers: int, stop: float
) -> list[Path] | None:
    """Compute the examples; return None if time runs out."""
    paths = []
    for path, n_done in write_shards(smiles, folder, work, workers):
        paths.append(path)
        logger.info("properties of %s of %s molecules", f"{n_done:,}", f"{len(smiles):,}")
        if time.monotonic() > stop and n_done < len(smiles):
            return None
    return paths
