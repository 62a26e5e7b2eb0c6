import signal
import threading
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import onnxruntime as ort
import pytest
from rdkit import Chem
from sklearn.model_selection import KFold

from servier.errors import RecipeError
from servier.metrics.measures import one_sided
from servier.models import boosting
from servier.models.boosting_recipe import Problem, Recipe
from servier.models.tree_graph import round_thresholds

pytestmark = pytest.mark.training

RECIPE = Recipe(
    folds=3,
    max_rounds=30,
    parameters={"num_leaves": 7, "feature_fraction": 0.5},
    boosters=[{}, {"num_leaves": 5}],
    repeats=1,
)


def fit(problem, recipe, seed):
    return boosting.fit(problem, recipe, seed, lambda _: None)


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 12)).astype(np.float32)
    X[:, 6:] = rng.poisson(1.0, (400, 6))
    y = np.stack(
        [(X[:, 0] + X[:, 7] + rng.normal(size=400) > 1).astype(float), 5 + 3 * X[:, 1] * X[:, 6]], axis=1
    )
    y[:50, 0] = np.nan
    folds = [
        [
            (known[fit], known[held_out])
            for fit, held_out in KFold(3, shuffle=True, random_state=0).split(known)
        ]
        for known in (np.arange(50, 400), np.arange(400))
    ]
    kinds = np.repeat(["descriptors", "counts"], 6)
    return Problem(X, np.arange(12) >= 6, kinds, y, ["binary", "regression"], folds)


@pytest.fixture(scope="module")
def fitted(problem):
    return fit(problem, RECIPE, seed=1)


def run(graph, X):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"]).run(None, {"X": X})[0]


def test_onnx_agrees_with_lightgbm(problem, fitted):
    """The graph gives the mean raw score of the native boosters, for each target."""
    X = problem.X
    scores = run(fitted.graphs[0], X)
    for target in range(2):
        boosters = [
            lgb.Booster(model_str=fitted.native[f"model_{target}_{i}.txt"].decode()) for i in range(2)
        ]
        native = np.mean([booster.predict(X, raw_score=True) for booster in boosters], axis=0)
        np.testing.assert_allclose(scores[:, target], native, atol=1e-5)


def test_values_at_a_threshold_go_the_same_way():
    """Rounding thresholds down to float32 leaves every decision on float32 features as it was."""
    a = np.float32(1.0)
    b = np.nextafter(a, np.float32(2))
    X = np.array([[a], [b]] * 100, np.float32)
    y = (X[:, 0] == b).astype(float)
    booster = lgb.train({"verbosity": -1, "min_data_in_leaf": 1}, lgb.Dataset(X, y), 3)
    rounded = lgb.Booster(model_str=round_thresholds(booster.model_to_string()))
    np.testing.assert_array_equal(rounded.predict(X), booster.predict(X))


def test_same_seed_same_bytes(problem, fitted):
    """Training again, with more workers, gives the same graph; another seed gives another."""
    assert fit(replace(problem, workers=2), RECIPE, seed=1).graphs == fitted.graphs
    assert fit(problem, RECIPE, seed=2).graphs != fitted.graphs


def test_held_out_scores_are_of_known_rows(problem, fitted):
    """Every labelled row was held out once, and rows without a label have no score."""
    y = problem.y
    np.testing.assert_array_equal(np.isnan(fitted.held_out), np.isnan(y))
    assert np.corrcoef(fitted.held_out[50:, 0], y[50:, 0])[0, 1] > 0.3


def test_scores_do_not_depend_on_the_batch(problem, fitted):
    """A row alone has the very score that it has among others."""
    X = problem.X
    together = run(fitted.graphs[0], X)
    np.testing.assert_array_equal(
        np.concatenate([run(fitted.graphs[0], X[i : i + 1]) for i in range(40)]), together[:40]
    )


