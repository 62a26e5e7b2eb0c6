"""What worker processes do: SMILES strings go in, a few numbers for each come out, ready to be written."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from servier.checkpoint.file import open_checkpoint
from servier.chem.molecules import InvalidMolecule, Row, Status
from servier.scoring.predictions import Predictions, output_rows
from servier.scoring.scorer import Scorer
from servier.tables import Header, encode_predictions

PART_ROWS = 512


@dataclass(frozen=True)
class Scored:
    """The answers for a run of rows.

    Parameters
    ----------
    ends
        For each row what is written after its own columns: text, or a list of values for a Parquet file.
    counts
        Rows by status.
    ranks
        For each row the score by which rows are selected, NaN where there is none; empty where none are.
    """

    ends: list[bytes] | list[list[object]]
    counts: Counter[str]
    ranks: list[float]


@dataclass(frozen=True)
class ScoringWork:
    """Scores chunks of rows: a SMILES string each, and why the row cannot be used, or None.

    Parameters
    ----------
    paths
        Of the checkpoints.
    max_atoms, n_smiles
        As in `Options`.
    header
        How the output is written as text; None for values.
    ranked
        The position of the target by which rows are selected; None where none are.
    confidences
        As in `Options`.
    """

    paths: tuple[str, ...]
    max_atoms: int
    n_smiles: int | None
    header: Header | None
    ranked: int | None
    confidences: tuple[str, ...] = ()

    def open_scorer(self) -> Scorer:
        """Open the checkpoints."""
        checkpoints = [open_checkpoint(path) for path in self.paths]
        return Scorer(checkpoints, self.max_atoms, self.n_smiles, self.confidences)

    def prepare(self) -> Callable[[Sequence[Row]], Scored]:
        """Open the checkpoints; the function parses and scores."""
        scorer = self.open_scorer()

        return lambda rows: self.pack(scorer.score_rows(rows))

    def give_up(self, item: object, status: str, reason: str) -> Scored:  # noqa: ARG002
        """Return a row without an answer."""
        return self.pack(self.open_scorer().refuse(InvalidMolecule(Status(status), reason)))

    def join(self, answers: list[Scored]) -> Scored:
        """Put the answers one after another."""
        return Scored(
            [end for answer in answers for end in answer.ends],  # type: ignore[arg-type]
            sum((answer.counts for answer in answers), Counter()),
            [rank for answer in answers for rank in answer.ranks],
        )

    def pack(self, predictions: Predictions) -> Scored:
        """Write predictions as they go into the file."""
        rows = output_rows(predictions)
        ranks = [] if self.ranked is None else predictions.values[:, self.ranked].tolist()
        counts = Counter(str(row[-2]) for row in rows)
        return Scored(rows if self.header is None else encode_predictions(rows, self.header), counts, ranks)


@dataclass(frozen=True)
class RescoringWork(ScoringWork):
    """Scores rows of a feature Parquet file, by their numbers.

    Parameters
    ----------
    features_path
        The file.
    smiles_column
        Where the molecules are; needed with `confidences` only, which say how familiar a molecule is.
    """

    features_path: str = ""
    smiles_column: str | None = None

    def prepare(self) -> Callable[[Sequence[int]], Scored]:  # type: ignore[override]
        """Open the checkpoints and the file; the function reads features and scores them."""
        from servier.features.feature_file import FeatureFile

        scorer = self.open_scorer()
        column = self.smiles_column
        file = FeatureFile(self.features_path, scorer.featurizers, [column] if column else [])

        def score(rows: Sequence[int]) -> Scored:
            parts = [rows[i : i + PART_ROWS] for i in range(0, len(rows), PART_ROWS)]
            return self.join([self.pack(score_part(part[0], part[-1] + 1)) for part in parts])

        def score_part(start: int, stop: int) -> Predictions:
            smiles = file.read_strings(column, start, stop) if column else []
            return scorer.score_features(file.read(start, stop), [(text, None) for text in smiles])

        return score
