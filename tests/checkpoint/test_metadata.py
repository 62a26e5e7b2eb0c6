"""What a checkpoint says of itself, written and read."""

import json
from dataclasses import replace
from functools import reduce

import pytest
from metadata_for_tests import METADATA

from servier.checkpoint.documents import parse_json, write_document
from servier.checkpoint.earlier_formats import FORMAT_VERSION
from servier.checkpoint.file import encode_checkpoint, make_checkpoint, open_checkpoint
from servier.checkpoint.metadata import decode_metadata, encode_metadata
from servier.chem.levels import Level
from servier.errors import CheckpointError

CHECKPOINT = make_checkpoint(METADATA, {"model_0.onnx": b"graph", "reference.npz": b"arrays"})
DOCUMENT = json.loads(CHECKPOINT.metadata_json)
OPEN = [("input",), ("training", "recipe"), ("training", "encoder")]
MAY_BE_MISSING = {
    ("reference",),
    ("distillation",),
    ("dataset", "weights"),
    *(("dataset", "weights", name) for name in ("median", "labels")),
    *(("training", name) for name in ("rounds", "losses", "encoder")),
}
MAY_BE_NULL = MAY_BE_MISSING | {
    ("preset",),
    ("split", "column"),
    ("distillation", "library", "file"),
    *(("targets", 0, name) for name in ("threshold", "transform", "bound")),
}
WRONG = {str: 1, int: "1", float: "1", list: {}, dict: [], type(None): []}
KEYED_BY_NAME = {
    "sha256",
    "versions",
    "held_out",
    "test",
    "coverage",
    "P1",
    "0.8",
    "conformal",
    "fidelity",
    "all",
}


def walk(part, place=()):
    """Every place of the document, but for what is inside of its open parts."""
    if place:
        yield place
    if place not in OPEN and isinstance(part, dict | list):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from walk(inner, (*place, name))


def is_field(place):
    """Whether a dataclass has it as a field; else it is an element of a list or a dictionary."""
    return isinstance(place[-1], str) and not (len(place) > 1 and place[-2] in KEYED_BY_NAME)


def words(place):
    """A place as an error names it."""
    parts = [f"[{name!r}]" if not is_field(place[: i + 1]) else f".{name}" for i, name in enumerate(place)]
    return "".join(parts).removeprefix(".")


PLACES = list(walk(DOCUMENT))
FIELDS = [place for place in PLACES if is_field(place)]


def changed(place, change):
    """The document after a change of the part that holds a place."""
    document = json.loads(CHECKPOINT.metadata_json)
    change(reduce(lambda part, name: part[name], place[:-1], document), place[-1])
    return json.dumps(document).encode()


def problem(content):
    """What is said of metadata that cannot be used."""
    with pytest.raises(CheckpointError) as caught:
        decode_metadata(content, "m.servier")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("m.servier: ")
    return caught.value.problem


def test_what_is_written_is_read():
    """Every field comes back, and written again it is the same bytes."""
    found = decode_metadata(encode_metadata(METADATA))
    assert found == METADATA
    assert encode_metadata(found) == encode_metadata(METADATA)


def test_what_is_not_there_is_not_written():
    """Without reference molecules there is no key for them, and they come back as None."""
    training = replace(METADATA.training, losses=None, encoder=None)
    bare = replace(METADATA, reference=None, preset=None, training=training)
    document = json.loads(encode_metadata(bare))
    assert "reference" not in document
    assert document["preset"] is None
    assert list(document["training"]) == ["rounds", "recipe"]
    assert decode_metadata(encode_metadata(bare)) == bare


def test_keys_are_in_order():
    """The document begins with what it is and ends with the digests, as it always has."""
    assert list(DOCUMENT) == [
        "format", "format_version", "model_name", "preset", "input", "standardization", "dataset", "split",
        "duplicates", "seed", "training", "metrics", "domain", "sentinels", "versions", "reference",
        "distillation", "targets", "sha256",
    ]  # fmt: skip
    assert list(DOCUMENT["training"]) == ["rounds", "losses", "recipe", "encoder"]
    assert list(DOCUMENT["metrics"]) == ["held_out", "coverage", "test"]
    assert list(DOCUMENT["sentinels"][0]) == ["smiles", "input_sha256", "scores"]


@pytest.mark.parametrize("place", FIELDS, ids=words)
def test_a_missing_field_is_named(place):
    """Without a field the metadata cannot be used, and the one line says which it is."""
    content = changed(place, lambda part, name: part.pop(name))
    if place in MAY_BE_MISSING:
        assert decode_metadata(content) != CHECKPOINT.metadata
    elif place == ("format",):
        assert problem(content) == "this is not a servier checkpoint"
    else:
        assert problem(content) == f"its metadata is damaged: {words(place)} is missing"


