"""What the settings of the workflow say of labels: the options of commands, and what is learnt with them."""

import csv
import re

import pytest
import yaml
from workflow_for_tests import RESULTS, ROOT, SITE, change_settings, read_commands, snakemake

from servier.checkpoint.file import open_checkpoint
from servier.cli import main
from servier.data.simulation import simulate

PLAIN = {
    "task": "regression", "classes": ("low,medium,high",), "positive": ("strong",), "unit": ("nM",),
    "unit_columns": ("units",), "relation_columns": ("sign",), "weight_column": "weight",
    "transform": ("pIC50",), "bounds": ("4,",), "conflicts": "worst",
}  # fmt: skip
OF_TRAINING = {"transform", "bounds", "conflicts"}
SETTINGS = {"unit_columns": "unit_column", "relation_columns": "relation_column", "conflicts": "replicates"}


def settings_of(options):
    """What the settings call options, in their shortest form."""
    return {
        SETTINGS.get(name, name): value[0] if isinstance(value, tuple) else value
        for name, value in options.items()
    }


def test_every_command_that_reads_labels_is_told_of_them(fresh):
    """Training and tuning get all that is said, evaluation and comparison all but how labels are learnt."""

    def change(settings):
        settings.update(settings_of(PLAIN))
        settings["models"]["2"].update(tuning={"trials": 2})

    change_settings(fresh / SITE, change)
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    found = [(name, given) for name, given in read_commands(said) if "dataset" in given]
    assert sorted(name for name, _ in found) == ["compare", "evaluate", "evaluate", "train", "train", "tune"]
    for name, given in found:
        reads = (
            PLAIN if name in ("train", "tune") else {k: v for k, v in PLAIN.items() if k not in OF_TRAINING}
        )
        assert {option: given[option] for option in reads} == reads
    others = [given for name, given in read_commands(said) if name in ("featurize", "predict-file")]
    assert len(others) >= 4
    assert not any(PLAIN.keys() & given.keys() for given in others)


def test_several_texts_are_one_option_each(fresh):
    """A list is said in its order; without any setting nothing is said."""
    said = snakemake(fresh, "--dry-run", "--printshellcmds")
    assert not re.search("--(task|classes|positive|unit|relation|weight|transform|bounds|replicates)", said)
    lists = {
        "unit": ["IC50=nM", "share=%"], "transform": ["IC50=pIC50", "share=none"],
        "bounds": ["share=0,100", "IC50=4,"], "relation_column": ["IC50=sign", "share=none"],
    }  # fmt: skip
    change_settings(fresh / SITE, lambda settings: settings.update(lists))
    commands = read_commands(snakemake(fresh, "--dry-run", "--printshellcmds"))
    (trained, *_) = [given for name, given in commands if name == "train"]
    assert [list(trained[name]) for name in ("unit", "transform", "bounds")] == [
        lists[name] for name in ("unit", "transform", "bounds")
    ]
    assert list(trained["relation_columns"]) == lists["relation_column"]


def write_table(site, header, rows):
    with (site / "data" / "mine.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(rows)


def train_first_model(folder, **said):
    """Let the workflow train and evaluate model 1 of the table; return its checkpoint."""

    def change(settings):
        settings.update(dataset="data/mine.csv", libraries=[], resamples=20, **said)
        del settings["models"]["2"]

    change_settings(folder / SITE, change)
    snakemake(folder, "--until", "evaluate")
    assert (folder / RESULTS / "evaluation" / "model_1" / "report.html").is_file()
    return open_checkpoint(folder / RESULTS / "models" / "model_1.servier")


@pytest.mark.slow
def test_weighted_classes_in_an_order_are_learnt(fresh):
    """Words in the order of the settings, each row with its weight; rows of weight 0 teach nothing."""
    simulation = simulate(150, seed=1)
    words = ("low", "medium", "high")
    rows = [
        (smiles, words[int(label) + i % 2], 1 + i % 3)
        for i, (smiles, label) in enumerate(zip(simulation.smiles, simulation.labels, strict=True))
    ]
    write_table(fresh / SITE, ("smiles", "dose", "trust"), rows)
    trained = train_first_model(
        fresh, targets=["dose"], task="ordinal", classes="low,medium,high", weight_column="trust"
    )
    (target,) = trained.targets
    assert (target.task, target.words) == ("ordinal", list(words))
    weights = trained.metadata.dataset.weights
    assert weights.column == "trust"
    assert weights.lowest < weights.highest


@pytest.mark.slow
def test_concentrations_are_learnt_as_the_settings_say(fresh):
    """Nanomolar and micromolar labels, bounds and replicates become negative logarithms within limits."""
    rows = []
    for i, smiles in enumerate(simulate(120, seed=1).smiles):
        for exponent in (3, 4):  # replicates, of which the highest concentration is the worst
            nanomolar = 10 ** (exponent + len(smiles) % 3 + i % 7 / 10)
            rows.append(
                (smiles, *((nanomolar, "nM") if i % 2 else (nanomolar / 1000, "uM")), "=" if i % 9 else ">")
            )
    write_table(fresh / SITE, ("smiles", "IC50", "measured in", "sign"), rows)
    trained = train_first_model(
        fresh, targets=["IC50"], unit_column="measured in", relation_column=["IC50=sign"], transform="pIC50",
        bounds="IC50=-2,12", replicates="worst",
    )  # fmt: skip
    (target,) = trained.targets
    assert (target.task, target.unit, target.lowest, target.highest) == ("regression", "-log10(M)", -2, 12)
    assert trained.metadata.duplicates.conflicts == "worst"


def test_choices_are_those_of_the_commands():
    """What the schema lets one choose, train takes, but for the second name of the median."""
    schema = yaml.safe_load((ROOT / "workflow" / "schemas" / "config.schema.yaml").read_text())
    options = {name: option for option in main.commands["train"].params for name in option.opts}
    for setting in ("task", "standardization", "stereo", "replicates"):
        choices = set(options[f"--{setting}"].type.choices) - {"merge"}
        assert set(schema["properties"][setting]["enum"]) == choices


def test_a_wrong_setting_is_explained(fresh):
    """Before anything runs, with the value and what it ought to be."""
    change_settings(fresh / SITE, lambda settings: settings.update(bounds="0-100"))
    said = snakemake(fresh, "--dry-run", status=1)
    assert "'0-100' does not match" in said
    assert "What no answer is beyond, LOW,HIGH, such as" in said.replace("\n", " ")
