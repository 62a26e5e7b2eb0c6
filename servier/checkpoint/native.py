"""The native models of a checkpoint, from which it could be trained on: LightGBM's texts and Keras files."""

import re

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.file import Checkpoint, graph_name
from servier.checkpoint.metadata import COPY
from servier.checkpoint.target_columns import score_places
from servier.errors import CheckpointError

NETWORK, KERNEL = "model.keras", "kernel.keras"

_ARCHIVE = b"PK"
_SPLITS = re.compile(r"^split_feature=(.*)\nsplit_gain=(.*)$", re.MULTILINE)


def booster_name(score: int, booster: int) -> str:
    """Return the name of the entry that holds a booster of a raw score, both counted from 0."""
    return f"model_{score}_{booster}.txt"


def native_names(checkpoint: Checkpoint) -> list[str]:
    """Return the names of the entries that hold the native model."""
    rounds = checkpoint.metadata.training.rounds
    if checkpoint.model_name == "1":
        return [booster_name(score, i) for score, own in enumerate(rounds or []) for i in range(len(own))]
    return [NETWORK, KERNEL] if graph_name(1) in set(checkpoint.entries) else [NETWORK]


def split_gains(checkpoint: Checkpoint, target: int, n_features: int) -> NDArray[np.float64]:
    """Return the total gain in training of the splits on each feature, from LightGBM's model files.

    Parameters
    ----------
    checkpoint
        Of model 1.
    target, n_features
        The number of the target, of whose raw scores all boosters count, and how many features the model
        reads.

    Raises
    ------
    CheckpointError
        An entry is missing or damaged.
    """
    gains = np.zeros(n_features)
    place = score_places(checkpoint.targets)[target]
    scores = [place] if isinstance(place, int) else range(place.start, place.stop)
    for name in native_names(checkpoint):
        if name.startswith(tuple(f"model_{score}_" for score in scores)):
            gains += _gains_of_booster(checkpoint, name, n_features)
    return gains


def require_native(checkpoint: Checkpoint, name: str) -> str:
    """Require that an entry holds what its name says; return the text of a booster, and of a network none.

    Raises
    ------
    CheckpointError
        It is missing or damaged.
    """
    if name not in set(checkpoint.entries):
        raise CheckpointError(f"it has no entry {name}", path=checkpoint.path, hint=COPY)
    content = checkpoint.entries[name]
    try:
        text = "" if name in (NETWORK, KERNEL) else content.decode()
    except UnicodeDecodeError as error:
        raise _damaged(checkpoint, name) from error
    starts, ends = (_ARCHIVE, b"") if name in (NETWORK, KERNEL) else (b"tree\n", b"\nend of trees\n")
    if not content.startswith(starts) or ends not in content:
        raise _damaged(checkpoint, name)
    return text


def _gains_of_booster(checkpoint: Checkpoint, name: str, n_features: int) -> NDArray[np.float64]:
    gains = np.zeros(n_features)
    try:
        for columns, values in _SPLITS.findall(require_native(checkpoint, name)):
            np.add.at(gains, np.array(columns.split(), np.uint64), np.array(values.split(), np.float64))
    except (ValueError, IndexError, OverflowError) as error:
        raise _damaged(checkpoint, name) from error
    if not np.isfinite(gains).all():
        raise _damaged(checkpoint, name)
    return gains


def _damaged(checkpoint: Checkpoint, name: str) -> CheckpointError:
    return CheckpointError(f"entry {name} is damaged", path=checkpoint.path, hint=COPY)
