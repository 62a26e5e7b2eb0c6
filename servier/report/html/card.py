"""Model cards: what a model is and what it is good for, as a page.

References
----------
Mitchell et al., Model cards for model reporting, FAT* 2019, doi:10.1145/3287560.3287596.
"""

from pathlib import Path
from typing import Any

import numpy as np

from servier.checkpoint.file import Checkpoint
from servier.chem.molecules import MAX_ATOMS
from servier.data.labels import describe_labels
from servier.report.html.pages import render_page
from servier.report.text import describe_input, describe_stereo, describe_teachers
from servier.tables import write_whole


def write_card(checkpoint: Checkpoint, path: str | Path) -> None:
    """Write the model card of a checkpoint to a file."""
    page = render_card(checkpoint)
    with write_whole(path) as temporary:
        temporary.write_bytes(page)


def render_card(checkpoint: Checkpoint) -> bytes:
    """Return the model card of a checkpoint, a page."""
    metadata = checkpoint.metadata
    return render_page(
        "card",
        name=Path(checkpoint.path or "").name,
        model_name=checkpoint.model_name,
        digest=checkpoint.digest,
        targets=checkpoint.targets,
        metrics=metadata.metrics,
        dataset=metadata.dataset,
        domain=metadata.domain,
        sentinels=metadata.sentinels,
        entries=metadata.sha256,
        training=describe_training(checkpoint),
        recipe={name: _in_words(value) for name, value in metadata.training.recipe.items()},
        max_atoms=MAX_ATOMS,
        distillation=metadata.distillation,
    )


def describe_training(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how a model was trained: facts by name, and the distribution of labels by target."""
    metadata = checkpoint.metadata
    rows, split, rules = metadata.dataset, metadata.split, metadata.duplicates
    preset = f", preset {metadata.preset}" if metadata.preset else ""
    column = f", column {split.column}" if split.column else ""
    arrays = checkpoint.reference
    labels, relations = arrays.train_y.astype(np.float64), arrays.train_relations
    versions = sorted(metadata.versions.items())
    weights = {} if rows.weights is None else {"weights of rows": rows.weights.in_words}
    taught = metadata.distillation
    teachers = {} if taught is None else {"student of": describe_teachers(taught)}
    return {
        "facts": {
            "model": f"{checkpoint.model_name}{preset}",
            **teachers,
            "input": describe_input(checkpoint),
            "table": rows.file,
            "table digest": rows.digest,
            "molecules for training": f"{rows.train_rows:,}",
            "rows held out for testing": f"{rows.test_rows:,}",
            "rows left out": f"{rows.left_out:,} (unreadable or without a label)",
            "duplicates": f"{rows.duplicates:,} rows merged (same molecule: {rules.same_molecule}), "
            f"{rows.conflicts:,} molecules with conflicting labels (conflicts: {rules.conflicts})",
            **weights,
            "standardization of molecules": metadata.standardization,
            "stereochemistry": describe_stereo(checkpoint),
            "split": f"{split.strategy}{column}",
            "seed": str(metadata.seed),
            "trained with": ", ".join(f"{name} {found}" for name, found in versions),
        },
        "labels": {
            target.name: describe_labels(
                labels[:, i], None if relations is None else relations[:, i], target.classes
            )
            for i, target in enumerate(checkpoint.targets)
        },
    }


def _in_words(value: Any) -> str:
    """Return a setting of a recipe as text; it may be a list or a mapping."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items()) or "default"
    if isinstance(value, list):
        return "; ".join(map(_in_words, value))
    return str(value)
