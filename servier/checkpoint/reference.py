"""The arrays of a checkpoint, `reference.npz`: the only place where they are written and read."""

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.archive import pack_arrays, unpack_lines
from servier.checkpoint.arrays import Kind, read_arrays
from servier.checkpoint.metadata import COPY, Metadata
from servier.checkpoint.target_columns import count_answers, count_scores
from servier.checkpoint.unpacking import ArchiveError
from servier.errors import CheckpointError

REFERENCE = "reference.npz"


@dataclass(frozen=True, kw_only=True)
class ReferenceArrays:
    """What a model was trained on, each molecule once, and what its answers are compared with.

    The fields stand in the order of the file, under the names that the arrays have there.

    Parameters
    ----------
    train_lines
        Where the training molecules stand in the table, int64, shape (n_train,).
    train_identities
        Their hashes, uint64, shape (n_train, 3).
    test_rows
        The numbers of the rows that were held out.
    train_smiles
        Their canonical SMILES, as `pack_lines` packs them; None where the checkpoint has none.
    train_fingerprints
        Their packed Morgan bits, shape (n_train, 256).
    train_y
        Their labels, float32, shape (n_train, n_targets); NaN where missing. A class is its number.
    train_relations
        Which of their labels are bounds, int8, in the same shape: 1 where the true value is at least the
        label, -1 where it is at most the label, else 0; None where none is.
    train_scores
        Raw scores of the training molecules out of fold, float32, shape (n_train, n_scores); NaN where there
        is none. None in older checkpoints.
    domain_rows, environments
        For `servier.scoring.applicability_domain.Domain`: which of them the similarity is taken to, and the
        identifiers of all their substructures.
    reference_answers
        The answers for the reference molecules, float64, shape (n_references, n_answers); NaN where there is
        none. None where there are no reference molecules.
    """

    train_lines: NDArray[np.int64]
    train_identities: NDArray[np.uint64]
    test_rows: NDArray[np.int64]
    train_smiles: NDArray[np.uint8] | None = None
    train_fingerprints: NDArray[np.uint8]
    train_y: NDArray[np.float32]
    train_relations: NDArray[np.int8] | None = None
    train_scores: NDArray[np.float32] | None = None
    domain_rows: NDArray[np.int64]
    environments: NDArray[np.uint32]
    reference_answers: NDArray[np.float64] | None = None

    @property
    def exact_y(self) -> NDArray[np.float32]:
        """The labels with NaN where one is missing or is a bound."""
        relations = self.train_relations
        return (
            self.train_y if relations is None else np.where(relations == 0, self.train_y, np.float32(np.nan))
        )

    @property
    def smiles(self) -> list[str] | None:
        """The canonical SMILES of the training molecules; None where the checkpoint has none."""
        return None if self.train_smiles is None else unpack_lines(self.train_smiles)


_KINDS = {
    "train_lines": Kind("<i8", "n_train"),
    "train_identities": Kind("<u8", "n_train", 3),
    "test_rows": Kind("<i8", "n_test"),
    "train_smiles": Kind("|u1", "n_characters"),
    "train_fingerprints": Kind("|u1", "n_train", 256),
    "train_y": Kind("<f4", "n_train", "n_targets"),
    "train_relations": Kind("|i1", "n_train", "n_targets"),
    "train_scores": Kind("<f4", "n_train", "n_scores"),
    "domain_rows": Kind("<i8", "n_domain"),
    "environments": Kind("<u4", "n_environments"),
    "reference_answers": Kind("<f8", "n_references", "n_answers"),
}


def encode_reference(reference: ReferenceArrays) -> bytes:
    """Return what `reference.npz` holds; equal arrays give equal bytes."""
    found = {field.name: getattr(reference, field.name) for field in fields(reference)}
    return pack_arrays({name: array for name, array in found.items() if array is not None})


