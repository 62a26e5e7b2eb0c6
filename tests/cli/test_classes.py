"""Targets with three classes from a table to answers, by every command, both models and their consensus."""

import csv
import json
import re
from urllib.parse import quote

import lightgbm as lgb
import numpy as np
import pytest
from classes_for_tests import KINDS, LEVELS, TASKS
from server_for_tests import serving
from sklearn.metrics import cohen_kappa_score, confusion_matrix, roc_auc_score

from servier.checkpoint.file import open_checkpoint
from servier.checkpoint.target import Target
from servier.data.datasets import Columns, load_dataset
from servier.errors import CheckpointError
from servier.features.feature_set import FeatureSet
from servier.scoring.engines import build_engine
from servier.scoring.prediction_fields import require_unlike_fields
from servier.scoring.scorer import Scorer
from servier.training.options import Options
from servier.training.recipes import make_recipe
from servier.training.train import train

pytestmark = pytest.mark.training

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
WORDS = {"kind": sorted(KINDS, key=str.casefold), "level": LEVELS}
NAMES = ["1", "2"]
TARGETS = list(TASKS)


def path_of(classes, target, name):
    return classes / target / f"model_{name}.servier"


def paths(classes, target):
    return [word for n in NAMES for word in (f"--model_{n}_path", path_of(classes, target, n))]


def probabilities(row, target):
    return [float(row[f"{target}_probability_{word}"]) for word in WORDS[target]]


def on_test_rows(classes, checkpoint, target):
    """The labels of the rows that training held out, and the model's answers for them."""
    data = load_dataset(classes / "classes.csv", Columns((target,)), TASKS[target], orders=[WORDS[target]])
    rows = checkpoint.reference.test_rows
    return data.y[rows, 0], Scorer([checkpoint]).score([data.smiles[row] for row in rows])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_of_classes_says_what_it_is(command, classes, target, name):
    """Its classes in their order, a calibration for each raw score, and that it is intact."""
    path = path_of(classes, target, name)
    found = open_checkpoint(path).targets[0]
    assert (found.name, found.task, found.words) == (target, TASKS[target], WORDS[target])
    assert found.n_scores == len(found.slopes) == len(found.intercepts) == (3 if target == "kind" else 2)
    assert set(found.conformal) == {"0.8", "0.9", "0.95"}
    shown = command("inspect", path).stdout
    assert (", " if target == "kind" else " < ").join(WORDS[target]) in shown
    assert "fail" not in command("inspect", path, "--verify").stdout


