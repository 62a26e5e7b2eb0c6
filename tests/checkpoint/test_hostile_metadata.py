"""Checkpoints whose metadata was changed by somebody: each is refused in one line, or answers."""

import json
import random
import re
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from mutations_for_tests import CHANGES, changed, mutations, places

from servier.checkpoint.archive import pack
from servier.checkpoint.documents import parse_json
from servier.checkpoint.file import METADATA, open_checkpoint
from servier.checkpoint.metadata import decode_metadata
from servier.checkpoint.target import CONFIDENCES
from servier.errors import CheckpointError, ServierError
from servier.report.text import describe_checkpoint
from servier.scoring.scorer import Scorer

MOLECULES = ["CCO", "c1ccccc1C(=O)N", "nope"]
LONGEST_LINE = 1000
JOINED = {"model_name", "targets", "domain", "reference"}


def entries_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def document_of(path):
    """Metadata with every field filled, those that this model leaves out too."""
    document = json.loads(entries_of(path)[METADATA])
    document["targets"][0].setdefault("words", ["inactive", "active"])
    document["training"] |= {"rounds": [[3, 4]], "losses": [0.5], "encoder": {"library": {"molecules": 3}}}
    return document


def use(path, other=None):
    """Open a checkpoint, perhaps beside another; score with all that answers may have, and describe it."""
    from servier.report.html.card import render_card

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened = open_checkpoint(path)
        models = [opened] if other is None else [open_checkpoint(other), opened]
        predictions = Scorer(models, confidences=list(map(str, CONFIDENCES))).score(MOLECULES)
        describe_checkpoint(opened)
        render_card(opened)
    scored = [problem is None for problem in predictions.problems]
    assert np.isfinite(predictions.values[scored]).all()
    assert not any(np.isinf(bounds).any() for bounds in predictions.bounds.values())


def one_line(error, path):
    """An error is one line of a readable length that begins with the checkpoint."""
    said = str(error)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    assert len(said) < LONGEST_LINE


def attack(path, folder, n):
    """Use a checkpoint with `n` changes, alone and beside the other; returns how many were refused."""
    entries, refused = entries_of(path), 0
    target = folder / path.name
    other = path.with_name("model_2.servier" if path.name == "model_1.servier" else "model_1.servier")
    for place, content in mutations(document_of(path), n):
        target.write_bytes(pack({**entries, METADATA: content}))
        try:
            use(target)
            if place[0] in JOINED:
                use(target, other)
        except ServierError as error:
            one_line(error, target)
            refused += 1
        except Exception as error:
            error.add_note(f"at {place}: {content[:200]!r}")
            raise
    return refused


@pytest.mark.parametrize("name", ["1", "2"])
def test_changed_metadata_is_refused_or_answers(models_dir, tmp_path, name):
    """Whatever is changed, there is one line, or answers that are numbers."""
    assert attack(models_dir / f"model_{name}.servier", tmp_path, 100) > 50


@pytest.mark.parametrize("target", ["kind", "level"])
def test_changed_classes_are_refused_or_answer(classes, tmp_path, target):
    """The same of targets with classes, their words, slopes, intercepts and limits."""
    assert attack(classes / target / "model_1.servier", tmp_path, 150) > 50


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1", "2"])
def test_thousands_of_changes_are_refused_or_answer(models_dir, tmp_path, name):
    """Each place of the metadata is changed, most of them in many ways."""
    assert attack(models_dir / f"model_{name}.servier", tmp_path, 2500) > 1250


