from dataclasses import replace

import numpy as np
import pytest
from molecules_for_tests import SMILES

from servier.checkpoint.file import open_checkpoint
from servier.checkpoint.target import Target
from servier.chem.molecules import InvalidMolecule
from servier.errors import CheckpointError
from servier.scoring.consensus import require_same_targets
from servier.scoring.prediction_fields import prediction_fields
from servier.scoring.predictions import Predictions, as_answers, output_rows
from servier.scoring.scorer import Scorer

BINARY = Target("P1", "binary", slope=2.0, intercept=-1.0, threshold=0.4)
VALUE = Target("logS", "regression", slope=3.0, intercept=5.0)


def test_labels_follow_the_threshold():
    """Label 1 begins exactly at the threshold."""
    predictions = Predictions(
        [BINARY], np.array([[0.4], [0.399999], [np.nan]]), [None, None, InvalidMolecule("empty", "x")]
    )
    assert predictions.labels()[:2, 0].tolist() == [1, 0]
    assert np.isnan(predictions.labels()[2, 0])


def test_rows_have_a_value_for_each_field():
    """The columns of the output are those that are announced, for all kinds of rows."""
    targets = [BINARY, VALUE]
    predictions = Predictions(
        targets, np.array([[0.7, 1.5], [np.nan, np.nan]]), [None, InvalidMolecule("empty", "no")]
    )
    assert list(prediction_fields(targets)) == ["P1_pred", "P1_probability", "logS_pred", "status", "reason"]
    assert output_rows(predictions) == [[1, 0.7, 1.5, "ok", None], [None, None, None, "empty", "no"]]
    assert as_answers(predictions)[0] == {
        "P1_pred": 1, "P1_probability": 0.7, "P1_threshold": 0.4, "logS_pred": 1.5, "status": "ok",
    }  # fmt: skip


def test_consensus_is_the_mean(models_dir):
    """Several checkpoints answer with the mean of their probabilities, in which model 1 counts twice."""
    checkpoints = [open_checkpoint(models_dir / f"model_{name}.servier") for name in "12"]
    single = [Scorer([checkpoint]).score(SMILES).values for checkpoint in checkpoints]
    both = Scorer(checkpoints)
    np.testing.assert_allclose(both.score(SMILES).values, (2 * single[0] + single[1]) / 3, atol=1.1e-6)
    thresholds = [checkpoint.targets[0].threshold for checkpoint in checkpoints]
    assert both.targets[0].threshold == pytest.approx((2 * thresholds[0] + thresholds[1]) / 3, abs=1e-6)


@pytest.mark.parametrize("name", ["1", "2"])
def test_scores_are_of_what_is_written(name, models_dir):
    """Map numbers and what nobody sees change no score by a bit; a foreign character is never dropped."""
    scorer = Scorer([open_checkpoint(models_dir / f"model_{name}.servier")])
    plain = scorer.score(["CC(=O)O", "C[C@H](N)C(=O)O", "CCO"])
    odd = scorer.score(["[CH3:1][C:2](=[O:3])[OH:4]", "[CH3:9][C@H:1](N)C(=O)[OH:2]", "\ufeffCCO\u200b"])
    np.testing.assert_array_equal(odd.values, plain.values)
    assert [problem.status for problem in scorer.score(["CCO\u0421", "CC\uff2f"]).problems] == ["invalid"] * 2


def test_consensus_of_different_targets_is_refused(model_1):
    """A mean of different things is none."""
    other = open_checkpoint(model_1)
    other.targets[0] = Target("P2", "binary")
    with pytest.raises(CheckpointError, match="not those of the other"):
        Scorer([open_checkpoint(model_1), other])


def test_consensus_of_opposite_labels_is_refused(model_1):
    """Models whose label 1 are different words are not averaged; one without words joins any."""
    first, second, third = (open_checkpoint(model_1) for _ in range(3))
    first.targets[0] = replace(first.targets[0], words=["inactive", "active"])
    second.targets[0] = replace(first.targets[0], words=["Active", "Inactive"])
    with pytest.raises(CheckpointError, match="label 1 of P1 is 'Inactive', and 'active' in the other"):
        require_same_targets(first, second)
    require_same_targets(first, third)


def test_consensus_of_a_model_with_itself_is_refused(model_1):
    """A mean of one thing is none."""
    with pytest.raises(CheckpointError, match="given twice"):
        Scorer([open_checkpoint(model_1), open_checkpoint(model_1)])


def test_neighbours_do_not_change_scores(models_dir):
    """A molecule scores the same bytes alone and among others."""
    for name in "12":
        scorer = Scorer([open_checkpoint(models_dir / f"model_{name}.servier")])
        alone = [scorer.score([smiles]).values[0] for smiles in SMILES]
        np.testing.assert_array_equal(scorer.score(SMILES * 4).values, alone * 4)
