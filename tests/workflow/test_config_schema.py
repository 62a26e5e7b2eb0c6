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


@pytest.mark.parametrize("name", ["dataset", "targets", "models", "libraries", "sharding", "seed", "results"])
def test_a_missing_setting_is_named(name):
    """What has no default must be there."""
    settings = {key: value for key, value in TINY.items() if key != name}
    assert problems(settings) == [("$", f"'{name}' is a required property")]
