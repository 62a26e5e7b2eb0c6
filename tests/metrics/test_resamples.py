import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servier.metrics.measures import BINARY, ORDINAL, REGRESSION, measure
from servier.metrics.ordered_pairs import concordance
from servier.metrics.resamples import measure_resamples

N_RESAMPLES = 40


@pytest.fixture
def weights():
    """How often each of 90 rows is in each resample; one resample is the table itself, one a single row."""
    rng = np.random.default_rng(3)
    drawn = rng.multinomial(90, np.full(90, 1 / 90), N_RESAMPLES).astype(float)
    drawn[0] = 1
    drawn[1] = 0
    drawn[1, 7] = 90
    return drawn


def require_equal(y, scores, task, threshold, weights, relations=None):
    """Compare every resample with the metrics of scikit-learn, SciPy and RDKit on its very rows."""
    found = measure_resamples(y, scores, task, threshold, weights, relations)
    for i, counts in enumerate(weights):
        rows = np.repeat(np.arange(len(y)), counts.astype(int))
        own = None if relations is None else relations[rows]
        expected = measure(y[rows], scores[rows], task, threshold, own)
        if own is not None and not own.any():  # by chance, of a table that has bounds
            expected |= {"concordance": concordance(y[rows], scores[rows], own)}
            expected = {name: value for name, value in expected.items() if not np.isnan(value)}
        here = {name: values[i] for name, values in found.items() if not np.isnan(values[i])}
        assert here == pytest.approx(expected, rel=1e-12, abs=1e-12), i
    return found


def round_to(digits, rows):
    """Scores with ties."""
    return np.round(rows, digits)


@pytest.mark.parametrize("digits", [1, 6])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_binary_metrics_are_those_of_scikit_learn_and_rdkit(digits, share, weights):
    """With many ties and with none, of frequent and rare labels."""
    rng = np.random.default_rng(0)
    y = (rng.random(90) < share).astype(float)
    y[:2] = 0, 1
    p = round_to(digits, np.clip(0.3 * y + rng.random(90) * 0.7, 0, 1))
    assert require_equal(y, p, "binary", 0.5, weights).keys() == BINARY.keys()


@pytest.mark.parametrize("digits", [0, 6])
def test_metrics_of_values_are_those_of_scikit_learn_and_scipy(digits, weights):
    """Also where the mean is large beside the spread."""
    rng = np.random.default_rng(0)
    y = round_to(digits, 300 + rng.normal(0, 3, 90))
    scores = round_to(digits, y + rng.normal(0, 2, 90))
    assert require_equal(y, scores, "regression", None, weights).keys() == REGRESSION.keys()


@pytest.mark.parametrize("task", ["multiclass", "ordinal"])
def test_metrics_of_classes_are_those_of_scikit_learn(task, weights):
    """A rare class is absent from some resamples, and one from all."""
    rng = np.random.default_rng(1)
    y = rng.choice(5, 90, p=[0.5, 0.3, 0.18, 0.02, 0]).astype(float)
    p = np.round(rng.dirichlet(np.ones(5), 90) * 0.7 + 0.3 * np.eye(5)[y.astype(int)], 2)
    found = require_equal(y, p, task, None, weights)
    assert ORDINAL.keys() >= found.keys()


def test_bounds_count_in_the_concordance(weights):
    """Other metrics are those of the values."""
    rng = np.random.default_rng(0)
    y = np.round(rng.normal(0, 2, 90))
    relations = np.where(np.arange(90) < 30, rng.choice([-1, 1], 90), 0).astype(np.int8)
    found = require_equal(y, np.round(y + rng.normal(0, 1, 90), 1), "regression", None, weights, relations)
    assert "concordance" in found


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([0, 0.2, 0.5, 1]),
            st.integers(0, 3),
            st.sampled_from([-1, 0, 1]),
        ),
        min_size=2,
        max_size=12,
    ).filter(lambda rows: sum(row[2] for row in rows) > 0)
)
def test_the_smallest_tables_are_measured_alike(rows):
    """Whatever is undefined of so few rows is undefined here too, and no more."""
    y, scores, counts, relations = np.array(rows).T
    weights = counts[None].astype(float)
    require_equal((y > 0).astype(float), scores, "binary", 0.5, weights)
    require_equal(y, scores, "regression", None, weights)
    if relations.any():
        require_equal(y, scores, "regression", None, weights, relations.astype(np.int8))
    p = np.stack([scores, np.roll(scores, 1), np.full(len(y), 0.3)], axis=1)
    require_equal(y, p / p.sum(axis=1, keepdims=True), "ordinal", None, weights)
