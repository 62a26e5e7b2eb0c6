"""Several labels of one molecule: how they become one, how far they differ, and what that limits."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MULTICLASS, ORDINAL
from servier.chem.molecules import InvalidMolecule, canonical_smiles, parse_smiles
from servier.chem.units import Scale, parse_unit
from servier.data.folds import Indices, group_numbers

RULES = ("median", "mean", "geometric", "worst", "drop")
ROUNDING = 1e-12
MIN_MOLECULES = 10
"""How many molecules need several labels before anything is said of what can be reached."""


@dataclass(frozen=True)
class Replicates:
    """How far the labels of one molecule differ, and what follows from it.

    Parameters
    ----------
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    molecules, alike
        How many molecules have several labels, and how many of these have only equal ones.
    spread
        The standard deviation of labels of one molecule; of classes the share of pairs that differ.
    best
        By the name of a metric, what a model can reach at best; empty where too few molecules say it, where
        all have equal labels, which may be copies of one, or where labels of one molecule differ as much as
        those of any two, so that they were not measured again.
    """

    task: str
    molecules: int
    alike: int
    spread: float
    best: dict[str, float] = field(default_factory=dict)

    @property
    def are_many(self) -> bool:
        """Whether enough molecules have several labels."""
        return self.molecules >= MIN_MOLECULES


def scale_of(unit: str | None) -> Scale:
    """Return the scale of labels in a unit."""
    found = None if unit is None else parse_unit(unit)
    return Scale.LINEAR if found is None else found.scale


def resolve(
    labels: NDArray[np.float64],
    task: str,
    rule: str,
    scale: Scale,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return the one label that several labels of a molecule become.

    Parameters
    ----------
    labels
        float64, at least one.
    task
        Of classes the majority counts, in an order the median, whatever the rule, but for `worst`.
    rule
        `median`, also called `merge`; `mean`; `geometric`, the mean of the values whose logarithms the
        labels are on a logarithmic scale; `worst`, the highest value, which is the lowest label where labels
        are negative logarithms, and label 1 or the highest class.
    scale
        Of the labels.
    weights
        How much each label counts, above 0; None where all count the same. A label of weight 2 is as good as
        two equal ones.

    Returns
    -------
    NaN where classes have no majority, or the median is between two.
    """
    middle = partial(weighted_median, weights=weights)
    if rule == "worst":
        return float(labels.min() if scale is Scale.MINUS_LOG else labels.max())
    if task != "regression":
        label = _most_frequent(labels, weights) if task == MULTICLASS else middle(labels)
        return label if label.is_integer() else np.nan
    if np.ptp(labels) == 0:
        return float(labels[0])
    if rule == "mean" or (rule == "geometric" and scale is not Scale.LINEAR):
        return float(np.average(labels, weights=weights))
    if rule == "geometric":
        return float(np.exp(np.average(np.log(labels), weights=weights)))
    return middle(labels)


