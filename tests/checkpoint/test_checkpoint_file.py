import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from metadata_for_tests import ARRAYS, METADATA

from servier.checkpoint.archive import pack
from servier.checkpoint.documents import write_document
from servier.checkpoint.file import encode_checkpoint, graph_name, make_checkpoint, open_checkpoint
from servier.checkpoint.reference import REFERENCE, encode_reference
from servier.errors import CheckpointError
from servier.scoring.scorer import Scorer

GRAPH = graph_name(0)


@pytest.fixture
def small(tmp_path):
    entries = {GRAPH: b"graph" * 100, REFERENCE: encode_reference(ARRAYS)}
    checkpoint = make_checkpoint(METADATA, entries)
    path = tmp_path / "model.servier"
    path.write_bytes(encode_checkpoint(checkpoint))
    return path, checkpoint


def test_what_is_written_is_read(small):
    """Metadata, targets, entries and arrays come back."""
    path, checkpoint = small
    opened = open_checkpoint(path, "1")
    assert opened.metadata == checkpoint.metadata
    assert opened.targets == METADATA.targets
    assert dict(opened.entries) == dict(checkpoint.entries)
    assert opened.digest == checkpoint.digest
    assert opened.reference.train_lines.tolist() == [0, 1, 2]


def test_equal_checkpoints_are_equal_files(small):
    """Nothing in the file depends on the time of writing."""
    path, checkpoint = small
    assert encode_checkpoint(checkpoint) == path.read_bytes()


def test_every_truncation_is_noticed(small):
    """However much of the end is missing, opening says so in one clear error."""
    path, _ = small
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="damaged or truncated"):
            open_checkpoint(path)


def test_every_flipped_byte_is_noticed_or_harmless(small):
    """A changed byte anywhere is an error, or changes nothing of what is read."""
    path, checkpoint = small
    content = bytearray(path.read_bytes())
    for position in range(0, len(content), 3):
        content[position] ^= 0x55
        path.write_bytes(content)
        content[position] ^= 0x55
        try:
            opened = open_checkpoint(path)
            entries = dict(opened.entries)
        except CheckpointError:
            continue
        assert entries == dict(checkpoint.entries)
        assert opened.metadata == checkpoint.metadata


def test_exchanged_entry_is_noticed(small):
    """An entry that does not have its digest is refused when it is read."""
    path, checkpoint = small
    path.write_bytes(encode_checkpoint(replace(checkpoint, entries={**checkpoint.entries, GRAPH: b"other"})))
    with pytest.raises(CheckpointError, match=r"model_0\.onnx is damaged"):
        open_checkpoint(path).entries[GRAPH]


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"format": "zip of cats"}, "not a servier checkpoint"),
        ({"format": "servier checkpoint", "format_version": 99}, "newer servier"),
        (
            write_document(replace(METADATA, model_name="2")),
            "checkpoint of model 2, not of model 1",
        ),
        ([], "not a servier checkpoint"),
    ],
)
def test_other_files_are_refused(tmp_path, metadata, message):
    """A zip that is something else says what it is."""
    path = tmp_path / "x.servier"
    path.write_bytes(pack({"metadata.json": json.dumps(metadata).encode()}))
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(path, "1")


def test_missing_checkpoint_says_how_to_train_one(tmp_path):
    """The hint is the command."""
    with pytest.raises(CheckpointError, match="servier train --model_name 2"):
        open_checkpoint(tmp_path / "model_2.servier", "2")


def test_checkpoint_is_not_pickled(model_1, model_2):
    """The entries are text, ONNX, Keras and arrays without objects."""
    for path in (model_1, model_2):
        with zipfile.ZipFile(path) as archive:
            assert {name.rpartition(".")[2] for name in archive.namelist()} <= {
                "json",
                "onnx",
                "npz",
                "txt",
                "keras",
            }
        arrays = np.load(io.BytesIO(open_checkpoint(path).entries[REFERENCE]), allow_pickle=False)
        assert {array.dtype.kind for array in arrays.values()} <= {"u", "i", "f"}


def test_sentinels_guard_against_another_reading(model_1):
    """A checkpoint whose sentinel scores are not met here is refused."""
    opened = open_checkpoint(model_1)
    opened.metadata.sentinels[0].scores[0] += 0.01
    with pytest.raises(CheckpointError, match="read differently here"):
        Scorer([opened])
