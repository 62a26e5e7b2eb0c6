import numpy as np
import pytest

from servier.data.datasets import Columns, find_dataset, load_dataset
from servier.errors import DataError

ROWS = "".join(f"{i % 2},m{i},{'C' * (i + 1)}\n" for i in range(30))


def write(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_the_default_table_needs_no_options(tmp_path):
    """Columns P1, mol_id and smiles are found, and the task is seen from the labels."""
    data = load_dataset(write(tmp_path, "P1,mol_id,smiles\n" + ROWS))
    assert (data.targets, data.tasks, data.split) == (["P1"], ["binary"], None)
    assert data.smiles[:2] == ["C", "CC"]
    assert data.ids[:2] == ["m0", "m1"]
    assert data.lines[:2] == [2, 3]
    assert data.y[:4, 0].tolist() == [0, 1, 0, 1]


def test_the_only_other_column_is_the_target(tmp_path):
    """Drug_ID,Drug,Y needs no --target."""
    assert load_dataset(write(tmp_path, "Y,Drug_ID,Drug\n" + ROWS)).targets == ["Y"]


def test_several_targets_keep_missing_labels(tmp_path):
    """An empty field is a missing label, in each target by itself, and tasks differ."""
    rows = "".join(f"{i % 2 if i % 3 else ''},{i / 7},{'C' * (i + 1)}\n" for i in range(60))
    data = load_dataset(write(tmp_path, "a,b,smiles\n" + rows), Columns(targets=["b", "a"]))
    assert data.tasks == ["regression", "binary"]
    assert np.isnan(data.y[:, 1]).sum() == 20


def test_digest_depends_on_molecules_and_labels_alone(tmp_path):
    """Another order of columns and another file name are the same data; another label is not."""
    first = load_dataset(write(tmp_path, "P1,mol_id,smiles\n" + ROWS))
    swapped = "".join(f"{c};{a};{b}\n" for a, b, c in (line.split(",") for line in ROWS.split()))
    second = load_dataset(write(tmp_path, "smiles;P1;mol_id\n" + swapped, "u.csv"))
    third = load_dataset(write(tmp_path, "P1,mol_id,smiles\n1" + ROWS[1:], "v.csv"))
    assert first.digest == second.digest != third.digest


def test_absent_default_table_says_what_to_put_where(tmp_path):
    """The error of a newcomer names the file that is wanted."""
    with pytest.raises(DataError, match=r"dataset_single\.csv.*--dataset"):
        find_dataset(tmp_path)


@pytest.mark.parametrize(
    ("text", "columns", "task", "message"),
    [
        ("P1,smiles\n", {}, None, "no rows"),
        ("P1,mol_id\n" + ROWS, {}, None, "no column with SMILES strings found"),
        ("P1,structure,Drug\n" + ROWS, {}, None, "several smiles columns: structure, Drug"),
        ("a,b,smiles\n" + ROWS, {}, None, "which column is the target.*a, b, smiles"),
        ("P1,x,smiles\n" + ROWS, {"targets": ["P2"]}, None, "no column 'P2'.*P1, x, smiles"),
        ("P1,x,smiles\n" + ROWS + "high,m,CC\n", {}, None, "line 32, column P1: 'high' is not a number"),
        ("P1,x,smiles\n" + ROWS + "inf,m,CC\n", {}, None, "line 32, column P1: 'inf' is not a number"),
        ("P1,x,smiles\n" + ROWS + "2,m,CC\n", {}, "binary", "line 32, column P1: label 2 in a binary target"),
        ("P1,x,smiles\n" + ROWS.partition("\n")[2].replace("\n0,", "\n1,"), {}, None, "all 29 labels are 1"),
        ("P1,x,smiles\n" + ROWS[:40], {}, None, "too few"),
    ],
)
def test_unusable_table_is_one_clear_error(tmp_path, text, columns, task, message):
    """Whatever is wrong is said with file, line and column."""
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(path, Columns(**columns), [task] if task else None)
    assert str(caught.value).startswith(str(path))


def test_what_is_easily_overlooked_is_said(tmp_path, caplog):
    """A column `split` that is not used, and two classes that are not written as 0 and 1."""
    rows = "".join(f"{2 * (i % 2) - 1},{'C' * (i + 1)},train\n" for i in range(30))
    data = load_dataset(write(tmp_path, "Y,smiles,split\n" + rows), Columns(("Y",)))
    assert data.tasks == ["regression"]
    assert "--split_column split" in caplog.text
    assert "labels -1 and 1 are learnt as numbers" in caplog.text
    caplog.clear()
    assert (
        load_dataset(tmp_path / "t.csv", Columns(("Y",), split="split"), "regression").split_column == "split"
    )
    assert caplog.text == ""


def test_rows_with_too_many_fields_are_named(tmp_path, caplog):
    """Training says which labels it leaves out, the first five by their lines."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,P1\n" + "".join(f"C,{i}\nCC,1,5\n" for i in range(20)))
    data = load_dataset(path)
    assert data.lines == list(range(2, 42, 2))
    lines = [f"{path}, line {line}: left out: 3 fields where the header has 2" for line in range(3, 13, 2)]
    assert caplog.messages == [*lines, "and 15 more rows that cannot be used"]


def test_a_table_of_such_rows_is_refused_with_the_first(tmp_path):
    """It is not said to be empty."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,P1\nC,1,5\nCC,1,6\n")
    with pytest.raises(DataError, match="line 2: no row can be used: 3 fields where the header has 2"):
        load_dataset(path)


def test_rows_that_cannot_be_used_are_named_and_counted(tmp_path, caplog):
    """The first ones by line and reason; an empty row is passed over."""
    ragged = "".join(f"1,m,C,surplus {i}\n" for i in range(7))
    data = load_dataset(write(tmp_path, f"P1,mol_id,smiles\n1,m,C\n{ragged}\n{ROWS}"))
    assert (len(data), data.left_out) == (31, 7)
    assert data.lines[:3] == [2, 11, 12]
    assert len(caplog.messages) == 6
    assert caplog.messages[0].startswith(f"{tmp_path / 't.csv'}, line 3: left out: ")
    assert caplog.messages[-1] == "and 2 more rows that cannot be used"


def test_a_table_of_unusable_rows_is_refused(tmp_path):
    """It is not called empty."""
    path = write(tmp_path, "P1,mol_id,smiles\n" + "1,m,C,surplus\n" * 30)
    with pytest.raises(DataError, match="no row can be used"):
        load_dataset(path)


def test_sd_records_that_stand_for_several_molecules_are_named(tmp_path, caplog):
    """Their labels are left out of a table, with the reason; they were left out without a word."""
    plain = "\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n    0.0000    0.0000    0.0000 C   0  0\n"
    record = "M  END\n> <y>\n%d\n\n$$$$\n"
    content = "".join(plain + ("M  APO  1   1   1\n" if i == 3 else "") + record % (i % 2) for i in range(40))
    data = load_dataset(write(tmp_path, content, "t.sdf"))
    assert (len(data), data.left_out) == (39, 1)
    (said,) = caplog.messages
    assert said.endswith("line 4: left out: atom 1 is a point of attachment, so this is a part of a molecule")
