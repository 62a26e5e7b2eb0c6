"""What the options of commands stand for."""

from dataclasses import fields

import pytest
from click.testing import CliRunner

from servier.checkpoint.target import CONFIDENCES
from servier.cli import bulk, evaluation, models
from servier.cli.commands import collect, declarations
from servier.cli.options import DetailOptions
from servier.cli.settings import SplitOptions, training_options
from servier.data.duplicates import CONFLICTS, IDENTITIES
from servier.data.folds import STRATEGIES
from servier.errors import ServierError
from servier.features.registry import PRESETS as FEATURES
from servier.models.boosting_recipe import PRESETS as BOOSTING
from servier.scoring.consensus import WEIGHTS
from servier.tables import DETECTED
from servier.training.options import Options
from servier.training.recipes import Settings

NOTHING = SplitOptions(
    split=None, test_fraction=None, same_molecule=None, conflicts=None, standardization=None, stereo=None,
    seed=None,
)  # fmt: skip


def read(command, options, *arguments):
    """What click reads from a command line, as the dataclass of the command."""
    context = command.make_context(command.name, [str(word) for word in arguments])
    return collect(options, context.params)


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("preset: fast\ntest_fraction: 0.1\nseed: 7\nfolds: 4\n")
    return str(path)


def test_the_command_line_precedes_the_recipe_and_this_the_defaults(recipe):
    """Each option is looked for in three places, and 0 counts as said."""
    said = SplitOptions(
        split=None, test_fraction=0.0, same_molecule=None, conflicts="drop", standardization=None,
        stereo=None, seed=0,
    )  # fmt: skip
    options, fields = training_options("1", None, said, recipe, 3)
    assert (options.preset, options.test_fraction, options.seed) == ("fast", 0.0, 0)
    assert (options.split, options.same_molecule, options.conflicts) == (None, "parent", "drop")
    assert (options.workers, fields) == (3, {"folds": 4})
    assert training_options("1", "accurate", NOTHING, recipe, 1)[0].seed == 7
    assert training_options("1", "accurate", NOTHING, recipe, 1)[0].preset == "accurate"


def choices(options, name):
    """The values that click lets a command line give."""
    return tuple(declarations(options)[name].settings["type"].choices)


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        (SplitOptions, "split", STRATEGIES),
        (SplitOptions, "same_molecule", IDENTITIES),
        (SplitOptions, "conflicts", CONFLICTS),
        (DetailOptions, "confidence", tuple(map(str, CONFIDENCES))),
        (models.TrainOptions, "preset", tuple(FEATURES)),
        (models.TrainOptions, "preset", tuple(BOOSTING)),
        (bulk.FeaturizeOptions, "preset", tuple(FEATURES)),
        (evaluation.EvaluateOptions, "split", STRATEGIES),
        (models.TrainOptions, "model_name", tuple(WEIGHTS)),
    ],
)
def test_the_command_line_has_the_choices_of_the_library(options, name, expected):
    """Commands spell out their choices, so that asking for help loads nothing; they are those of the code."""
    assert choices(options, name) == expected


def test_options_have_one_name():
    """What the command line, a recipe and the training functions call an option is the same."""
    split, settings, known = (
        {field.name for field in fields(kind)} for kind in (SplitOptions, Settings, Options)
    )
    assert split | {"preset"} == settings
    assert settings <= known


def test_model_2_has_no_preset(recipe):
    """An option that would do nothing is refused."""
    with pytest.raises(ServierError, match="has no presets"):
        training_options("2", "fast", NOTHING, None, 1)


def test_a_model_goes_to_its_folder_unless_a_file_is_named():
    """The name of the file is that of the model."""
    options = read(models.train, models.TrainOptions, "--models_dir", "here", "--model_name", 2)
    assert options.path.as_posix() == "here/model_2.servier"
    assert read(models.train, models.TrainOptions, "--model_path", "m").path.as_posix() == "m"


@pytest.mark.parametrize(
    ("detail", "confidence", "confidences"),
    [(False, (), ()), (True, (), ("0.9",)), (False, ("0.8", "0.95", "0.8"), ("0.8", "0.95"))],
)
def test_a_confidence_implies_detail(detail, confidence, confidences):
    """Without one, detail means that of 90 %; each is asked for once."""
    assert DetailOptions(detail, confidence).confidences == confidences


def test_options_of_a_run_are_what_the_command_line_says():
    """Names of delimiters, lists of columns and shards are read."""
    words = ["in.csv", "out.csv", "--delimiter", "tab", "--columns", "a, b", "--shard", "2/3", "--top", 5]
    options = read(bulk.predict_file, bulk.PredictFileOptions, *words, "--workers", 2).scoring_options()
    assert (options.dialect.delimiter, options.columns, str(options.shard)) == ("\t", ("a", "b"), "2/3")
    assert (options.top, options.threshold, options.workers) == (5, None, 2)
    plain = read(
        bulk.predict_file, bulk.PredictFileOptions, "in.csv", "out.csv", "--detail"
    ).scoring_options()
    assert (plain.dialect, plain.columns, plain.shard, plain.confidences) == (DETECTED, None, None, ("0.9",))


def test_the_summary_replaces_no_file_of_the_run(tmp_path):
    """Nor is stdin measured: it cannot be read twice."""
    table = tmp_path / "in.csv"
    table.write_text("smiles\nCCO\n")
    run = [str(table), str(tmp_path / "out.csv"), "--summary", str(table)]
    refused = CliRunner().invoke(bulk.predict_file, run).exception
    assert "the summary would replace this file" in str(refused)
    refused = CliRunner().invoke(bulk.predict_file, ["-", "-", "--dry_run"]).exception
    assert "stdin cannot be measured" in str(refused)