@pytest.mark.parametrize("target", TARGETS)
def test_trees_of_classes_are_those_of_lightgbm(classes, target):
    """The graph of model 1 gives for each raw score the mean of its native boosters."""
    checkpoint = open_checkpoint(path_of(classes, target, "1")).load()
    engine = build_engine(checkpoint)
    mols = Scorer([checkpoint]).parse([ASPIRIN, "CCO", "c1ccncc1C(=O)NC"])
    X = FeatureSet(checkpoint.metadata.input["featurizers"])(mols).X
    rounds = checkpoint.metadata.training.rounds
    assert len(rounds) == checkpoint.targets[0].n_scores
    for score, own in enumerate(rounds):
        native = [
            lgb.Booster(model_str=checkpoint.entries[f"model_{score}_{i}.txt"].decode())
            for i in range(len(own))
        ]
        expected = np.mean([booster.predict(X, raw_score=True) for booster in native], axis=0)
        np.testing.assert_allclose(engine(mols).values[:, score], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_a_network_of_classes_is_that_of_keras(classes, target, tmp_path):
    """The graph of model 2 gives the raw scores of the native network, one for each output."""
    import keras

    checkpoint = open_checkpoint(path_of(classes, target, "2")).load()
    engine = build_engine(checkpoint)
    (tmp_path / "model.keras").write_bytes(checkpoint.entries["model.keras"])
    network = keras.saving.load_model(tmp_path / "model.keras")
    tokens = engine.tokenizer.encode(ASPIRIN)
    expected = np.asarray(network(np.array([tokens], np.int32)))
    assert expected.shape == (1, checkpoint.targets[0].n_scores)
    np.testing.assert_allclose(engine.score_tokens([tokens], 0), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target", TARGETS)
def test_model_1_learns_classes(classes, target):
    """On held-out rows it is far better than chance, and its metrics are those of scikit-learn."""
    checkpoint = open_checkpoint(path_of(classes, target, "1"))
    y, predictions = on_test_rows(classes, checkpoint, target)
    shares = predictions.values / predictions.values.sum(axis=1, keepdims=True)
    measured = checkpoint.metadata.metrics.test[target]
    expected = roc_auc_score(y, shares, multi_class="ovr")
    assert measured["auroc"] == pytest.approx(expected)
    assert expected > 0.6
    assert ("quadratic_kappa" in measured) == (target == "level")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model_name", [*NAMES, "consensus"])
def test_one_molecule_and_a_file_get_the_same_classes(command, classes, target, model_name, tmp_path):
    """The most probable class, probabilities that add up to 1, a set of words, and a mean in an order."""
    detail = ["--detail", "--confidence", "0.8"]
    row = json.loads(
        command(
            "predict", ASPIRIN, *paths(classes, target), "--model_name", model_name, *detail, "--json"
        ).stdout
    )
    found = probabilities(row, target)
    assert sum(found) == pytest.approx(1, abs=3e-6)
    assert row[f"{target}_pred"] == WORDS[target][int(np.argmax(found))]
    assert set(row[f"{target}_set_80"].split(" or ")) <= {*WORDS[target], "no class"}
    if target == "level":
        assert row["level_mean"] == pytest.approx(found[1] + 2 * found[2], abs=2e-6)
    (tmp_path / "in.csv").write_text(f"smiles\n{ASPIRIN}\nnonsense\n")
    names = NAMES if model_name == "consensus" else [model_name]
    models = [word for name in names for word in ("--model_path", path_of(classes, target, name))]
    command("predict-file", tmp_path / "in.csv", tmp_path / "out.csv", *models, *detail)
    first, second = csv.DictReader((tmp_path / "out.csv").open())
    assert {name: first[name] for name in row if name in first} == {
        name: str(value) for name, value in row.items() if name in first
    }
    assert second["status"] == "invalid"
    assert {value for name, value in second.items() if name.startswith(target)} == {""}


@pytest.mark.parametrize("target", TARGETS)
def test_the_consensus_is_the_mean_of_probabilities(classes, target):
    """In which model 1 counts twice, for every class."""
    models = [open_checkpoint(path_of(classes, target, name)) for name in NAMES]
    first, second = (Scorer([model]).score([ASPIRIN, "CCO"]).values for model in models)
    np.testing.assert_allclose(
        Scorer(models).score([ASPIRIN, "CCO"]).values, (2 * first + second) / 3, atol=1.1e-6
    )


@pytest.mark.parametrize("target", TARGETS)
def test_each_class_has_its_spread_over_stereoisomers(command, classes, target):
    """The mean, the lowest and the highest of the probabilities that both isomers get on their own."""
    asked = [*paths(classes, target), "--model_name", "2", "--json"]
    alone = [
        probabilities(json.loads(command("predict", text, *asked).stdout), target)
        for text in ("CC[C@H](N)c1ccccc1", "CC[C@@H](N)c1ccccc1")
    ]
    row = json.loads(command("predict", "CCC(N)c1ccccc1", *asked, "--stereoisomers", 4).stdout)
    assert row["stereoisomers"] == 2
    for label, word in enumerate(WORDS[target]):
        own = [found[label] for found in alone]
        for name, value in (("mean", np.mean(own)), ("low", min(own)), ("high", max(own))):
            told = row[f"{target}_probability_{word}_stereoisomers_{name}"]
            assert told == pytest.approx(value, abs=1e-6)


def test_models_of_other_classes_have_no_consensus(classes, command):
    """The refusal names the classes of both, or says that targets differ."""
    refused = command(
        "predict", "C", "--model_1_path", path_of(classes, "kind", "1"), "--model_2_path",
        path_of(classes, "level", "2"), "--model_name", "consensus", status=1,
    ).stderr  # fmt: skip
    assert "its targets are not those of the other checkpoint" in refused


@pytest.mark.parametrize(
    ("target", "rank_by", "column"),
    [
        ("kind", "kind=kinase", "kind_probability_kinase"),
        ("kind", "Kind=KINASE", "kind_probability_kinase"),
        ("level", None, "level_mean"),
        ("level", "level=high", "level_probability_high"),
    ],
)
def test_the_best_rows_by_a_class(command, classes, target, rank_by, column, tmp_path):
    """A class ranks by its probability, an order by the mean class; the best are those of the whole file."""
    arguments = [
        classes / "classes.csv",
        "--columns",
        "smiles",
        "--model_path",
        path_of(classes, target, "1"),
    ]
    source, *rest = arguments
    command("predict-file", source, tmp_path / "all.csv", *rest)
    scores = sorted(
        (float(row[column]) for row in csv.DictReader((tmp_path / "all.csv").open())), reverse=True
    )
    by = [] if rank_by is None else ["--rank_by", rank_by]
    command("predict-file", source, tmp_path / "top.csv", *rest, "--top", 7, *by)
    best = [float(row[column]) for row in csv.DictReader((tmp_path / "top.csv").open())]
    assert best == scores[:7]
    limit = scores[30]
    command("predict-file", source, tmp_path / "above.csv", *rest, "--threshold", limit, *by)
    above = [float(row[column]) for row in csv.DictReader((tmp_path / "above.csv").open())]
    assert sorted(above, reverse=True) == [score for score in scores if score >= limit]


def test_classes_without_an_order_need_one_to_rank_by(command, classes, tmp_path):
    """The hint names what can be given."""
    refused = command(
        "predict-file", classes / "classes.csv", tmp_path / "top.csv", "--model_path",
        path_of(classes, "kind", "1"), "--top", 3, status=1,
    ).stderr  # fmt: skip
    assert "the classes of kind have no order to rank by" in refused
    assert "--rank_by: kind=GPCR, kind=ion channel, kind=kinase" in refused


def test_answers_of_one_name_are_refused():
    """A target and a class of another one may give a column one name: such a model answers nothing."""
    twins = [
        Target("kind", "multiclass", words=["pred", "b", "c"]),
        Target("kind_probability", "regression"),
    ]
    with pytest.raises(CheckpointError, match="two of its answers are called kind_probability_pred"):
        require_unlike_fields(twins, "m.servier")


def test_classes_go_into_parquet_as_words_and_numbers(command, classes, tmp_path):
    """The predicted class is a text column, probabilities are numbers."""
    import pyarrow.parquet as pq

    command(
        "predict-file", classes / "classes.csv", tmp_path / "out.parquet", "--model_path",
        path_of(classes, "kind", "1"), "--columns", "smiles",
    )  # fmt: skip
    table = pq.read_table(tmp_path / "out.parquet")
    assert set(table["kind_pred"].to_pylist()) <= set(KINDS)
    assert str(table.schema.field("kind_probability_ion channel").type) == "double"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", NAMES)
def test_evaluation_of_classes(command, classes, target, name, tmp_path):
    """Metrics, confusions and coverage are those of the answers; report and text show them."""
    arguments = [
        "evaluate", "--dataset", classes / "classes.csv", "--model_path", path_of(classes, target, name),
        "--resamples", 20, "--workers", 1,
    ]  # fmt: skip
    text = command(*arguments, "--output_dir", tmp_path).stdout
    document = json.loads((tmp_path / "metrics.json").read_text())
    y, predictions = on_test_rows(classes, open_checkpoint(path_of(classes, target, name)), target)
    labels = predictions.labels()[:, 0]
    expected = confusion_matrix(y, labels, labels=[0, 1, 2]).tolist()
    assert document["confusion"][target] == expected
    assert document["classes"][target] == WORDS[target]
    if target == "level":
        kappa = cohen_kappa_score(y, labels, weights="quadratic", labels=[0, 1, 2])
        assert document["metrics"][target]["quadratic_kappa"]["value"] == pytest.approx(kappa)
    page = (tmp_path / "report.html").read_text()
    for word, counts in zip(WORDS[target], expected, strict=True):
        cells = r"\s+".join([re.escape(f"observed {word}"), *map(str, counts)])
        assert re.search(cells, text)
        shown = re.search(rf'<th scope="row">observed {word}</th>(.*?)</tr>', page, re.DOTALL)[1]
        assert [int(n) for n in re.findall(r'<td class="\w+">(\d+)<small>', shown)] == counts
    assert set(document["baselines"][target]) == {"dummy", "1-NN", "linear"}
    assert document["baselines"][target]["dummy"]["auroc"] == 0.5


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            ("--task", "regression"),
            "--task says regression, and the model has learnt ordinal; leave out --task",
        ),
        (
            ("--task", "multiclass"),
            "--task says multiclass, and the model has learnt ordinal; leave out --task",
        ),
        (
            ("--classes", "high,medium,low"),
            "--classes says high, medium, low, which are the classes of no target",
        ),
        (
            ("--classes", "low,high"),
            "--classes says low, high, which are the classes of no target of the model",
        ),
        (
            ("--positive", "high"),
            "--positive names label 1 of two, and targets have classes; leave out --positive",
        ),
        (
            ("--unit_column", "size"),
            "--unit_column holds units of numbers, and targets have classes; leave out",
        ),
        (("--task", "ordinal", "--classes", "None,LOW, medium,high"), None),
        (("--weight_column", "size"), None),
    ],
)
@pytest.mark.parametrize("name", ["evaluate", "compare"])
def test_what_a_model_has_learnt_is_not_said_otherwise(command, classes, name, options, problem):
    """What contradicts it is refused and not passed over; weights are said to be for training."""
    models = [path_of(classes, "level", n) for n in NAMES]
    words = ("evaluate", "--model_path", models[0]) if name == "evaluate" else ("compare", *models)
    words += ("--dataset", classes / "classes.csv", "--resamples", 20, "--workers", 1)
    said = command(*words, *options, status=0 if problem is None else 1).stderr
    assert problem is None or said.startswith(f"Error: {problem}")
    assert ("weights are for training" in said) == (options[0] == "--weight_column")


