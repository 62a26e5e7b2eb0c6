"""distill: from checkpoints and molecules without labels to a student."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from servier.bulk.commands import report_progress
from servier.bulk.options import Options, ScoringOptions
from servier.bulk.sampling import Sample, draw_sample
from servier.bulk.scoring import predict_file
from servier.bulk.work_dir import WorkDir, describe_run, working_in
from servier.checkpoint.distillation_facts import LibraryFacts
from servier.checkpoint.file import Checkpoint, encode_checkpoint, open_checkpoint
from servier.checkpoint.target import Target
from servier.chem.molecules import InvalidMolecule, parse_all
from servier.chem.recombination import make_molecules
from servier.models.student import Recipe
from servier.scoring.prediction_fields import number_fields
from servier.tables import write_csv, write_whole
from servier.tables.files import name_beside
from servier.training.distillation import Answered, StudentOptions, distill
from servier.training.teachers import Teachers

logger = logging.getLogger(__name__)

ROWS = 30_000
MADE_OF_EACH, LEAST_MADE = 20, 2_000
DEFAULT = Recipe()


@dataclass(frozen=True)
class Lessons:
    """What a student is made from.

    Parameters
    ----------
    teachers
        The files of the checkpoints.
    library
        A table of molecules; None to make some from the training molecules.
    rows
        How many of its rows are drawn, or how many are made; None for 30,000, of which fewer are made of few
        training molecules.
    file
        How the library is gone through.
    """

    teachers: Sequence[str]
    library: str | None = None
    rows: int | None = None
    file: Options = field(default_factory=Options)


def write_student(
    lessons: Lessons, output: Path, options: StudentOptions, recipe: Recipe = DEFAULT, *, force: bool = False
) -> Checkpoint:
    """Draw or make molecules, let the teachers answer for them, train a student, and write it to a file.

    Until it is there, molecules and answers are in a folder beside it, from which an interrupted run goes on.

    Parameters
    ----------
    lessons
        Teachers and library.
    output
        The file.
    options, recipe
        As for `servier.training.distillation.distill`.
    force
        Forget an interrupted run of other teachers or molecules.

    Raises
    ------
    CheckpointError
        A teacher cannot be used, or they do not go together.
    DataError
        The library cannot be used, or an interrupted run had other inputs.
    """
    teachers = Teachers([open_checkpoint(path) for path in lessons.teachers])
    teachers.check()
    known = teachers.reference.smiles or []
    work_dir = WorkDir(name_beside(output, "", ".work"))
    work_dir.require_own()
    sample = _find_molecules(known, lessons, options.seed)
    with working_in(work_dir, describe_run(teachers, sample.digest), force=force):
        answers = _answer([*known, *sample.smiles], teachers.targets, lessons, work_dir)
        trained = Answered(known, answers[: len(known)])
        library = Answered(sample.smiles, answers[len(known) :])
        student = distill(teachers, trained, library, _describe(lessons, sample), options, recipe)
        with write_whole(output) as temporary:
            temporary.write_bytes(encode_checkpoint(student))
    return open_checkpoint(output)


def _find_molecules(known: list[str], lessons: Lessons, seed: int) -> Sample:
    """Draw molecules from the library, or make them from the training molecules."""
    if lessons.library is not None:
        n_rows = lessons.rows or ROWS
        logger.info("drawing %s rows of %s", n_rows, lessons.library)
        return draw_sample(lessons.library, n_rows, seed, lessons.file)
    n_rows = lessons.rows or min(ROWS, max(LEAST_MADE, MADE_OF_EACH * len(known)))
    logger.info("making %s molecules from %s training molecules", n_rows, len(known))
    parents = [mol for mol in parse_all(known) if not isinstance(mol, InvalidMolecule)]
    made = make_molecules(parents, n_rows, seed)
    return Sample(made, len(made))


def _answer(
    smiles: list[str], targets: list[Target], lessons: Lessons, work_dir: WorkDir
) -> NDArray[np.float64]:
    """Return the teachers' answers, which are computed as those of any file are."""
    molecules, answers = work_dir.molecules, work_dir.answers
    write_csv(molecules, ["smiles"], [[text] for text in smiles])
    logger.info("the teachers answer for %s molecules", len(smiles))
    options = ScoringOptions(
        max_atoms=lessons.file.max_atoms, timeout=lessons.file.timeout, workers=lessons.file.workers
    )
    report_progress(partial(predict_file, molecules, answers, lessons.teachers, options))
    columns = [name for target in targets for name in number_fields(target)]
    table = pq.read_table(answers, columns=columns)
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in columns])


def _describe(lessons: Lessons, sample: Sample) -> LibraryFacts:
    """Return what is known of the library before anything is learnt of it."""
    name = None if lessons.library is None else Path(lessons.library).name
    return LibraryFacts(name, sample.digest, sample.n_rows, len(sample.smiles), 0)