@pytest.mark.slow
@pytest.mark.parametrize("n", [10, pytest.param(100, marks=pytest.mark.exhaustive)])
def test_commands_refuse_changed_metadata_in_one_line(models_dir, tmp_path, n):
    """The commands themselves end with status 0 or with status 1 and one line, never with a traceback."""
    (tmp_path / "in.csv").write_text("smiles\nCCO\n")
    chance = random.Random(n)
    for name in "12":
        path = models_dir / f"model_{name}.servier"
        entries, document = entries_of(path), document_of(path)
        target, files = tmp_path / path.name, [tmp_path / "in.csv", tmp_path / "out.csv"]
        commands = [
            ["predict", "CCO", "--detail", "--model_name", name, f"--model_{name}_path", target],
            ["inspect", target],
            ["inspect", target, "--html", tmp_path / "card.html", "--force"],
            ["explain", "CCO", "--model_name", name, f"--model_{name}_path", target],
            ["predict-file", *files, "--detail", "--model_path", target, "--force"],
        ]  # fmt: skip
        for _ in range(n):
            place, change = chance.choice(list(places(document))), chance.choice(CHANGES)
            target.write_bytes(pack({**entries, METADATA: changed(document, place, change)}))
            words = [sys.executable, "-m", "servier", "--quiet", *map(str, chance.choice(commands))]
            done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
            assert done.returncode in (0, 1), (place, done.stderr)
            assert "Traceback" not in done.stderr, (place, done.stderr)
            if done.returncode:
                assert done.stderr.count("\n") == 1, (place, done.stderr)
                assert str(target) in done.stderr


def test_every_fault_is_named(model_1):
    """A line names the field, wherever it is and whatever is wrong with it."""
    document = document_of(model_1)
    said = {}
    for place, value, problem in [
        (("seed",), -1, "seed is not between 0 and 2147483646"),
        (("dataset", "rows"), -1, "dataset.rows is not at least 0"),
        (("dataset", "digest"), "5f0c", "dataset.digest is not a sha256"),
        (("domain", "similarity"), 1.5, "domain.similarity is not between 0 and 1"),
        (("sentinels",), [], "sentinels is not filled"),
        (("sentinels", 1, "scores"), [], "sentinels[1].scores is not one number for each target"),
        (("targets",), [], "targets is not filled"),
        (("targets", 0, "name"), "", "targets[0].name is not filled"),
        (("targets", 0, "task"), "ternary",
         "targets[0].task is not binary or regression or multiclass or ordinal"),
        (("targets", 0, "threshold"), 2, "targets[0].threshold is not between 0 and 1"),
        (("targets", 0, "slope"), 1e308, "targets[0].slope is not between -1e+100 and 1e+100"),
        (("targets", 0, "transform"), "log",
         "targets[0].transform is not null, as that of a binary target is"),
        (("targets", 0, "bound"), 7, "targets[0].bound is not that of the transform None"),
        (("targets", 0, "unit"), "log10(" * 5000, "targets[0].unit is not a unit of at most 80 characters"),
        (("targets", 0, "unit"), "", "targets[0].unit is not a unit of at most 80 characters"),
        (("targets", 0, "lowest"), 0.5, "targets[0].lowest is not null, as that of a binary target is"),
        (("targets", 0, "highest"), 1e200, "targets[0].highest is not between -1e+100 and 1e+100"),
        (("targets", 0, "words"), ["a", "b", "c"], "targets[0].words is not a word for each label"),
        (("targets", 0, "words"), ["a", "a"], "targets[0].words is not free of repetitions"),
        (("targets", 0, "conformal"), {"0.8": [1]}, "targets[0].conformal['0.8'] is not 2 numbers"),
        (("targets", 0, "conformal"), {"9": [1, 0]}, "'9' in targets[0].conformal is not a confidence"),
        (("targets", 0, "conformal"), {"0.8": [0.9, 0.1], "0.9": [0.8, 0.1]},
         "targets[0].conformal['0.9'] is not as wide as that of less confidence"),
        (("targets", 0, "conformal"), {"0.8": [1.5, 0.1]},
         "targets[0].conformal['0.8'] is not made of probabilities"),
        (("model_name",), "3", "model_name is not 1 or 2"),
        (("format_version",), 0, "format_version is not 1, 2 or 3"),
        (("versions", "rdkit"), "", "versions['rdkit'] is not filled"),
        (("training", "recipe", "folds"), 10**400, "training.recipe.folds is not finite"),
        (("training", "recipe", "folds"), "\ud800", "training.recipe.folds is not Unicode"),
        (("training", "recipe", "folds"), "x" * 70_000,
         "training.recipe.folds has more than 65,536 characters"),
    ]:  # fmt: skip
        content = changed(document, place, lambda part, name, value=value: part.__setitem__(name, value))
        with pytest.raises(CheckpointError) as caught:
            decode_metadata(content, "m")
        said[f"its metadata is damaged: {problem}"] = caught.value.problem
    assert list(said) == list(said.values())