@pytest.mark.parametrize("target", TARGETS)
def test_models_of_classes_are_compared_by_command(command, classes, target, tmp_path):
    """By all metrics of their task, as text and as a page."""
    models = [path_of(classes, target, name) for name in NAMES]
    table = ["--dataset", classes / "classes.csv", "--resamples", 20, "--workers", 1]
    found = command("compare", *models, *table, "--html", tmp_path / "page.html", "--json").stdout
    metrics = json.loads(found)["metrics"][target]
    assert {"auroc", "balanced_accuracy", "log_loss"} <= metrics.keys()
    assert "Macro" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("target", "label", "unit"),
    [
        ("kind", None, "ln(probability of kind = "),
        ("kind", "KINASE", "ln(probability of kind = kinase) - mean over the classes"),
        ("level", None, "log-odds of the next higher level, mean over the classes"),
        ("level", "high", "log-odds of level = high against medium"),
    ],
)
@pytest.mark.parametrize("model_name", [*NAMES, "consensus"])
def test_explanations_of_classes(command, classes, target, label, unit, model_name, tmp_path):
    """The score of a class, or in an order of the next higher; contributions add up and are drawn."""
    found = json.loads(
        command(
            "explain", ASPIRIN, *paths(classes, target), "--model_name", model_name, "--json", "--output",
            tmp_path / "a.svg", *([] if label is None else ["--label", label]),
        ).stdout
    )  # fmt: skip
    assert found["unit"].startswith(unit)
    if target == "kind" and label is None:
        assert f"kind = {found['kind_pred']})" in found["unit"]
    total = sum(atom["contribution"] for atom in found["atoms"])
    assert found["score"] - found["all_atoms_masked"] == pytest.approx(total, abs=1e-4)
    assert f"{target}: {found[f'{target}_pred']}, probability" in (tmp_path / "a.svg").read_text()
    if model_name == "1" and (label or target == "level"):
        p = np.array(probabilities(found, target))
        scores = {
            "kind": np.log(p[-1]) - np.log(p).mean(),
            "level": np.log(p[2] / p[1]) if label else np.log(p[2] / p[0]) / 2,
        }
        assert found["score"] == pytest.approx(scores[target], abs=1e-3)


