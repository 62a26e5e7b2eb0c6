"""The model card as a page, and whether a checkpoint is intact."""

import json
import re
import zipfile
from dataclasses import replace

import pytest

from servier.checkpoint.archive import pack
from servier.checkpoint.file import encode_checkpoint, make_checkpoint, open_checkpoint
from servier.checkpoint.metadata import DomainLimits
from servier.report.html.card import write_card
from servier.report.html.pages import number


@pytest.fixture
def parts(model_1):
    """The entries of a checkpoint file."""
    with zipfile.ZipFile(model_1) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_card_has_the_numbers_of_the_checkpoint(command, model_1, tmp_path):
    """Every metric of validation and test is there, with digests, split, limits, and no intervals."""
    said = command("inspect", model_1, "--html", tmp_path / "card.html").stdout
    assert "intact" in said
    page = (tmp_path / "card.html").read_text()
    checkpoint = open_checkpoint(model_1)
    measured = checkpoint.metadata.metrics
    rows = dict(re.findall(r'<tr data-metric="([^"]+)">(.*?)</tr>', page))
    assert list(rows) == list(measured.held_out["P1"])
    for name, row in rows.items():
        expected = [part["P1"][name] for part in (measured.held_out, measured.test)]
        assert re.findall(r"<td[^>]*>([^<]+)</td>", row) == [number(value) for value in expected]
    for words in (
        checkpoint.digest, *checkpoint.metadata.sha256.values(), "scaffold", "Intended use",
        "Domain and limits", "holds no intervals",
    ):  # fmt: skip
        assert words in page


def test_card_shows_the_domain(model_1, tmp_path):
    """What the metadata say of the domain is a sentence on the card."""
    known = open_checkpoint(model_1)
    domain = DomainLimits(similarity=0.3127, unseen=0.25, molecules=192)
    write_card(make_checkpoint(replace(known.metadata, domain=domain), known.entries), tmp_path / "card.html")
    page = re.sub(r"\s+", " ", (tmp_path / "card.html").read_text())
    assert "nearest of 192 training molecules is at least 0.31 similar and at most 25.0 % of its" in page


def test_an_intact_checkpoint_passes_every_check(command, model_1, parts):
    """--verify has a line for each entry and each sentinel molecule, and all pass."""
    lines = command("inspect", model_1, "--verify").stdout.splitlines()
    assert len(lines) == len(parts) - 1 + 4
    assert all(line.startswith("pass  ") for line in lines)


def test_a_damaged_entry_fails_and_the_others_are_checked_too(command, parts, tmp_path):
    """One line says fail, the rest pass, and the status is 1; without --verify it is one error."""
    path = tmp_path / "m.servier"
    path.write_bytes(pack(parts | {"reference.npz": b"something else"}))
    lines = command("inspect", path, "--verify", status=1).stdout.splitlines()
    assert [line for line in lines if line.startswith("fail")] == [
        "fail  entry reference.npz: entry reference.npz is damaged"
    ]
    assert sum(line.startswith("pass") for line in lines) == len(lines) - 1
    assert "reference.npz is damaged" in command("inspect", path, status=1).stderr


def test_other_scores_of_a_sentinel_fail(command, model_1, tmp_path):
    """A molecule that is scored otherwise than in training is named."""
    known = open_checkpoint(model_1)
    changed = known.metadata.sentinels[1]
    changed.scores[0] += 0.5
    path = tmp_path / "m.servier"
    path.write_bytes(encode_checkpoint(make_checkpoint(known.metadata, known.entries)))
    checks = json.loads(command("inspect", path, "--verify", "--json", status=1).stdout)
    failed = [check for check in checks if check["problem"]]
    assert [check["name"] for check in failed] == [f"sentinel {changed.smiles}"]
    assert failed[0]["problem"] == "its score differs by 0.5 from that of training"


def test_a_graph_that_is_damaged_fails_with_all_sentinels(command, parts, tmp_path):
    """Without the graph no molecule can be scored, and every line says so."""
    path = tmp_path / "m.servier"
    graph = next(name for name in parts if name.endswith(".onnx"))
    path.write_bytes(pack(parts | {graph: b"something else"}))
    lines = command("inspect", path, "--verify", status=1).stdout.splitlines()
    assert sum(line.startswith("fail") for line in lines) == 5
