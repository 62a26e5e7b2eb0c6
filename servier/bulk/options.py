"""What can be said about a run over a file."""

from dataclasses import asdict, dataclass
from typing import Any

from servier.checkpoint.signatures import TrustedKeys
from servier.chem.levels import Level
from servier.chem.molecules import MAX_ATOMS
from servier.errors import ServierError
from servier.processes.ordered_map import TIMEOUT
from servier.scoring.spreads import Forms
from servier.tables import DETECTED, Dialect


@dataclass(frozen=True)
class Shard:
    """One of several slices of a file.

    Parameters
    ----------
    number, total
        `3/16` is the third of sixteen.
    """

    number: int = 1
    total: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read `3/16`.

        Raises
        ------
        ServierError
            It is written otherwise, or there is no such shard.
        """
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal() and 1 <= int(first) <= int(second)):
            raise ServierError(f"{text!r} is not a shard", hint="write 3/16 for the third of sixteen")
        return cls(int(first), int(second))

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    def rows(self, n_rows: int, step: int) -> range:
        """Return the rows of the shard; shards begin at multiples of `step` and together are all rows."""
        n_blocks = -(-n_rows // step)
        start = n_blocks * (self.number - 1) // self.total * step
        stop = n_blocks * self.number // self.total * step
        return range(min(start, n_rows), min(stop, n_rows))


@dataclass(frozen=True)
class Options:
    """How to go through a file. All but `workers`, and `keys` of scoring, decide what the output holds.

    Parameters
    ----------
    smiles_column
        Detected where it is None.
    dialect
        What the user says of delimited text.
    columns
        The columns of the input that are carried over; None for all.
    max_atoms
        The largest number of heavy atoms that is accepted.
    timeout
        Seconds of processor time that one molecule may take.
    shard
        Which slice of the file.
    workers
        Number of processes.
    """

    smiles_column: str | None = None
    dialect: Dialect = DETECTED
    columns: tuple[str, ...] | None = None
    max_atoms: int = MAX_ATOMS
    timeout: float = TIMEOUT
    shard: Shard | None = None
    workers: int = 1

    def identity(self) -> dict[str, Any]:
        """Return what decides the output, for the journal."""
        values = asdict(self)
        values.pop("workers")
        values.pop("keys", None)
        values["dialect"].pop("max_line")  # what was refused with one limit goes on with another
        values["shard"] = None if self.shard is None else str(self.shard)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


@dataclass(frozen=True)
class FeaturizingOptions(Options):
    """How to compute the features of a file.

    Parameters
    ----------
    standardization
        How far molecules are standardized, one of `servier.chem.levels.Level`.
    """

    standardization: str = "parent"

    @property
    def level(self) -> Level:
        """How far molecules are standardized."""
        return Level(self.standardization)


@dataclass(frozen=True)
class ScoringOptions(Options):
    """How to score a file.

    Parameters
    ----------
    n_smiles
        How many SMILES of a molecule model 2 averages over (test-time augmentation); None for as many as in
        training.
    confidences
        Of the columns that say how sure answers are: some of `0.8`, `0.9` and `0.95`.
    top, threshold
        Only the rows with the highest scores, or with at least this score, are written.
    rank_by
        The target that `top` and `threshold` look at, or `TARGET=CLASS`; None for the first target.
    stereoisomers, tautomers
        How many of them there are answers for at most; None for none.
    keys
        Those of which one must have signed each checkpoint; None where none need be signed.
    """

    n_smiles: int | None = None
    confidences: tuple[str, ...] = ()
    top: int | None = None
    threshold: float | None = None
    rank_by: str | None = None
    stereoisomers: int | None = None
    tautomers: int | None = None
    keys: TrustedKeys | None = None

    @property
    def forms(self) -> Forms:
        """Of which forms of a molecule there are answers too."""
        return Forms(self.stereoisomers, self.tautomers)

    @property
    def is_selecting(self) -> bool:
        """Whether only some rows are written."""
        return self.top is not None or self.threshold is not None
