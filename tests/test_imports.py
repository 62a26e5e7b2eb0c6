"""The direction of imports, and what a start-up loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "servier"

# The house: a room may import from those below it, and from itself.
ROOMS = [
    "cli",
    "server",
    "report",
    "evaluation",
    "bulk",
    "training",
    "explaining",
    "pretraining",
    "scoring",
    "data",
    "models",
    "features",
    "tables",
    "processes",
    "checkpoint",
    "chem",
    "metrics",
]
ALONE = {"__init__", "__main__", "errors", "progress"}
ONLY = {
    "click": {"cli"},
    "flask": {"server"},
    "waitress": {"server/channel", "server/connections", "server/receiving", "server/running"},
    "lightgbm": {"models/boosting", "models/student_trees", "models/tree_graph"},
    "optuna": {"training/tuning", "training/search_spaces"},
    "crepes": {"training/conformal"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "tensorflow": {"models/network"},
    "keras": {
        "models/fine_tuning",
        "models/network_work",
        "models/smiles_network",
        "models/kernel",
        "models/kernel_scorer",
        "models/network",
        "models/export",
        "models/network_graph",
        "models/pretraining",
    },
}
HEAVY = {
    "numpy",
    "pandas",
    "pyarrow",
    "rdkit",
    "onnxruntime",
    "tensorflow",
    "keras",
    "lightgbm",
    "sklearn",
    "flask",
    "yaml",
    "matplotlib",
    "jinja2",
}

MAX_MODULE_LINES = 300
MAX_FUNCTION_LINES = 50

MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))


def source_of(module):
    return (PACKAGE / f"{module}.py").read_text()


def imports_of(module):
    """All modules that one imports, anywhere in its code."""
    for node in ast.walk(ast.parse(source_of(module))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "servier")


def floor_of(module):
    """How high a room stands; modules of no room are on the ground, but for `__main__`, on the roof."""
    room = module.split("/")[0]
    return len(ROOMS) - ROOMS.index(room) if room in ROOMS else len(ROOMS) * (room == "__main__")


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_in_a_room(module):
    """Only four modules stand alone."""
    assert module.split("/")[0] in ROOMS or module in ALONE


@pytest.mark.parametrize("module", [m for m in MODULES if m != "__init__"])
def test_imports_point_down(module):
    """No module imports from a room above its own, nor do two rooms import each other."""
    for name in imports_of(module):
        parts = name.split(".")
        if parts[0] == "servier" and len(parts) > 1 and parts[1] != "__version__":
            assert floor_of(parts[1]) <= floor_of(module), name


@pytest.mark.parametrize("module", MODULES)
def test_packages_stay_where_they_belong(module):
    """Each heavy or foreign package is imported in one place, and models never see RDKit."""
    roots = {name.split(".")[0] for name in imports_of(module)}
    for package, places in ONLY.items():
        if package in roots:
            assert module in places or module.split("/")[0] in places, package
    if module.startswith("models/"):
        assert "rdkit" not in roots


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module):
    """A module is read in one sitting, a function on one screen."""
    assert source_of(module).count("\n") <= MAX_MODULE_LINES
    for node in ast.walk(ast.parse(source_of(module))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name


def test_no_room_is_below_itself():
    """The rooms, drawn from the imports alone, have no cycle."""
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["b", "c"]
    assert find_cycle(draw_rooms()) == []


def draw_rooms():
    """For each room, and each module that stands alone, the others that it imports from."""
    rooms = {}
    for module in MODULES:
        room = module.split("/")[0]
        found = {name.split(".")[1] for name in imports_of(module) if name.startswith("servier.")}
        rooms.setdefault(room, set()).update(found - {room, "__version__"})
    return rooms


def find_cycle(rooms):
    """Rooms that import each other in a circle; none where they have an order."""
    left = set(rooms)
    while left:
        above = set().union(*(rooms[room] for room in left))
        ends = {room for room in left if room not in above or not rooms[room] & left}
        if not ends:
            break
        left -= ends
    return sorted(left)


def loaded_after(*arguments):
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['servier', *{list(map(str, arguments))!r}]\n"
        "try:\n    runpy.run_module('servier', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('LOADED', *{name.split('.')[0] for name in sys.modules}, *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("LOADED")[2].split())


@pytest.mark.process
@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["predict", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    """Help comes at once: a fresh interpreter has none of the heavy packages afterwards."""
    assert not loaded_after(*arguments) & HEAVY


@pytest.mark.process
def test_scoring_loads_no_training_packages(model_1, model_2, tmp_path):
    """Neither one molecule nor a CSV file needs more than RDKit, NumPy and ONNX Runtime."""
    training = {
        "tensorflow",
        "keras",
        "lightgbm",
        "sklearn",
        "pandas",
        "scipy",
        "onnx",
        "yaml",
        "flask",
        "pyarrow",
        "matplotlib",
        "jinja2",
        "servier.data",
        "servier.training",
        "servier.chem.units",
    }
    paths = ["--model_1_path", model_1, "--model_2_path", model_2]
    assert not loaded_after("predict", "CCO", *paths, "--model_name", "consensus") & training
    picture = ["--output", tmp_path / "picture.svg"]
    assert not loaded_after("explain", "CCO", *paths, "--model_name", "consensus", *picture) & training
    (tmp_path / "in.csv").write_text("smiles\nCCO\n")
    files = [tmp_path / "in.csv", tmp_path / "out.csv"]
    assert not loaded_after("predict-file", *files, "--model_path", model_1, "--workers", 1) & training
