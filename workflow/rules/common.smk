import re
from pathlib import Path

from snakemake.logging import logger


def dataset_path():
    """The labelled table: the user's own, or a simulated one if the config has a simulation."""
    if "simulation" in config and not Path(config["dataset"]).exists():
        logger.warning(
            f"{config['dataset']} does not exist: a simulated table takes its place"
        )
        return SIMULATED
    return config["dataset"]


def option(name, value):
    """A command-line option, or nothing if there is no value."""
    return f"--{name} {value}" if value else ""


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


def tuning_budget(wildcards):
    """The options that limit the search for a recipe."""
    budget = config["models"][wildcards.model]["tuning"]
    return " ".join(option(name, value) for name, value in budget.items())


def report_names():
    """The pages of an evaluation: one for each of several targets, and an overview."""
    targets = config["targets"] if len(config["targets"]) > 1 else []
    plain = [target for target in targets if re.fullmatch("[A-Za-z0-9_-]+", target)]
    return ["report.html", *(f"report_{target}.html" for target in plain)]


SIMULATED = f"{RESULTS}/simulated/dataset_single.csv"
DATASET = dataset_path()
TARGETS = " ".join(option("target", f"'{target}'") for target in config["targets"])
COLUMNS = " ".join(
    option(name, config.get(name)) for name in ("smiles_column", "split_column")
)
SMILES_COLUMN = option("smiles_column", config.get("smiles_column"))
REPORTS = report_names()
EVALUATIONS = expand(
    f"{RESULTS}/evaluation/model_{{model}}/{{name}}",
    model=MODELS,
    name=["metrics.json", *REPORTS],
)
if len(MODELS) > 1:
    EVALUATIONS.append(f"{RESULTS}/evaluation/comparison.html")
