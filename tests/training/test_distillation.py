import csv
import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from runs_for_tests import end_by
from scipy import stats
from sklearn.metrics import r2_score, root_mean_squared_error

from servier.checkpoint.file import encode_checkpoint, make_checkpoint, open_checkpoint
from servier.checkpoint.reference import REFERENCE, encode_reference
from servier.models import student_trees
from servier.models.boosting import ROWS_PER_THREAD
from servier.models.student import Lesson, Recipe
from servier.scoring.scorer import Scorer
from servier.training.distillation import NEAR, add_error
from servier.training.fidelity import measure_fidelity

pytestmark = pytest.mark.training

N_LIBRARY = 700


@pytest.fixture(scope="session")
def library(once):
    """Simulated molecules that nobody was trained on, between rows that cannot be read."""
    from servier.data.simulation import simulate

    def fill(folder):
        rows = [
            ["CCO(", "unreadable"],
            ["", "nothing"],
            *([text, "made"] for text in simulate(N_LIBRARY, 11).smiles),
        ]
        with (folder / "library.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["smiles", "origin"], *rows])

    return once("library", fill) / "library.csv"


@pytest.fixture(scope="session")
def student(command, once, models_dir, library):
    """A student of both models."""

    def fill(folder):
        teachers = [models_dir / f"model_{name}.servier" for name in "12"]
        command("distill", *teachers, "--library", library, "--output", folder / "student.servier")

    return once("student", fill) / "student.servier"


@pytest.fixture(scope="session")
def student_of_model_1(command, once, model_1, library):
    """The bytes of a student of model 1."""

    def fill(folder):
        command(
            "distill", model_1, "--library", library, "--output", folder / "student.servier", "--workers", 1
        )

    return (once("student_of_model_1", fill) / "student.servier").read_bytes()


def answers(paths, smiles):
    return Scorer([open_checkpoint(path) for path in paths]).score(smiles).values[:, 0]


def log_odds(p):
    return np.log(p / (1 - p))


def test_a_student_answers_as_its_teachers_do(student, models_dir):
    """On molecules of the same kind that it never saw it says nearly what both say together."""
    from servier.data.simulation import simulate

    smiles = simulate(200, 29).smiles
    teachers = answers([models_dir / f"model_{name}.servier" for name in "12"], smiles)
    assert stats.spearmanr(answers([student], smiles), teachers).statistic > 0.9


def test_it_says_whose_student_it_is_and_how_faithful(student, models_dir, library, tmp_path, command):
    """Teachers by their digests, the library by its rows, and the fidelity of each part."""
    found = open_checkpoint(student).metadata.distillation
    assert [teacher.digest for teacher in found.teachers] == [
        open_checkpoint(models_dir / f"model_{name}.servier").digest for name in "12"
    ]
    assert (found.library.file, found.library.rows) == (library.name, N_LIBRARY + 2)
    assert found.library.learnt < N_LIBRARY
    fidelity = found.fidelity["P1"]
    assert fidelity["all"]["molecules"] == N_LIBRARY // 10
    assert 0.5 < fidelity["all"]["r2"] <= 1
    shown = command("inspect", student).stdout
    assert "student of" in shown
    assert "P1, beside the teachers" in shown
    command("inspect", student, "--html", tmp_path / "card.html")
    page = (tmp_path / "card.html").read_text()
    assert 'id="fidelity"' in page
    assert f"{fidelity['all']['r2']:.3f}" in page


@pytest.mark.process
def test_a_student_is_used_like_any_other_checkpoint(student, simulated, library, tmp_path, servier):
    """It predicts with details, scores files, is evaluated, explained and compared with a teacher."""
    answer = json.loads(
        servier("predict", "CCOc1ccccc1", "--model_1_path", student, "--detail", "--json").stdout
    )
    assert answer["P1_set_90"]
    servier("predict-file", library, tmp_path / "scored.csv", "--model_path", student, "--detail")
    with (tmp_path / "scored.csv").open() as stream:
        statuses = [row["status"] for row in csv.DictReader(stream)]
    assert statuses == ["invalid", "empty", *["ok"] * N_LIBRARY]
    report = servier(
        "evaluate", "--dataset", simulated, "--model_path", student, "--resamples", 50, "--json"
    ).stdout
    assert json.loads(report)["counts"]["trained_on"] > 0
    assert "contribution" in servier("explain", "CCOc1ccccc1", "--model_1_path", student).stdout
    refused = servier("evaluate", "--dataset", simulated, "--model_path", student, "--folds", 2, status=1)
    assert "a student is not trained from labels" in refused.stderr


@pytest.mark.process
def test_the_number_of_processes_does_not_change_a_student(
    model_1, library, student_of_model_1, tmp_path, servier
):
    """Two make the very bytes of one."""
    output = tmp_path / "student.servier"
    servier("distill", model_1, "--library", library, "--output", output, "--workers", 2)
    assert output.read_bytes() == student_of_model_1


@pytest.mark.process
def test_a_run_that_was_killed_goes_on(model_1, library, student_of_model_1, tmp_path):
    """Killed while the teachers answer, the same command finishes it, and the student is the same."""
    output = tmp_path / "student.servier"
    line = [sys.executable, "-m", "servier", "distill", model_1, "--library", library, "--output", output]
    partial = tmp_path / "student.servier.work" / "answers.parquet.journal"
    run = subprocess.Popen(list(map(str, line)), stderr=subprocess.DEVNULL)
    while not partial.exists():
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert not output.exists()
    subprocess.run(list(map(str, line)), check=True, capture_output=True)
    assert output.read_bytes() == student_of_model_1
    assert not partial.parent.exists()


@pytest.mark.process
def test_a_run_of_others_is_gone_on_with_by_none(
    model_1, model_2, library, student_of_model_1, tmp_path, command
):
    """What was killed and had another teacher is refused, until --force forgets it."""
    output = tmp_path / "student.servier"
    asked = ("--library", library, "--output", output)
    status, _ = end_by("SIGKILL", 1, "after", "distill", model_2, *asked)
    assert status == -9
    refused = command("distill", model_1, *asked, status=1).stderr
    assert "an interrupted run with other teachers or molecules has left its answers here" in refused
    command("distill", model_1, *asked, "--force")
    assert output.read_bytes() == student_of_model_1
    assert not output.with_name("student.servier.work").exists()


def test_without_a_library_molecules_are_made(model_1, tmp_path, command):
    """From the training molecules, which the student says."""
    output = tmp_path / "student.servier"
    command("distill", model_1, "--rows", 400, "--output", output)
    found = open_checkpoint(output).metadata.distillation.library
    assert (found.file, found.rows, found.drawn) == (None, 400, 400)
    assert "made from training molecules" in command("inspect", output).stdout


def test_train_makes_a_student_too(simulated, recipes, models_dir, tmp_path, command):
    """Of the model that it trains, which is the very model that it trains without."""
    student = tmp_path / "student.servier"
    told = command(
        "train", "--data_dir", simulated.parent, "--config", recipes["1"], "--models_dir", tmp_path,
        "--student", student,
    ).stdout  # fmt: skip
    teacher = tmp_path / "model_1.servier"
    assert teacher.read_bytes() == (models_dir / "model_1.servier").read_bytes()
    found = open_checkpoint(student).metadata.distillation
    assert [own.digest for own in found.teachers] == [open_checkpoint(teacher).digest]
    assert f"Its student is in {student}" in told


@pytest.mark.parametrize(
    ("name", "target"), [("kind", "multiclass"), ("level", "ordinal"), ("size", "values")]
)
def test_students_of_other_targets_answer_as_their_teachers_do(
    name, target, classes, library, tmp_path, command
):
    """Classes with and without an order, and values: answers for new molecules rank as the teachers' do."""
    from servier.data.simulation import simulate

    teacher = classes / name / "model_1.servier"
    if target == "values":
        teacher = tmp_path / "teacher.servier"
        command(
            "train",
            "--dataset",
            classes / "classes.csv",
            "--target",
            name,
            "--preset",
            "fast",
            "--model_path",
            teacher,
        )
    output = tmp_path / "student.servier"
    command("distill", teacher, "--library", library, "--output", output)
    smiles = simulate(150, 29).smiles
    first, second = (Scorer([open_checkpoint(path)]).score(smiles).values for path in (teacher, output))
    assert first.shape == second.shape
    for own, found in zip(first.T, second.T, strict=True):
        assert stats.spearmanr(own, found).statistic > 0.85


def test_what_cannot_be_distilled_is_refused(model_1, library, tmp_path, command):
    """A teacher without out-of-fold scores, one given twice, a small library, a file of somebody else."""
    old = open_checkpoint(model_1)
    entries = dict(old.entries) | {REFERENCE: encode_reference(replace(old.reference, train_scores=None))}
    (tmp_path / "old.servier").write_bytes(encode_checkpoint(make_checkpoint(old.metadata, entries)))
    output = tmp_path / "student.servier"
    asked = ("--library", library, "--output", output)
    assert "train it again" in command("distill", tmp_path / "old.servier", *asked, status=1).stderr
    flipped = replace(old.reference, train_y=1 - old.reference.train_y)
    entries = dict(old.entries) | {REFERENCE: encode_reference(flipped)}
    (tmp_path / "other.servier").write_bytes(encode_checkpoint(make_checkpoint(old.metadata, entries)))
    told = command("distill", model_1, tmp_path / "other.servier", *asked, status=1).stderr
    assert "other molecules or labels than the first teacher" in told
    assert "given twice" in command("distill", model_1, model_1, *asked, status=1).stderr
    small = tmp_path / "small.csv"
    small.write_text("smiles\nCCO\nCCC\n")
    found = command("distill", model_1, "--library", small, "--output", output, status=1)
    assert "small.csv: only 2 molecules have answers of the teachers" in found.stderr
    assert not (tmp_path / "student.servier.work").exists()
    folder = tmp_path / "student.servier.work"
    folder.mkdir(exist_ok=True)
    (folder / "thesis.txt").write_text("all that I have")
    assert "thesis.txt" in command("distill", model_1, *asked, status=1).stderr
    assert (folder / "thesis.txt").read_text() == "all that I have"
    assert not output.exists()


def test_errors_are_those_of_molecules_with_nearly_the_same_score():
    """What is added is the error of one of the 51 nearest by rank, which a brute-force search finds too."""
    rng = np.random.default_rng(0)
    teacher, held_out = rng.normal(size=400), np.append(rng.normal(size=60), np.nan)
    student = teacher + rng.normal(size=400)
    found = add_error(held_out, teacher, student, seed=3)
    assert np.isnan(found[-1])
    for own, made in zip(held_out[:-1], found[:-1], strict=True):
        ranks = np.argsort(np.argsort(teacher))
        place = np.sum(teacher < own)
        is_near = np.abs(ranks - np.clip(place, 0, 399)) <= NEAR + 1
        assert np.isclose((student - teacher)[is_near], made - own).any()
    assert np.array_equal(found, add_error(held_out, teacher, student, seed=3), equal_nan=True)


def test_fidelity_is_measured_as_scikit_learn_and_scipy_do():
    """Of all molecules, of those inside and outside of the domain, and of fifths by the answer."""
    rng = np.random.default_rng(0)
    teacher = rng.normal(size=(500, 1))
    student = teacher + rng.normal(0, 0.4, (500, 1))
    is_inside = rng.random(500) < 0.3
    found = measure_fidelity(teacher, student, teacher[:, 0], is_inside)
    for name, rows in {"all": slice(None), "inside domain": is_inside, "outside domain": ~is_inside}.items():
        assert found[name]["r2"] == pytest.approx(r2_score(teacher[rows], student[rows]))
        assert found[name]["rmse"] == pytest.approx(root_mean_squared_error(teacher[rows], student[rows]))
        expected = stats.spearmanr(teacher[rows], student[rows]).statistic
        assert found[name]["spearman"] == pytest.approx(expected)
    fifths = [found[f"{low} to {low + 20} %"] for low in range(0, 100, 20)]
    assert [fifth["molecules"] for fifth in fifths] == [100] * 5


def test_the_number_of_threads_does_not_change_the_trees():
    """As many rows as take two threads give the very graph of one."""
    rng = np.random.default_rng(0)
    X = rng.poisson(0.3, (2 * ROWS_PER_THREAD, 30)).astype(np.float32)
    y = (X @ rng.normal(size=30) + rng.normal(size=len(X)))[:, None]
    lesson, recipe = Lesson(X, y / y.std(), np.ones(len(X))), Recipe(n_trees=20)
    one, two = (student_trees.fit(lesson, recipe, 0, workers, print) for workers in (1, 2))
    assert one.graphs == two.graphs
    assert one.native == two.native