def test_small_tables_get_more_boosters(problem):
    """Each booster is trained as often as the rows go into 3,000, `repeats` times at most, by other seeds."""
    recipe = replace(RECIPE, repeats=3)
    assert [recipe.count_boosters(n) for n in (100, 1000, 1500, 3000, 100_000)] == [6, 6, 4, 2, 2]
    repeated = fit(replace(problem, y=problem.y[:, :1], tasks=["binary"], folds=problem.folds[:1]), recipe, 1)
    graphs = {text.split(b"parameters:")[0] for text in repeated.native.values()}
    assert len(graphs) == len(repeated.native) == 6


def test_a_booster_without_a_kind_never_splits_on_it(problem):
    """Trees of a booster use no feature that it is not to see; a kind that is not there is an error."""
    blind = replace(RECIPE, boosters=[{}, {"without": ["counts"]}])
    used = [
        lgb.Booster(model_str=fit(problem, blind, 1).native[f"model_0_{i}.txt"].decode()).feature_importance()
        for i in range(2)
    ]
    assert used[0][6:].sum() > 0
    assert used[1][6:].sum() == 0
    for kinds, message in (
        (["spectra"], "no feature is of kind 'spectra'"),
        (["counts", "descriptors"], "sees no features; there are counts, descriptors"),
    ):
        with pytest.raises(RecipeError, match=message):
            fit(problem, replace(RECIPE, boosters=[{"without": kinds}]), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parameters": {"num_leavs": 7}}, "LightGBM has no parameter 'num_leavs'"),
        ({"boosters": [{}, {"fingerprint_gian": 0.2}]}, "LightGBM has no parameter 'fingerprint_gian'"),
        ({"boosters": [{"num_leaves": 1}]}, "num_leaves"),
    ],
)
def test_parameters_are_tried_before_training(changes, message):
    """A name that LightGBM does not know, of which it would only warn, is refused, and so is a bad value."""
    boosting.check(Recipe())
    with pytest.raises(RecipeError, match=message):
        boosting.check(replace(Recipe(), **changes))


