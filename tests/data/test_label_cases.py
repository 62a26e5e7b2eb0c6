"""Labels as real tables have had them: each damaged input is read right, or refused with its line."""

import csv

import numpy as np
import pytest

from servier.data.audit import check
from servier.data.bounds import AT_LEAST
from servier.data.datasets import Columns, load_dataset
from servier.errors import DataError

BINARY, NUMBERS = "binary", "regression"
MISSING = {"", "-", "#N/A", "N/A", "NA", "None", "NaN", "nan", "NULL", "null"}
WORDS = {"active": 1, "inactive": 0, "True": 1, "False": 0}

READ = {
    "active": BINARY, "bool": BINARY, "float01": BINARY, "na_dash": BINARY, "na_hash": BINARY,
    "na_mixed": BINARY, "na_slash": BINARY, "sevenpos": BINARY, "nbsp": NUMBERS, "nearconst": NUMBERS,
    "nearconst2": NUMBERS, "one_two": NUMBERS, "onehuge": NUMBERS, "plusminus": NUMBERS, "probs": NUMBERS,
    "twoclass": NUMBERS, "umin": NUMBERS, "umin_some": NUMBERS, "censored": NUMBERS, "tilde": NUMBERS,
}  # fmt: skip
REFUSED = {
    "comma": r"line 2, column y: '-1,3774493615' is not a number; write a decimal point",
    "date": "line 2, column y: '2024-01-01' is not a number",
    "fullwidth": r"line 2, column y: '-１.*' is not a number; write the digits 0 to 9",  # noqa: RUF001
    "huge": "line 2, column y: '1e300' is too large for a label",
    "inf": "line 9, column y: 'inf' is not a number",
    "percent": "line 2, column y: '0%' is not a number; write the number without a percent sign",
    "thousand": r"line 2, column y: '18,622\.6' is not a number; write a decimal point, and nothing between",
    "underscore": r"line \d+, column y: '1_0' is not a number",
}


def written(path):
    """The labels by Python's csv and float, from texts that are plain here."""
    with path.open(newline="", encoding="utf-8") as stream:
        texts = [row["y"] for row in csv.DictReader(stream)]
    return [
        np.nan if text in MISSING else WORDS[text] if text in WORDS
        else float(text.lstrip(">~").replace("\u00a0", "").replace("\u2212", "-"))
        for text in texts
    ]  # fmt: skip


def test_every_file_has_its_outcome(case):
    """No file of the folder is left out below."""
    assert {path.stem for path in case(14).glob("*.csv")} == READ.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", READ)
def test_labels_that_are_clear_are_read(case, name):
    """Task and labels are those that the table means, and `check` has nothing to say of any label."""
    path = case(14) / f"{name}.csv"
    data = load_dataset(path)
    assert data.tasks == [READ[name]]
    np.testing.assert_array_equal(data.y[:, 0], written(path))
    n_bounds = 0 if data.relations is None else int(np.sum(data.relations == AT_LEAST))
    assert n_bounds == path.read_text(encoding="utf-8").count(",>")
    audit = check(path)
    assert "bad_label" not in audit.counts
    assert audit.labels["y"]["labels"] == np.sum(~np.isnan(data.y))


@pytest.mark.parametrize("name", REFUSED)
def test_labels_that_are_not_are_refused_with_their_line(case, name):
    """`train` names the first of them, and `check` finds them too, in the column that is asked for."""
    path = case(14) / f"{name}.csv"
    with pytest.raises(DataError, match=REFUSED[name]) as caught:
        load_dataset(path)
    first = next(found for found in check(path, Columns(("y",))).findings if "bad_label" in found.problems)
    assert first.line == caught.value.row
    assert caught.value.problem in "; ".join(first.details)
