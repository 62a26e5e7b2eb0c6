"""A plain installation, which can score: what each command does there."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from servier.cli import main
from servier.cli.extras import EXTRAS, explain_missing, require_extra
from servier.errors import ServierError

PROJECT = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]

# Each command as a plain installation runs it, and what it needs where that is not enough.
PLAIN = {
    "predict": ["CCO", "--model_2_path", "{model_2}", "--model_name", "2", "--detail"],
    "explain": ["CCO", "--model_1_path", "{model_1}", "--output", "picture.svg"],
    "predict-file": ["in.csv", "out.parquet", "--model_path", "{model_2}", "--detail"],
    "merge": ["whole.csv", "part.csv"],
    "featurize": ["in.csv", "features.parquet"],
    "simulate": ["simulated.csv", "--rows", "30"],
    "inspect": ["{model_1}"],
}  # fmt: skip
REFUSED = {
    "train": (["--dataset", "labelled.csv"], "train"),
    "tune": (["--dataset", "labelled.csv"], "train"),
    "pretrain": (["in.csv", "encoder.zip"], "train"),
    "distill": (["{model_1}", "--output", "student.servier"], "train"),
    "evaluate": (["--dataset", "labelled.csv", "--model_path", "{model_1}"], "train"),
    "compare": (["{model_1}", "{model_2}", "--dataset", "labelled.csv"], "train"),
    "check": (["labelled.csv"], "train"),
    "serve": (["--port", "0"], "serve"),
    "sign": (["{model_1}", "--key", "lab.key"], "sign"),
}
HIDING = """
import sys

class Hidden:
    @staticmethod
    def find_spec(name, *_):
        if name.partition(".")[0] in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden)
"""


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def needed_by(names):
    """Packages with all that they need, by what is installed."""
    found, left = set(), [normal(name) for name in names]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += [normal(one.name) for one in requirements_of(name) if is_for_scoring(one)]
    return found


def requirements_of(name):
    try:
        return [Requirement(line) for line in distribution(name).requires or ()]
    except PackageNotFoundError:
        return []


def is_for_scoring(requirement):
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


@pytest.fixture(scope="module")
def plain(tmp_path_factory, model_1, model_2):
    """Run a command where only the plain dependencies can be imported; returns the finished process."""
    folder = tmp_path_factory.mktemp("plain")
    known = needed_by(Requirement(line).name for line in PROJECT["dependencies"]) | {"servier"}
    modules = {
        name for name, owners in packages_distributions().items() if not set(map(normal, owners)) & known
    }
    assert {"scipy", "sklearn", "tensorflow", "flask", "waitress", "yaml"} <= modules
    (folder / "hidden").mkdir()
    (folder / "hidden" / "sitecustomize.py").write_text(HIDING.format(modules=modules))
    site = folder / "site"
    site.mkdir()
    (site / "in.csv").write_text("smiles\nCCO\nnope\n")
    (site / "labelled.csv").write_text("P1,smiles\n" + "1,CCO\n0,CCN\n" * 30)
    root = str(Path(__file__).resolve().parents[2])
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder / "hidden"), root])}

    def run(name, *arguments):
        words = [word.format(model_1=model_1, model_2=model_2) for word in arguments]
        return subprocess.run(
            [sys.executable, "-m", "servier", "--quiet", name, *words],
            cwd=site, capture_output=True, text=True, check=False, env=env, timeout=120,
        )  # fmt: skip

    part = run("predict-file", "in.csv", "part.csv", "--model_path", "{model_1}", "--shard", "1/1")
    assert part.returncode == 0, part.stderr
    return run


def test_every_command_is_here():
    """None is forgotten, neither by these tests nor by those who add one."""
    assert sorted([*PLAIN, *REFUSED]) == sorted(main.commands)


@pytest.mark.process
@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_installation_scores(plain, name):
    """What scoring needs is there, and nothing is said of what is not."""
    done = plain(name, *PLAIN[name])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.process
@pytest.mark.parametrize("name", REFUSED)
def test_a_command_without_its_extra_says_what_to_install(plain, name):
    """In one line, at once, with status 1."""
    arguments, extra = REFUSED[name]
    done = plain(name, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: servier {name} needs packages that are not installed (")
    assert done.stderr.endswith(f"); install them with: pip install 'servier[{extra}]'\n")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.process
def test_a_page_needs_an_extra_that_its_command_does_not(plain):
    """The card of a model as a page is drawn with the packages of training."""
    done = plain("inspect", "{model_1}", "--html", "card.html")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "inspect --html needs packages" in done.stderr
    assert "pip install 'servier[train]'" in done.stderr


@pytest.mark.process
def test_a_required_signature_needs_its_extra(plain):
    """It is never left out because there is nothing to check it with."""
    done = plain("predict", "CCO", "--model_1_path", "{model_1}", "--require_signature", "in.csv")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "--require_signature needs packages that are not installed (cryptography)" in done.stderr
    assert "pip install 'servier[sign]'" in done.stderr


@pytest.mark.process
@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_needs_no_extra(plain, name):
    """What a command does can be read before it is installed."""
    done = plain(name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"servier {name}" in done.stdout


@pytest.mark.parametrize("extra", EXTRAS)
def test_packages_of_an_extra_are_those_of_the_project(extra):
    """The list in the code is that in pyproject.toml; TensorFlow has two names there."""
    listed = {Requirement(line).name for line in PROJECT["optional-dependencies"][extra]}
    assert set(EXTRAS[extra]) == listed - {"tensorflow-cpu"}


@pytest.mark.parametrize(
    ("package", "module"),
    sorted({name: module for packages in EXTRAS.values() for name, module in packages.items()}.items()),
)
def test_modules_are_those_of_the_packages(package, module):
    """Each package is looked for under the name that it has when it is imported."""
    assert package in {normal(owner).removesuffix("-cpu") for owner in packages_distributions()[module]}


def test_an_import_that_fails_all_the_same_is_explained():
    """A package that was found and could not be imported is named; one of no extra is an error in servier."""
    said = str(explain_missing(ModuleNotFoundError("No module named 'scipy.stats'", name="scipy.stats")))
    assert said == "the package scipy is not installed; install it with: pip install 'servier[train]'"
    said = str(explain_missing(ModuleNotFoundError("No module named 'flask'", name="flask")))
    assert "'servier[serve]'" in said
    assert explain_missing(ModuleNotFoundError("No module named 'servier.x'", name="servier.x")) is None


def test_only_missing_packages_are_named(monkeypatch):
    """One that is there need not be installed."""
    monkeypatch.setitem(EXTRAS, "serve", {"click": "click", "no-such": "no_such_module"})
    with pytest.raises(ServierError, match=r"^this needs packages that are not installed \(no-such\); "):
        require_extra("serve", "this")
