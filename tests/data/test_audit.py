import csv
import json

import numpy as np
import pytest

from servier.chem.levels import Level
from servier.data.audit import check
from servier.data.labels import suspect_filled
from servier.errors import DataError

ROWS = """id,smiles,active,logS,comment
a,CCO,1,-1.5,fine
b,OCC,1,-1.5,the same
c,CCO.Cl,0,-1.5,a salt of it
d,not a molecule,0,1.0,
e,,1,1.0,
f,c1ccccc1.C1CCCCC1,0,2.0,
g,Cl[Pt](Cl)(N)N,1,2.0,
h,CCN,,,nothing known
i,CCCO,1,high,
j,CCCCO,1,3.0,x,y
k,[Na+].CC(=O)[O-],0,0.5,
l,{large},1,0.1,
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text(ROWS.replace("{large}", "C" * 150))
    return path


def test_every_row_is_judged(table):
    """Each kind of problem is found in its rows, in their order, and salts are no mixtures or metals."""
    found = {finding.id: finding.problems for finding in check(table).findings}
    assert found == {
        "a": ["conflict"],
        "b": ["duplicate", "conflict"],
        "c": ["duplicate", "conflict"],
        "d": ["invalid"],
        "e": ["empty"],
        "f": ["mixture"],
        "g": ["metal"],
        "h": ["unlabelled"],
        "i": ["bad_label"],
        "j": ["ragged"],
        "k": [],
        "l": ["large"],
    }


@pytest.mark.parametrize(
    ("smiles", "problems"),
    [
        ("CN(C)CCc1ccccc1.OC(=O)c1cc2ccccc2c(Cc2c(O)c(cc3ccccc23)C(O)=O)c1O", []),
        ("CN(C)CCc1ccccc1.CC(=O)Nc1ccc(O)cc1", ["mixture"]),
        ("CC(=O)[O-].[Na+]", []),
        ("Cl[Pt](Cl)(N)N.O", ["metal"]),
    ],
)
def test_what_standardization_removes_makes_no_mixture(tmp_path, smiles, problems):
    """Counter-ions and solvents are the same ones everywhere."""
    (tmp_path / "t.csv").write_text(f"smiles,y\n{smiles},1\n")
    (found,) = check(tmp_path / "t.csv").findings
    assert found.problems == problems


def test_salts_can_be_molecules_of_their_own(table):
    """With canonical forms of what is not standardized a salt is another molecule than its parent."""
    audit = check(table, same_molecule="canonical", level=Level.NONE)
    found = {finding.id: finding.problems for finding in audit.findings}
    assert (found["a"], found["b"], found["c"]) == ([], ["duplicate"], [])


def test_command_writes_a_line_for_each_row(servier, table, tmp_path):
    """The table says where a duplicate occurred first and which labels differ; the summary counts rows."""
    document = json.loads(servier("check", table, tmp_path / "found.csv", "--json").stdout)
    with (tmp_path / "found.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["line"] for row in rows] == [str(line) for line in range(2, 14)]
    assert rows[2]["details"] == "the molecule of line 2; active: 0, 1"
    assert document["rows"] == len(rows)
    assert document["problems"]["duplicate"] == 2
    assert document["labels"]["active"] == {"labels": 11, "missing": 1, "share_of_1": pytest.approx(7 / 11)}
    assert set(document["labels"]) == {"active", "logS"}
    assert "conflict" in servier("check", table).stdout


def test_a_column_that_counts_rows_is_no_target(tmp_path):
    """Running numbers are not looked at, unless they are asked for."""
    path = tmp_path / "data.csv"
    path.write_text("num,smiles,y\n" + "".join(f"{i},{'C' * i},{i % 3}\n" for i in range(1, 9)))
    assert list(check(path).labels) == ["y"]


COMPLETE = np.r_[np.ones(820), np.zeros(180)]


@pytest.mark.parametrize(
    ("labels", "suspects"),
    [
        ({"P1": COMPLETE}, 1),
        ({"P1": 1 - COMPLETE}, 0),
        ({"P1": np.r_[COMPLETE, np.nan]}, 0),
        ({f"P{i}": np.roll(COMPLETE, 100 * i) for i in range(5)}, 1),
        ({f"P{i}": 1 - np.roll(COMPLETE, 100 * i) for i in range(5)}, 1),
        ({"logS": np.r_[np.linspace(-5, 3, 900), np.full(100, -1.0)]}, 1),
        ({"logS": np.linspace(-5, 3, 900)}, 0),
        ({"logS": np.round(np.random.default_rng(0).normal(size=900), 1)}, 0),
        ({"empty": np.full(5, np.nan)}, 0),
    ],
    ids=[
        "mostly 1", "mostly 0", "with a missing label", "several alike", "several alike with 0", "one value",
        "all differ", "rounded", "no label",
    ],
)  # fmt: skip
def test_labels_that_look_filled_in(labels, suspects):
    """A constant that stands for missing labels is suspected, and an ordinary distribution is not."""
    assert len(suspect_filled(labels)) == suspects


def test_the_real_table_is_suspected(servier, real_data):
    """P1 to P9, where 1 means active or never tested, give a warning."""
    said = servier("check", real_data / "servier" / "dataset_multi.csv").stdout
    assert "P9: no label is missing, and 1 is about equally frequent in all of them" in said


def test_targets_that_train_refuses_are_named(tmp_path):
    """A constant target, two words that are no opposites, and decimal commas each get a sentence."""
    rows = [f'{"C" * (i + 1)},1,{("low", "high")[i % 2]},"1,{i}",{i % 2},word{i}' for i in range(30)]
    question = "it is not clear which of 'low' and 'high' is label 1; name that one with --positive, or write"
    path = tmp_path / "words.csv"
    path.write_text("\n".join(["smiles,P1,activity,ic50,good,remark", *rows]) + "\n")
    assert check(path).warnings == [
        f"activity: train refuses it: {question} 1 and 0",
        "ic50: train refuses it: '1,0' is not a number; write a decimal point, and nothing between thousands",
        "P1: train refuses it: all 30 labels are 1; a model needs at least two different values",
    ]
    assert [text.split(":")[0] for text in check(path, positive=["high"]).warnings] == ["ic50", "P1"]


@pytest.mark.parametrize(
    ("texts", "task", "rare"),
    [
        (["0", "1"] * 20 + ["1"] * 3, None, None),
        (["0"] * 40 + ["1"], None, "1 row is labelled 1"),
        (["active"] * 4 + ["inactive"] * 40, None, "4 rows are labelled active"),
        (["a", "b", "c"] * 10 + ["d"], "multiclass", "1 row is labelled d"),
        (["low", "high", "low"] * 10 + ["medium"] * 4, "ordinal", "4 rows are labelled medium"),
    ],
)
def test_classes_that_are_too_rare_are_named(command, tmp_path, texts, task, rare):
    """`check` says what `train` refuses, however the classes are written."""
    path = tmp_path / "t.csv"
    path.write_text("smiles,y\n" + "".join(f"{'C' * (i + 1)},{text}\n" for i, text in enumerate(texts)))
    options = ["--target", "y", *([] if task is None else ["--task", task])]
    told = command("check", path, *options).stdout
    assert told.count("train refuses it") == (rare is not None)
    if rare is not None:
        assert f"y: train refuses it: {rare}; at least 5 of each class are needed" in told
        said = command("train", "--dataset", path, *options, "--test_fraction", 0, status=1).stderr
        assert "at least 5 of each class are needed" in said


def test_labels_in_words_are_audited_like_numbers(tmp_path, caplog):
    """A column of yes and no has a share of label 1; a third word in it is a problem of its row alone."""
    words = ["Yes", "no", "N/A", "maybe", *["no"] * 6]
    path = tmp_path / "words.csv"
    path.write_text("smiles,toxic\n" + "".join(f"{'C' * (i + 1)},{word}\n" for i, word in enumerate(words)))
    with caplog.at_level("INFO", "servier"):
        audit = check(path)
    assert audit.labels == {"toxic": {"labels": 8, "missing": 2, "share_of_1": 1 / 8}}
    assert {found.line: found.details for found in audit.findings if "bad_label" in found.problems} == {
        5: ["toxic: 'maybe' is neither 'Yes' nor 'no'", "no label"]
    }
    assert caplog.messages == ["target toxic: label 1 is 'Yes', label 0 is 'no'"]
    with pytest.raises(
        DataError, match=r"words\.csv: no label is 'perhaps'; --positive names a label in toxic"
    ):
        check(path, positive=["perhaps"])


def test_half_words_and_half_numbers_are_found(tmp_path):
    """A column that train refuses is not passed over where as many labels are words as are numbers."""
    path = tmp_path / "t.csv"
    labels = ["TRUE", "1", "FALSE", "0"] * 10
    path.write_text("smiles,y\n" + "".join(f"{'C' * (i + 1)},{y}\n" for i, y in enumerate(labels)))
    assert check(path).counts["bad_label"] == 20
