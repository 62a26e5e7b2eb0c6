"""Recipes of strangers, from which `evaluate --folds` trains: they choose neither files nor machines."""

import pytest
from lightgbm.basic import _ConfigAliases
from spoilt_checkpoints_for_tests import repack

from servier.errors import RecipeError
from servier.models.boosting_parameters import FLAGS, REAL, WHOLE, check_booster, check_parameters

ALIASES = _ConfigAliases._get_all_param_aliases()
ACCEPTED = {*WHOLE, *REAL, *FLAGS}


def test_accepted_parameters_are_those_of_lightgbm():
    """Each is a name that LightGBM itself knows, with all other names that it has for the same."""
    for name, aliases in ALIASES.items():
        assert ACCEPTED.isdisjoint(aliases) or ACCEPTED.issuperset(aliases), name
    assert {name for aliases in ALIASES.values() for name in aliases} >= ACCEPTED


@pytest.mark.parametrize(
    "name",
    [
        "config", "data", "valid", "input_model", "output_model", "output_result", "snapshot_freq",
        "forcedsplits_filename", "fs", "forcedbins_filename", "parser_config_file", "convert_model",
        "machine_list_filename", "machines", "num_machines", "local_listen_port", "device_type",
        "gpu_device_id", "num_threads", "num_iterations", "n_estimators", "early_stopping_round",
        "objective", "app",
        "num_class", "linear_tree", "boosting", "save_binary", "header", "verbosity", "task",
    ],
)  # fmt: skip
def test_files_machines_and_other_models_are_not_for_recipes(name):
    """What LightGBM reads, writes, waits for or makes beyond trees is refused by its name."""
    assert any(name in aliases for aliases in ALIASES.values())
    for check in (check_parameters, check_booster):
        with pytest.raises(RecipeError, match=f"LightGBM has no parameter '{name}' that a recipe may set"):
            check({name: 1})


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"learning_rate": {"a": 1}}, "learning_rate is {'a': 1}, not a number"),
        ({"learning_rate": "0.1 fs=x"}, "learning_rate is '0.1 fs=x', not a number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; between 1e-06 and 100 is possible"),
        ({"num_leaves": True}, "num_leaves is True, not a whole number"),
        ({"num_leaves": 2.5}, "num_leaves is 2.5, not a whole number"),
        ({"max_leaves": 10**9}, "max_leaves is 1000000000; between 2 and 1024 is possible"),
        ({"extra_trees": 1}, "extra_trees is 1, not true or false"),
        ({"fingerprint_gain": "x"}, "fingerprint_gain is 'x'; between 0 and 100 is possible"),
        ({"fingerprint_gain": -1.0}, "fingerprint_gain is -1.0; between 0 and 100 is possible"),
        ({"without": 5}, "without is 5, not a list of names"),
        ({"without": [["a"]]}, r"without is [['a']], not a list of names"),
        ({"x" * 1000: 1}, "LightGBM has no parameter 'xxx"),
    ],
)
def test_values_that_a_booster_cannot_have_are_refused(own, words):
    """Other types, and numbers that would take all memory or time."""
    with pytest.raises(RecipeError) as caught:
        check_booster(own)
    assert str(caught.value).startswith(words)


def recipe(**changes):
    """A change of the recipe in metadata."""
    return lambda metadata: metadata["training"]["recipe"].update(changes)


RECIPES = {
    "file of splits": ("1", recipe(parameters={"fs": "splits.json"}), "'fs'"),
    "file of a model": ("1", recipe(boosters=[{"output_model": "stolen.txt"}]), "'output_model'"),
    "machines": ("1", recipe(parameters={"machines": "127.0.0.1:9", "num_machines": 2}), "'machines'"),
    "type": ("1", recipe(parameters={"learning_rate": {"a": 1}}), "learning_rate is {'a': 1}, not a number"),
    "no repeats": ("1", recipe(repeats=0), "repeats is 0, the least is 1"),
    "endless rounds": ("1", recipe(max_rounds=10**12), "max_rounds is 1000000000000, the most is 100000"),
    "many boosters": ("1", recipe(boosters=[{}] * 1000), "the most is 100"),
    "setting": ("1", recipe(test_fraction=0.3), "unknown key 'test_fraction'"),
    "encoder": ("2", recipe(encoder="/dev/zero"), "its networks start from the encoder '/dev/zero'"),
    "endless epochs": ("2", recipe(epochs=[10**9]), "epochs is [1000000000], the most is 10000"),
    "dropout": ("2", recipe(dropout=5.0), "dropout is 5.0, the most is 0.99"),
    "width": ("2", recipe(architecture={"width": 10**9}), "width in architecture is 1000000000"),
}  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_trained_from_such_a_recipe(command, models_dir, simulated, tmp_path, name):
    """One line names the checkpoint and the setting; no file is read or written."""
    model_name, change, words = RECIPES[name]
    path = tmp_path / "model.servier"
    path.write_bytes(repack((models_dir / f"model_{model_name}.servier").read_bytes(), change))
    given = ["--dataset", simulated, "--model_path", path, "--folds", 2]
    done = command("evaluate", *given, status=1, cwd=tmp_path)
    assert done.stderr.startswith(f"Error: {path}: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.process
def test_a_file_of_splits_does_not_crash_the_command(servier, model_1, simulated, tmp_path):
    """LightGBM would read the file and end the process by a segmentation fault."""
    (tmp_path / "splits.json").write_text('{"feature": 0, "threshold": 0.5}')
    path = tmp_path / "model.servier"
    change = recipe(parameters={"forcedsplits_filename": str(tmp_path / "splits.json")})
    path.write_bytes(repack(model_1.read_bytes(), change))
    done = servier("evaluate", "--dataset", simulated, "--model_path", path, "--folds", 2, status=1)
    assert "LightGBM has no parameter 'forcedsplits_filename'" in done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (recipe(encoder="elsewhere.zip"), "cannot read this encoder"),
        (recipe(encoder="none"), "its recipe names no file of an encoder; leave out --encoder"),
    ],
)
def test_the_user_says_which_encoder_is_read(command, model_2, simulated, tmp_path, change, words):
    """`--encoder` takes the place of the file that a recipe names, and of nothing else."""
    path = tmp_path / "model.servier"
    path.write_bytes(repack(model_2.read_bytes(), change))
    given = ["--dataset", simulated, "--model_path", path, "--encoder", tmp_path / "mine.zip"]
    done = command("evaluate", *given, "--folds", 2, status=1)
    assert words in done.stderr.splitlines()[-1]
    done = command("evaluate", *given, status=1)
    assert done.stderr == "Error: --encoder says what to train from, and nothing is trained; add --folds\n"
