"""Several labels of one molecule: what they become, and what a model can reach at best."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, mean_absolute_error, r2_score, roc_auc_score

from servier.chem.units import Scale
from servier.data.duplicates import merge_duplicates
from servier.data.replicates import MIN_MOLECULES, find_repeats, measure_replicates, resolve, scale_of
from servier.report.text.replicates import describe_replicates

NAN = np.nan
LINEAR, LOG, MINUS_LOG = Scale.LINEAR, Scale.LOG, Scale.MINUS_LOG


@pytest.mark.parametrize(
    ("rule", "scale", "expected"),
    [
        ("median", LINEAR, 10), ("merge", LINEAR, 10), ("mean", LINEAR, 37), ("geometric", LINEAR, 10),
        ("worst", LINEAR, 100), ("median", MINUS_LOG, 10), ("mean", LOG, 37), ("geometric", LOG, 37),
        ("geometric", MINUS_LOG, 37), ("worst", LOG, 100), ("worst", MINUS_LOG, 1),
    ],
)  # fmt: skip
def test_numbers_become_one(rule, scale, expected):
    """1, 10 and 100: the geometric mean of logarithms is that of the values, and worst is one measurement."""
    assert resolve(np.array([100.0, 1.0, 10.0]), "regression", rule, scale) == pytest.approx(
        expected, rel=1e-14
    )


def test_geometric_mean_is_that_of_scipy():
    """Of equal labels it is the label itself, to the last bit."""
    values = np.random.default_rng(0).lognormal(size=9)
    assert resolve(values, "regression", "geometric", LINEAR) == pytest.approx(stats.gmean(values))
    for rule in ("mean", "geometric", "median", "worst"):
        assert resolve(np.full(7, 0.1), "regression", rule, LINEAR) == 0.1


@pytest.mark.parametrize("rule", ["median", "merge", "mean", "geometric"])
def test_classes_become_their_majority(rule):
    """A tie leaves the molecule without a label, whatever the rule; the worst is label 1."""
    assert resolve(np.array([1.0, 0, 1]), "binary", rule, LINEAR) == 1
    assert resolve(np.array([0.0, 0, 1]), "binary", rule, LINEAR) == 0
    assert np.isnan(resolve(np.array([0.0, 1]), "binary", rule, LINEAR))
    assert resolve(np.array([0.0, 0, 1]), "binary", "worst", LINEAR) == 1


def test_several_classes_become_one():
    """The most frequent class, or the median of those in an order; the worst is the highest in an order."""
    labels = np.array([0.0, 3, 3, 1, 1, 1, 3, 3])
    for rule in ("median", "mean", "geometric", "drop"):
        assert resolve(labels, "multiclass", rule, LINEAR) == 3
        assert np.isnan(resolve(labels[:6][1:-1], "multiclass", rule, LINEAR))
        assert np.isnan(resolve(np.array([1.0, 2]), "ordinal", rule, LINEAR))
        assert resolve(labels[:5], "ordinal", rule, LINEAR) == 1
        assert resolve(np.array([0.0, 2]), "ordinal", rule, LINEAR) == 1
    assert resolve(labels, "ordinal", "worst", LINEAR) == 3


def test_the_worst_measurement_is_the_same_on_every_scale():
    """The highest concentration is the lowest pIC50."""
    molar = np.array([2e-9, 5e-8, 1e-8])
    worst = resolve(-np.log10(molar), "regression", "worst", scale_of("-log10(M)"))
    assert worst == -np.log10(resolve(molar, "regression", "worst", scale_of("M")))


def test_rules_are_those_of_each_target():
    """Scales belong to targets, and what is equal or missing stays as it is."""
    y = np.array([[1.0, 1.0, 1.0], [3.0, 3.0, NAN], [5.0, 5.0, NAN]])
    tasks, scales = ["regression"] * 3, [LINEAR, MINUS_LOG, LINEAR]
    merged = merge_duplicates(np.array([4, 4, 4]), y, tasks, "worst", scales=scales)
    assert merged.y.tolist() == [[5, 1, 1]]
    assert merge_duplicates(np.array([4, 4, 4]), y, tasks, "mean", scales=scales).y.tolist() == [[3, 3, 1]]


def noisy(n, sigma, seed=0):
    """Molecules with two measured values each, and their true values."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.normal(size=n), 2)
    return np.repeat(np.arange(n), 2), truth, truth + rng.normal(0, sigma, 2 * n)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0])
def test_the_best_is_what_the_truth_reaches(sigma):
    """Of normal errors: the true values, taken for predictions, have the R2 and the error that are stated."""
    molecules, truth, y = noisy(20_000, sigma)
    found = measure_replicates(molecules, y, "regression")
    assert found.spread == pytest.approx(sigma, rel=0.03)
    assert found.best["r2"] == pytest.approx(r2_score(y, truth), abs=0.02)
    assert found.best["mae"] == pytest.approx(mean_absolute_error(y, truth), rel=0.03)


