"""distill: from checkpoints and a library without labels to a student."""

import logging
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from servier.bulk.options import Options, ScoringOptions
from servier.bulk.sampling import Sample, draw_sample
from servier.bulk.scoring import predict_file
from servier.checkpoint.distillation_facts import LibraryFacts
from servier.checkpoint.file import Checkpoint, open_checkpoint
from servier.checkpoint.target import Target
from servier.errors import DataError
from servier.models.student import Recipe
from servier.progress import ProgressReport
from servier.scoring.prediction_fields import number_fields
from servier.tables import write_csv
from servier.training.distillation import Answered, distill
from servier.training.distillation import Options as StudentOptions
from servier.training.teachers import Teachers

logger = logging.getLogger(__name__)

ROWS = 30_000
MOLECULES, ANSWERS = "molecules.csv", "answers.parquet"


@dataclass(frozen=True)
class Lessons:
    """What a student is made from.

    Parameters
    ----------
    teachers
        The files of the checkpoints.
    library
        A table of molecules.
    rows
        How many of its rows are drawn.
    file
        How the library is gone through.
    """

    teachers: list[str]
    library: str
    rows: int = ROWS
    file: Options = field(default_factory=Options)


def distill_file(lessons: Lessons, work_dir: Path, options: StudentOptions, recipe: Recipe) -> Checkpoint:
    """Draw molecules from a library, let the teachers answer for them, and train a student.

    Parameters
    ----------
    lessons
        Teachers and library.
    work_dir
        Where the molecules and the teachers' answers are kept until the student is made: what was interrupted
        goes on from there.
    options, recipe
        As for `servier.training.distillation.distill`.

    Raises
    ------
    CheckpointError
        A teacher cannot be used, or they do not go together.
    DataError
        The library cannot be used.
    """
    teachers = Teachers([open_checkpoint(path) for path in lessons.teachers])
    teachers.check()
    logger.info("drawing %s rows of %s", lessons.rows, lessons.library)
    sample = draw_sample(lessons.library, lessons.rows, options.seed, lessons.file)
    known = teachers.reference.smiles or []
    answers = _answer([*known, *sample.smiles], teachers.targets, lessons, work_dir)
    trained = Answered(known, answers[: len(known)])
    library = Answered(sample.smiles, answers[len(known) :])
    student = distill(teachers, trained, library, _describe(lessons, sample), options, recipe)
    for path in _own_files(work_dir):
        path.unlink()
    work_dir.rmdir()
    return student


def _own_files(work_dir: Path) -> list[Path]:
    """Return the files of an earlier or this run.

    Raises
    ------
    DataError
        There is another one, or no folder can be made there.
    """
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        found = list(work_dir.iterdir())
    except OSError as error:
        raise DataError(f"cannot write here: {error.strerror}", path=work_dir) from error
    for path in found:
        if not path.name.lstrip(".").startswith((MOLECULES, ANSWERS)):
            hint = "the teachers' answers are kept in this folder: empty it, or give the student another name"
            raise DataError("this file is not of an earlier run", path=path, hint=hint)
    return found


def _answer(
    smiles: list[str], targets: list[Target], lessons: Lessons, work_dir: Path
) -> NDArray[np.float64]:
    """Return the teachers' answers, which are computed as those of any file are."""
    _own_files(work_dir)
    molecules, answers = work_dir / MOLECULES, work_dir / ANSWERS
    write_csv(molecules, ["smiles"], [[text] for text in smiles])
    logger.info("the teachers answer for %s molecules", len(smiles))
    options = ScoringOptions(
        max_atoms=lessons.file.max_atoms, timeout=lessons.file.timeout, workers=lessons.file.workers
    )
    report = ProgressReport()
    try:
        predict_file(molecules, answers, lessons.teachers, options, report=report)
    finally:
        report.close()
    columns = [name for target in targets for name in number_fields(target)]
    table = pq.read_table(answers, columns=columns)
    return np.column_stack([table[name].to_numpy().astype(np.float64) for name in columns])


def _describe(lessons: Lessons, sample: Sample) -> LibraryFacts:
    """Return what is known of the library before anything is learnt of it."""
    name = Path(lessons.library).name
    return LibraryFacts(name, sample.digest, sample.n_rows, len(sample.smiles), 0)
