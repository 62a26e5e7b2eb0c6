"""Recipe files: what `train --config` reads."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servier.errors import RecipeError

SETTINGS = ("preset", "split", "test_fraction", "seed")


@dataclass(frozen=True)
class RecipeFile:
    """A recipe file.

    Parameters
    ----------
    settings
        Defaults for options of the command line.
    recipe
        Fields of the model's recipe.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)


def read_recipe(path: str | Path, model_name: str) -> RecipeFile:
    """Read a recipe file, in YAML.

    Parameters
    ----------
    path
        The file.
    model_name
        `1` or `2`; the file's own `model_name` must be the same.

    Raises
    ------
    RecipeError
        The file is absent or no YAML, or has a key that does not exist.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            "cannot read this recipe as YAML", path=path, mend=str(error).split("\n")[0]
        ) from error
    if not isinstance(content, dict):
        raise RecipeError("a recipe is a mapping of names to values", path=path)
    if str(content.pop("model_name", model_name)) != model_name:
        raise RecipeError(f"this is not a recipe for model {model_name}", path=path)
    known = _recipe_fields(model_name)
    unknown = [key for key in content if key not in known and key not in SETTINGS]
    if unknown:
        mend = f"known are {', '.join((*SETTINGS, *known))}"
        raise RecipeError(f"unknown key {unknown[0]!r}", path=path, mend=mend)
    settings = {key: content.pop(key) for key in SETTINGS if key in content}
    return RecipeFile(settings, content)


def _recipe_fields(model_name: str) -> list[str]:
    if model_name == "1":
        from servier.models.lightgbm import Recipe
    else:
        from servier.models.smiles_network import Recipe  # type: ignore[assignment]
    return list(Recipe.__dataclass_fields__)
