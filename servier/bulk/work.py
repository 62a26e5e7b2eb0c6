"""What worker processes do: rows go in, the cells of their answers come out, ready to be written."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Any, Generic, Protocol, TypeVar

from servier.checkpoint.file import Checkpoint, open_checkpoint
from servier.chem.molecules import ANY_ROW, InvalidMolecule, Row, Status
from servier.errors import CheckpointError, DataError
from servier.processes.ordered_map import Work
from servier.scoring.predictions import Predictions, empty_row, output_rows
from servier.scoring.scorer import Scorer
from servier.scoring.spreads import NO_FORMS, Forms
from servier.tables import Header, encode_predictions

PART_ROWS = 512

Item = TypeVar("Item")
Item_contra = TypeVar("Item_contra", contravariant=True)


@dataclass(frozen=True)
class Results:
    """What was found for a block of rows.

    Parameters
    ----------
    cells
        For each row what is written after its own columns: text, or a list of values for a Parquet file; or,
        for features, columns of them.
    counts
        Rows by status.
    ranks
        For each row the score by which rows are selected, NaN where there is none; empty where none are.
    seconds
        How long the worker took.
    """

    cells: Any
    counts: Counter[str]
    ranks: list[float]
    seconds: float = 0.0


class BlockWork(Work[Item_contra, Results], Protocol[Item_contra]):
    """The work to do on blocks of rows. It must pickle."""


class ScoringMethod(Protocol[Item_contra]):
    """How rows are scored. It must pickle."""

    def prepare(self, scorer: Scorer) -> Callable[[Sequence[Item_contra]], Iterable[Predictions]]:
        """Return the function from a block of rows to their predictions, in one part or several."""


@dataclass(frozen=True)
class ScoreSmiles:
    """Scores SMILES strings, each with the reason why its row cannot be used, or None."""

    def prepare(self, scorer: Scorer) -> Callable[[Sequence[Row]], Iterable[Predictions]]:
        """Return the function that parses and scores."""
        scorer.score_rows([ANY_ROW])
        return lambda rows: [scorer.score_rows(rows)]


@dataclass(frozen=True)
class ScoreFeatures:
    """Scores rows of a feature Parquet file, by their numbers.

    Parameters
    ----------
    path
        The file.
    smiles_column
        Where the molecules are; None where answers need nothing but the features.
    """

    path: str
    smiles_column: str | None

    def prepare(self, scorer: Scorer) -> Callable[[Sequence[int]], Iterable[Predictions]]:
        """Open the file; the function reads features and scores them.

        Raises
        ------
        DataError
            The features are no longer those that the scorer reads.
        """
        from servier.features.feature_file import FeatureFile

        column = self.smiles_column
        file = FeatureFile.open(self.path, scorer.featurizers, scorer.level, [column] if column else [])
        if file is None:
            raise DataError(
                "no features in this file", path=self.path, hint="make it with: servier featurize"
            )

        def score(start: int, stop: int) -> Predictions:
            smiles = file.read_strings(column, start, stop) if column else []
            return scorer.score_features(file.read(start, stop), [(text, None) for text in smiles])

        def score_parts(rows: Sequence[int]) -> Iterable[Predictions]:
            parts = (rows[i : i + PART_ROWS] for i in range(0, len(rows), PART_ROWS))
            return (score(part[0], part[-1] + 1) for part in parts)

        return score_parts


@dataclass(frozen=True)
class ScoringWork(Generic[Item]):
    """Scores blocks of rows.

    Parameters
    ----------
    method
        How rows are scored: by their SMILES strings or by their features.
    digests
        Of the checkpoints, by their paths.
    max_atoms, n_smiles
        As in `Options`.
    header
        How the output is written as text; None for values.
    ranked
        The position among the columns of predictions of that by which rows are selected; None where none are.
    n_fields
        How many columns predictions add to a table.
    confidences, forms
        As in `Options`.
    """

    method: ScoringMethod[Item]
    digests: Mapping[str, str]
    max_atoms: int
    n_smiles: int | None
    header: Header | None
    ranked: int | None
    n_fields: int
    confidences: tuple[str, ...] = ()
    forms: Forms = NO_FORMS

    def prepare(self) -> Callable[[Sequence[Item]], Results]:
        """Open the checkpoints; the function scores a block, and takes the time."""
        checkpoints = [self._open(path) for path in self.digests]
        scorer = Scorer(checkpoints, self.max_atoms, self.n_smiles, self.confidences, self.forms)
        score = self.method.prepare(scorer)

        def work(rows: Sequence[Item]) -> Results:
            started = time.perf_counter()
            scored = self.join([self._encode_predictions(part) for part in score(rows)])
            return replace(scored, seconds=time.perf_counter() - started)

        return work

    def _open(self, path: str) -> Checkpoint:
        """Open the very checkpoint that was looked at when the run began."""
        opened = open_checkpoint(path)
        if opened.digest != self.digests[path]:
            hint = "start the run again"
            raise CheckpointError("it was replaced since the run began", path=path, hint=hint)
        return opened

    def give_up(self, item: Item, status: str, reason: str) -> Results:  # noqa: ARG002 - as `Work` has it
        """Return a row without an answer; nothing is opened for it."""
        row = empty_row(self.n_fields, InvalidMolecule(Status(status), reason))
        return self._encode([row], [] if self.ranked is None else [nan])

    def join(self, answers: list[Results]) -> Results:
        """Concatenate the answers."""
        return Results(
            [cells for answer in answers for cells in answer.cells],
            sum((answer.counts for answer in answers), Counter()),
            [rank for answer in answers for rank in answer.ranks],
            sum(answer.seconds for answer in answers),
        )

    def _encode_predictions(self, predictions: Predictions) -> Results:
        rows: list[list[Any]] = output_rows(predictions)
        ranked = self.ranked
        ranks = [] if ranked is None else [nan if row[ranked] is None else row[ranked] for row in rows]
        return self._encode(rows, ranks)

    def _encode(self, rows: list[list[object]], ranks: list[float]) -> Results:
        """Write rows as they go into the output."""
        counts = Counter(str(row[-2]) for row in rows)
        cells: Sequence[bytes | list[object]] = rows
        if self.header is not None:
            cells = encode_predictions(rows, self.header)
        return Results(cells, counts, ranks)
