import json

import numpy as np
import pytest
from scipy import stats

from servier.checkpoint.file import open_checkpoint
from servier.evaluation.nested_cv import NestedRuns


def test_training_is_repeated_in_folds(command, simulated, model_1, tmp_path):
    """Two folds, twice: four models with metrics of their own, and the mean of these with an interval."""
    finished = command(
        "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--folds", 2, "--repeats", 2,
        "--split", "random", "--output_dir", tmp_path,
    )  # fmt: skip
    assert "run 4 of 4 is done" in finished.stderr
    assert "Trained and tested 4 times, in folds by random." in finished.stdout
    document = json.loads((tmp_path / "metrics.json").read_text())
    values = [run["P1"]["auroc"] for run in document["runs"]]
    assert len(set(values)) == 4
    found = document["metrics"]["P1"]["auroc"]
    assert found["value"] == pytest.approx(np.mean(values))
    assert found["low"] < found["value"] < found["high"]
    assert f"{found['value']:.4f}" in finished.stdout
    assert document["checkpoint"] == open_checkpoint(model_1).digest


@pytest.mark.parametrize(("option", "value"), [("--repeats", 2), ("--split", "random")])
def test_folds_are_said_of_where_there_are_some(command, simulated, model_1, option, value):
    """Without any, held-out rows are those of the training, and what is said of folds is refused."""
    words = ("evaluate", "--data_dir", simulated.parent, "--model_path", model_1, option, value)
    told = command(*words, status=1).stderr
    assert told == f"Error: {option} says how folds are made, and there are none; add --folds\n"


def test_intervals_are_wider_than_those_of_independent_runs():
    """The corrected interval is Student's, wider by the share of rows that are tested."""
    values = [0.7, 0.75, 0.8, 0.72, 0.78]
    runs = [{"y": {"auroc": value}} for value in values]
    found = NestedRuns("scaffold", runs, 0.25).summary()["y"]["auroc"]
    low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    wider = np.sqrt((1 / 5 + 0.25) / (1 / 5))
    assert found["high"] - found["value"] == pytest.approx(wider * (high - np.mean(values)))
    assert found["value"] - found["low"] == pytest.approx(wider * (np.mean(values) - low))


def test_metrics_that_some_runs_lack_are_averaged_over_the_others():
    """A run without a rank correlation does not spoil the mean."""
    runs = [{"y": {"mae": 3.0}}, {"y": {"mae": 1.0, "spearman": 0.5}}]
    found = NestedRuns("scaffold", runs, 0.25).summary()["y"]
    assert found["mae"]["value"] == 2
    assert found["spearman"] == {"value": 0.5, "low": 0.5, "high": 0.5}
