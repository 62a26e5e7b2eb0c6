"""The arrays of a checkpoint, written and read."""

import io
from dataclasses import fields, replace

import numpy as np
import pytest
from metadata_for_tests import ARRAYS, METADATA

from servier.checkpoint.archive import pack_arrays
from servier.checkpoint.reference import ReferenceArrays, decode_reference, encode_reference, require_fit
from servier.errors import CheckpointError

NAMES = [field.name for field in fields(ReferenceArrays)]
MAY_BE_MISSING = {"train_smiles", "train_relations", "train_scores", "reference_answers"}


def arrays_of(reference):
    """The arrays by name, as NumPy reads the file."""
    return dict(np.load(io.BytesIO(encode_reference(reference)), allow_pickle=False))


def test_arrays_come_back():
    """NumPy reads what was written, in the order of the file, and so does the reader."""
    found = arrays_of(ARRAYS)
    assert list(found) == NAMES
    read = decode_reference(encode_reference(ARRAYS))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(read, name), found[name])
        assert getattr(read, name).dtype == getattr(ARRAYS, name).dtype
    assert read.smiles == ["C", "CC", "CCO"]


def test_what_is_not_there_is_not_written():
    """Without SMILES, bounds, scores or reference molecules there is no array; None comes back."""
    without = replace(
        ARRAYS, train_smiles=None, train_relations=None, train_scores=None, reference_answers=None
    )
    assert set(arrays_of(without)) == set(NAMES) - MAY_BE_MISSING
    read = decode_reference(encode_reference(without))
    assert (read.train_smiles, read.smiles, read.train_scores, read.reference_answers) == (None,) * 4


@pytest.mark.parametrize("name", [name for name in NAMES if name not in MAY_BE_MISSING])
def test_a_missing_array_is_named(name):
    """Without an array that it needs a checkpoint is refused in one line."""
    arrays = arrays_of(ARRAYS)
    del arrays[name]
    with pytest.raises(CheckpointError) as caught:
        decode_reference(pack_arrays(arrays), "m.servier")
    assert str(caught.value) == f"m.servier: entry reference.npz lacks {name}; copy or train it again"


def single_array():
    """A file of NumPy that holds one array without a name."""
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK", b"arrays", encode_reference(ARRAYS)[:-40], single_array()])
def test_what_is_not_a_file_of_arrays_is_damaged(content):
    """Nothing, half a file, a text, and another kind of file of NumPy."""
    with pytest.raises(CheckpointError, match=r"m\.servier: entry reference\.npz is damaged"):
        decode_reference(content, "m.servier")


def test_arrays_of_objects_are_refused():
    """Nothing is unpickled."""
    buffer = io.BytesIO()
    np.savez(buffer, train_lines=np.array([{}], object))
    with pytest.raises(CheckpointError, match="damaged"):
        decode_reference(buffer.getvalue())


def test_relations_are_of_three_kinds():
    """What is neither a value nor one of two bounds is refused; labels that are bounds are no values."""
    found = decode_reference(
        encode_reference(replace(ARRAYS, train_relations=np.array([[1], [0], [-1]], np.int8)))
    )
    np.testing.assert_array_equal(found.exact_y, [[np.nan], [1], [np.nan]])
    wrong = replace(ARRAYS, train_relations=np.array([[2], [0], [0]], np.int8))
    with pytest.raises(CheckpointError, match="train_relations are not -1, 0 and 1"):
        decode_reference(encode_reference(wrong))


def test_scores_are_finite_and_one_for_each_of_the_graph():
    """Infinite ones are refused, and so are more than the targets have."""
    infinite = replace(ARRAYS, train_scores=np.array([[np.inf], [0], [0]], np.float32))
    with pytest.raises(CheckpointError, match="train_scores are not finite"):
        decode_reference(encode_reference(infinite))
    wide = replace(ARRAYS, train_scores=np.zeros((3, 2), np.float32))
    with pytest.raises(CheckpointError, match="train_scores do not fit the targets"):
        require_fit(decode_reference(encode_reference(wide)), METADATA)
