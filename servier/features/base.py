"""What every featurizer has in common."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from servier.molecules import Mol

LIMIT = 1e9


@dataclass(frozen=True)
class Featurizer(ABC):
    """One block of numbers for one molecule.

    A subclass is a frozen dataclass: its fields are its parameters, and with its `kind` they are all that
    is stored of it. RDKit's own generators do not pickle, so they are made where they are first used.
    """

    kind: ClassVar[str]
    dtype: ClassVar[str] = "float32"
    needs_stereo: ClassVar[bool] = False

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of values."""

    @abstractmethod
    def __call__(self, mol: Mol) -> NDArray[Any]:
        """Return the values of one molecule, shape (len(self),)."""

    @property
    def is_count(self) -> bool:
        """Whether the values count occurrences."""
        return np.issubdtype(self.dtype, np.integer)

    def column_names(self) -> list[str]:
        """Return a name for each value, for importances and explanations."""
        return [f"{self.kind}_{i}" for i in range(len(self))]

    def spec(self) -> dict[str, Any]:
        """Return what is needed to build this featurizer again."""
        return {"kind": self.kind, **asdict(self)}


def to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Make values fit for a model: float32, undefined ones 0, the rest within plus or minus 1e9."""
    if values.dtype == np.float32:
        return values
    values = np.nan_to_num(values, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    return np.asarray(np.clip(values, -LIMIT, LIMIT), np.float32)
