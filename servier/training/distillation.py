"""From the answers of teachers for many molecules to a student, which scores at the rate of its features.

References
----------
Hinton et al., Distilling the knowledge in a neural network, arXiv:1503.02531.
"""

import logging
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.distillation_facts import DistillationFacts, LibraryFacts
from servier.checkpoint.file import Checkpoint, graph_name, make_checkpoint
from servier.checkpoint.metadata import Metadata, Metrics
from servier.checkpoint.reference import REFERENCE, encode_reference
from servier.checkpoint.target import Target
from servier.checkpoint.target_columns import score_places
from servier.checkpoint.versions import installed_versions
from servier.chem.identity import scaffold_smiles
from servier.chem.molecules import parse_all
from servier.data.folds import group_numbers
from servier.errors import DataError
from servier.features.computing import compute_features
from servier.features.feature_set import Features
from servier.features.registry import choose_features
from servier.models.fitted_model import FittedModel
from servier.models.student import Lesson, Recipe
from servier.scoring.applicability_domain import Domain, find_environments
from servier.scoring.engines import FeatureEngine
from servier.scoring.inputs import write_input
from servier.scoring.sentinels import make_sentinels
from servier.training.fidelity import measure_fidelity
from servier.training.reference import ReferenceMolecules, read_reference
from servier.training.targets import make_target, measure_held_out
from servier.training.teachers import Teachers

logger = logging.getLogger(__name__)

PACKAGES = ("rdkit", "numpy", "onnxruntime", "onnx", "lightgbm")
MOST_KEPT_BACK = 3000
FEWEST_MOLECULES = 200
NEAR = 25
"""So many molecules on either side are near in score to one."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StudentOptions:
    """How a student is made, apart from the recipe.

    Parameters
    ----------
    reference
        A table of molecules, such as approved drugs, among which answers get a percentile.
    seed, workers
        The seed, and the number of processes, on which the student does not depend.
    """

    reference: str | None = None
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class Answered:
    """Molecules with the answers of the teachers.

    Parameters
    ----------
    smiles
        SMILES strings.
    answers
        float64, shape (n_mols, n_answers); NaN where there is none.
    """

    smiles: list[str]
    answers: Array


@dataclass(frozen=True)
class _Examples:
    """Molecules that have features, with the teachers' scores in units of the graph."""

    smiles: list[str]
    answers: Array
    scores: Array
    X: NDArray[np.float32]

    def select(self, rows: NDArray[np.int64]) -> "_Examples":
        smiles = [self.smiles[row] for row in rows]
        return _Examples(smiles, self.answers[rows], self.scores[rows], self.X[rows])


def distill(
    teachers: Teachers,
    trained: Answered,
    library: Answered,
    facts: LibraryFacts,
    options: StudentOptions,
    recipe: Recipe,
) -> Checkpoint:
    """Train a student.

    A tenth of the library is kept back. How far the student is from the teachers there is its fidelity, and
    is added to their out-of-fold scores of the training molecules, to which calibration, threshold and
    conformal limits are fitted.

    Parameters
    ----------
    teachers
        The checkpoints.
    trained, library
        The molecules that they were trained on, and those without labels.
    facts
        Where the library is from; what was learnt of it is filled in.
    options, recipe
        How the student is made.

    Raises
    ------
    DataError
        The library has too few molecules that can be used, or a molecule of --reference cannot.
    """
    reference = read_reference(options.reference, teachers.level) if options.reference else None
    known = _find_features(teachers, trained, options, recipe)
    unknown = _find_features(teachers, library, options, recipe)
    if len(unknown.smiles) < FEWEST_MOLECULES:
        problem = f"only {len(unknown.smiles)} molecules have answers of the teachers"
        hint = f"give a library with {FEWEST_MOLECULES} at least"
        raise DataError(problem, path=facts.file, hint=hint)
    kept, learnt = _keep_back(unknown, options.seed)
    model = _fit(known, learnt, options, recipe)
    engine = FeatureEngine(choose_features(recipe.preset), model.graphs)
    student = engine.score(Features(kept.X, [None] * len(kept.X))).values
    facts = replace(facts, learnt=len(learnt.smiles))
    found = DistillationFacts(teachers.describe(), facts, _measure(teachers, kept, student))
    scores = zip(teachers.held_out.T, kept.scores.T, student.T, strict=True)
    raw = np.stack([add_error(*columns, options.seed) for columns in scores], axis=1)
    return _make_checkpoint(teachers, model, engine, raw, found, reference, options)


