"""What worker processes are asked, without the processes."""

import json
from xml.etree import ElementTree as ET

import pytest

from servier.checkpoint.file import open_checkpoint
from servier.chem.molecules import InvalidMolecule
from servier.errors import ServierError
from servier.scoring.scorer import Scorer
from servier.server.questions import Compare, Draw, Explain, Score

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


@pytest.fixture(scope="module")
def scorers(model_1, model_2):
    checkpoints = [open_checkpoint(path) for path in (model_1, model_2)]
    return {
        "1": Scorer(checkpoints[:1], confidences=["0.9"]),
        "consensus": Scorer(checkpoints, confidences=["0.9"]),
    }


def test_scores_can_be_written_as_json(scorers):
    """A row for each molecule, of texts and numbers."""
    rows = Score("1", (ASPIRIN, "C1CC")).answer(scorers)
    assert json.loads(json.dumps(rows)) == rows
    assert [row["status"] for row in rows] == ["ok", "invalid"]
    assert {"P1_probability", "P1_set_90", "nearest_similarity", "in_domain"} <= set(rows[0])


@pytest.mark.parametrize(
    "question", [Draw(ASPIRIN), Explain("1", ASPIRIN, None), Explain("consensus", ASPIRIN, "P1")]
)
def test_drawings_are_svg_documents(scorers, question):
    """An XML parser reads what is drawn."""
    assert ET.fromstring(question.answer(scorers)).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("question", [Draw("C1CC"), Explain("1", "C1CC", None)])
def test_what_is_no_molecule_is_not_drawn(scorers, question):
    """The problem is the answer."""
    assert isinstance(question.answer(scorers), InvalidMolecule)
    assert Compare("1", "C1CC").answer(scorers) == []


def test_unknown_target_is_an_answer_too(scorers):
    """A problem that the user can hint comes back as a value."""
    assert isinstance(Explain("1", ASPIRIN, "P2").answer(scorers), ServierError)


def test_neighbours_are_drawn_with_their_labels(scorers):
    """The nearest training molecules come with drawing, similarity and labels, the nearest first."""
    rows = Compare("consensus", ASPIRIN).answer(scorers)
    assert [row["similarity"] for row in rows] == sorted((r["similarity"] for r in rows), reverse=True)
    assert all(row["labels"].keys() == {"P1"} and "<svg" in row["svg"] for row in rows)
    assert all(row["relations"] == {} for row in rows)