def _most_frequent(labels: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """Return the class that has most of the weight; NaN where several have."""
    counts = np.bincount(labels.astype(np.int64), weights)
    most = np.flatnonzero(counts >= counts.max() * (1 - ROUNDING))
    return float(most[0]) if len(most) == 1 else np.nan


def weighted_median(labels: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """Return the median, in which a label of weight 2 counts as two; of two in the middle their mean."""
    if weights is None:
        return float(np.median(labels))
    order = np.argsort(labels, kind="stable")
    below = np.cumsum(weights[order])
    half = below[-1] / 2
    first = np.searchsorted(below, half * (1 - ROUNDING))
    last = np.searchsorted(below, half * (1 + ROUNDING), side="right")
    return float((labels[order[first]] + labels[order[last]]) / 2)


def find_repeats(molecules: Indices, smiles: Sequence[str]) -> Indices:
    """Return other numbers for rows of one molecule in several forms, such as its salts.

    Two forms may well have two values, such as a solubility each, without any error.

    Parameters
    ----------
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    smiles
        The molecules as they are written, all of them readable.
    """
    counts = Counter(molecules.tolist())
    forms = [
        f"{number} {_write_form(text) if counts[number] > 1 else ''}"
        for number, text in zip(molecules.tolist(), smiles, strict=True)
    ]
    return group_numbers(forms)


def _write_form(smiles: str) -> str:
    """Return the canonical SMILES of a molecule with all its parts."""
    mol = parse_smiles(smiles)
    return smiles if isinstance(mol, InvalidMolecule) else canonical_smiles(mol)


def measure_replicates(
    molecules: Indices, y: NDArray[np.float64], task: str, n_classes: int = 2
) -> Replicates | None:
    """Measure how far labels of one molecule differ; None where no molecule has several.

    Parameters
    ----------
    molecules
        int64, shape (n_rows,): equal numbers for equal molecules.
    y
        Labels of one target, float64, shape (n_rows,); NaN where missing.
    task
        `binary`, `regression`, `multiclass` or `ordinal`.
    n_classes
        How many classes there are, unless labels are values.
    """
    known = ~np.isnan(y)
    groups = _group(molecules[known], y[known])
    if not groups:
        return None
    alike = sum(bool(np.ptp(labels) == 0) for labels in groups)
    spread, best = (
        _measure_values(groups, y[known])
        if task == "regression"
        else _measure_classes(groups, y[known].astype(np.int64), n_classes)
    )
    if task == ORDINAL:
        best = _measure_order(groups, y[known])
    is_known = len(groups) >= MIN_MOLECULES and alike < len(groups) and bool(best)
    return Replicates(task, len(groups), alike, spread, best if is_known else {})


def _group(molecules: Indices, y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the labels of each molecule that has several."""
    order = np.argsort(molecules, kind="stable")
    starts = np.flatnonzero(np.diff(molecules[order])) + 1
    return [labels for labels in np.split(y[order], starts) if len(labels) > 1]


def _measure_values(
    groups: Sequence[NDArray[np.float64]], y: NDArray[np.float64]
) -> tuple[float, dict[str, float]]:
    """Return the standard deviation of one measurement, and the best R2 and mean absolute error.

    A model that knew the true value of every molecule would still miss the measured ones by their errors: of
    the variance of labels, R2 = 1 - s^2 / Var(y) is what is left to explain. Its mean absolute error is that
    of the measurements; of normal errors it is the mean absolute difference of two measurements of a
    molecule divided by the square root of 2. Variance and mean difference are pooled over molecules, each
    with the number of its labels less one as its weight.

    References
    ----------
    Brown, Muchmore and Hajduk, Drug Discov. Today 2009, 14, 420, doi:10.1016/j.drudis.2009.01.012.
    Kramer, Kalliokoski, Gedeck and Vulpetti, J. Med. Chem. 2012, 55, 5165, doi:10.1021/jm300131x.
    """
    variance = _pool(groups, lambda labels: float(np.var(labels, ddof=1)))
    difference = _pool(groups, _mean_difference)
    total = float(np.var(y))
    if variance >= total:
        return float(np.sqrt(variance)), {}
    return float(np.sqrt(variance)), {"mae": difference / np.sqrt(2), "r2": 1 - variance / total}


def _mean_difference(labels: NDArray[np.float64]) -> float:
    """Return the mean absolute difference of all pairs."""
    n = len(labels)
    ranks = 2 * np.arange(n) - n + 1
    return float(2 * np.sum(ranks * np.sort(labels)) / (n * (n - 1)))


def _measure_classes(
    groups: Sequence[NDArray[np.float64]], y: NDArray[np.int64], n_classes: int
) -> tuple[float, dict[str, float]]:
    """Return the share of pairs of labels of one molecule that differ, and the best AUROC.

    Each measurement is taken to give a wrong class with one probability e, whatever the molecule, and each of
    the k - 1 wrong ones equally often; so the share of pairs that differ is 2 e - e^2 k / (k - 1), which of
    two classes is 2 e (1 - e). Of the share p of a class, (p - e / (k - 1)) / (1 - e k / (k - 1)) is true. A
    model that knew the true class t of every molecule would have for a class c the AUROC
    (1 + P(t = c | label c) - P(t = c | another label)) / 2, since it has two scores only.

    References
    ----------
    Angluin and Laird, Learning from noisy examples, Mach. Learn. 1988, 2, 343, doi:10.1007/BF00116829: the
    model of the errors. The probabilities follow by Bayes' rule.
    """
    differ = _pool(groups, _share_of_unequal)
    share = np.bincount(y, minlength=n_classes) / len(y)
    share = share[share > 0]
    rest = n_classes / (n_classes - 1)
    if len(share) < 2 or differ * rest >= 1:
        return differ, {}
    error = (1 - np.sqrt(1 - differ * rest)) / rest
    wrong = error / (n_classes - 1)
    true = np.clip((share - wrong) / (1 - error * rest), 0, 1)
    among_own, among_others = true * (1 - error) / share, true * error / (1 - share)
    auroc = np.clip((1 + among_own - among_others) / 2, 0.5, 1)
    return differ, {"auroc": float(np.mean(auroc))}


def _measure_order(groups: Sequence[NDArray[np.float64]], y: NDArray[np.float64]) -> dict[str, float]:
    """Return the best kappa with quadratic weights.

    It is 1 less the mean square of the distance between true and measured classes of a molecule, divided by
    that of any two molecules. With errors of mean 0 and variance s^2 the former is s^2, and the latter the
    variance of measured and that of true classes together, 2 Var(y) - s^2.

    References
    ----------
    Fleiss and Cohen, Educ. Psychol. Meas. 1973, 33, 613, doi:10.1177/001316447303300309: this kappa as a
    ratio of variances.
    """
    variance = _pool(groups, lambda labels: float(np.var(labels, ddof=1)))
    total = float(np.var(y))
    if variance >= total:
        return {}
    return {"quadratic_kappa": 1 - variance / (2 * total - variance)}


def _pool(groups: Sequence[NDArray[np.float64]], measure: Callable[[NDArray[np.float64]], float]) -> float:
    """Return the mean over molecules, each with the number of its labels less one as its weight."""
    weights = [len(labels) - 1 for labels in groups]
    return float(np.average([measure(labels) for labels in groups], weights=weights))


def _share_of_unequal(labels: NDArray[np.float64]) -> float:
    """Return the share of all pairs that differ."""
    n, counts = len(labels), np.unique(labels, return_counts=True)[1]
    return float(1 - np.sum(counts * (counts - 1)) / (n * (n - 1)))
