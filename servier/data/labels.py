"""The distribution of labels, and what looks wrong with them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from servier.data.bounds import Relations
from servier.data.class_column import may_be_classes
from servier.data.label_checks import MIN_OF_CLASS, require_labels
from servier.data.label_column import HINT, LabelColumn
from servier.errors import DataError

COMMON = 0.05
OUTSTANDING = 10
MOSTLY = 0.8
ALIKE = 0.05
MIN_VALUES, NEXT = 4, 10
LEAST_REPEATED, LIMIT_SHARE, OFTEN = 5, 0.02, 3
QUARTILES = {"minimum": 0.0, "lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75, "maximum": 1.0}


def holds_labels(column: LabelColumn) -> bool:
    """Return whether half of a column or more are labels that differ and do not just number the rows."""
    known = column.y[~np.isnan(column.y)]
    is_counter = bool(np.all(np.diff(known) > 0) and np.all(known % 1 == 0))
    return len(np.unique(known)) > 1 and len(known) >= len(column.problems) and not is_counter


def suspect_misspelt(column: LabelColumn) -> str:
    """Return what keeps a column of words or numbers from being read, and what to do; else an empty text.

    Most of its values cannot be read, all of these for one reason that is not just that they are no numbers.
    """
    hints = {error.hint for error in column.problems.values()}
    is_read = column.words or len(column.problems) <= np.sum(~np.isnan(column.y))
    if is_read or len(hints) != 1 or HINT in hints:
        return ""
    first = next(iter(column.problems.values()))
    return f"{first.problem}; {first.hint}"


def is_binary(known: NDArray[np.float64]) -> bool:
    """Return whether all labels are 0 or 1."""
    return set(np.unique(known)) <= {0.0, 1.0}


def describe_labels(
    y: NDArray[np.float64], relations: Relations | None = None, classes: Sequence[str] = ()
) -> dict[str, float]:
    """Return counts, and the share of label 1 or of each class, or the quartiles and the skewness.

    Parameters
    ----------
    y
        Labels of one target, float64, shape (n_rows,); NaN where missing. Bounds count with their limits.
    relations
        Which labels are bounds; None where none is.
    classes
        What the labels are called, if they are classes.
    """
    known = y[~np.isnan(y)]
    described: dict[str, float] = {"labels": len(known), "missing": len(y) - len(known)}
    if relations is not None:
        described["bounds"] = int(np.count_nonzero(relations))
    if not len(known):
        return described
    if classes:
        return described | {
            f"share_of_{word}": float(np.mean(known == label)) for label, word in enumerate(classes)
        }
    if is_binary(known):
        return described | {"share_of_1": float(np.mean(known))}
    quantiles = np.quantile(known, list(QUARTILES.values()))
    skewness = float(stats.skew(known)) if np.ptp(known) > 0 else 0.0
    return described | dict(zip(QUARTILES, map(float, quantiles), strict=True)) | {"skewness": skewness}


def suspect_classes(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Return which columns, given with their fields, may hold classes, a sentence for each."""
    return [
        f"{target}: its few different labels may be classes; --task multiclass or ordinal learns them as such"
        for target, column in texts.items()
        if may_be_classes(column)
    ]


def suspect_labels(columns: Mapping[str, LabelColumn]) -> list[str]:
    """Return what looks wrong with the labels of targets, a sentence for each suspicion."""
    exact = {target: column.exact for target, column in columns.items() if not column.classes}
    return [*suspect_useless(columns), *suspect_filled(exact), *suspect_limits(exact)]


def suspect_useless(columns: Mapping[str, LabelColumn]) -> list[str]:
    """Return why `train` refuses targets, a sentence for each."""
    sentences = []
    for target, column in columns.items():
        try:
            require_labels(column.exact, column.relations)
        except DataError as error:
            sentences.append(f"{target}: train refuses it: {error.problem}; {error.hint}")
        else:
            sentences += [f"{target}: train refuses it: {problem}" for problem in _find_rare(column)]
    return sentences


