"""The base classes of the featurizers."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rdkit.Chem import rdFingerprintGenerator

from servier.chem.molecules import Mol

LIMIT = 1e9
MAX_BINS = 1 << 16
CHIRALITY = "include_chirality"


@dataclass(frozen=True)
class Featurizer(ABC):
    """Computes a block of numbers for a molecule.

    A subclass is a frozen dataclass. Its fields are its parameters; together with its `kind` they are all
    that is stored, and `limits` has the lowest and the highest value of each. RDKit's generators do not
    pickle, so they are made on first use.
    """

    kind: ClassVar[str]
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {}
    is_count: ClassVar[bool] = False

    @property
    def constitution_only(self) -> bool:
        """Whether values are right for molecules of which nothing but the constitution was perceived."""
        return False

    @property
    def reads_stereo(self) -> bool:
        """Whether values depend on stereochemistry, or on whether it is given."""
        return False

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of values."""

    @abstractmethod
    def compute(self, mol: Mol) -> Any:
        """Return the values of one molecule, as many as `len(self)`."""

    def write(self, computed: Sequence[Any], X: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
        """Write the values computed for some molecules into rows of a matrix of zeros."""
        X[rows] = to_float32(np.array(computed, np.float64).reshape(-1, len(self)))

    def __call__(self, mol: Mol) -> NDArray[np.float32]:
        """Return the values of one molecule as a model sees them, shape (len(self),)."""
        X = np.zeros((1, len(self)), np.float32)
        self.write([self.compute(mol)], X, np.array([0]))
        return np.asarray(X[0])

    def column_names(self) -> list[str]:
        """Return a name for each value, for importances and explanations."""
        return [f"{self.kind}_{i}" for i in range(len(self))]

    def spec(self) -> dict[str, Any]:
        """Return what is needed to rebuild this featurizer."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class CountFingerprint(Featurizer):
    """A count fingerprint, folded to `fp_size` bins, nearly all of which are 0."""

    is_count: ClassVar[bool] = True
    limits: ClassVar[Mapping[str, tuple[float, float]]] = {"fp_size": (1, MAX_BINS)}
    fp_size: int = 2048

    def __len__(self) -> int:
        return self.fp_size

    @abstractmethod
    def compute(self, mol: Mol) -> dict[int, int]:
        """Return the counts that are not 0, by bin."""

    def write(
        self, computed: Sequence[dict[int, int]], X: NDArray[np.float32], rows: NDArray[np.int64]
    ) -> None:
        """Write counts into rows of a matrix of zeros."""
        sizes = [len(counts) for counts in computed]
        bins = np.fromiter(chain.from_iterable(computed), np.int64, sum(sizes))
        values = chain.from_iterable(counts.values() for counts in computed)
        X[np.repeat(rows, sizes), bins] = np.fromiter(values, np.float32, sum(sizes))


@dataclass(frozen=True)
class GeneratedFingerprint(CountFingerprint):
    """A count fingerprint from one of RDKit's generators.

    With `include_chirality` it tells stereoisomers apart.
    """

    limits: ClassVar[Mapping[str, tuple[float, float]]] = {
        **CountFingerprint.limits,
        "include_chirality": (False, True),
    }
    include_chirality: bool = False

    @property
    def reads_stereo(self) -> bool:
        """Whether stereoisomers have other counts."""
        return self.include_chirality

    def spec(self) -> dict[str, Any]:
        """Return what is needed to rebuild this featurizer; chirality is named only where it is included."""
        spec = super().spec()
        if not self.include_chirality:
            del spec[CHIRALITY]
        return spec

    def compute(self, mol: Mol) -> dict[int, int]:
        """Return the counts that are not 0, by bin."""
        counts: dict[int, int] = self._generator.GetCountFingerprint(mol).GetNonzeroElements()
        return counts

    def occurrences(self, mol: Mol) -> dict[int, tuple[tuple[int, ...], ...]]:
        """Return for each bin the atoms of the substructures counted in it, a central atom first."""
        found = rdFingerprintGenerator.AdditionalOutput()
        found.AllocateAtomsPerBit()
        self._generator.GetCountFingerprint(mol, additionalOutput=found)
        return dict(found.GetAtomsPerBit())

    @property
    @abstractmethod
    def _generator(self) -> Any: ...


def to_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Convert values to float32: NaN becomes 0, and all others are clipped to plus or minus 1e9."""
    values = np.nan_to_num(values, nan=0.0, posinf=LIMIT, neginf=-LIMIT)
    return np.asarray(np.clip(values, -LIMIT, LIMIT), np.float32)
