"""Which circular substructures the applicability domain gets, and how often molecules are read for it."""

from types import SimpleNamespace

import numpy as np
import pytest
from rdkit import Chem

from servier.chem.molecules import InvalidMolecule, Status
from servier.scoring.applicability_domain import find_environments
from servier.scoring.engines import RawScores
from servier.scoring.scorer import Scorer, _take_environments

PROBLEM = InvalidMolecule(Status.INVALID, "no molecule")


def raw_scores(problems, environments=None):
    return RawScores(np.zeros((len(problems), 1)), problems, environments)


def test_rows_with_a_score_have_no_problem():
    """Raw scores know which rows have one; no rows are no rows of them."""
    assert raw_scores([None, PROBLEM, None]).is_scored.tolist() == [True, False, True]
    assert raw_scores([]).is_scored.dtype == np.bool_


def test_substructures_belong_to_the_rows_that_all_engines_scored():
    """Rows that another engine has a problem with are left out, and no molecule is read again."""
    other = raw_scores([PROBLEM, None, None, None])
    counted = raw_scores([None, None, PROBLEM, None], [{10: 1}, {11: 1}, {13: 1}])
    is_scored = np.array([False, True, False, True])
    for scores in ([other, counted], [counted, other]):
        assert _take_environments(scores, [], is_scored) == [{11: 1}, {13: 1}]


def test_the_first_engine_that_counted_is_asked():
    """Engines that both count give the substructures of the first."""
    first, second = raw_scores([None], [{1: 1}]), raw_scores([None], [{2: 1}])
    assert _take_environments([first, second], [], np.array([True])) == [{1: 1}]


def test_substructures_that_no_engine_counted_are_found():
    """They are those of the molecules with a score."""
    mols = [Chem.MolFromSmiles("CCO"), PROBLEM, Chem.MolFromSmiles("c1ccccc1")]
    found = _take_environments([raw_scores([None, PROBLEM, None])], mols, np.array([True, False, True]))
    assert found == find_environments([mols[0], mols[2]])


@pytest.mark.parametrize(
    ("counts", "has_domain", "expected"),
    [
        ([True], True, False),
        ([True], False, False),
        ([False], False, False),
        ([False], True, True),
        ([True, False], False, True),
        ([True, True], True, True),
    ],
)
def test_molecules_are_kept_only_where_they_are_read_again(counts, has_domain, expected):
    """A second model reads them again, and so does the domain where the only model does not count."""
    scorer = Scorer.__new__(Scorer)
    scorer._engines = [SimpleNamespace(counts_environments=count) for count in counts]
    scorer._domains = [object()] if has_domain else []
    assert scorer._reads_molecules_again is expected