def _find_rare(column: LabelColumn) -> list[str]:
    """Return which classes have too few rows, and how many are needed."""
    known = column.y[~np.isnan(column.y)]
    names = column.classes or column.in_order or (["0", "1"] if is_binary(known) else [])
    counts = {name: int(np.sum(known == label)) for label, name in enumerate(names)}
    needed = f"at least {MIN_OF_CLASS} of each class are needed"
    return [
        f"{n} {'row is' if n == 1 else 'rows are'} labelled {name}; {needed}"
        for name, n in counts.items()
        if n < MIN_OF_CLASS
    ]


def suspect_filled(labels: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Find targets whose missing labels seem to have been filled in with a constant.

    Three patterns are suspicious, though none is proof: several complete binary targets in which one label is
    about equally frequent; a complete binary target in which at least four fifths of the labels are 1, since
    actives are the minority in most assays; and a regression target in which one value makes up at least a
    twentieth of the labels and is ten times as frequent as any other.

    Parameters
    ----------
    labels
        The labels of each target that are no bounds, float64, shape (n_rows,); NaN where missing.

    Returns
    -------
    A sentence for each suspicion.
    """
    alike, label = _filled_alike(labels)
    sentences = []
    if alike:
        low, high = min(alike.values()), max(alike.values())
        sentences.append(
            f"{', '.join(alike)}: no label is missing, and {label} is about equally frequent in all of them "
            f"({low:.0%} to {high:.0%}); it may stand for not measured"
        )
    for target, y in labels.items():
        if target in alike or np.isnan(y).all():
            continue
        value, share = _filled_with(y)
        if share:
            frequency = f"{target}: {share:.0%} of the labels are {value:g}"
            sentences.append(f"{frequency}; it may stand for not measured")
    return sentences


def suspect_limits(labels: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Find targets whose lowest or highest label seems to be a limit of detection, a sentence for each.

    It is that of at least five labels and of a fiftieth of them, and three times as frequent as any of the
    ten values next to it: of measured values the extreme ones are the rarest.
    """
    sentences = []
    for target, y in labels.items():
        values, counts = np.unique(y[~np.isnan(y)], return_counts=True)
        if len(values) < MIN_VALUES:
            continue
        for word, sign, order in (("lowest", "<", counts), ("highest", ">", counts[::-1])):
            n, others = int(order[0]), int(order[1 : NEXT + 1].max())
            if n >= max(LEAST_REPEATED, LIMIT_SHARE * counts.sum()) and n >= OFTEN * others:
                limit = f"{values[0] if word == 'lowest' else values[-1]:g}"
                frequency = f"{target}: {n:,} of {counts.sum():,} labels are {limit}, the {word}"
                sentences.append(
                    f"{frequency}: of a limit of detection write {sign}{limit}, for it is a bound"
                )
    return sentences


def _filled_alike(labels: Mapping[str, NDArray[np.float64]]) -> tuple[dict[str, float], int]:
    """Return the share of the frequent label in suspiciously similar binary targets, and that label."""
    complete = {target: y for target, y in labels.items() if not np.isnan(y).any() and is_binary(y)}
    for label in (0, 1):
        shares = {target: float(np.mean(y == label)) for target, y in complete.items()}
        frequent = {target: share for target, share in shares.items() if share >= MOSTLY}
        if len(frequent) > 2 and max(frequent.values()) - min(frequent.values()) <= ALIKE:
            return frequent, label
    return {}, 0


def _filled_with(y: NDArray[np.float64]) -> tuple[float, float]:
    """Return the value that may stand for missing labels, and its share; 0 if none is suspicious."""
    known = y[~np.isnan(y)]
    values, counts = np.unique(known, return_counts=True)
    top = int(counts.argmax())
    share = float(counts[top] / len(known))
    if is_binary(known):
        is_suspect = len(known) == len(y) and len(values) > 1 and values[top] == 1 and share >= MOSTLY
    else:
        others = np.delete(counts, top)
        is_suspect = share >= COMMON and counts[top] >= OUTSTANDING * others.max(initial=1)
    return float(values[top]), share if is_suspect else 0.0
