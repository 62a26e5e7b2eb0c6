import pickle

import pytest

from servier.errors import CheckpointError, DataError, RecipeError, ServierError


def test_message_names_file_line_column_and_hint():
    """An error is one line: where, what, what to do."""
    error = DataError("'x' is not a number", path="a.csv", row=3, column="P1", hint="leave it empty")
    assert str(error) == "a.csv, line 3, column P1: 'x' is not a number; leave it empty"


def test_message_without_a_place():
    """What has no place is said alone."""
    assert str(ServierError("no more")) == "no more"


@pytest.mark.parametrize("kind", [ServierError, DataError, CheckpointError, RecipeError])
def test_errors_cross_processes(kind):
    """An error raised in a worker arrives with its kind and all its data."""
    error = pickle.loads(pickle.dumps(kind("what", path="p", row=1, column="c", hint="m")))
    assert type(error) is kind
    assert (error.problem, error.path, error.row, error.column, error.hint) == ("what", "p", 1, "c", "m")
