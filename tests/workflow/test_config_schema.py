"""What the schema of the settings allows, without Snakemake."""

import copy

import pytest
import yaml
from jsonschema import Draft202012Validator
from workflow_for_tests import ROOT

TINY = yaml.safe_load((ROOT / ".test" / "config" / "config.yaml").read_text())
VALIDATOR = Draft202012Validator(
    yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
)
LIBRARY = {"files": "data/library.csv"}


def problems(settings):
    """For each mistake where it is, and what is wrong."""
    return [(error.json_path, error.message) for error in VALIDATOR.iter_errors(settings)]


@pytest.mark.parametrize("path", ["config", ".test/config"])
def test_the_settings_of_the_checkout_are_right(path):
    """Both files of settings follow the schema, which is one itself."""
    Draft202012Validator.check_schema(VALIDATOR.schema)
    assert problems(yaml.safe_load((ROOT / path / "config.yaml").read_text())) == []


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"colour": "red"}, "$", "'colour' was unexpected"),
        ({"models": {"3": {}}}, "$.models", "'3' was unexpected"),
        ({"models": {}}, "$.models", "{} should be non-empty"),
        ({"models": {"1": {"recipe": "r.yaml"}}}, "$.models", "'preset' is a required property"),
        ({"targets": []}, "$.targets", "[] should be non-empty"),
        ({"targets": ["P1", "P1"]}, "$.targets", "has non-unique elements"),
        ({"standardization": "salts"}, "$.standardization", "'salts' is not one of"),
        ({"stereo": "yes"}, "$.stereo", "'yes' is not one of"),
        ({"task": "classification"}, "$.task", "'classification' is not one of"),
        ({"classes": "low"}, "$.classes", "'low' does not match ','"),
        ({"classes": ["a,b", "c"]}, "$.classes[1]", "'c' does not match ','"),
        ({"classes": []}, "$.classes", "[] should be non-empty"),
        ({"positive": True}, "$.positive", "True is not of type 'string', 'array'"),
        ({"positive": [1]}, "$.positive[0]", "1 is not of type 'string'"),
        ({"unit": ""}, "$.unit", "'' should be non-empty"),
        ({"unit_column": [""]}, "$.unit_column[0]", "'' should be non-empty"),
        ({"relation_column": {"IC50": "sign"}}, "$.relation_column", "is not of type 'string', 'array'"),
        ({"weight_column": 1}, "$.weight_column", "1 is not of type 'string'"),
        ({"transform": "IC50=ln"}, "$.transform", "'IC50=ln' does not match"),
        ({"transform": ["log10", "pIC"]}, "$.transform[1]", "'pIC' does not match"),
        ({"bounds": [0, 100]}, "$.bounds[0]", "0 is not of type 'string'"),
        ({"bounds": "0-100"}, "$.bounds", "'0-100' does not match"),
        ({"replicates": "merge"}, "$.replicates", "'merge' is not one of"),
        ({"simulation": {"rows": 1, "seed": 1}}, "$.simulation.rows", "1 is less than the minimum of 100"),
        ({"libraries": [{**LIBRARY, "shard": 3}]}, "$.libraries[0]", "'shard' was unexpected"),
        ({"libraries": [{**LIBRARY, "feature": True}]}, "$.libraries[0]", "'feature' was unexpected"),
        ({"libraries": [{**LIBRARY, "models": ["9"]}]}, "$.libraries[0].models[0]", "'9' is not one of"),
        ({"libraries": [{"shards": 3}]}, "$.libraries[0]", "'files' is a required property"),
        ({"sharding": {"rows_per_shard": 0, "max_shards": 8}}, "$.sharding.rows_per_shard", "minimum of 1"),
        ({"signatures": {"private_key": "k"}}, "$.signatures", "'public_keys' is a required property"),
        ({"resources": {}}, "$.resources", "'simulate' is a required property"),
        ({"resamples": 5}, "$.resamples", "5 is less than the minimum of 20"),
    ],
)
def test_wrong_settings_are_refused(change, place, message):
    """An unknown key or an impossible value is named, with its place."""
    found = problems(copy.deepcopy(TINY) | change)
    assert [(where, what) for where, what in found if where.startswith(place) and message in what]


@pytest.mark.parametrize(
    "given",
    [
        {"classes": "1,2,3"}, {"positive": ["--x", "très actif"]}, {"unit": ["IC50=nM", "share=%"]},
        {"unit_column": "none"}, {"transform": ["pic50", "a=b=LOG10"]},
        {"bounds": ["0,", ",1e3", "a\nb=c=-1,1"]},
    ],
)  # fmt: skip
def test_what_the_options_take_is_allowed(given):
    """One text or a list, for all targets or for one, of any characters."""
    assert problems(copy.deepcopy(TINY) | given) == []


@pytest.mark.parametrize("name", ["dataset", "targets", "models", "libraries", "sharding", "seed", "results"])
def test_a_missing_setting_is_named(name):
    """What has no default must be there."""
    settings = {key: value for key, value in TINY.items() if key != name}
    assert problems(settings) == [("$", f"'{name}' is a required property")]
