from dataclasses import asdict, fields, replace
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest

from servier.errors import RecipeError
from servier.models import fine_tuning_recipe
from servier.models.architecture import Architecture, make_architecture
from servier.pretraining.options import PretrainingOptions
from servier.training.options import Options
from servier.training.recipes import RecipeFile, Settings, make_recipe, read_options, read_recipe

CONFIG = Path(__file__).parents[2] / "config"


def test_settings_and_recipe_are_told_apart(tmp_path):
    """Options of the command go one way, fields of the recipe another."""
    path = tmp_path / "r.yaml"
    path.write_text("model_name: 1\npreset: fast\nseed: 3\nfolds: 4\n")
    found = read_recipe(path, "1")
    assert (found.settings, found.recipe) == (Settings(preset="fast", seed=3), {"folds": 4})


def test_settings_are_options_of_training():
    """A recipe sets what the training functions know, under the same name and with the same type."""
    known = get_type_hints(Options)
    for name, kind in get_type_hints(Settings).items():
        assert kind == known[name] | None


@pytest.mark.parametrize("setting", fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_is_checked(tmp_path, setting):
    """Each setting has its own field, and one that is not allowed is refused by its name."""
    path = tmp_path / "r.yaml"
    value = 0.1 if setting.name == "test_fraction" else 3 if setting.name == "seed" else None
    if value is None:
        path.write_text(f"{setting.name}: nonsense\n")
        with pytest.raises(RecipeError, match=f"{setting.name} is 'nonsense'; known are ") as caught:
            read_recipe(path, "1")
        value = caught.value.hint.split()[-1]
    path.write_text(f"{setting.name}: {value}\n")
    assert read_recipe(path, "1") == RecipeFile(replace(Settings(), **{setting.name: value}), {})
    path.write_text(f"{setting.name}: []\n")
    with pytest.raises(RecipeError, match=rf"{setting.name} is \[\]"):
        read_recipe(path, "1")


def test_options_of_pretraining_are_read_from_a_file(tmp_path):
    """What the file says is taken, the rest is as before; a field that does not exist is refused."""
    path = tmp_path / "r.yaml"
    path.write_text("epochs: 2\n")
    before = PretrainingOptions(molecules=700, epochs=9)
    assert read_options(path, before) == PretrainingOptions(molecules=700, epochs=2)
    path.write_text("epoch: 2\n")
    with pytest.raises(RecipeError, match="unknown key 'epoch'"):
        read_options(path, before)


@pytest.mark.parametrize(("model_name", "module"), [("1", "boosting_recipe"), ("2", "fine_tuning_recipe")])
def test_recipes_of_the_workflow_spell_out_the_defaults(model_name, module):
    """A recipe file of the workflow names every field, with the value that it has without a recipe."""
    defaults = import_module(f"servier.models.{module}").Recipe()
    assert read_recipe(CONFIG / f"model_{model_name}.yaml", model_name).recipe == asdict(defaults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fold: 4\n", "unknown key 'fold'; known are preset, .*folds"),
        ("model_name: 2\n", "not a recipe for model 1"),
        ("- 1\n", "a recipe is a mapping"),
        ("folds: many\n", "folds is 'many', not a number; the default is 5"),
        ("folds: 1\n", "folds is 1, the least is 2"),
        ("parameters: 7\n", "parameters is 7, not a mapping"),
        ("boosters: {}\n", "boosters is {}, not a list of mappings"),
        ("boosters: []\n", "boosters is .., not a list of mappings"),
        ("boosters: [7]\n", "boosters is .7., not a list of mappings"),
        ("preset: quick\n", "preset is 'quick'; known are fast, accurate"),
        ("seed: x\n", "seed is 'x', not a number"),
        ("a: [\n", "cannot read this recipe as YAML"),
    ],
)
def test_wrong_recipe_is_one_clear_error(tmp_path, text, message):
    """A mistake in a recipe is named before anything is trained."""
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match=message):
        read_recipe(path, "1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{embeding: 8}", "unknown key 'embeding' in architecture; known are embedding, convolution, .*"),
        ("{1: 8}", "unknown key 1 in architecture"),
        ("{width: wide}", "width in architecture is 'wide', not a whole number above 0; the default is 128"),
        ("{width: 8.5}", "width in architecture is 8.5, not a whole number"),
        ("{dense: true}", "dense in architecture is True, not a whole number"),
        ("{dense: 0}", "dense in architecture is 0, not a whole number above 0"),
    ],
)
def test_a_wrong_size_of_the_network_is_one_clear_error(tmp_path, text, message):
    """A size that does not exist, or is none, is named before any molecule is read."""
    path = tmp_path / "r.yaml"
    path.write_text(f"architecture: {text}\n")
    with pytest.raises(RecipeError, match=rf"r\.yaml: {message}"):
        read_options(path, PretrainingOptions())


def test_sizes_of_the_network_are_read(tmp_path):
    """Sizes that exist are taken, whichever of them are given."""
    path = tmp_path / "r.yaml"
    path.write_text("architecture: {width: 8}\n")
    assert read_options(path, PretrainingOptions()).architecture == {"width": 8}
    assert make_architecture({"width": 8}) == Architecture(64, 128, 8, 512)


@pytest.mark.parametrize(("preset", "rounds"), [("fast", 500), ("accurate", 3000)])
def test_a_recipe_begins_with_the_preset(preset, rounds):
    """What a file does not say is as in the preset of model 1, and as in the only recipe of model 2."""
    found = make_recipe(Options(preset=preset), {"folds": 4})
    assert (found.max_rounds, found.folds) == (rounds, 4)
    assert make_recipe(Options("2"), {"folds": 4}) == replace(fine_tuning_recipe.Recipe(), folds=4)


def test_a_recipe_has_no_other_fields():
    """A field of the other model, such as a checkpoint of another version may have, is named."""
    with pytest.raises(RecipeError, match="unknown key 'epochs'; known are folds, max_rounds"):
        make_recipe(Options("1"), {"folds": 4, "epochs": [3]})


def test_missing_recipe_is_one_clear_error(tmp_path):
    """An absent file is named."""
    with pytest.raises(RecipeError, match=r"missing\.yaml"):
        read_recipe(tmp_path / "missing.yaml", "1")