def _keep_back(examples: _Examples, seed: int) -> tuple[_Examples, _Examples]:
    """Return a tenth of the molecules, drawn at random, and the others."""
    shuffled = np.random.default_rng(seed).permutation(len(examples.smiles))
    n_kept = min(MOST_KEPT_BACK, len(shuffled) // 10)
    return examples.select(np.sort(shuffled[:n_kept])), examples.select(np.sort(shuffled[n_kept:]))


def _find_features(
    teachers: Teachers, answered: Answered, options: StudentOptions, recipe: Recipe
) -> _Examples:
    """Compute the features of those molecules that have answers; what has none is left out."""
    rows = np.flatnonzero(~np.isnan(answered.answers).any(axis=1))
    smiles, answers = [answered.smiles[row] for row in rows], answered.answers[rows]
    features = compute_features(smiles, choose_features(recipe.preset), options.workers, teachers.level)
    usable = np.flatnonzero([problem is None for problem in features.problems])
    return _Examples(smiles, answers, teachers.to_scores(answers), features.X).select(usable)


def _fit(known: _Examples, learnt: _Examples, options: StudentOptions, recipe: Recipe) -> FittedModel:
    from servier.models import student_trees

    lesson = Lesson(
        X=np.concatenate([known.X, learnt.X]),
        y=np.concatenate([known.scores, learnt.scores]),
        weights=np.repeat([recipe.training_weight, 1.0], [len(known.smiles), len(learnt.smiles)]),
    )
    logger.info(
        "the student learns the teachers' answers for %s molecules, of which they were trained on %s",
        len(lesson.X), len(known.smiles),
    )  # fmt: skip
    return student_trees.fit(lesson, recipe, options.seed, options.workers, logger.info)


def add_error(held_out: Array, teacher: Array, student: Array, seed: int) -> Array:
    """Return what a student would have said out of fold: what its teachers said, with an error of its own.

    The error is that for a molecule drawn among those to which the teachers gave nearly the same score.

    Parameters
    ----------
    held_out
        Out-of-fold scores of the teachers, shape (n_train,); NaN where there is none.
    teacher, student
        Scores of molecules that the student did not learn from, shape (n_mols,).
    seed
        Of the drawing.
    """
    order = np.argsort(teacher, kind="stable")
    places = np.searchsorted(teacher[order], np.nan_to_num(held_out))
    steps = np.random.default_rng(seed).integers(-NEAR, NEAR, len(held_out), endpoint=True)
    chosen = order[np.clip(places + steps, 0, len(order) - 1)]
    return np.asarray(held_out + student[chosen] - teacher[chosen])


def _measure(teachers: Teachers, kept: _Examples, student: Array) -> dict[str, dict[str, dict[str, float]]]:
    """Measure the fidelity of each target."""
    arrays, limits = teachers.reference, teachers.first.metadata.domain
    domain = Domain(arrays.train_fingerprints[arrays.domain_rows], arrays.environments, limits)
    mols = parse_all(kept.smiles, level=teachers.level)
    is_inside = domain(find_environments(mols)).is_inside == 1
    first, second = teachers.in_units(kept.scores), teachers.in_units(student)
    n_mols = len(mols)
    return {
        target.name: measure_fidelity(
            first[:, place].reshape(n_mols, -1),
            second[:, place].reshape(n_mols, -1),
            target.rank(kept.answers[:, answers]),
            is_inside,
        )
        for target, place, answers in teachers.places()
    }


def _make_checkpoint(
    teachers: Teachers,
    model: FittedModel,
    engine: FeatureEngine,
    raw: Array,
    found: DistillationFacts,
    reference: ReferenceMolecules | None,
    options: StudentOptions,
) -> Checkpoint:
    smiles = teachers.reference.smiles or []
    groups = group_numbers([scaffold_smiles(mol) for mol in parse_all(smiles, level=teachers.level)])
    targets: list[Target] = []
    held_out = {}
    for i, place in enumerate(score_places(teachers.targets)):
        labels, transform = teachers.labels_of(i, groups), teachers.transforms[i]
        targets.append(replace(make_target(labels, transform, raw[:, place]), unit=teachers.targets[i].unit))
        held_out[labels.name] = measure_held_out(labels, transform, raw[:, place], options.seed)
    old = teachers.first.metadata
    metadata = Metadata(
        model_name="1",
        preset=None,
        input=write_input(engine.input),
        standardization=old.standardization,
        dataset=old.dataset,
        split=old.split,
        duplicates=old.duplicates,
        seed=options.seed,
        training=model.notes,
        metrics=Metrics(
            held_out={name: measured.metrics for name, measured in held_out.items()},
            coverage={name: measured.coverage for name, measured in held_out.items()},
            test={},
        ),
        domain=old.domain,
        sentinels=make_sentinels(engine, teachers.level),
        versions=installed_versions(*PACKAGES),
        reference=None if reference is None else reference.describe(),
        distillation=found,
        targets=targets,
    )
    arrays = replace(
        teachers.reference,
        train_scores=raw.astype(np.float32),
        reference_answers=None if reference is None else reference.answer(engine, targets),
    )
    graphs = {graph_name(i): graph for i, graph in enumerate(model.graphs)}
    return make_checkpoint(metadata, {**graphs, REFERENCE: encode_reference(arrays), **model.native})
