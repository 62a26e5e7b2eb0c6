"""Commands that say how sure an answer is, and which model is better."""

import csv
import json
import re


def test_compare_says_which_model_is_better(command, simulated, model_1, model_2):
    """Both models score the rows that neither saw; a model beside itself is not better."""
    arguments = ["--data_dir", simulated.parent, "--resamples", 100]
    said = command("compare", model_1, model_2, *arguments).stdout
    assert re.search(r"Compared on \d+ rows that neither", said)
    assert re.search(r"auroc +0\.\d{4} +0\.\d{4} +[+-]0\.\d{4} .* (first|second|neither)\n", said)
    document = json.loads(command("compare", model_1, model_1, *arguments, "--json").stdout)
    assert {found["better"] for found in document["metrics"]["P1"].values()} == {"neither"}
    seen = command("inspect", model_1, "--json").stdout
    assert document["counts"]["scored"] == json.loads(seen)["dataset"]["test_rows"]


def test_detail_says_how_sure_an_answer_is(command, simulated, model_1, model_2, tmp_path):
    """The set of one molecule is that of its row in a file, at every confidence, and only when asked for."""
    asked = ["--confidence", "0.8", "--confidence", "0.95"]
    models = ["--model_path", model_1, "--model_path", model_2]
    command("predict-file", simulated, tmp_path / "out.csv", *models, *asked)
    with (tmp_path / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    own = ["P1_pred", "P1_probability", "P1_set_80", "P1_set_95"]
    shared, changes = (
        ["nearest_similarity", "unseen_share", "in_domain"],
        ["scored_smiles", "standardization"],
    )
    assert list(rows[0])[-12:] == [*own, *shared, *changes, "unspecified_stereo", "status", "reason"]
    assert {row["P1_set_95"] for row in rows} <= {"0", "1", "0 or 1", "neither"}
    smiles = rows[0]["smiles"]
    paths = ["--model_1_path", model_1, "--model_2_path", model_2, "--model_name", "consensus", "--json"]
    answer = json.loads(command("predict", smiles, *paths, *asked).stdout)
    assert [str(answer[name]) for name in own + shared] == [rows[0][name] for name in own + shared]
    plain = json.loads(command("predict", smiles, *paths).stdout)
    assert plain == {name: answer[name] for name in plain}
    assert set(answer) - set(plain) == {*own[2:], *shared, "unspecified_stereo"}