def decode_reference(content: bytes, path: str | Path | None = None) -> ReferenceArrays:
    """Read what `reference.npz` holds.

    Parameters
    ----------
    content
        The entry.
    path
        The checkpoint, to be named where something is wrong.

    Raises
    ------
    CheckpointError
        It is not a file of arrays, lacks one, or holds one that is not of its type, does not fit the others,
        or says what cannot be.
    """
    try:
        found = read_arrays(content, _KINDS)
    except ArchiveError as error:
        raise CheckpointError(f"entry {REFERENCE} is damaged: {error}", path=path, hint=COPY) from error
    for field in fields(ReferenceArrays):
        if field.default is MISSING and field.name not in found:
            raise CheckpointError(f"entry {REFERENCE} lacks {field.name}", path=path, hint=COPY)
    reference = ReferenceArrays(**found)
    _require(_problems(reference), path)
    return reference


def require_fit(reference: ReferenceArrays, metadata: Metadata, path: str | Path | None = None) -> None:
    """Require that arrays fit the targets, the table and the reference molecules that metadata speaks of.

    Raises
    ------
    CheckpointError
        They do not.
    """
    if metadata.reference is not None and reference.reference_answers is None:
        raise CheckpointError(f"entry {REFERENCE} lacks reference_answers", path=path, hint=COPY)
    _require(_contradictions(reference, metadata), path)


def _require(problems: Iterator[str], path: str | Path | None) -> None:
    problem = next(problems, None)
    if problem is not None:
        raise CheckpointError(f"entry {REFERENCE} is damaged: {problem}", path=path, hint=COPY)


def _problems(reference: ReferenceArrays) -> Iterator[str]:
    """Yield what the arrays say that cannot be, though their types and shapes fit."""
    n_train, environments = len(reference.train_lines), reference.environments.astype(np.int64)
    if not n_train:
        yield "it has no training molecules"
    if not len(reference.domain_rows) or not _are_rows(reference.domain_rows, n_train):
        yield "domain_rows are not rows of training molecules"
    if not len(environments) or (np.diff(environments) <= 0).any():
        yield "environments are not in order"
    if np.isinf(reference.train_y).any():
        yield "train_y is not finite"
    if reference.train_scores is not None and np.isinf(reference.train_scores).any():
        yield "train_scores are not finite"
    if reference.train_relations is not None and not np.isin(reference.train_relations, (-1, 0, 1)).all():
        yield "train_relations are not -1, 0 and 1"
    answers = reference.reference_answers
    if answers is not None and (np.isinf(answers).any() or np.isnan(answers).any(axis=1).all()):
        yield "reference_answers are no answers"
    try:
        n_smiles = n_train if reference.smiles is None else len(reference.smiles)
    except UnicodeDecodeError:
        n_smiles = 0
    if n_smiles != n_train:
        yield "train_smiles are not one for each training molecule"


def _contradictions(reference: ReferenceArrays, metadata: Metadata) -> Iterator[str]:
    """Yield where the arrays do not fit the metadata."""
    if reference.train_y.shape[1] != len(metadata.targets):
        yield "train_y does not fit the targets"
    scores = reference.train_scores
    if scores is not None and scores.shape[1] != count_scores(metadata.targets):
        yield "train_scores do not fit the targets"
    for target, y in zip(metadata.targets, reference.exact_y.T, strict=False):
        known = y[~np.isnan(y)]
        if target.task == "binary" and not np.isin(known, (0, 1)).all():
            yield f"train_y has other labels of {target.name} than 0 and 1"
        elif target.has_classes and not np.isin(known, range(len(target.classes))).all():
            yield f"train_y has labels of {target.name} that are not its classes"
        elif not len(known) or (target.task != "regression" and known.min() == known.max()):
            yield f"train_y has nothing of {target.name} to learn from"
    n_bounds = 0 if reference.train_relations is None else np.count_nonzero(reference.train_relations)
    if n_bounds != (metadata.dataset.bounds or 0):
        yield "train_relations are not the bounds that were counted"
    if not _are_rows(reference.test_rows, metadata.dataset.rows):
        yield "test_rows are not rows of the table"
    shape = None if reference.reference_answers is None else reference.reference_answers.shape
    n_answers = count_answers(metadata.targets)
    if shape != (None if metadata.reference is None else (metadata.reference.molecules, n_answers)):
        yield "reference_answers are not those of the reference molecules"


def _are_rows(rows: NDArray[np.int64], n: int) -> bool:
    """Return whether these are different numbers of rows, of which there are so many."""
    return bool(np.all((rows >= 0) & (rows < n))) and len(np.unique(rows)) == len(rows)
