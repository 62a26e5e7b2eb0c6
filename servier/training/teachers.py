"""Checkpoints that answer together, as the teachers of a student."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.distillation_facts import TeacherFacts
from servier.checkpoint.file import Checkpoint
from servier.checkpoint.reference import ReferenceArrays
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import Place, answer_places, score_places
from servier.chem.levels import Level
from servier.errors import CheckpointError
from servier.scoring.consensus import average_answers, join_levels, join_targets
from servier.training.learnt_labels import LearntLabels
from servier.training.target_transform import TargetTransform

TRAIN_AGAIN = "train it again with this version"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Teachers:
    """One or more checkpoints that were trained on the same molecules.

    Parameters
    ----------
    checkpoints
        With the same targets.
    """

    checkpoints: Sequence[Checkpoint]

    def check(self) -> None:
        """Refuse checkpoints that no student can be made of.

        Raises
        ------
        CheckpointError
            They do not go together, were trained on different labels, or lack what older ones do not have.
        """
        _ = self.targets, self.level
        for checkpoint in self.checkpoints:
            own, first = checkpoint.reference, self.reference
            if own.train_scores is None or own.smiles is None:
                problem = "it lacks what it answered for its training molecules in cross-validation"
                raise CheckpointError(problem, path=checkpoint.path, hint=TRAIN_AGAIN)
            if not np.array_equal(own.train_identities, first.train_identities) or not np.array_equal(
                own.train_y, first.train_y, equal_nan=True
            ):
                problem = "it was trained on other molecules or labels than the first teacher"
                hint = "train all teachers on the same rows, with the same --split and --seed"
                raise CheckpointError(problem, path=checkpoint.path, hint=hint)

    @property
    def first(self) -> Checkpoint:
        """The first of them, whose training molecules and target transforms the student takes over."""
        return self.checkpoints[0]

    @property
    def reference(self) -> ReferenceArrays:
        """The training molecules."""
        return self.first.reference

    @cached_property
    def level(self) -> Level:
        """How far they standardize molecules."""
        return join_levels(self.checkpoints)

    @cached_property
    def targets(self) -> list[Target]:
        """The targets for their mean answers."""
        return join_targets(self.checkpoints)

    @cached_property
    def transforms(self) -> list[TargetTransform]:
        """The transform of the labels of each target that the student learns in."""
        return [
            _fit_transform(target, self.reference.train_y[:, i].astype(np.float64))
            for i, target in enumerate(self.first.targets)
        ]

    @cached_property
    def held_out(self) -> Array:
        """Out-of-fold scores of the training molecules, shape (n_train, n_scores); NaN where none."""
        raw = [np.asarray(own.reference.train_scores, np.float64) for own in self.checkpoints]
        return self.to_scores(average_answers(self.checkpoints, self.targets, raw))

    def to_scores(self, answers: Array) -> Array:
        """Return the scores that a student should give for mean answers, shape (n_rows, n_scores)."""
        return np.column_stack(
            [
                (target.from_answer(answers[:, place]) - transform.mean) / transform.width
                for target, place, transform in zip(
                    self.first.targets, answer_places(self.targets), self.transforms, strict=True
                )
            ]
        )

    def in_units(self, scores: Array) -> Array:
        """Return such scores as log-odds, or as values on the scale of the target transform."""
        found = scores.copy()
        for place, transform in zip(score_places(self.targets), self.transforms, strict=True):
            found[:, place] = found[:, place] * transform.width + transform.mean
        return found

    def places(self) -> Iterator[tuple[Target, Place, Place]]:
        """Yield each target with the places of its scores and of its answer."""
        yield from zip(self.targets, score_places(self.targets), answer_places(self.targets), strict=True)

    def labels_of(self, i: int, groups: NDArray[np.int64]) -> LearntLabels:
        """Return the labels of one target; molecules in equal groups stay together in a split."""
        target, relations = self.targets[i], self.reference.train_relations
        own = None if relations is None or not relations[:, i].any() else relations[:, i]
        return LearntLabels(
            name=target.name,
            task=target.task,
            y=self.reference.train_y[:, i].astype(np.float64),
            groups=groups,
            relations=own,
            limits=(target.lowest, target.highest),
            words=target.words,
        )

    def describe(self) -> list[TeacherFacts]:
        """Return the facts that the metadata of the student records."""
        return [
            TeacherFacts(Path(own.path or own.model_name).name, own.model_name, own.digest)
            for own in self.checkpoints
        ]


def _fit_transform(target: Target, y: Array) -> TargetTransform:
    """Return the transform of a target with the mean and the width of its labels."""
    if target.task != "regression":
        return TargetTransform()
    plain = TargetTransform(transform=target.transform, bound=target.bound)
    labels = plain.apply(y[~np.isnan(y)])
    return TargetTransform(float(labels.mean()), float(labels.std()) or 1.0, plain.transform, plain.bound)
