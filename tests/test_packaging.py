import ast
import re
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"snakemake-minimal": "snakemake"}
HERE = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "sys_platform": "linux",
    "platform_machine": "x86_64",
}


def locked():
    versions = {}
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(HERE):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            versions[requirement.name] = Version(pin.version)
    return versions


def required():
    lines = [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
    ]
    requirements = [Requirement(line) for line in lines]
    return [
        r
        for r in requirements
        if r.name != "servier" and (r.marker is None or Marker(str(r.marker)).evaluate(HERE))
    ]


def test_lock_satisfies_every_requirement():
    """Each package that the project names is pinned to a version that it accepts."""
    versions = locked()
    for requirement in required():
        assert versions[requirement.name] in requirement.specifier, requirement


def test_conda_environment_has_the_locked_versions():
    """environment.yml names every direct requirement, with the version of the lock."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pins = dict(
        line.split("=") for line in environment["dependencies"] if isinstance(line, str) and "=" in line
    )
    assert Version(pins.pop("python")) in Requirement(f"x{PROJECT['requires-python']}").specifier
    versions = locked()
    named = {CONDA_NAMES.get(name, name): Version(version) for name, version in pins.items()}
    assert named == {name: versions[name] for name in named}
    assert {requirement.name for requirement in required()} <= named.keys()


@pytest.mark.parametrize(
    "name", ["requirements.lock", "environment.yml", "Dockerfile", "pyproject.toml", "Makefile"]
)
def test_no_addresses(name):
    """Nothing that installs names a host."""
    assert not re.search(r"https?://|(?<!emit-)(index-url|find-links)", (ROOT / name).read_text())


def test_image_installs_from_the_lock_and_serves():
    """The Dockerfile uses extras that exist, the lock, another user than root, and starts the server."""
    text = (ROOT / "Dockerfile").read_text()
    extras = re.search(r"\.\[([\w,]+)\]", text)[1].split(",")
    assert set(extras) <= PROJECT["optional-dependencies"].keys()
    for line in (
        "--constraint requirements.lock",
        "USER servier",
        "EXPOSE 5000",
        'VOLUME ["/data", "/models"]',
    ):
        assert line in text
    command = ast.literal_eval(re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)[1])
    assert command[0] == "serve"
    assert command[command.index("--host") + 1] == "0.0.0.0"


@pytest.mark.training
@pytest.mark.parametrize("model_name", ["1", "2"])
def test_recipe_files_are_the_defaults(model_name):
    """config/model_N.yaml shows every field of the recipe, with the value that holds without the file."""
    from servier.models import boosting_recipe, fine_tuning
    from servier.training.recipes import read_recipe

    default = {"1": boosting_recipe.Recipe(), "2": fine_tuning.Recipe()}[model_name]
    assert read_recipe(ROOT / "config" / f"model_{model_name}.yaml", model_name).recipe == asdict(default)


def test_version_is_in_the_changelog():
    """The current version has a heading."""
    from servier import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
