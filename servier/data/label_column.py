"""A column of labels: numbers, or two words that stand for two classes."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from servier.data.bounds import (
    Relations,
    find_relation,
    holds_bound,
    log_bounds,
    only_exact,
    refuse_relation,
    resolve,
)
from servier.errors import DataError
from servier.tables.numbers import (
    APPROXIMATE,
    RELATIONS,
    SIGNS,
    is_missing,
    read_number,
    strip,
)

OPPOSITES = {
    "active": "inactive",
    "positive": "negative",
    "pos": "neg",
    "true": "false",
    "yes": "no",
    "t": "f",
    "y": "n",
    "+": "-",
}
"""Words that stand for label 1, each with the one that stands for label 0."""

HINT = "labels are numbers with a decimal point, or two words; leave the field empty where one is missing"
LARGEST = float(np.finfo(np.float32).max)  # checkpoints hold the labels of training in single precision

_POSITIVE = {word: positive for positive, negative in OPPOSITES.items() for word in (positive, negative)}
_NEGATION = re.compile(r"(?:non|not)[- _]?(.+)")

logger = logging.getLogger(__name__)

Key = float | str


@dataclass(frozen=True)
class LabelColumn:
    """The labels of one target.

    Parameters
    ----------
    y
        float64, shape (n_rows,); NaN where a label is missing or cannot be read.
    problems
        Why a label cannot be read, by the number of its row.
    words
        The words in the table for label 0 and label 1, or for all classes; empty where labels are numbers.
    relations
        Which labels are bounds, int8, shape (n_rows,); None where none is.
    n_approximate
        How many labels are about a value, and count as it.
    bad_relations
        Why the relations of labels that are left out are none, by the number of their row.
    """

    y: NDArray[np.float64]
    problems: dict[int, DataError]
    words: dict[int, str]
    relations: Relations | None = None
    n_approximate: int = 0
    bad_relations: Mapping[int, str] = field(default_factory=dict)

    @property
    def exact(self) -> NDArray[np.float64]:
        """The labels with NaN where one is missing or is a bound."""
        return only_exact(self.y, self.relations)

    def without(self, rows: Collection[int]) -> "LabelColumn":
        """Return the labels without those of some rows."""
        if not rows:
            return self
        y, relations = self.y.copy(), self.relations
        y[list(rows)] = np.nan
        if relations is not None:
            relations = np.where(np.isnan(y), np.int8(0), relations)
        return replace(self, y=y, relations=relations if relations is not None and relations.any() else None)

    def find_conflict(self, rows: Sequence[int]) -> list[str]:
        """Return the labels of some rows, each once, if they contradict each other; else nothing."""
        known = [row for row in rows if not np.isnan(self.y[row])]
        y = self.y[known]
        relations = np.zeros(len(y), np.int8) if self.relations is None else self.relations[known]
        if not known or not resolve(y, relations, lambda values: float(np.median(values))).differs:
            return []
        if self.classes:
            return [self.classes[int(label)] for label in np.unique(y)]
        written = sorted(set(zip(y.tolist(), relations.tolist(), strict=True)))
        return [f"{SIGNS[relation]}{value:g}" for value, relation in written]

    @property
    def in_order(self) -> list[str]:
        """The words, by the numbers of their labels."""
        return [self.words[label] for label in sorted(self.words)]

    @property
    def classes(self) -> list[str]:
        """The same, if there are more than two."""
        return self.in_order if len(self.words) > 2 else []

    def log_words(self, target: str) -> None:
        """Say which word is label 1, if labels are words, and which labels are bounds."""
        log_bounds(target, self.relations, self.n_approximate)
        if self.words:
            words = sorted(self.words.items(), reverse=True)
            logger.info("target %s: %s", target, ", ".join(f"label {y} is {word!r}" for y, word in words))


def read_labels(
    texts: Sequence[str],
    positive: Sequence[str] = (),
    learnt: Sequence[str] | None = None,
    relations: Sequence[str] = (),
) -> LabelColumn:
    """Read the labels of one target, as numbers or as words.

    Labels are words if `positive` names one of them, or if most are no numbers and there are opposites among
    them: those of `OPPOSITES`, or a word and the same after non or not. Capitals make no difference.

    Parameters
    ----------
    texts
        The fields of the column.
    positive
        Words that stand for label 1, of this target or another.
    learnt
        The words for label 0 and label 1 in the table that a model was trained on; they mean the same here.
    relations
        The fields of the column that says which labels are bounds; empty without such a column.

    Raises
    ------
    DataError
        Two words of this target are to be label 1, or another one than that of the model.
    """
    labels = {label_key(word) for word in (*positive, *(learnt or ())) if strip(word)}
    if any(strip(text) == "+" for text in texts):
        labels.add("-")
    known = {row: text for row, text in enumerate(texts) if not is_missing(text) or label_key(text) in labels}
    counts = Counter(map(label_key, known.values()))
    classes = (
        _learnt_classes(counts, positive, learnt)
        or _named_classes(counts, positive)
        or _plain_classes(counts)
    )
    if not classes:
        return _read_numbers(known, len(texts), counts, relations)
    return _read_words(known, classes, len(texts), relations)


def label_key(text: str) -> Key:
    """Return what is the same for equal labels: a number, or a word in small letters."""
    try:
        return read_number(text)
    except DataError:
        return strip(text).casefold()


def read_label(text: str) -> float:
    """Read a label that is a number.

    Raises
    ------
    DataError
        The text is no number, or one that is too large to learn from.
    """
    try:
        value = read_number(text)
    except DataError as error:
        raise DataError(error.problem, hint=error.hint or HINT) from None
    if abs(value) > LARGEST:
        hint = f"use a unit in which labels are below {LARGEST:.1e}"
        raise DataError(f"{text!r} is too large for a label", hint=hint)
    return value


def _read_bounded(text: str, number: str) -> float:
    """Read a label that is a number, of which the relation before it was taken away."""
    try:
        return read_label(number)
    except DataError as error:
        raise DataError(error.problem.replace(repr(number), repr(text)), hint=error.hint) from None


def _read_numbers(
    known: dict[int, str], n_rows: int, counts: Mapping[Key, int], beside: Sequence[str]
) -> LabelColumn:
    y, relations = np.full(n_rows, np.nan), np.zeros(n_rows, np.int8)
    problems, unrelated = {}, {}
    n_approximate = 0
    question = _ask_which_is_positive(known, counts)
    for row, text in known.items():
        try:
            relation, number = find_relation(text, beside[row] if beside else "")
        except DataError as error:
            unrelated[row] = error
            continue
        try:
            y[row] = _read_bounded(text, number)
        except DataError as error:
            problems[row] = question if question and error.hint == HINT else error
        else:
            relations[row] = RELATIONS[relation]
            n_approximate += relation in APPROXIMATE
    if 2 * len(unrelated) >= len(known):
        problems, unrelated = dict(sorted((problems | unrelated).items())), {}
    bad_relations = {row: error.problem for row, error in unrelated.items()}
    bounds = relations if relations.any() else None
    return LabelColumn(y, problems, {}, bounds, n_approximate, bad_relations)


def _read_words(
    known: dict[int, str], classes: dict[Key, int], n_rows: int, beside: Sequence[str]
) -> LabelColumn:
    keys = {row: label_key(text) for row, text in known.items()}
    written = {key: strip(known[row]) for row, key in reversed(keys.items())}
    words = {label: str(key) for key, label in classes.items()}
    words |= {classes[key]: word for key, word in written.items() if key in classes}
    y = np.full(n_rows, np.nan)
    problems = {}
    for row, key in keys.items():
        if beside and holds_bound(beside[row]):
            problems[row] = refuse_relation(known[row], beside[row])
        elif key in classes:
            y[row] = classes[key]
        else:
            problem = f"{known[row]!r} is neither {words[1]!r} nor {words[0]!r}"
            problems[row] = DataError(problem, hint="leave the field empty where a label is missing")
    return LabelColumn(y, problems, words)


def _ask_which_is_positive(known: dict[int, str], counts: Mapping[Key, int]) -> DataError | None:
    """Return the question that two words leave open."""
    if len(counts) != 2 or not all(isinstance(key, str) for key in counts):
        return None
    written = {label_key(text): strip(text) for text in reversed(known.values())}
    first, second = (written[key] for key in counts)
    problem = f"it is not clear which of {first!r} and {second!r} is label 1"
    return DataError(problem, hint="name that one with --positive, or write 1 and 0")


def _learnt_classes(
    counts: Mapping[Key, int], positive: Sequence[str], learnt: Sequence[str] | None
) -> dict[Key, int]:
    """Return the labels of the words that a model has learnt, if any of them is here."""
    classes: dict[Key, int] = {label_key(word): label for label, word in enumerate(learnt or ())}
    for word in positive:
        if classes.get(label_key(word)) == 0:
            problem = f"{word!r} is label 0 of the model"
            raise DataError(problem, hint="leave --positive out: the model knows its labels")
    return classes if classes.keys() & counts.keys() else {}


def _named_classes(counts: Counter[Key], positive: Sequence[str]) -> dict[Key, int]:
    """Return the label of the word that was named as positive, and of the most frequent other one."""
    named = [key for key in dict.fromkeys(map(label_key, positive)) if key in counts]
    if len(named) > 1:
        problem = f"{named[0]!r} and {named[1]!r} cannot both be label 1"
        raise DataError(problem, hint="name one word of each target with --positive")
    others = [key for key, _ in counts.most_common() if key not in named]
    return dict.fromkeys(named, 1) | dict.fromkeys(others[: len(named)], 0)


def _plain_classes(counts: Counter[Key]) -> dict[Key, int]:
    """Return the labels of words that are opposites, if fewer than half of the fields are numbers."""
    words = {key: n for key, n in counts.items() if isinstance(key, str)}
    if sum(words.values()) <= counts.total() / 2:
        return {}
    negations = {word: match[1] for word in words if (match := _NEGATION.fullmatch(word))}
    negated = {word for word in negations.values() if word in words or word in OPPOSITES}
    found: dict[str, dict[Key, int]] = {}
    for word in words:
        if word in _POSITIVE:
            found.setdefault(_POSITIVE[word], {})[word] = int(word in OPPOSITES)
        elif negations.get(word) in negated:
            found.setdefault(negations[word], {})[word] = 0
        elif word in negated:
            found.setdefault(word, {})[word] = 1
    if not found:
        return {}
    positive, classes = max(found.items(), key=lambda pair: sum(counts[key] for key in pair[1]))
    return {positive: 1, OPPOSITES.get(positive, f"non-{positive}"): 0} | classes
