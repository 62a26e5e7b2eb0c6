"""Recipe files: what `--config` reads."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from servier.checkpoint.documents import OPTIONAL, read_document, show
from servier.chem.levels import Level, Stereo
from servier.data.duplicates import CONFLICTS, IDENTITIES
from servier.data.folds import STRATEGIES
from servier.errors import RecipeError
from servier.features.registry import PRESETS
from servier.models import boosting_recipe, fine_tuning_recipe
from servier.models.architecture import make_architecture
from servier.models.boosting_parameters import check_booster, check_parameters
from servier.scoring.inputs import MAX_SMILES
from servier.training.options import Options

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Recipe = boosting_recipe.Recipe | fine_tuning_recipe.Recipe
OptionsT = TypeVar("OptionsT", bound="DataclassInstance")

MINIMA: dict[str, float] = {
    "folds": 2,
    "max_rounds": 1,
    "repeats": 1,
    "epochs": 1,
    "batch_size": 1,
    "n_smiles": 1,
}
MAXIMA: dict[str, float] = {
    "folds": 100,
    "max_rounds": 100_000,
    "patience": 100_000,
    "boosters": 100,
    "repeats": 100,
    "epochs": 10_000,
    "batch_size": 65_536,
    "learning_rate": 1,
    "weight_decay": 1,
    "dropout": 0.99,
    "kernel_rows": 100_000,
    "n_smiles": MAX_SMILES,
}
"""The least and the greatest value of settings; of lists also the greatest length."""
_ALLOWED = "allowed"
KINDS: dict[type, str] = {dict: "mapping", str: "name"}


def _one_of(allowed: Iterable[str]) -> Any:
    """Declare a setting that is one of a few words."""
    return field(default=None, metadata={**OPTIONAL, _ALLOWED: tuple(allowed)})


def _like(default: float) -> Any:
    """Declare a setting that is a number of the same kind as its default."""
    return field(default=None, metadata={**OPTIONAL, _ALLOWED: default})


@dataclass(frozen=True)
class Settings:
    """Options of the command line that a recipe may set too; None where it does not say.

    Parameters
    ----------
    preset, split, test_fraction, same_molecule, conflicts, standardization, stereo, seed
        As in `servier.training.options.Options`.
    """

    preset: str | None = _one_of(PRESETS)
    split: str | None = _one_of(STRATEGIES)
    test_fraction: float | None = _like(Options.test_fraction)
    same_molecule: str | None = _one_of(IDENTITIES)
    conflicts: str | None = _one_of(CONFLICTS)
    standardization: str | None = _one_of(Level)
    stereo: str | None = _one_of(Stereo)
    seed: int | None = _like(Options.seed)


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

    settings: Settings = Settings()
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
    content = _read_mapping(path)
    if str(content.pop("model_name", model_name)) != model_name:
        raise RecipeError(
            f"this is not a recipe for model {model_name}", path=path, hint="give the other --model_name"
        )
    return sort_settings(content, model_name, path)


def sort_settings(content: dict[str, Any], model_name: str, path: str | Path | None) -> RecipeFile:
    """Check the options and the fields of a recipe, and part the ones from the others.

    Parameters
    ----------
    content
        Both, by their names.
    model_name
        `1` or `2`.
    path
        Where they come from, for messages.

    Raises
    ------
    RecipeError
        A key does not exist, or a value cannot be used.
    """
    settings = {setting.name: setting.metadata[_ALLOWED] for setting in fields(Settings)}
    content = _check_fields(path, content, _recipe_fields(model_name), tuple(settings))
    for key, allowed in settings.items():
        if key in content:
            _check_setting(path, key, content[key], allowed)
    recipe = {key: value for key, value in content.items() if key not in settings}
    return RecipeFile(read_document(Settings, content), recipe)


def make_recipe(options: Options, changes: Mapping[str, Any], path: str | Path | None = None) -> Recipe:
    """Return the default recipe of a model, with other values in some fields.

    Parameters
    ----------
    options
        The model, and the preset of model 1.
    changes
        The values that differ, by the names of the fields.
    path
        Where they come from, for messages.

    Raises
    ------
    RecipeError
        There is no field of that name.
    """
    default: Recipe = fine_tuning_recipe.Recipe()
    if options.model_name == "1":
        default = boosting_recipe.PRESETS[options.preset]
    known = [known.name for known in fields(default)]
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise RecipeError(f"unknown key {unknown[0]!r}", path=path, hint=f"known are {', '.join(known)}")
    return replace(default, **changes)


def read_options(path: str | Path, defaults: OptionsT) -> OptionsT:
    """Read a file of settings, in YAML, into a dataclass.

    Parameters
    ----------
    path
        The file.
    defaults
        The dataclass, with what holds where the file does not say.

    Raises
    ------
    RecipeError
        The file is absent or no YAML, or has a key that does not exist.
    """
    return replace(defaults, **_check_fields(path, _read_mapping(path), asdict(defaults), ()))


def _read_mapping(path: str | Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"cannot read this recipe: {error.strerror}", path=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(
            "cannot read this recipe as YAML", path=path, hint=str(error).split("\n")[0]
        ) from error
    if not isinstance(content, dict):
        raise RecipeError("a recipe is a mapping of names to values", path=path)
    return content


def _check_fields(
    path: str | Path | None, content: dict[str, Any], known: dict[str, Any], settings: tuple[str, ...]
) -> dict[str, Any]:
    unknown = [key for key in content if key not in known and key not in settings]
    if unknown:
        hint = f"known are {', '.join((*settings, *known))}"
        raise RecipeError(f"unknown key {unknown[0]!r}", path=path, hint=hint)
    for key, default in known.items():
        _check_value(path, key, content.get(key, default), default)
    _check_parts(path, content)
    return content


def _check_parts(path: str | Path | None, content: dict[str, Any]) -> None:
    try:
        make_architecture(content.get("architecture", {}))
        check_parameters(content.get("parameters", {}))
        for own in content.get("boosters", []):
            check_booster(own)
    except RecipeError as error:
        raise RecipeError(error.problem, path=path, hint=error.hint) from error


def _check_setting(path: str | Path | None, key: str, value: Any, allowed: tuple[str, ...] | float) -> None:
    if not isinstance(allowed, tuple):
        _check_value(path, key, value, allowed)
    elif value not in allowed:
        raise RecipeError(f"{key} is {value!r}", path=path, hint=f"known are {', '.join(allowed)}")


def _check_value(path: str | Path | None, key: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the default, or one that trains nothing."""
    if not _is_like(value, default):
        problem = f"{key} is {show(value)}, not a {_name_kind(default)}"
        raise RecipeError(problem, path=path, hint=f"the default is {default!r}")
    least, most = MINIMA.get(key, 0), MAXIMA.get(key, math.inf)
    numbers = [*value, len(value)] if isinstance(value, list) else [value]
    numbers = [number for number in numbers if isinstance(number, (int, float))]
    if not all(number >= least for number in numbers):
        raise RecipeError(f"{key} is {show(value)}, the least is {least}", path=path)
    if not all(number <= most for number in numbers):
        raise RecipeError(f"{key} is {show(value)}, the most is {most:g}", path=path)


def _is_like(value: Any, default: Any) -> bool:
    if isinstance(default, list):
        is_filled = isinstance(value, list) and bool(value)
        return is_filled and all(_is_like(entry, default[0]) for entry in value)
    kinds = (int, float) if isinstance(default, float) else type(default)
    return isinstance(value, kinds) and not isinstance(value, bool)


def _name_kind(default: Any) -> str:
    if isinstance(default, list):
        return f"list of {_name_kind(default[0])}s"
    return next((name for kind, name in KINDS.items() if isinstance(default, kind)), "number")


def _recipe_fields(model_name: str) -> dict[str, Any]:
    """Return the fields of a model's recipe with their defaults."""
    return asdict(boosting_recipe.Recipe() if model_name == "1" else fine_tuning_recipe.Recipe())
