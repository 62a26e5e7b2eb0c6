"""Checkpoints that cannot be served cost only themselves."""

import json
import os
import shutil
import signal

import pytest
from server_for_tests import serving
from spoilt_checkpoints_for_tests import SPOILT, with_unknown_operator

from servier.errors import ServierError
from servier.server.loading import load_models


@pytest.fixture
def models(models_dir, tmp_path):
    """A folder with both models that a test may change."""
    shutil.copytree(models_dir, tmp_path / "models")
    return tmp_path / "models"


def spoil(path, how=with_unknown_operator):
    path.write_bytes(how(path.read_bytes()))


@pytest.mark.parametrize("kind", SPOILT)
def test_whatever_is_wrong_with_a_checkpoint_is_one_line(models, caplog, kind):
    """The line names the model, the other model is served, and what is served already stays."""
    before = load_models(models)
    caplog.clear()
    spoil(models / "model_1.servier", SPOILT[kind])
    found = load_models(models)
    (line,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith("model 1 is not served: ")
    assert line.isprintable()
    assert not any(record.exc_info for record in caplog.records)
    assert list(found.parts) == ["2"]
    assert found.describe()["problems"] == [{"model_name": "1", "problem": found.problems["1"]}]
    assert str(models) not in found.problems["1"]
    reloaded = load_models(models, before)
    assert reloaded.checkpoints["1"] is before.checkpoints["1"]
    assert list(reloaded.parts) == ["1", "2", "consensus"]


ODD = {
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "device without end": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to a name that is too long": lambda path: path.symlink_to("x" * 300),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_costs_only_itself(models, kind):
    """It is never waited for; at a reload the model before stays."""
    before = load_models(models)
    path = models / "model_1.servier"
    path.unlink()
    ODD[kind](path)
    assert list(load_models(models).parts) == ["2"]
    assert list(load_models(models, before).parts) == ["1", "2", "consensus"]
    path.rmdir() if kind == "folder" else path.unlink()
    assert list(load_models(models, before).parts) == ["2"]


def test_a_folder_that_nobody_can_look_into_is_one_line(command):
    """Its name may be too long for the system."""
    error = command("serve", "--models_dir", "x" * 300, "--port", 0, status=1).stderr
    assert "no model can be served" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", ["1", "consensus"])
def test_a_model_may_be_required(models, name):
    """Where one that is required cannot be served, nothing is."""
    assert list(load_models(models, required=[name]).parts) == ["1", "2", "consensus"]
    spoil(models / "model_1.servier")
    load_models(models, required=["2"])
    with pytest.raises(ServierError, match=f"{name} cannot be served"):
        load_models(models, required=[name])


def test_no_model_at_all_is_a_line_for_each(command, models):
    """The service ends with status 1, after a line for each bad checkpoint and one for itself."""
    for name in "12":
        spoil(models / f"model_{name}.servier")
    lines = command("serve", "--models_dir", models, "--port", 0, status=1).stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "model 1 is not served",
        "model 2 is not served",
        "Error",
    ]


@pytest.mark.process
def test_the_other_model_is_served_and_a_bad_one_never_replaces_a_good_one(models):
    """A bad checkpoint is one line at the start and at a reload, and `/models` says what is wrong with it."""
    good = (models / "model_1.servier").read_bytes()
    spoil(models / "model_1.servier")
    with serving(models, "--require_model", "2") as server:
        assert [line.split(":")[0] for line in server.log[:1]] == ["model 1 is not served"]
        assert not any("Traceback" in line or "NoSuchOperator" in line for line in server.log[1:])
        assert "NoSuchOperator" in json.loads(server.ask("/models")[2])["problems"][0]["problem"]
        assert server.predict("CCO", "2")[0] == 200
        (models / "model_1.servier").write_bytes(good)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("have been reloaded")
        expected = server.predict("CCO", "1")
        assert expected[0] == 200
        start = len(server.log)
        spoil(models / "model_1.servier")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("have been reloaded", start)
        assert sum("model 1 is unchanged" in line for line in server.log[start:]) == 1
        assert server.predict("CCO", "1") == expected
        spoil(models / "model_2.servier", lambda _: b"")
        (models / "model_2.servier").unlink()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("the models are unchanged: .*model 2 cannot be served", start)
        assert server.predict("CCO", "2")[0] == 200
        assert not any("Traceback" in line for line in server.log)


def test_without_a_required_model_it_does_not_start(servier, models):
    """It ends with status 1 and says which model is missing."""
    spoil(models / "model_1.servier")
    done = servier("serve", "--models_dir", models, "--port", 0, "--require_model", "1", status=1)
    assert "Error: " in done.stderr.splitlines()[-1]
    assert "model 1 cannot be served" in done.stderr.splitlines()[-1]
