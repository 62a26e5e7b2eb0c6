import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
GROUPS = PYPROJECT["dependency-groups"]
NOT_IN_CONDA = {"mutants", "release"}
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


def group(name):
    for line in GROUPS[name]:
        if isinstance(line, dict):
            yield from group(line["include-group"])
        else:
            yield line


def required(groups=GROUPS):
    lines = [
        *PROJECT["dependencies"],
        *(line for extra in PROJECT["optional-dependencies"].values() for line in extra),
        *(line for name in groups for line in group(name)),
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


def test_group_dev_has_all_groups():
    """Group `dev` is the sum of the others, and `make lock` takes it together with every extra."""
    others = GROUPS.keys() - {"dev"}
    assert {line["include-group"] for line in GROUPS["dev"]} == others
    assert "dev" not in PROJECT["optional-dependencies"]
    assert "--all-extras --group dev" in (ROOT / "Makefile").read_text()


def test_pythons_are_those_that_are_tested():
    """The classifiers name the versions of Python on which continuous integration runs the tests."""
    prefix = "Programming Language :: Python :: 3."
    named = [f"3.{line.removeprefix(prefix)}" for line in PROJECT["classifiers"] if line.startswith(prefix)]
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs["test"]["strategy"]["matrix"]["python"] == named
    assert all(version in Requirement(f"x{PROJECT['requires-python']}").specifier for version in named)


def test_package_promises_its_types():
    """The marker that type checkers look for stands in the package, as the classifier says."""
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "servier" / "py.typed").read_bytes() == b""


def test_conda_environment_has_the_locked_versions():
    """environment.yml names every direct requirement of users and tests, with the version of the lock."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pins = dict(
        line.split("=") for line in environment["dependencies"] if isinstance(line, str) and "=" in line
    )
    assert Version(pins.pop("python")) in Requirement(f"x{PROJECT['requires-python']}").specifier
    versions = locked()
    named = {CONDA_NAMES.get(name, name): Version(version) for name, version in pins.items()}
    assert named == {name: versions[name] for name in named}
    needed = required(GROUPS.keys() - NOT_IN_CONDA - {"dev"})
    assert {requirement.name for requirement in needed} <= named.keys()


@pytest.mark.parametrize(
    "name", ["requirements.lock", "environment.yml", "Dockerfile", "pyproject.toml", "Makefile"]
)
def test_no_addresses(name):
    """Nothing that installs names a host, but for the pages of the project itself."""
    text = (ROOT / name).read_text()
    for url in PROJECT["urls"].values():
        text = text.replace(f'"{url}"', "")
    assert not re.search(r"https?://|(?<!emit-)(index-url|find-links)", text)


def test_project_has_one_address():
    """Every page of the project that any file names is in the repository that pyproject.toml names."""
    home = PROJECT["urls"]["Homepage"]
    named = [*PROJECT["urls"].values()]
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*.cff"), *(ROOT / ".github").rglob("*.yml")]:
        named += re.findall(r"https://github\.com/[\w./-]+", path.read_text())
    assert all(url.startswith(home) for url in named)


def stages():
    """Return for each stage of the Dockerfile, in order, what it starts from and its instructions."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found = {}
    for line in text.replace("\\\n", " ").splitlines():
        if start := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            instructions = []
            found[start[2]] = start[1], instructions
        elif line:
            instructions.append(tuple(line.split(maxsplit=1)))
    return found


def image(name):
    """Return the instructions of a stage, after those of the stages that it starts from."""
    start, instructions = stages().get(name, (None, []))
    return [*image(start), *instructions] if start else []


def installed(name):
    """Return the extras that are in an image: those of the stage whose environment it copies."""
    (copied,) = [words for kind, words in image(name) if kind == "COPY" and "/opt/servier" in words]
    (command,) = [
        words
        for kind, words in image(re.match(r"--from=(\S+)", copied)[1])
        if kind == "RUN" and "pip install" in words
    ]
    assert "--constraint requirements.lock" in command
    return set(re.search(r"\.\[([\w,]+)\]", command)[1].split(","))


def test_default_image_serves_without_what_trains():
    """A build without a target makes the image that serves, with nothing of the extra `train`."""
    assert list(stages())[-1] == "serve"
    assert installed("serve") == {"serve"}
    instructions = dict(image("serve"))
    assert instructions["EXPOSE"] == "5000"
    command = json.loads(instructions["CMD"])
    assert command[0] == "serve"
    assert command[command.index("--host") + 1] == "0.0.0.0"
    assert command[command.index("--port") + 1] == "5000"


def test_target_train_trains():
    """The target `train` has what training needs beside the server, and trains unless told otherwise."""
    assert installed("train") == {"train", "serve"}
    instructions = dict(image("train"))
    assert json.loads(instructions["CMD"])[0] == "train"
    assert "HEALTHCHECK" not in instructions


@pytest.mark.parametrize("name", ["serve", "train"])
def test_images_run_servier_as_a_user(name):
    """Both images start servier, as another user than root, and have the two folders."""
    instructions = dict(image(name))
    assert instructions["USER"] == "servier"
    assert json.loads(instructions["ENTRYPOINT"]) == ["servier"]
    assert json.loads(instructions["VOLUME"]) == ["/data", "/models"]


@pytest.fixture
def health_check():
    """Run the HEALTHCHECK of the image, against another port."""
    options, command = dict(image("serve"))["HEALTHCHECK"].split("CMD")
    assert "--timeout=5s" in options
    python, *arguments = json.loads(command)
    assert python == "python"

    def check(port):
        words = [word.replace("127.0.0.1:5000", f"127.0.0.1:{port}") for word in arguments]
        environment = os.environ | {"http_proxy": "http://127.0.0.1:9"}
        return subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=False)

    return check


@pytest.mark.process
@pytest.mark.parametrize(("path", "status"), [("/health", 0), ("/", 1)])
def test_health_check_asks_the_server(health_check, path, status):
    """It passes where /health is answered with 200, whatever proxy is set, and fails where it is not."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == path else 503)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert health_check(server.server_port).returncode == status
    assert health_check(server.server_port).returncode == 1


@pytest.mark.training
@pytest.mark.parametrize("model_name", ["1", "2"])
def test_recipe_files_are_the_defaults(model_name):
    """config/model_N.yaml shows every field of the recipe, with the value that holds without the file."""
    from servier.models import boosting_recipe, fine_tuning_recipe
    from servier.training.recipes import read_recipe

    default = {"1": boosting_recipe.Recipe(), "2": fine_tuning_recipe.Recipe()}[model_name]
    assert read_recipe(ROOT / "config" / f"model_{model_name}.yaml", model_name).recipe == asdict(default)


def test_version_is_in_the_changelog():
    """The current version has a heading, or Unreleased has."""
    from servier import __version__

    headings = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] in {"Unreleased", __version__}


def test_citation_is_of_this_version():
    """CITATION.cff has the version, license and repository of the package."""
    from servier import __version__

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(citation["version"]) == __version__
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]


def test_hooks_are_the_tools_of_the_project():
    """What runs before a commit comes from .venv; nothing is downloaded."""
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert hook["entry"].startswith(".venv/bin/")
