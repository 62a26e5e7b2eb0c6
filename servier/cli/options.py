"""What commands have in common: options, and what they mean."""

import functools
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from servier.errors import ServierError

Command = Callable[..., None]

MODELS = click.Choice(["1", "2"])
SPLITS = click.Choice(["scaffold", "cluster", "stratified", "random", "predefined", "group", "time"])
DEFAULT_MODEL_PATHS = {"1": "models/model_1.servier", "2": "models/model_2.servier"}


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join several option decorators into one."""
    return lambda command: functools.reduce(lambda inner, wrap: wrap(inner), reversed(decorators), command)


smiles_column = click.option(
    "--smiles_column", metavar="NAME", help="Column with the SMILES strings.  [default: detected]"
)
targets = click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="Column to predict; repeatable; all: every other column with labels.  [default: P1]",
)
id_column = click.option(
    "--id_column", metavar="NAME", help="Column with the identifiers.  [default: detected]"
)
same_molecule = click.option(
    "--same_molecule",
    type=click.Choice(["parent", "canonical", "written"]),
    help="Rows of one molecule: equal without salts, as canonical SMILES, or as written.  [default: parent]",
)
workers = click.option("--workers", type=click.IntRange(1), help="Number of processes.  [default: all cores]")
as_html = click.option("--html", type=click.Path(dir_okay=False), help="Also write it there, as a web page.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

detail = options(
    click.option("--detail", is_flag=True, help="Also say how sure an answer is."),
    click.option(
        "--confidence",
        multiple=True,
        type=click.Choice(["0.8", "0.9", "0.95"]),
        help="How often the set of labels, or the interval, is to hold the truth; repeatable; implies "
        "--detail.  [default: 0.9]",
    ),
)

asked_models = options(
    click.option(
        "--model_1_path", default=DEFAULT_MODEL_PATHS["1"], show_default=True, help="Checkpoint of model 1."
    ),
    click.option(
        "--model_2_path", default=DEFAULT_MODEL_PATHS["2"], show_default=True, help="Checkpoint of model 2."
    ),
    click.option(
        "--model_name",
        type=click.Choice(["1", "2", "consensus"]),
        default="1",
        show_default=True,
        help="Model to ask; consensus is the mean of both, in which model 1 counts twice.",
    ),
)

presets = click.option(
    "--preset", type=click.Choice(["fast", "accurate"]), help="Features of model 1.  [default: accurate]"
)
split_options = options(
    click.option(
        "--split",
        type=SPLITS,
        help="How test rows are held out: by Bemis-Murcko scaffolds; by clusters of fingerprints; at random, "
        "the classes balanced or not; as --split_column says (train, valid, test); its groups kept whole; or "
        "what is latest in it.  [default: scaffold, or predefined with --split_column]",
    ),
    click.option(
        "--test_fraction",
        type=click.FloatRange(0, 0.9),
        help="Share of rows held out; 0: none.  [default: 0.2]",
    ),
    same_molecule,
    click.option(
        "--conflicts",
        type=click.Choice(["merge", "drop"]),
        help="Labels of duplicates that differ: majority or median, or no label.  [default: merge]",
    ),
    click.option("--seed", type=int, help="Seed of all randomness.  [default: 0]"),
)

resampling_options = options(
    click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap."),
    click.option(
        "--resamples",
        type=click.IntRange(20),
        default=1000,
        show_default=True,
        help="How often rows are drawn.",
    ),
    workers,
)

dataset_options = options(
    click.option(
        "--data_dir",
        type=click.Path(file_okay=False),
        default="data",
        show_default=True,
        help="Path to the data directory.",
    ),
    click.option(
        "--dataset",
        type=click.Path(dir_okay=False),
        help="Any labelled table (CSV, Parquet, SDF, ...), instead of --data_dir.",
    ),
    targets,
    smiles_column,
    id_column,
    click.option(
        "--split_column", metavar="NAME", help="Column that says train, valid or test, or what --split needs."
    ),
    click.option("--task", type=click.Choice(["binary", "regression"]), help="[default: by the labels]"),
)


def load_labelled(given: dict[str, Any], tasks: Sequence[str] | None = None) -> Any:
    """Read the labelled table that the options mean."""
    from servier.data.datasets import Columns, find_dataset, load_dataset

    path = given["dataset"] or find_dataset(given["data_dir"])
    columns = Columns(given["targets"], given["smiles_column"], given["id_column"], given["split_column"])
    return load_dataset(path, columns, tasks or given["task"])


def load_for_targets(given: dict[str, Any], targets: Sequence[Any]) -> Any:
    """Read the labelled table that the options mean, with a column for each target of a model."""
    from servier.data.datasets import ALL_TARGETS
    from servier.errors import ServierError

    if not given["targets"] or list(given["targets"]) == [ALL_TARGETS]:
        given["targets"] = [target.name for target in targets]
    if len(given["targets"]) != len(targets):
        names = ", ".join(target.name for target in targets)
        raise ServierError(
            f"this model has the targets {names}", hint="name one column for each with --target"
        )
    return load_labelled(given, [target.task for target in targets])


def training_options(given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the `Options` of the training, and the fields of the recipe that differ from the defaults.

    What the command line says takes precedence over the recipe file.
    """
    from servier.training.options import Options
    from servier.training.recipes import SETTINGS, RecipeFile, read_recipe

    if given["model_name"] == "2" and given["preset"] is not None:
        raise ServierError("model 2 reads SMILES strings, and has no presets", hint="leave out --preset")
    recipe = read_recipe(given["config"], given["model_name"]) if given["config"] else RecipeFile()
    chosen = {name: given[name] for name in SETTINGS if given[name] is not None}
    workers = worker_processes(given["workers"])
    options = Options(
        given["model_name"],
        reference=given.get("reference"),
        workers=workers,
        **(recipe.settings | chosen),
    )
    return options, recipe.recipe


def open_models(model_name: str, given: dict[str, Any]) -> list[Any]:
    """Open the checkpoints that the options of `asked_models` mean."""
    from servier.checkpoint.file import open_checkpoint

    names = ["1", "2"] if model_name == "consensus" else [model_name]
    return [open_checkpoint(given[f"model_{name}_path"], name) for name in names]


def resampling(given: dict[str, Any]) -> Any:
    """Return how rows are drawn for intervals, as the options say."""
    from servier.evaluation.bootstrap import Resampling

    return Resampling(given["resamples"], given["seed"], worker_processes(given["workers"]))


def confidences(given: dict[str, Any]) -> tuple[str, ...]:
    """Take the options of `detail`, and return of which bounds they ask for."""
    levels, wants_detail = given.pop("confidence"), given.pop("detail")
    return tuple(dict.fromkeys(levels or (("0.9",) if wants_detail else ())))


def command_line() -> str:
    """Return the command that is running, as one would type it, each option on a line of its own."""
    words = ["servier", *map(shlex.quote, sys.argv[1:])]
    return " ".join(f"\\\n  {word}" if word.startswith("--") else word for word in words)


def worker_processes(workers: int | None) -> int:
    """Return the number of processes, all cores where it was not said."""
    from servier.processes.ordered_map import count_cores

    return workers or count_cores()