@pytest.mark.parametrize("place", [place for place in PLACES if place != ("format",)], ids=words)
def test_a_value_of_another_type_is_named(place):
    """A value is of its own type; true and false never are, and null is only where nothing may be known."""
    before = reduce(lambda part, name: part[name], place, DOCUMENT)
    for value in (WRONG[type(before)], True, None):
        content = changed(place, lambda part, name, value=value: part.__setitem__(name, value))
        if value is None and place in MAY_BE_NULL:
            decode_metadata(content)
        else:
            assert problem(content).startswith(f"its metadata is damaged: {words(place)} is not ")


def test_a_whole_number_is_a_number():
    """What happens to be whole is read, and written, as it was."""
    content = changed(("domain", "similarity"), lambda part, name: part.__setitem__(name, 1))
    found = decode_metadata(content)
    assert found.domain.similarity == 1
    assert json.loads(encode_metadata(found))["domain"]["similarity"] == 1


@pytest.mark.parametrize("place", [("seed",), ("dataset", "rows"), ("training", "rounds", 0, 0)], ids=words)
@pytest.mark.parametrize("value", [True, 3.0, "3", None])
def test_counts_are_whole_numbers(place, value):
    """A broken number, a text or a truth value is no count."""
    content = changed(place, lambda part, name: part.__setitem__(name, value))
    assert problem(content) == f"its metadata is damaged: {words(place)} is not a whole number"


def test_unknown_keys_are_ignored():
    """A newer writer may add fields; the digest is still that of the whole file."""
    document = DOCUMENT | {"colour": "blue", "domain": DOCUMENT["domain"] | {"shape": "round"}}
    content = json.dumps(document).encode()
    assert decode_metadata(content) == CHECKPOINT.metadata
    assert replace(CHECKPOINT, metadata_json=content).digest != CHECKPOINT.digest


def test_a_newer_format_is_refused_before_its_fields_are_read():
    """Whatever else there is, the line says to update."""
    newer = json.dumps({"format": DOCUMENT["format"], "format_version": FORMAT_VERSION + 1}).encode()
    assert problem(newer) == "written by a newer servier"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b"1e999", b"-Infinity"])
def test_what_is_no_json_is_damaged(content):
    """No bytes, half a document, and numbers that are none."""
    assert problem(content) == "its metadata is damaged"


def test_numbers_are_finite():
    """Neither a limit nor a setting of the recipe may be infinite."""
    with pytest.raises(ValueError, match="not finite"):
        parse_json(b'{"eta": Infinity}')


def test_documents_hold_no_dataclasses():
    """What is written is made of what JSON knows."""
    assert json.loads(json.dumps(write_document(METADATA))) == write_document(METADATA)


def test_a_file_with_an_incomplete_document_is_refused(tmp_path):
    """Opening says which file it is and what it lacks."""
    path = tmp_path / "m.servier"
    content = changed(("targets", 0, "slope"), lambda part, name: part.pop(name))
    path.write_bytes(encode_checkpoint(replace(CHECKPOINT, metadata_json=content)))
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    assert str(caught.value) == (
        f"{path}: its metadata is damaged: targets[0].slope is missing; copy or train it again"
    )


def test_the_first_format_is_read():
    """Keys that had other names in version 1 come under those of today."""
    document = json.loads(CHECKPOINT.metadata_json)
    document["format_version"] = 1
    document["input"] = {"kind": "smiles", "views": 8}
    document["training"]["recipe"] = {"members": [{"eta": 0.1}], "views": 8, "folds": 5}
    found = decode_metadata(json.dumps(document).encode())
    assert found.format_version == FORMAT_VERSION
    assert found.input == {"kind": "smiles", "n_smiles": 8}
    assert found.training.recipe == {"boosters": [{"eta": 0.1}], "n_smiles": 8, "folds": 5}
    assert found.level is Level.NONE


@pytest.mark.parametrize("version", [1, 2])
def test_molecules_of_earlier_formats_are_not_standardized(version):
    """They were learnt from as they were written; a later format says how far they are standardized."""
    document = json.loads(CHECKPOINT.metadata_json)
    del document["standardization"]
    assert decode_metadata(json.dumps(document | {"format_version": version}).encode()).level is Level.NONE
    assert problem(json.dumps(document).encode()) == "its metadata is damaged: standardization is missing"


@pytest.mark.parametrize("part", ["input", "training"])
@pytest.mark.parametrize("value", [None, 7, []])
def test_damaged_metadata_of_the_first_format_is_refused(part, value):
    """A field of version 1 that is gone or of another type is named like any other."""
    document = json.loads(CHECKPOINT.metadata_json) | {"format_version": 1}
    document[part] = value
    assert part in problem(json.dumps(document).encode())


def test_weights_are_said_in_words_also_of_earlier_checkpoints():
    """What a checkpoint without the median has of them is said as before."""
    facts = METADATA.dataset.weights
    span = "column reliability, 0.5 to 2 times their mean"
    assert facts.in_words == f"{span} (median 0.875), 30 labels as good as 27 labels of equal weight"
    earlier = replace(facts, median=None, labels=None)
    assert earlier.in_words == f"{span}, as good as 27 labels of equal weight"
