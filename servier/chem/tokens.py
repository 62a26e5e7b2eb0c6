"""SMILES strings to integers, one for each atom, bond, branch and ring closure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

PADDING, UNKNOWN = 0, 1
N_SPECIAL = 2
LENGTH_STEP = 8

_TOKEN = re.compile(r"\[[^\]]*\]|Br|Cl|%\d\d|.", re.DOTALL)


def split_tokens(smiles: str) -> list[str]:
    """Split a SMILES string into tokens; joined, they are the string again."""
    return _TOKEN.findall(smiles)


class Tokenizer:
    """Encodes SMILES strings as integers, by a fixed vocabulary.

    Parameters
    ----------
    vocabulary
        The known tokens; token i becomes `i + 2`. 0 is padding, and 1 is any unknown token.
    """

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = list(vocabulary)

    @classmethod
    def from_smiles(cls, smiles: Iterable[str], min_count: int = 3) -> "Tokenizer":
        """Collect the tokens that occur at least `min_count` times, in alphabetical order."""
        counts = Counter(token for text in smiles for token in split_tokens(text))
        return cls(sorted(token for token, count in counts.items() if count >= min_count))

    def __len__(self) -> int:
        return len(self.vocabulary) + N_SPECIAL

    @cached_property
    def _index(self) -> dict[str, int]:
        return {token: i + N_SPECIAL for i, token in enumerate(self.vocabulary)}

    def encode(self, smiles: str) -> list[int]:
        """Return the integers of one string."""
        index = self._index
        return [index.get(token, UNKNOWN) for token in split_tokens(smiles)]


def pad_tokens(rows: Sequence[Sequence[int]]) -> NDArray[np.int32]:
    """Return a matrix, int32, padded on the right to the next multiple of 8, so that few widths occur."""
    longest = max(map(len, rows), default=0)
    matrix = np.full((len(rows), longest + -longest % LENGTH_STEP), PADDING, np.int32)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix


def by_length(rows: Sequence[Sequence[int]], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield groups of `size` rows of like length, the shortest first; the last group may have fewer."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    for start in range(0, len(rows), size):
        yield order[start : start + size]
