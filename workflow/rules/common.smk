import re
from pathlib import Path

from snakemake.logging import logger

UNTOUCHED = "data/dataset_single.csv"  # the labelled table of config/config.yaml as it is delivered


def dataset_path():
    """The labelled table: the user's own, or a simulated one where the config is as it was delivered."""
    path = config["dataset"]
    if "simulation" in config and not Path(path).exists():
        if path == UNTOUCHED:
            logger.warning(f"{path} does not exist: a simulated table takes its place")
            return SIMULATED
        logger.warning(
            f"the dataset {path} does not exist, and no simulated table takes the place of one that was named"
        )
    return path


def refuse_names(*paths):
    """Names with braces are patterns for Snakemake, wherever they stand; its logs and jobs are lines."""
    for path in paths:
        if set(path) & set("{}"):
            raise WorkflowError(
                f"{path} has a brace in its name, which Snakemake takes for a pattern: rename it"
            )
        if not path.isprintable():
            raise WorkflowError(
                f"{path!r} has a line break or another control character in its name: rename it"
            )


def option(name, value):
    """The words of a command-line option; none if there is no value."""
    return [f"--{name}", str(value)] if value else []


def options(pairs):
    """The words of several options."""
    return [word for name, value in pairs for word in option(name, value)]


def repeated(name):
    """The words of an option that the config gives once, or in a list."""
    given = config.get(name, [])
    return options(
        (name, text) for text in ([given] if isinstance(given, str) else given)
    )


def cores(rule):
    """The number of cores of a job of a rule."""
    return config["resources"][rule]["threads"]


def more_each_time(rule, resource):
    """The amount of a resource in the config, and as much again at each retry."""
    return lambda wildcards, attempt: attempt * config["resources"][rule][resource]


def training_table(wildcards):
    """Model 1 learns from the feature file, model 2 from the table itself."""
    if wildcards.model == "1":
        preset = config["models"]["1"]["preset"]
        return f"{RESULTS}/features/{preset}.parquet"
    return DATASET


def training_recipe(wildcards):
    """The recipe of the config, or the one that a search finds if the config asks for tuning."""
    settings = config["models"][wildcards.model]
    if "tuning" in settings:
        return f"{RESULTS}/recipes/model_{wildcards.model}.yaml"
    return settings["recipe"]


def training_stereo(wildcards):
    """Whether model 1 tells stereoisomers apart, as the config says; model 2 always does."""
    return STEREO if wildcards.model == "1" else []


def tuning_budget(wildcards):
    """The options that limit the search for a recipe."""
    budget = config["models"][wildcards.model]["tuning"]
    return options(budget.items())


def report_names():
    """The pages of an evaluation, as servier names them: one for each of several targets, and an overview."""
    names = ["report.html"]
    for i, target in enumerate(
        config["targets"] if len(config["targets"]) > 1 else [], 1
    ):
        name = f"report_{re.sub('[^A-Za-z0-9_-]', '_', target)}"
        is_taken = f"{name}.html".lower() in map(str.lower, names[1:])
        names.append(f"{name}_{i}.html" if is_taken else f"{name}.html")
    return names


SIMULATED = f"{RESULTS}/simulated/dataset_single.csv"
DATASET = dataset_path()
refuse_names(RESULTS, DATASET)
TARGETS = options(("target", target) for target in config["targets"])
COLUMNS = options(
    (name, config.get(name))
    for name in ("smiles_column", "split_column", "weight_column")
)
LABELS = [
    *option("task", config.get("task")),
    *repeated("classes"),
    *repeated("positive"),
    *repeated("unit"),
    *repeated("unit_column"),
    *repeated("relation_column"),
]
LEARNING = [
    *repeated("transform"),
    *repeated("bounds"),
    *option("replicates", config.get("replicates")),
]
STANDARDIZATION = option("standardization", config.get("standardization"))
STEREO = option("stereo", config.get("stereo"))
SMILES_COLUMN = option("smiles_column", config.get("smiles_column"))
REPORTS = report_names()
EVALUATIONS = expand(
    f"{RESULTS}/evaluation/model_{{model}}/{{name}}",
    model=MODELS,
    name=["metrics.json", *REPORTS],
)
if len(MODELS) > 1:
    EVALUATIONS.append(f"{RESULTS}/evaluation/comparison.html")
