import numpy as np
import pytest
from rdkit import Chem

from servier.data.duplicates import identify, merge_duplicates

NAN = np.nan
ASPIRIN = ["CC(=O)Oc1ccccc1C(=O)O", "OC(=O)c1ccccc1OC(C)=O", "CC(=O)Oc1ccccc1C(=O)O.[Na+].[Cl-]", "CCO"]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [("parent", [0, 0, 0, 1]), ("canonical", [0, 0, 1, 2]), ("written", [0, 1, 2, 3])],
)
def test_what_counts_as_the_same_molecule(identity, expected):
    """Salts and the way of writing matter as the option says."""
    mols = [Chem.MolFromSmiles(smiles) for smiles in ASPIRIN]
    assert identify(mols, ASPIRIN, identity).tolist() == expected


def test_equal_labels_are_kept_once():
    """The first row of each molecule stays, in order, and equal labels are no conflict."""
    merged = merge_duplicates(np.array([7, 3, 7, 3, 5]), np.array([[1.0], [0], [1], [0], [1]]), ["binary"])
    assert merged.rows.tolist() == [0, 1, 4]
    assert merged.y[:, 0].tolist() == [1, 0, 1]
    assert (merged.duplicates, merged.conflicts) == (2, 0)


@pytest.mark.parametrize(
    ("labels", "task", "merge"),
    [
        ([1, 1, 0], "binary", 1),
        ([0, 1, 0, NAN], "binary", 0),
        ([0, 1], "binary", NAN),
        ([1.0, 2.0, 9.0], "regression", 2.0),
        ([1.0, 2.0], "regression", 1.5),
        ([0.5, 0.5, 0.4, 0.6], "regression", 0.5),
    ],
)
def test_labels_in_conflict(labels, task, merge):
    """Merging takes majority or median; dropping leaves the molecule without a label; both count it."""
    y = np.array(labels)[:, None]
    merged = merge_duplicates(np.zeros(len(y), int), y, [task])
    dropped = merge_duplicates(np.zeros(len(y), int), y, [task], "drop")
    np.testing.assert_equal(merged.y, [[merge]])
    np.testing.assert_equal(dropped.y, [[NAN]])
    assert (merged.conflicts, dropped.conflicts) == (1, 1)


def test_labels_of_several_targets_are_gathered():
    """What one row lacks another has; a conflict in one target leaves the others alone."""
    y = np.array([[1.0, NAN, 0.5], [NAN, 3.0, NAN], [1.0, 5.0, NAN], [0.0, NAN, NAN]])
    merged = merge_duplicates(np.array([0, 0, 0, 1]), y, ["binary", "regression", "regression"])
    np.testing.assert_equal(merged.y, [[1, 4, 0.5], [0, NAN, NAN]])
    assert (merged.duplicates, merged.conflicts) == (2, 1)


def test_every_molecule_in_conflict_is_counted():
    """Two molecules in conflict are two, wherever those without one stand, and whatever the numbers are."""
    molecules = np.array([30, 10, 20, 10, 30, 20, 40])
    y = np.array([[0.0, 5.0], [1, 1], [1, 2], [1, 2], [1, 5], [1, 2], [0, 7]])
    merged = merge_duplicates(molecules, y, ["binary", "regression"])
    assert merged.rows.tolist() == [0, 1, 2, 6]
    np.testing.assert_equal(merged.y, [[NAN, 5], [1, 1.5], [1, 2], [0, 7]])
    assert (merged.duplicates, merged.conflicts) == (3, 2)
    dropped = merge_duplicates(molecules, y, ["binary", "regression"], "drop")
    np.testing.assert_equal(dropped.y, [[NAN, 5], [1, NAN], [1, 2], [0, 7]])
    assert (dropped.duplicates, dropped.conflicts) == (3, 2)


def test_labels_become_numbers():
    """Whole numbers that were given become float64, and nothing of what was given changes."""
    y = np.array([[1], [0], [1]])
    merged = merge_duplicates(np.array([0, 0, 1]), y, ["binary"])
    assert merged.y.dtype == np.float64
    np.testing.assert_equal(merged.y, [[NAN], [1]])
    assert y.tolist() == [[1], [0], [1]]


def test_a_half_is_no_majority_but_a_value():
    """Of a binary target a median of one half is a tie; of a regression target it is a value like others."""
    y = np.array([[0.0, 0.0], [1, 1]])
    merged = merge_duplicates(np.array([0, 0]), y, ["binary", "regression"])
    np.testing.assert_equal(merged.y, [[NAN, 0.5]])
    labels = np.array([[0.0], [0], [1]])
    np.testing.assert_equal(merge_duplicates(np.zeros(3, int), labels, ["binary"]).y, [[0]])