@pytest.mark.parametrize(
    ("target", "label", "problem"),
    [
        ("kind", "lipase", "there is nothing to explain for the class 'lipase' of kind"),
        ("level", "low", "the class 'low' of level, the lowest: a class is explained against the next"),
    ],
)
def test_classes_that_cannot_be_explained(command, classes, target, label, problem):
    """The lowest class of an order is what the others are compared with; others do not exist."""
    arguments = ["explain", ASPIRIN, *paths(classes, target), "--label", label]
    assert problem in command(*arguments, status=1).stderr


@pytest.mark.process
@pytest.mark.parametrize("target", TARGETS)
def test_classes_are_served(classes, target):
    """JSON, the page, the explanation and the list of models know the classes."""
    with serving(classes / target) as server:
        for model_name in (*NAMES, "consensus"):
            row = server.predict(ASPIRIN, model_name)[1]
            found = probabilities(row, target)
            assert row[f"{target}_pred"] == WORDS[target][int(np.argmax(found))]
        page = server.ask(f"/?smile={quote(ASPIRIN)}&model_name=1")[2].decode()
        row = server.predict(ASPIRIN)[1]
        assert f"{target} is predicted to be {row[f'{target}_pred']}, with a probability of" in page
        assert all(word in page for word in WORDS[target])
        drawn = server.ask(f"/explanation.svg?smile={quote(ASPIRIN)}&model_name=1")[2].decode()
        assert f"{target}: {row[f'{target}_pred']}, probability" in drawn
        served = json.loads(server.ask("/models")[2])["models"][0]["targets"]
        assert served == [
            {
                "name": target, "task": TASKS[target], "threshold": None, "unit": None,
                "classes": WORDS[target],
            }
        ]  # fmt: skip


