"""Answers for the stereoisomers and tautomers of a molecule, over HTTP."""

import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from server_for_tests import serving

from servier.cli import main
from servier.scoring.spreads import MOST_FORMS, Forms
from servier.server.questions import Score

pytestmark = pytest.mark.process
SMILES = ["CCC(N)c1ccccc1", "CC=CC(N)c1ccncc1", "O=c1[nH]cnc2[nH]cnc12", "CCO", "CC(=O)CC(C)=O.Cl"]
FORMS = {"stereoisomers": 6, "tautomers": 4}


@pytest.fixture(scope="module")
def handed_server(handed_models, tmp_path_factory):
    """A service of one model, which sees handedness; a quarter of its queue is one request."""
    folder = tmp_path_factory.mktemp("handed")
    shutil.copy(handed_models["use"], folder / "model_1.servier")
    with serving(folder, "--queue", 4) as server:
        yield server


def ask(server, **fields):
    status, _, content = server.ask("/predict", json.dumps(fields).encode(), Content_Type="application/json")
    return status, json.loads(content)


@pytest.mark.parametrize("forms", [FORMS, {"stereoisomers": 1000}, {"tautomers": 200}])
def test_answers_are_those_of_the_command_line(handed_server, handed_models, command, forms):
    """Of each molecule what `predict --json` prints, byte for byte, alone, in a list, and by a form."""
    options = [word for kind, limit in forms.items() for word in (f"--{kind}", limit)]
    listed = ask(handed_server, smile=SMILES, **forms)[1]["predictions"]
    for smiles, row in zip(SMILES, listed, strict=True):
        said = command(
            "predict", smiles, "--model_1_path", handed_models["use"], "--detail", "--json", *options
        ).stdout
        names = json.loads(said)
        assert forms.keys() <= names.keys()
        status, answer = ask(handed_server, smile=smiles, **forms)
        assert status == 200
        assert json.dumps({name: answer[name] for name in names}) == said.strip()
        in_list = {name: value for name, value in names.items() if name != "model_name"}
        assert json.dumps({name: row[name] for name in in_list}) == json.dumps(in_list)
        assert json.loads(handed_server.ask("/predict", {"smile": smiles} | forms)[2]) == answer


def test_what_is_not_asked_for_is_not_there(handed_server):
    """Without the fields there are no answers for forms, and with them all others stay as they are."""
    plain, full = (ask(handed_server, smile=SMILES[0], **asked)[1] for asked in ({}, FORMS))
    assert plain.items() <= full.items()
    more = full.keys() - plain.keys()
    assert more == {*FORMS, *(f"label_{kind}_{name}" for kind in FORMS for name in ("mean", "low", "high"))}
    document = json.loads(handed_server.ask("/openapi.json")[2])
    assert full.keys() <= document["components"]["schemas"]["Prediction"]["properties"].keys()


def test_a_molecule_that_is_none_has_no_forms(handed_server):
    """It has its reason, alone and in a list."""
    assert ask(handed_server, smile="C1CC", **FORMS)[0] == 422
    rows = ask(handed_server, smile=["C1CC", "", "CCO"], **FORMS)[1]["predictions"]
    assert [row["status"] for row in rows] == ["invalid", "empty", "ok"]
    assert [row.get("stereoisomers") for row in rows] == [None, None, 1]


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("value", [0, -1, 1001, 2.5, 0.0, 1e300, True, None, "8", [8], 10**40])
def test_impossible_numbers_are_refused(handed_server, kind, value):
    """With the limits of the command line."""
    option = next(option for option in main.commands["predict"].params if option.name == kind)
    assert (option.type.min, option.type.max) == (1, MOST_FORMS[kind])
    status, answer = ask(handed_server, smile="CCO", **{kind: value})
    assert status == 400
    assert answer["error"] == f"the field {kind} must be a whole number from 1 to {MOST_FORMS[kind]:,}"


def test_a_whole_number_may_have_a_point(handed_server):
    """JSON Schema takes 4.0 for an integer, and so does the service."""
    assert ask(handed_server, smile="CC(N)O", tautomers=4.0) == ask(
        handed_server, smile="CC(N)O", tautomers=4
    )


@pytest.mark.parametrize("value", ["", "0", "1001", "8.0", "+8", " 8", "٨", "8" * 5000])
def test_impossible_digits_are_refused(handed_server, value):
    """In a form a number is its digits."""
    status, _, content = handed_server.ask("/predict", {"smile": "CCO", "stereoisomers": value})
    assert (status, json.loads(content)["error"][:39]) == (400, "the field stereoisomers must be a whole")


def test_forms_of_one_answer_are_refused(server):
    """A model that ignores stereochemistry says so, as the command does; one that reads it answers."""
    status, answer = ask(server, smile="CC(N)CC", stereoisomers=8)
    assert status == 422
    assert answer["error"] == "stereoisomers have one answer, for the models ignore stereochemistry"
    assert ask(server, smile="CC(N)CC", tautomers=8)[1]["tautomers"] == 1
    assert ask(server, smile="CC(N)CC", model_name="2", stereoisomers=8)[1]["stereoisomers"] == 2
    assert ask(server, smile="CC(N)CC", model_name="consensus", stereoisomers=8)[1]["stereoisomers"] == 2


def test_a_question_weighs_what_its_forms_weigh():
    """A molecule and its forms are as many molecules, but have the time of one."""
    assert [Score("1", ("CCO", "C"), forms).weight for forms in (Forms(), Forms(8), Forms(1000, 200))] == [
        1, 9, 1201,
    ]  # fmt: skip
    assert Score("1", ("CCO", "C"), Forms(8)).size == 2


def test_molecules_with_forms_are_admitted_like_lists(handed_server):
    """While a quarter of what may be under way is such a molecule, others are refused, and plain ones not."""
    workers = handed_server.workers()
    with ThreadPoolExecutor(4) as threads:
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        try:
            asked = [threads.submit(ask, handed_server, smile="CC(N)CC", **FORMS) for _ in range(3)]
            answered = as_completed(asked, timeout=60)
            assert [next(answered).result()[0] for _ in range(2)] == [503, 503]
            plain = threads.submit(ask, handed_server, smile="CC(N)CC")
            time.sleep(1)
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGCONT)
        assert [next(answered).result()[0], plain.result()[0]] == [200, 200]


def test_a_list_with_many_forms_keeps_nobody_waiting(handed_models, tmp_path):
    """Of hundreds of molecules with a thousand forms those are answered that time is for; others go on."""
    shutil.copy(handed_models["use"], tmp_path / "model_1.servier")
    sugars = [f"C{'C(O)' * 12}{'C' * i}c1ccccc1" for i in range(2, 300)]
    with serving(tmp_path, "--request_timeout", 5) as server, ThreadPoolExecutor(1) as threads:
        listed = threads.submit(ask, server, smile=["CCO", *sugars], stereoisomers=1000)
        while not listed.done():
            assert ask(server, smile="CCN")[0] == 200
            time.sleep(0.2)
        status, answer = listed.result()
    rows = answer["predictions"]
    assert (status, len(rows), rows[0]["status"]) == (200, 299, "ok")
    assert {row["status"] for row in rows} == {"ok", "timeout"}
