"""What a checkpoint says of itself: the only place where its metadata is written and read.

The fields stand in the order of `metadata.json`. What a learner or a featurizer decides alone stays a
dictionary: recipes, and the specification of what a model reads.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from servier.checkpoint.distillation_facts import DistillationFacts
from servier.checkpoint.documents import OPTIONAL, DocumentError, parse_json, read_document, write_document
from servier.checkpoint.earlier_formats import FORMAT_VERSION, update
from servier.checkpoint.rules import (
    NOT_EMPTY,
    Count,
    Digest,
    Name,
    Number,
    Rule,
    Seed,
    Share,
    at_least,
    one_of,
)
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import count_scores
from servier.checkpoint.weight_facts import WeightFacts
from servier.chem.levels import Level
from servier.errors import CheckpointError

FORMAT = "servier checkpoint"
COPY = "copy or train it again"

Values = dict[Name, dict[Name, float]]
"""For each target numbers by name."""


@dataclass(frozen=True, kw_only=True)
class DatasetFacts:
    """The table that a model was trained on.

    Parameters
    ----------
    file, digest
        The name of the file, and the sha256 of its labelled rows.
    rows, train_rows, test_rows
        How many it has, how many molecules were trained on, and how many rows were held out.
    left_out, duplicates, conflicts
        Rows that cannot be read or have no label, rows joined to others of the same molecule, and molecules
        with labels that differ.
    bounds
        How many labels of the training molecules are bounds; None where none is.
    weights
        How much labels count; None where the table says nothing of it.
    """

    file: Name
    digest: Digest
    rows: Count
    train_rows: Count
    test_rows: Count
    left_out: Count
    duplicates: Count
    conflicts: Count
    bounds: Count | None = field(default=None, metadata=OPTIONAL)
    weights: WeightFacts | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class SplitFacts:
    """How the test rows were held out.

    Parameters
    ----------
    strategy, column
        One of `servier.data.folds.STRATEGIES`, and the column that it goes by.
    test_fraction
        The share that was asked for.
    """

    strategy: Name
    column: Name | None
    test_fraction: Share


@dataclass(frozen=True)
class DuplicateRules:
    """What became of molecules that the table has more than once, as in `servier.data.duplicates`."""

    same_molecule: Name
    conflicts: Name


@dataclass(frozen=True, kw_only=True)
class TrainingNotes:
    """What a learner was told and what it found out.

    Parameters
    ----------
    rounds
        Of model 1: for each raw score the rounds of each booster.
    losses
        Of model 2: the loss after each epoch.
    recipe
        All settings of the learner, by name.
    encoder
        Of model 2: the `library` that its encoder was pre-trained on, and the `versions` that did it.
    """

    rounds: list[list[Count]] | None = field(default=None, metadata=OPTIONAL)
    losses: list[float] | None = field(default=None, metadata=OPTIONAL)
    recipe: dict[str, Any]
    encoder: dict[str, Any] | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Metrics:
    """How good the model was in training, by target.

    Parameters
    ----------
    held_out
        Metrics of training rows, scored in cross-validation.
    coverage
        For each confidence how often conformal bounds held the truth of these rows.
    test
        Metrics of the test rows.
    """

    held_out: Values
    coverage: dict[Name, Values]
    test: Values


@dataclass(frozen=True)
class DomainLimits:
    """What is usual among the training molecules.

    Parameters
    ----------
    similarity, unseen
        The lowest similarity to the nearest one, and the highest share of unseen substructures.
    molecules
        How many molecules the similarity is taken to.
    """

    similarity: Share
    unseen: Share
    molecules: Annotated[int, at_least(1)]


@dataclass(frozen=True)
class Sentinel:
    """A molecule whose scores show whether a model still reads molecules as it did in training.

    Parameters
    ----------
    smiles
        The molecule.
    input_sha256
        A digest of what the graph was fed.
    scores
        Its raw scores, in the order of the graph's outputs.
    """

    smiles: Name
    input_sha256: Digest
    scores: list[Number]


@dataclass(frozen=True)
class ReferenceFacts:
    """The molecules among whose answers each answer gets its percentile.

    Parameters
    ----------
    file, digest
        The name of their table, and a sha256 of their SMILES strings.
    molecules
        How many can be read.
    """

    file: Name
    digest: Digest
    molecules: Annotated[int, at_least(1)]


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a checkpoint says of itself.

    Parameters
    ----------
    format, format_version
        That this is a checkpoint, and how it is to be read.
    model_name, preset
        `1` or `2`, and which features model 1 reads.
    input
        What `servier.scoring.inputs.read_input` reads.
    standardization
        How far molecules are standardized, one of `servier.chem.levels.Level`.
    dataset, split, duplicates, seed
        What the model was trained on, and how its rows were chosen.
    training, metrics
        How it was trained, and how good it was.
    domain
        Where it applies.
    sentinels
        A few molecules with their scores.
    versions
        The packages that trained it.
    reference
        The molecules that answers are compared with, if there are any.
    distillation
        Of a student, whose answers it learnt.
    targets
        What it predicts, in the order of the graph's outputs, of which each has `n_scores`.
    sha256
        Of every other entry of the file, by its name.
    """

    format: str = FORMAT
    format_version: Annotated[int, Rule("1, 2 or 3", FORMAT_VERSION.__eq__)] = FORMAT_VERSION
    model_name: Annotated[str, one_of("1", "2")]
    preset: Name | None
    input: dict[str, Any]
    standardization: Annotated[str, one_of(*Level)] = Level.NONE
    dataset: DatasetFacts
    split: SplitFacts
    duplicates: DuplicateRules
    seed: Seed
    training: TrainingNotes
    metrics: Metrics
    domain: DomainLimits
    sentinels: Annotated[list[Sentinel], NOT_EMPTY]
    versions: dict[Name, Name]
    reference: ReferenceFacts | None = field(default=None, metadata=OPTIONAL)
    distillation: DistillationFacts | None = field(default=None, metadata=OPTIONAL)
    targets: Annotated[list[Target], NOT_EMPTY]
    sha256: dict[Name, Digest] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        """How far molecules are standardized."""
        return Level(self.standardization)

    def contradiction(self) -> str | None:
        """Return which field does not fit the targets, or None."""
        names = [target.name for target in self.targets]
        for i, name in enumerate(names):
            if name in names[:i]:
                return f"targets[{i}].name is not the name of one target"
        for i, sentinel in enumerate(self.sentinels):
            if len(sentinel.scores) != count_scores(self.targets):
                return f"sentinels[{i}].scores is not one number for each target"
        return None


def encode_metadata(metadata: Metadata) -> bytes:
    """Return what `metadata.json` holds; equal metadata gives equal bytes."""
    return json.dumps(write_document(metadata), indent=1, allow_nan=False).encode()


def decode_metadata(content: bytes, path: str | Path | None = None) -> Metadata:
    """Read what `metadata.json` holds.

    Parameters
    ----------
    content
        The entry.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        It is damaged, not that of a checkpoint, of a newer format, or a field is missing or cannot be used.
    """
    try:
        document = parse_json(content)
    except (ValueError, RecursionError) as error:
        place = f": {error}" if isinstance(error, DocumentError) else ""
        raise CheckpointError(f"its metadata is damaged{place}", path=path, hint=COPY) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise CheckpointError("this is not a servier checkpoint", path=path)
    version = document.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise CheckpointError("written by a newer servier", path=path, hint="update servier")
    try:
        return read_document(Metadata, update(document))
    except DocumentError as error:
        raise CheckpointError(f"its metadata is damaged: {error}", path=path, hint=COPY) from error
