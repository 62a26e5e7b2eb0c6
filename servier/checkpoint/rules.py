"""What a value of a document must be beyond its type: rules that stand beside the types of fields."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

LARGEST = 1e100
MAX_SEED = 2**31 - 2


@dataclass(frozen=True)
class Rule:
    """What a value must be, stated in the annotation of a field: `Annotated[int, Rule(...)]`.

    Parameters
    ----------
    words
        What a value is that follows the rule; an error says that another one is not that.
    holds
        Whether a value follows it.
    """

    words: str
    holds: Callable[[Any], bool]


def within(low: float, high: float) -> Rule:
    """Return the rule that a number lies between two others, or is one of them."""
    return Rule(f"between {low:g} and {high:g}", lambda value: low <= value <= high)


def at_least(low: int) -> Rule:
    """Return the rule that a number is this or a higher one."""
    return Rule(f"at least {low}", lambda value: value >= low)


def one_of(*words: str) -> Rule:
    """Return the rule that a text is one of a few words."""
    return Rule(" or ".join(words), words.__contains__)


NOT_EMPTY = Rule("filled", bool)
UNLIKE = Rule("free of repetitions", lambda values: len(set(values)) == len(values))

Name = Annotated[str, NOT_EMPTY]
Digest = Annotated[str, Rule("a sha256", re.compile(r"[0-9a-f]{64}").fullmatch)]
Level = Annotated[str, Rule("a confidence", re.compile(r"0\.[0-9]{1,6}").fullmatch)]
Count = Annotated[int, at_least(0)]
Number = Annotated[float, within(-LARGEST, LARGEST)]
Share = Annotated[float, within(0, 1)]
Seed = Annotated[int, Rule(f"between 0 and {MAX_SEED}", lambda value: 0 <= value <= MAX_SEED)]