@pytest.mark.parametrize(("share", "error"), [(0.5, 0.1), (0.2, 0.05), (0.05, 0.02), (0.3, 0.3)])
def test_the_best_auroc_is_what_the_true_classes_reach(share, error):
    """Each label is wrong with one probability: the true classes have the AUROC that is stated."""
    rng = np.random.default_rng(1)
    truth = np.repeat(rng.random(20_000) < share, 2)
    y = (truth ^ (rng.random(len(truth)) < error)).astype(float)
    found = measure_replicates(np.repeat(np.arange(20_000), 2), y, "binary")
    assert found.spread == pytest.approx(2 * error * (1 - error), rel=0.12)
    assert found.best["auroc"] == pytest.approx(roc_auc_score(y, truth), abs=0.02)


@pytest.mark.parametrize(("shares", "error"), [((0.5, 0.3, 0.2), 0.1), ((0.4, 0.3, 0.2, 0.1), 0.3)])
def test_the_best_of_several_classes_is_what_the_true_ones_reach(shares, error):
    """Each label is one of the wrong ones with one probability; the AUROC is the mean over the classes."""
    rng, n = np.random.default_rng(2), 20_000
    truth = np.repeat(rng.choice(len(shares), n, p=shares), 2)
    wrong = (truth + rng.integers(1, len(shares), 2 * n)) % len(shares)
    y = np.where(rng.random(2 * n) < error, wrong, truth)
    found = measure_replicates(np.repeat(np.arange(n), 2), y.astype(float), "multiclass", len(shares))
    pairs = y.reshape(n, 2)
    assert found.spread == pytest.approx(np.mean(pairs[:, 0] != pairs[:, 1]))
    expected = np.mean([roc_auc_score(y == label, truth == label) for label in range(len(shares))])
    assert found.best == {"auroc": pytest.approx(expected, abs=0.02)}


@pytest.mark.parametrize("error", [0.1, 0.4])
def test_the_best_kappa_is_what_the_true_classes_reach(error):
    """Measured one class too high or too low, the true classes have about scikit-learn's weighted kappa."""
    rng, n = np.random.default_rng(3), 20_000
    truth = np.repeat(rng.integers(1, 6, n), 2)
    y = truth + rng.choice([-1, 0, 1], 2 * n, p=[error / 2, 1 - error, error / 2])
    found = measure_replicates(np.repeat(np.arange(n), 2), y.astype(float), "ordinal", 7)
    expected = cohen_kappa_score(y, truth, weights="quadratic")
    assert found.best == {"quadratic_kappa": pytest.approx(expected, abs=0.01)}
    assert f"{found.spread:.1%} of pairs differ" in describe_replicates("y", found)


def test_numbers_by_hand():
    """Pairs that differ by 2 have a variance of 2; of 0, 2, 10 and 12 in equal shares it is 26."""
    y = np.tile([0.0, 2.0, 10.0, 12.0], MIN_MOLECULES)
    found = measure_replicates(np.repeat(np.arange(2 * MIN_MOLECULES), 2), y, "regression")
    assert (found.molecules, found.alike, found.spread) == (20, 0, pytest.approx(np.sqrt(2)))
    assert found.best == {"mae": pytest.approx(np.sqrt(2)), "r2": pytest.approx(1 - 2 / 26)}


@pytest.mark.parametrize(("task", "spread"), [("regression", np.sqrt(0.5)), ("binary", 1.0)])
def test_labels_that_differ_as_any_two_were_not_measured_again(task, spread):
    """A drug that is both approved and failed is no error of measurement: nothing is concluded."""
    y = np.tile([0.0, 1.0], 2 * MIN_MOLECULES)
    found = measure_replicates(np.repeat(np.arange(2 * MIN_MOLECULES), 2), y, task)
    assert (found.spread, found.best) == (pytest.approx(spread), {})
    assert "nothing was measured again" in describe_replicates("y", found)


def test_forms_of_a_molecule_are_no_repeats():
    """Salts are apart from their parent, and each other; another spelling of a form is the same one."""
    smiles = ["CCN", "NCC", "CCN.Cl", "Cl.NCC", "CCN.Br", "CCO", "c1ccccc1"]
    found = find_repeats(np.array([5, 5, 5, 5, 5, 2, 9]), smiles)
    assert found.tolist() == [0, 0, 1, 1, 2, 3, 4]


def test_a_molecule_counts_by_its_labels():
    """Of 0, 3 and 6 the variance is 9 with two degrees of freedom, of 0 and 1 it is 1/2 with one."""
    found = measure_replicates(np.array([1, 1, 1, 2, 2, 3]), np.array([0.0, 3, 6, 0, 1, 9]), "regression")
    assert found.spread == pytest.approx(np.sqrt((2 * 9 + 0.5) / 3))
    assert (found.molecules, found.best) == (2, {})


def test_too_little_says_nothing():
    """No molecule with several labels, few of them, or equal labels only, which may be copies."""
    assert measure_replicates(np.arange(5), np.arange(5.0), "regression") is None
    assert measure_replicates(np.array([0, 0]), np.array([1.0, NAN]), "regression") is None
    copies = np.repeat(np.arange(30.0), 2)
    found = measure_replicates(np.repeat(np.arange(30), 2), copies, "regression")
    assert (found.molecules, found.alike, found.spread, found.best) == (30, 30, 0, {})
