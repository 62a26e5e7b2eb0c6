"""Metadata of checkpoints that an earlier version of servier wrote."""

from typing import Any

from servier.chem.levels import Level

FORMAT_VERSION = 3
"""Version 2 had no standardization, and version 1 other names for some keys."""

_SINCE_VERSION_2 = {"views": "n_smiles", "members": "boosters"}
"""Keys of recipes and of what a model reads, by their names in format version 1."""


def update(document: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata of an earlier format would be in this one; any other as it is."""
    version = document.get("format_version")
    if type(version) is not int or version not in {1, 2}:
        return document
    if version == 1:
        training = document.get("training")
        document = document | {"input": _rename(document.get("input"))}
        if isinstance(training, dict):
            document["training"] = training | {"recipe": _rename(training.get("recipe"))}
    return document | {"format_version": FORMAT_VERSION, "standardization": str(Level.NONE)}


def _rename(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {_SINCE_VERSION_2.get(name, name): value for name, value in part.items()}