def test_two_targets_of_one_name_are_refused(model_1):
    """Their columns could not be told apart."""
    document = document_of(model_1)
    document["targets"] *= 2
    for sentinel in document["sentinels"]:
        sentinel["scores"] *= 2
    with pytest.raises(CheckpointError, match=r"targets\[1\]\.name is not the name of one target"):
        decode_metadata(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"a": {"b": 1, "b": 2}}', "'b' is there twice"),
        (b'{"a": [NaN]}', r"a\[0\] is not finite"),
        (b'{"a": {"b c": "\\ud800"}}', r"a\['b c'\] is not Unicode"),
        (b'{"a": {"\\udc9b": 1}}', "a name in a is not Unicode"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "is nested too deeply"),
    ],
)
def test_what_python_would_accept_is_refused(content, problem):
    """Python's reader is less strict than JSON is, and than servier is."""
    with pytest.raises(ValueError, match=problem):
        parse_json(content)


@pytest.mark.parametrize(
    ("model", "place", "value", "problem"),
    [
        ("1", ("featurizers", 0, "radius"), 10**9, "radius of morgan_count is 1000000000"),
        ("1", ("featurizers", 0, "fp_size"), 2**40, "fp_size of morgan_count is 1099511627776"),
        ("1", ("featurizers", 0, "kind"), [], r"no featurizer is called \[\]"),
        ("1", ("featurizers",), [{"kind": "physchem"}] * 2, "physchem is there twice"),
        ("1", ("featurizers",), [{"kind": "physchem"}], "does not fit the metadata"),
        ("2", ("vocabulary",), [f"[{i}]" for i in range(9000)], "does not fit the metadata"),
        ("2", ("n_smiles",), 10**9, "n_smiles is not at most 1000"),
        ("2", ("seed",), 2**31, "seed is not between 0 and"),
    ],
)
def test_a_learner_refuses_what_it_cannot_read(models_dir, model, place, value, problem):
    """What only a featurizer or a tokenizer knows, it refuses before anything is scored."""
    opened = open_checkpoint(models_dir / f"model_{model}.servier").load()
    content = changed(
        json.loads(opened.metadata_json), ("input", *place), lambda part, name: part.__setitem__(name, value)
    )
    with pytest.raises(CheckpointError, match=problem):
        Scorer([replace(opened, metadata_json=content)])


@pytest.mark.parametrize(
    ("place", "value", "problem"),
    [
        (("split", "strategy"), "alphabet", "split is 'alphabet'"),
        (("duplicates", "conflicts"), "fight", "conflicts is 'fight'"),
        (("preset",), "slow", "preset is 'slow'"),
        (("training", "recipe", "folds"), "many", "folds is 'many', not a number"),
        (("training", "recipe", "boosters"), [], r"boosters is \[\]"),
        (("training", "recipe", "colour"), "blue", "unknown key 'colour'"),
    ],
)
def test_training_again_refuses_what_it_does_not_know(
    command, simulated, model_1, tmp_path, place, value, problem
):
    """What is read of a checkpoint only to train in the same way is looked at before anything is trained."""
    entries, document = entries_of(model_1), document_of(model_1)
    content = changed(document, place, lambda part, name: part.__setitem__(name, value))
    target = tmp_path / "m.servier"
    target.write_bytes(pack({**entries, METADATA: content}))
    done = command(
        "evaluate", "--data_dir", simulated.parent, "--model_path", target, "--folds", 2, status=1
    )  # fmt: skip
    assert done.stderr.startswith(f"Error: {target}: ")
    assert re.search(problem, done.stderr)
    assert done.stderr.count("\n") == 1
