"""What is said of numbers, their unit and their bounds, holds for every answer that anybody gets."""

import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from server_for_tests import serving

from servier.checkpoint.file import make_checkpoint, open_checkpoint
from servier.chem.molecules import parse_smiles
from servier.data.simulation import simulate
from servier.explaining.atoms import explain
from servier.scoring.scorer import Scorer

pytestmark = pytest.mark.training

N = 160
LIMITS = ("pred", "low_90", "high_90")


@pytest.fixture(scope="session")
def bounded(command, once, recipes):
    """Both models of a share in percent, mostly at either end, and of a concentration; the folder."""

    def fill(folder):
        simulation = simulate(N, seed=21)
        rng = np.random.default_rng(0)
        shares = np.clip(50 + 80 * (2 * simulation.labels - 1) + rng.normal(0, 40, N), 0, 100)
        with (folder / "table.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["smiles", "bound", "dose"])
            for smiles, share, label in zip(simulation.smiles, shares, simulation.labels, strict=True):
                writer.writerow([smiles, f"{share:.1f}", f"{max(0, label + rng.normal(0, 0.5)):.3f}"])
        for name, recipe in recipes.items():
            command(
                "train", "--dataset", folder / "table.csv", "--target", "bound", "--target", "dose",
                "--unit", "bound=%", "--unit", "dose=uM", "--bounds", "bound=0,100", "--model_name", name,
                "--models_dir", folder, "--config", recipe, "--workers", 1,
            )  # fmt: skip

    return once("bounded", fill)


def paths(folder):
    return [f"--model_{name}_path={folder}/model_{name}.servier" for name in "12"]


def require_within(answers):
    """No value and no limit is beyond the bounds, and some limit is at either end, where it was cut."""
    found = {name: [] for name in ("bound", "dose")}
    for answer in answers:
        assert (answer["bound_unit"], answer["dose_unit"]) == ("%", "µM")
        for name, values in found.items():
            values += [float(answer[f"{name}_{limit}"]) for limit in LIMITS]
    assert min(found["bound"]) == 0
    assert max(found["bound"]) == 100
    assert min(found["dose"]) == 0


def test_no_answer_is_beyond_the_bounds(bounded, command, tmp_path):
    """Neither values nor limits of intervals, of either model or of their consensus, in a file of rows."""
    names = [["--model_path", bounded / f"model_{name}.servier"] for name in "12"]
    for models in (*names, names[0] + names[1]):
        out, summary = tmp_path / "out.csv", tmp_path / "summary.json"
        command(
            "predict-file", bounded / "table.csv", out, *models, "--detail", "--summary", summary, "--force",
            "--workers", 1,
        )  # fmt: skip
        units = json.loads(summary.read_text())["units"]
        assert units == {"bound": "%", "dose": "µM"}
        with out.open(newline="") as file:
            rows = [
                row | {f"{name}_unit": unit for name, unit in units.items()} for row in csv.DictReader(file)
            ]
        require_within(rows)


def test_the_server_keeps_them_too(bounded):
    """A list, the page, what is served, and the description of the interface name unit and bounds."""
    with serving(bounded) as server:
        with (bounded / "table.csv").open(newline="") as file:
            smiles = [row["smiles"] for row in csv.DictReader(file)]
        for name in ("1", "consensus"):
            status, answer = server.predict(smiles, name)
            assert status == 200
            require_within(answer["predictions"])
        page = server.ask("/?smile=CCOc1ccccc1&model_name=consensus")[2].decode()
        served = json.loads(server.ask("/models")[2])["models"][0]["targets"]
        described = json.loads(server.ask("/openapi.json")[2])["components"]["schemas"]["Row"]["properties"]
    assert "dose in µM in the range of the training labels" in page
    assert " µM." in page
    assert len(re.findall(r"dose = [0-9.e-]+ µM</p>", page)) == 3
    assert [target["unit"] for target in served] == ["%", "µM"]
    assert described["dose_unit"] == {"type": "string"}


def test_every_description_names_the_unit(bounded, command, tmp_path):
    """One molecule, its explanation, the checkpoint, its card, an evaluation, its report, a comparison."""
    model = bounded / "model_1.servier"
    table = ["--dataset", bounded / "table.csv", "--unit", "bound=%", "--unit", "dose=uM"]
    said = json.loads(
        command("predict", "CCO", *paths(bounded), "--model_name", "consensus", "--json").stdout
    )
    assert (said["bound_unit"], said["dose_unit"]) == ("%", "µM")
    picture = tmp_path / "picture.svg"
    explained = ["explain", "CCO", *paths(bounded), "--target", "dose", "--output", picture]
    assert "dose in µM" in command(*explained).stdout
    assert " µM (model 1)" in picture.read_text()
    card = tmp_path / "card.html"
    said = command("inspect", model, "--html", card).stdout
    assert "target bound  regression, in %, between 0 and 100" in said
    assert "target dose   regression, in µM" in said
    assert "at least 0" in said
    assert "a value in %, between 0 and 100" in card.read_text()
    evaluate = ["evaluate", *table, "--model_path", model, "--resamples", 20, "--output_dir", tmp_path / "e"]
    assert "dose in µM" in command(*evaluate).stdout
    assert json.loads((tmp_path / "e/metrics.json").read_text())["unit"] == {"bound": "%", "dose": "µM"}
    report = (tmp_path / "e/report_dose.html").read_text()
    assert "on average, in µM." in report
    compare = ["compare", model, bounded / "model_2.servier", *table, "--resamples", 20]
    assert "bound in %" in command(*compare).stdout


def test_an_explanation_says_where_its_score_is_beyond_the_bounds(bounded):
    """The answer is cut there; the score, to which contributions add up, is not."""
    checkpoint = open_checkpoint(bounded / "model_1.servier").load()
    mol = parse_smiles("CCOc1ccccc1", level=checkpoint.metadata.level)
    answer = Scorer([checkpoint]).score_molecules([mol]).values[0, 0]
    plain = explain(Scorer([checkpoint]), mol, "bound")
    for highest in (answer - 1, answer + 1):
        targets = [replace(checkpoint.targets[0], lowest=None, highest=highest), checkpoint.targets[1]]
        limited = make_checkpoint(replace(checkpoint.metadata, targets=targets), checkpoint.entries)
        assert Scorer([limited]).score_molecules([mol]).values[0, 0] == min(answer, highest)
        found = explain(Scorer([limited]), mol, "bound")
        assert found.score == plain.score
        assert found.unit == plain.unit + (" before its bounds" if highest < answer else "")


def test_a_table_to_evaluate_is_converted_or_refused(bounded, command, tmp_path):
    """In another unit the errors are the same; without a unit, or in one of another kind, there are none."""
    with (bounded / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "nm.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "unit"])
        writer.writeheader()
        writer.writerows(row | {"dose": repr(1000 * float(row["dose"])), "unit": "nM"} for row in rows)
    evaluate = ["evaluate", "--model_path", bounded / "model_1.servier", "--resamples", 20]
    own = [*evaluate, "--dataset", bounded / "table.csv"]
    first = json.loads(command(*own, "--unit", "bound=%", "--unit", "dose=uM", "--json").stdout)
    converted = ["--dataset", tmp_path / "nm.csv", "--unit", "bound=%", "--unit", "dose=nM"]
    second = json.loads(command(*evaluate, *converted, "--json").stdout)
    assert second["metrics"]["dose"]["mae"] == pytest.approx(first["metrics"]["dose"]["mae"])
    refused = command(*own, status=1).stderr
    assert "column bound: the model answers in %, and nothing says in which unit the labels are" in refused
    refused = command(*own, "--unit", "bound=%", "--unit", "dose=hr", status=1).stderr
    assert "line 2, column dose: the label is in hr, which cannot be converted to µM" in refused


def test_models_of_unlike_units_are_not_averaged(bounded, command, recipes, tmp_path):
    """A mean of nanomoles and micromoles means nothing; the model that differs is named."""
    table = ["--dataset", bounded / "table.csv", "--target", "bound", "--target", "dose", "--unit", "bound=%"]
    other = tmp_path / "other.servier"
    command(
        "train", *table, "--unit", "dose=nM", "--config", recipes["1"], "--model_path", other, "--workers", 1
    )
    asked = ["predict", "CCO", "--model_1_path", other, paths(bounded)[1], "--model_name", "consensus"]
    refused = command(*asked, status=1).stderr
    assert "model_2.servier: dose is answered in µM, and in nM by the other checkpoint" in refused


def test_a_checkpoint_without_units_is_what_it_was(command, recipes, simulated, tmp_path):
    """Without units there are no fields for them; a column of units beside classes changes no byte."""
    plain = tmp_path / "plain.csv"
    header, *rows = simulated.read_text().splitlines()
    plain.write_text("\n".join([f"{header},unit", *(f"{row},nM" for row in rows)]) + "\n")
    models = [tmp_path / "a.servier", tmp_path / "b.servier"]
    command("train", "--dataset", plain, "--config", recipes["1"], "--model_path", models[0])
    command(
        "train", "--dataset", plain, "--config", recipes["1"], "--model_path", models[1],
        "--unit_column", "unit", "--replicates", "median",
    )  # fmt: skip
    assert models[0].read_bytes() == models[1].read_bytes()
    document = json.loads(command("inspect", models[0], "--json").stdout)
    assert list(document["targets"][0]) == [
        "name", "task", "slope", "intercept", "threshold", "transform", "bound", "conformal",
    ]  # fmt: skip
    assert document["duplicates"] == {"same_molecule": "parent", "conflicts": "merge"}
    assert open_checkpoint(models[0]).targets[0].unit is None
