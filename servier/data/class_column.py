"""A column of classes: words or whole numbers, three or more of them, in an order or in none."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.classes import MAX_CLASSES, MIN_CLASSES, ORDINAL, are_numbers
from servier.data.bounds import holds_bound, refuse_relation
from servier.data.label_column import Key, LabelColumn, label_key
from servier.data.labelled_table import LabelledTable
from servier.errors import DataError
from servier.tables.numbers import is_missing, split_relation, strip

SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("very low", "low", "moderate", "high", "very high"),
    ("very low", "low", "intermediate", "high", "very high"),
    ("mild", "moderate", "severe"),
    ("very weak", "weak", "moderate", "strong", "very strong"),
)
"""Words whose order is beyond doubt, the lowest first."""
FEW = 10
SHOWN = 5

logger = logging.getLogger(__name__)


def read_classes(
    texts: Sequence[str],
    task: str,
    orders: Sequence[Sequence[str]] = (),
    learnt: Sequence[str] | None = None,
    relations: Sequence[str] = (),
) -> LabelColumn:
    """Read the labels of one target with classes, numbered from 0.

    Whole numbers are numbered by size. Words are numbered by the alphabet where they have no order, else as
    one of `orders` or of `SCALES` says. Capitals make no difference.

    Parameters
    ----------
    texts
        The fields of the column.
    task
        `multiclass` or `ordinal`.
    orders
        Lists of classes, the lowest first, for this target or another: one that has all labels of the column
        is for it, or else the one that has most of them, if that is more than half; others are then no
        classes. Its words are labels even if they look like missing values.
    learnt
        The classes of a model, in its order; they mean the same here.
    relations
        The fields of the column that says which labels are bounds, which no class is; empty without such a
        column.

    Raises
    ------
    DataError
        There are too few classes or too many, or their order is not known.
    """
    known, words = _find_classes(texts, task, orders, learnt)
    numbers = {label_key(word): number for number, word in enumerate(words)}
    y, problems = np.full(len(texts), np.nan), {}
    for row, text in known.items():
        if relations and holds_bound(relations[row]):
            problems[row] = refuse_relation(text, relations[row])
        elif (key := label_key(text)) in numbers:
            y[row] = numbers[key]
        else:
            hint = "leave the field empty where a label is missing"
            problems[row] = DataError(f"{text!r} is none of the classes {_join(words)}", hint=hint)
    return LabelColumn(y, problems, dict(enumerate(words)))


def _find_classes(
    texts: Sequence[str], task: str, orders: Sequence[Sequence[str]], learnt: Sequence[str] | None
) -> tuple[dict[int, str], list[str]]:
    """Return the fields that hold a label, by the number of their row, and the classes in their order."""
    counts = _count(texts)
    order = learnt or _choose_order(counts, orders)
    named = {label_key(word) for word in order or ()}
    known = {row: text for row, text in enumerate(texts) if not is_missing(text) or label_key(text) in named}
    words = list(order) if order else _find_order(_written(known.values()), task)
    if order and not learnt:
        words = [word for word in words if label_key(word) in set(map(label_key, known.values()))]
    is_whole = not order or counts.keys() <= named
    if is_whole and not learnt:
        _require_classes(words)
    return known, words


def read_class_columns(
    table: LabelledTable, targets: Sequence[str], task: str, orders: Sequence[Sequence[str]]
) -> dict[str, LabelColumn]:
    """Read the labels of those targets that a table has; parameters as for `read_classes`.

    Raises
    ------
    DataError
        The table has none of the targets, or one of them has no classes, or a list is for no target.
    """
    require_orders(table, orders)
    found = {}
    for target in targets:
        if target not in table.targets:
            continue
        try:
            found[target] = read_classes(
                table.values[target], task, orders, relations=table.relations(target)
            )
        except DataError as error:
            raise DataError(error.problem, path=table.path, column=target, hint=error.hint) from None
    if not found:
        raise DataError(
            "it is not clear which column has classes", path=table.path, hint="name it with --target"
        )
    return found


def require_orders(table: LabelledTable, orders: Sequence[Sequence[str]]) -> None:
    """Refuse a list of classes that is for no target.

    Raises
    ------
    DataError
        There is such a list.
    """
    for order in orders:
        columns = [_count(table.values[target]) for target in table.targets]
        if not any(not counts or 2 * _count_named(counts, order) > counts.total() for counts in columns):
            hint = f"--classes names the labels in {', '.join(table.targets)}"
            raise DataError(f"the classes of no target are {_join(order)}", path=table.path, hint=hint)


def _count(texts: Iterable[str]) -> Counter[Key]:
    return Counter(label_key(text) for text in texts if not is_missing(text))


def log_classes(target: str, words: Mapping[int, str]) -> None:
    """Say which classes a target has, in the order of their numbers."""
    logger.info("target %s: classes %s", target, ", ".join(words[i] for i in sorted(words)))


def may_be_classes(texts: Sequence[str]) -> bool:
    """Return whether a column may hold classes: few repeated labels, all whole numbers or all words."""
    counts = _count(texts)
    is_few = MIN_CLASSES <= len(counts) <= FEW and 2 * len(counts) <= counts.total()
    words = [key for key in counts if isinstance(key, str)]
    is_whole = all(not isinstance(key, str) and key.is_integer() for key in counts)
    return is_few and (is_whole or len(words) == len(counts))


def are_few_numbers(known: NDArray[np.float64]) -> bool:
    """Return whether labels that are numbers may be classes: few of them, repeated, and all whole."""
    values = np.unique(known)
    is_few = MIN_CLASSES <= len(values) <= FEW and 2 * len(values) <= len(known)
    return is_few and bool(np.all(values % 1 == 0))


def _choose_order(counts: Counter[Key], orders: Sequence[Sequence[str]]) -> Sequence[str] | None:
    """Return the list that has all labels of a column, or else the one that has most of them."""
    for order in orders:
        keys = [label_key(word) for word in order]
        if len(set(keys)) < len(keys):
            raise DataError(f"--classes names a class twice: {_join(order)}", hint="name each once")
        if counts.keys() <= set(keys):
            return order
    best = max(orders, key=lambda order: _count_named(counts, order), default=())
    return best if 2 * _count_named(counts, best) > counts.total() else None


def _count_named(counts: Counter[Key], order: Sequence[str]) -> int:
    """Return how many labels a list of classes names."""
    return sum(counts[label_key(word)] for word in order)


def _written(texts: Iterable[str]) -> list[str]:
    """Return each label once, as it is written first; whole numbers by their digits alone."""
    words: dict[Key, str] = {}
    for text in texts:
        key = label_key(text)
        is_whole = not isinstance(key, str) and key.is_integer()
        words.setdefault(key, str(int(key)) if is_whole else strip(text))
    return list(words.values())


def _find_order(words: Sequence[str], task: str) -> list[str]:
    if are_numbers(words):
        return sorted(words, key=int)
    _refuse_fractions(words)
    _refuse_bounds(words)
    if task != ORDINAL:
        return sorted(words, key=lambda word: (word.casefold(), word))
    by_key = {word.casefold(): word for word in words}
    for scale in SCALES:
        if by_key.keys() <= set(scale):
            return [by_key[word] for word in scale if word in by_key]
    named = ",".join([*sorted(words)[:SHOWN], *["..."] * (len(words) > SHOWN)])
    hint = f"name the classes with --classes, the lowest first: --classes {named}"
    raise DataError(f"it is not clear in which order {_join(sorted(words))} stand", hint=hint)


def _refuse_fractions(words: Sequence[str]) -> None:
    """Refuse numbers that are not whole, which are measured values and no classes."""
    for word in words:
        key = label_key(word)
        if not isinstance(key, str) and not key.is_integer():
            raise DataError(
                f"{word} is no class", hint="classes are words or whole numbers; use --task regression"
            )


def _refuse_bounds(words: Sequence[str]) -> None:
    """Refuse bounds among numbers, such as `>3` beside 1 and 2; where no label is a number they are words."""
    if all(isinstance(label_key(word), str) for word in words):
        return
    for word in words:
        sign, number = split_relation(word)
        if sign and not isinstance(label_key(number), str):
            hint = "leave the sign out, or name the classes with --classes if that is one"
            raise DataError(f"{word!r} is a bound of a number, and no class", hint=hint)


def _require_classes(words: Sequence[str]) -> None:
    if len(words) < MIN_CLASSES:
        hint = "two classes are a binary target: use --task binary, and name label 1 with --positive"
        raise DataError(f"there are only {len(words)} classes: {_join(words)}", hint=hint)
    if len(words) > MAX_CLASSES:
        hint = f"at most {MAX_CLASSES} can be learnt; use --task regression for measured numbers"
        raise DataError(f"there are {len(words)} classes", hint=hint)


def _join(words: Sequence[str]) -> str:
    shown = [repr(word) for word in words[:SHOWN]]
    return ", ".join(shown) + (f" and {len(words) - SHOWN} more" if len(words) > SHOWN else "")
