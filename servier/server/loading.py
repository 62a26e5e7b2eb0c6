"""The models that are served: read completely, verified, and kept in memory."""

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from servier.checkpoint.file import Checkpoint, graph_name, open_checkpoint
from servier.checkpoint.metadata import COPY
from servier.checkpoint.reference import REFERENCE
from servier.checkpoint.signatures import TrustedKeys
from servier.checkpoint.target import Target
from servier.chem.levels import Level
from servier.errors import CheckpointError, ServierError
from servier.report.html.card import render_card
from servier.scoring.consensus import join_levels, join_targets, open_domains, open_ranks
from servier.scoring.inputs import any_reads_stereo
from servier.scoring.spreads import Forms, require_unlike_forms
from servier.scoring.verification import require_intact
from servier.server.questions import CONFIDENCE, CONSENSUS

logger = logging.getLogger(__name__)

MODEL_NAMES = ("1", "2")
MAX_REASON = 300


@dataclass(frozen=True)
class Models:
    """Verified models by name.

    Parameters
    ----------
    checkpoints
        The checkpoints that are served, of models `1` and `2`.
    problems
        Why a model is not served, or why an earlier version is still served.
    cards
        The model cards, as pages.
    """

    checkpoints: Mapping[str, Checkpoint]
    problems: Mapping[str, str] = field(default_factory=dict)
    cards: Mapping[str, bytes] = field(default_factory=dict)

    @cached_property
    def parts(self) -> dict[str, list[str]]:
        """The checkpoints of each model name; `consensus` exists if both have the same targets."""
        found = {name: [name] for name in self.checkpoints}
        if len(found) == len(MODEL_NAMES) and CONSENSUS not in self.problems:
            found[CONSENSUS] = list(MODEL_NAMES)
        return found

    def select(self, name: str) -> list[Checkpoint]:
        """Return the checkpoints of a model name."""
        return [self.checkpoints[part] for part in self.parts[name]]

    def level(self, name: str) -> Level:
        """Return how far a model standardizes molecules."""
        return join_levels(self.select(name))

    def targets(self, name: str) -> list[Target]:
        """Return the targets of a model."""
        return join_targets(self.select(name))

    def require_forms(self, name: str, forms: Forms) -> None:
        """Refuse to give answers for forms that a model does not tell apart.

        Raises
        ------
        CheckpointError
            It has one answer for all of them.
        """
        reads_stereo = any_reads_stereo(self.select(name))
        require_unlike_forms(forms, self.level(name), reads_stereo=reads_stereo)

    def label_range(self, name: str, target: str) -> tuple[float, float]:
        """Return the lowest and the highest label of a target in training."""
        column = [known.name for known in self.targets(name)].index(target)
        labels = [checkpoint.reference.train_y[:, column] for checkpoint in self.select(name)]
        return float(min(map(np.nanmin, labels))), float(max(map(np.nanmax, labels)))

    def digests(self, name: str) -> dict[str, str]:
        """Return the sha256 of each checkpoint of a model."""
        return {checkpoint.model_name: checkpoint.digest for checkpoint in self.select(name)}

    def describe(self) -> dict[str, Any]:
        """Return the models that are served, and the problems of those that are not."""
        served = [
            {
                "model_name": name,
                "checkpoints": self.digests(name),
                "targets": [
                    {"name": t.name, "task": t.task, "threshold": t.threshold, "unit": t.unit}
                    | ({"classes": t.classes} if t.has_classes else {})
                    for t in self.targets(name)
                ],
                "has_percentiles": open_ranks(self.select(name)) is not None,
                "cards": [f"/models/{part}/card" for part in self.digests(name)],
            }
            for name in self.parts
        ]
        missing = [{"model_name": name, "problem": problem} for name, problem in self.problems.items()]
        return {"success": True, "models": served, "problems": missing, "confidence": float(CONFIDENCE)}