def test_classes_and_other_targets_of_one_model_score_as_alone(classes):
    """Trained together, each target gets the very answers that a model of it alone gives."""
    tasks = {"kind": "multiclass", "P1": "binary", "stage": "ordinal", "size": "regression"}
    table = classes / "classes.csv"
    options = Options(preset="fast", test_fraction=0.0)
    changes = {
        "folds": 2, "boosters": [{}], "repeats": 1, "max_rounds": 10, "parameters": {"num_leaves": 4},
    }  # fmt: skip
    recipe = make_recipe(options, changes)
    data = load_dataset(table, Columns(tuple(tasks)), list(tasks.values()))
    assert data.labels_of(2) == ["1", "2", "3"]
    together = Scorer([train(data, options, recipe)]).score(data.smiles[:40])
    assert together.values.shape == (40, 3 + 1 + 3 + 1)
    start = 0
    for (target, task), width in zip(tasks.items(), (3, 1, 3, 1), strict=True):
        alone = train(load_dataset(table, Columns((target,)), task), options, recipe)
        values = Scorer([alone]).score(data.smiles[:40]).values
        np.testing.assert_array_equal(together.values[:, start : start + width], values)
        start += width


def test_training_is_repeated_in_folds(command, classes):
    """Nested cross-validation of classes, with the classes of the model."""
    found = json.loads(
        command(
            "evaluate", "--dataset", classes / "classes.csv", "--model_path", path_of(classes, "level", "1"),
            "--folds", 2, "--workers", 1, "--json",
        ).stdout
    )  # fmt: skip
    assert {"quadratic_kappa", "auroc"} <= found["metrics"]["level"].keys()


def test_percentiles_of_classes(command, classes, recipes, tmp_path):
    """An order has the percentile of its mean among reference molecules, classes without one have none."""
    found = {}
    for target, task in TASKS.items():
        path = tmp_path / f"{target}.servier"
        command(
            "train", "--dataset", classes / "classes.csv", "--target", target, "--task", task, "--config",
            recipes["1"], "--model_path", path, "--reference", classes / "classes.csv",
        )  # fmt: skip
        found[target] = json.loads(
            command("predict", ASPIRIN, "--model_1_path", path, "--detail", "--json").stdout
        )
    assert 0 <= found["level"]["level_percentile"] <= 100
    assert "kind_percentile" not in found["kind"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--classes", "low,medium,high"], "--classes names classes, and no target is said to have any"),
        (["--task", "ordinal", "--positive", "high"], "--positive names label 1 of two, and targets have"),
        (["--task", "ordinal", "--classes", "low,high"], "the classes of no target are 'low', 'high'"),
        (["--target", "kind", "--task", "ordinal"], "it is not clear in which order"),
        (["--target", "P1", "--task", "multiclass"], "column P1: there are only 2 classes: '0', '1'"),
        (["--target", "size", "--task", "multiclass"], "column size: "),
    ],
)
def test_options_that_do_not_fit_classes_are_refused(command, classes, tmp_path, options, problem):
    """In one line, before anything is learnt."""
    target = [] if "--target" in options else ["--target", "kind" if "low,high" in options else "level"]
    refused = command(
        "train", "--dataset", classes / "classes.csv", *target, *options, "--model_path",
        tmp_path / "m.servier", status=1,
    ).stderr  # fmt: skip
    assert problem in refused


def test_a_class_of_few_rows_is_named(command, classes, tmp_path):
    """Too few rows of a class are refused by its word."""
    rows = list(csv.DictReader((classes / "classes.csv").open()))
    high = [row for row in rows if row["level"] == "high"]
    with (tmp_path / "few.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows([row for row in rows if row not in high[4:]])
    refused = command(
        "train", "--dataset", tmp_path / "few.csv", "--target", "level", "--task", "ordinal", "--model_path",
        tmp_path / "m.servier", "--test_fraction", 0, status=1,
    ).stderr  # fmt: skip
    assert "column level: 4 of the training rows are labelled high" in refused


def test_a_recipe_is_sought_for_classes(command, classes, recipes, tmp_path):
    """`tune` tries recipes on the binary questions that classes are taken apart into."""
    command(
        "tune", "--dataset", classes / "classes.csv", "--target", "level", "--task", "ordinal", "--config",
        recipes["1"], "--trials", 1, "--output", tmp_path / "best.yaml", "--storage", tmp_path / "s.db",
    )  # fmt: skip
    assert (tmp_path / "best.yaml").is_file()
