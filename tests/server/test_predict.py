"""What `POST /predict` answers."""

import csv
import json
import urllib.parse

import pytest
from molecules_for_tests import SMILES
from rdkit import Chem

from servier.checkpoint.file import open_checkpoint
from servier.data.simulation import simulate

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@pytest.mark.parametrize("model_name", ["1", "2", "consensus"])
def test_form_gets_the_answer_of_the_command_line(server, command, models_dir, model_name):
    """A form, as it always was, gets every digit that `servier predict` prints."""
    status, _, content = server.ask("/predict", {"smile": ASPIRIN, "model_name": model_name})
    paths = [f"--model_{name}_path={models_dir}/model_{name}.servier" for name in "12"]
    said = command("predict", ASPIRIN, *paths, "--model_name", model_name, "--detail", "--json").stdout
    answer = json.loads(content)
    assert status == 200
    assert answer["success"] is True
    assert answer["P1_pred"] in {0, 1}
    assert {key: answer[key] for key in json.loads(said)} == json.loads(said)


@pytest.mark.parametrize("model_name", ["1", "2", "consensus"])
def test_what_is_left_open_is_said(server, model_name):
    """A model that reads stereochemistry says on the page, too, how much of it is missing; others do not."""
    says = model_name != "1"
    for smiles, n_open in (("CC=CC(N)C", 2), ("CCC(N)C", 1), ("CCO", 0)):
        answer = server.predict(smiles, model_name)[1]
        assert answer.get("unspecified_stereo") == (n_open if says else None)
        query = urllib.parse.urlencode({"smile": smiles, "model_name": model_name})
        page = server.ask(f"/?{query}")[2].decode()
        assert ("may depend on the stereochemistry of" in page) == (says and n_open > 0)
        assert ("of 2 stereo centres or double bonds, which" in page) == (says and n_open == 2)
    schemas = json.loads(server.ask("/openapi.json")[2])["components"]["schemas"]
    assert schemas["Row"]["properties"]["unspecified_stereo"] == {"type": "integer"}


def test_answer_names_model_and_molecule(server, models_dir):
    """Beside the prediction stand the digests of the checkpoints and RDKit's canonical SMILES."""
    answer = server.predict("OC(=O)c1ccccc1OC(C)=O", "consensus")[1]
    digests = {name: open_checkpoint(models_dir / f"model_{name}.servier").digest for name in "12"}
    assert answer["checkpoints"] == digests
    assert answer["canonical_smiles"] == Chem.CanonSmiles(ASPIRIN)
    assert answer["status"] == "ok"


def test_default_is_model_1_and_a_number_is_a_name(server):
    """Model 1 answers where none was named, and JSON may name it with a number."""
    first = server.predict("CCO", "1")
    body = json.dumps({"smile": "CCO"}).encode()
    assert first == server.predict("CCO", 1)
    assert first[1] == json.loads(server.ask("/predict", body, Content_Type="application/json")[2])


def test_multipart_form_is_a_form_too(server):
    """`curl -F` gets the answer that `curl -d` gets."""
    lines = ["--x", 'Content-Disposition: form-data; name="smile"', "", "CCO", "--x--", ""]
    body = "\r\n".join(lines).encode()
    status, _, content = server.ask("/predict", body, Content_Type="multipart/form-data; boundary=x")
    assert (status, json.loads(content)) == server.predict("CCO")


def test_list_gets_a_row_for_each_in_order(server):
    """Of a list every molecule has a row, as it would have alone, and what is none has a reason."""
    smiles = [*SMILES, "C1CC", "", "C" * 6000, *SMILES[:3]]
    status, answer = server.predict(smiles)
    rows = answer["predictions"]
    assert status == 200
    assert [row["smile"] for row in rows] == smiles
    assert [row["status"] for row in rows[len(SMILES) :][:3]] == ["invalid", "empty", "too_large"]
    for text, row in list(zip(smiles, rows, strict=True))[::7]:
        alone = server.predict(text)[1]
        assert {key: alone[key] for key in row} == row


@pytest.mark.parametrize("model_name", ["1", "2"])
def test_thousand_molecules_get_the_digits_of_predict_file(server, command, models_dir, model_name, tmp_path):
    """As many molecules as a request may have are scored as `predict-file` scores them, digit for digit."""
    smiles = simulate(1000, seed=5).smiles
    (tmp_path / "in.smi").write_text("\n".join(smiles) + "\n")
    model = models_dir / f"model_{model_name}.servier"
    command("predict-file", tmp_path / "in.smi", tmp_path / "out.csv", "--model_path", model, "--detail")
    with (tmp_path / "out.csv").open() as stream:
        expected = list(csv.DictReader(stream))
    rows = server.predict(smiles, model_name)[1]["predictions"]
    names = [name for name in expected[0] if name not in {"smiles", "name", "reason"}]
    assert "P1_probability" in names
    assert [[str(row.get(name, "")) for name in names] for row in rows] == [
        [row[name] for name in names] for row in expected
    ]


def test_what_is_no_molecule_is_a_422_with_a_reason(server):
    """A single SMILES that cannot be read is refused, with status and reason beside the message."""
    status, answer = server.predict("C1CC")
    assert status == 422
    assert answer["success"] is False
    assert (answer["status"], answer["reason"]) == ("invalid", "unclosed ring")
    assert server.predict(" ")[0] == 422


def test_plus_that_became_a_space_is_a_hint(server):
    """What curl -d makes of a charge is refused, not scored without what follows, and says why."""
    status, _, content = server.ask("/predict", b"smile=C[N+](C)C")
    assert status == 422
    assert "%2B" in json.loads(content)["error"]
    assert "%2B" not in server.predict("C CCCCC")[1]["error"]


@pytest.mark.data
def test_odd_molecules_never_break_it(server, real_data):
    """Every line of the small files of odd SMILES gets a 200 or a 422, and the service still answers."""
    for path in sorted((real_data / "odd_smiles").iterdir()):
        if path.suffix == ".gz":
            continue
        for line in path.read_text().splitlines():
            for text in {line, line.split()[0] if line.split() else "", line.split(",")[0]}:
                body = urllib.parse.urlencode({"smile": text}).encode()
                assert server.ask("/predict", body)[0] in {200, 422}, line
    assert server.predict("CCO")[0] == 200