def test_an_interruption_ends_all_boosters(problem):
    """Ctrl-C stops the boosters that are being trained, however many rounds they had left.

    Also where RDKit has searched for a substructure, and set up signals anew.
    """
    assert Chem.MolFromSmiles("CO").HasSubstructMatch(Chem.MolFromSmarts("O"))
    endless = replace(RECIPE, max_rounds=10**6, patience=10**6)
    before = threading.active_count()
    main = threading.main_thread().ident
    threading.Timer(1.0, signal.pthread_kill, [main, signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        fit(replace(problem, workers=2), endless, 1)
    assert threading.active_count() == before


@pytest.fixture(scope="module")
def censored(problem):
    """A value of 2 of some rows, that of every other one is known to be above 0.5; classes have no bounds."""
    is_high = problem.X[:, 1] > 0
    is_bound = is_high & (np.arange(400) % 2 == 0)
    y = np.stack([problem.y[:, 0], np.where(is_bound, 0.5, 2.0 * is_high)], axis=1)
    relations = np.stack([np.zeros(400), is_bound], axis=1).astype(np.int8)
    return replace(problem, y=y, relations=relations)


def test_derivatives_are_those_of_the_loss():
    """By differences of the squared error; a score on the right side of its bound has none of either."""
    relations = np.array([0, 1, 1, -1, -1], np.int8)
    scores, y = np.array([2.0, 2, 0, 2, 0]), np.ones(5)
    data = lgb.Dataset(np.arange(5.0)[:, None], y).construct()
    loss = boosting.OneSided(relations)

    def half_squares(scores):
        return one_sided(y, scores, relations) ** 2 / 2

    step = 1e-4
    slopes = (half_squares(scores + step) - half_squares(scores - step)) / (2 * step)
    np.testing.assert_allclose(loss.differentiate(scores, data)[0], slopes, atol=1e-8)
    assert slopes.tolist() == pytest.approx([1, 0, -1, 1, 0])
    assert loss.measure(scores, data) == ("l2", pytest.approx(3 / 5), False)


def test_bounds_are_learnt_as_bounds(censored, problem):
    """Rows of which some are bounds score as their values do, not as the limits; other targets stay alike."""
    recipe = replace(RECIPE, max_rounds=100)
    learnt, as_values = (
        fit(found, recipe, seed=1) for found in (censored, replace(censored, relations=None))
    )
    is_high = problem.X[:, 1] > 0
    means = [run(model.graphs[0], problem.X)[is_high, 1].mean() for model in (learnt, as_values)]
    assert means == [pytest.approx(2.0, abs=0.3), pytest.approx(1.25, abs=0.1)]
    of_classes = [run(fit(found, RECIPE, seed=1).graphs[0], problem.X)[:, 0] for found in (censored, problem)]
    np.testing.assert_array_equal(*of_classes)


def test_relations_that_are_all_exact_change_no_byte(problem, fitted):
    """The loss of values is LightGBM's own then."""
    exact = replace(problem, relations=np.zeros(problem.y.shape, np.int8))
    assert fit(exact, RECIPE, seed=1).graphs == fitted.graphs


def test_boosters_of_bounds_are_read_as_others_are(censored, problem):
    """The native texts give the scores of the graph, and training again gives the same bytes."""
    model = fit(censored, RECIPE, seed=1)
    texts = [model.native[f"model_1_{i}.txt"].decode() for i in range(2)]
    native = [lgb.Booster(model_str=text).predict(problem.X, raw_score=True) for text in texts]
    np.testing.assert_allclose(run(model.graphs[0], problem.X)[:, 1], np.mean(native, axis=0), atol=1e-5)
    assert fit(replace(censored, workers=2), RECIPE, seed=1).native == model.native


def repeat_rows(problem, times):
    """Return a problem in which each row stands so many times, always in the same fold."""
    every = np.repeat(np.arange(len(times)), times)
    folds = [
        [tuple(np.flatnonzero(np.isin(every, part)) for part in fold) for fold in of_target]
        for of_target in problem.folds
    ]
    relations = None if problem.relations is None else problem.relations[every]
    return every, replace(
        problem, X=problem.X[every], y=problem.y[every], folds=folds, relations=relations, weights=None
    )


@pytest.mark.parametrize("table", ["problem", "censored"])
def test_a_row_of_weight_2_teaches_as_much_as_two(table, request):
    """Rounds and scores are those of a table that repeats its rows, for classes, values and bounds."""
    given = request.getfixturevalue(table)
    # Each value has a bin of its own, and the least size of a leaf goes by weights: bins and counts of
    # rows take no notice of these.
    X = np.clip(np.round(2 * given.X), -6, 6).astype(np.float32)
    recipe = Recipe(
        folds=3, max_rounds=30, boosters=[{}], repeats=1,
        parameters={"num_leaves": 5, "min_data_in_leaf": 0, "min_sum_hessian_in_leaf": 20, "max_bin": 63},
    )  # fmt: skip
    times = np.random.default_rng(5).integers(1, 4, len(X))
    weights = np.where(np.isnan(given.y), 0.0, times[:, None])
    every, repeated = repeat_rows(replace(given, X=X), times)
    weighted = fit(replace(given, X=X, weights=weights), recipe, seed=1)
    expected, plain = fit(repeated, recipe, seed=1), fit(replace(given, X=X), recipe, seed=1)
    assert weighted.notes.rounds == expected.notes.rounds
    np.testing.assert_allclose(weighted.held_out[every], expected.held_out, atol=1e-4)
    found, sought, without = (run(model.graphs[0], X) for model in (weighted, expected, plain))
    np.testing.assert_allclose(found, sought, atol=1e-4)
    assert np.abs(found - without).max(axis=0).min() > 0.02