def load_models(
    models_dir: str | Path,
    before: Models | None = None,
    required: Collection[str] = (),
    keys: TrustedKeys | None = None,
) -> Models:
    """Read and verify `model_1.servier` and `model_2.servier` of a directory, and log their problems.

    Parameters
    ----------
    models_dir
        The directory.
    before
        The models that were served until now. If a file is damaged, the earlier model is still served; if it
        is gone, the model is not served any more.
    required
        The names of models that must be served.
    keys
        Those of which one must have signed a checkpoint; None where it need not be signed.

    Raises
    ------
    ServierError
        No model can be served, or not one that must be.
    """
    checkpoints, cards, problems = {}, {}, {}
    for name in MODEL_NAMES:
        path = Path(models_dir) / f"model_{name}.servier"
        try:
            checkpoints[name], cards[name] = _read(path, name, keys)
        except CheckpointError as error:
            problems[name] = error.problem
            if before is not None and name in before.checkpoints and not _is_gone(path):
                checkpoints[name], cards[name] = before.checkpoints[name], before.cards[name]
                logger.warning("model %s is unchanged: %s", name, error)
                continue
            logger.warning("model %s is not served: %s", name, error)
        else:
            logger.info("model %s is loaded, digest %s", name, checkpoints[name].digest)
    if len(checkpoints) == len(MODEL_NAMES):
        try:
            _join(list(checkpoints.values()), Path(models_dir))
        except CheckpointError as error:
            problems[CONSENSUS] = error.problem
            logger.warning("consensus is not served: %s", error.problem)
    models = Models(checkpoints, problems, cards)
    _require(models, required, models_dir)
    return models


def _is_gone(path: Path) -> bool:
    """Say whether there is no such file; where nobody can tell, it has not gone."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _require(models: Models, names: Collection[str], models_dir: str | Path) -> None:
    if not models.checkpoints:
        hint = "train one with: servier train, or name another --models_dir"
        raise ServierError("no model can be served", path=models_dir, hint=hint)
    for name in names:
        if name not in models.parts:
            shown = name if name == CONSENSUS else f"model {name}"
            hint = "mend it, or start without --require_model"
            raise ServierError(f"{shown} cannot be served", path=models_dir, hint=hint)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a checkpoint into an error about it, so that it costs only itself.

    A checkpoint may come from anywhere, and many packages read it.
    """
    try:
        yield
    except CheckpointError:
        raise
    except ServierError as error:
        raise CheckpointError(error.problem, path=path, hint=error.hint) from error
    except Exception as error:
        said = getattr(error, "strerror", None) or str(error)
        words = "".join(c if c.isprintable() else " " for c in said.replace(str(path), path.name)).split()
        reason = " ".join([f"{type(error).__name__}:", *words])[:MAX_REASON].removesuffix(":")
        raise CheckpointError(f"it cannot be loaded: {reason}", path=path, hint=COPY) from error


def _read(path: Path, name: str, keys: TrustedKeys | None) -> tuple[Checkpoint, bytes]:
    """Read a checkpoint as it will be used; return what is kept of it, and its card.

    All entries are read, which compares their digests, and the sentinels are scored. What answers say beside
    the score, and what `/models` says of the targets, is made once here.
    """
    with _naming(path):
        opened = open_checkpoint(path, name).load()
        if keys is not None:
            keys.require(opened)
        needed = {graph_name(i) for i in range(len(opened.graphs))} | {REFERENCE}
        require_intact(opened)
        card = render_card(opened)
        kept = {entry: opened.entries[entry] for entry in sorted(needed)}
        checkpoint = replace(opened, entries=kept, path=path.name)
        models = Models({name: checkpoint})
        models.describe()
        for target in checkpoint.targets:
            models.label_range(name, target.name)
        return checkpoint, card


def _join(checkpoints: list[Checkpoint], models_dir: Path) -> None:
    """Make what the mean of two models needs, once."""
    with _naming(models_dir):
        join_targets(checkpoints)
        join_levels(checkpoints)
        open_domains(checkpoints)
        open_ranks(checkpoints)
