"""distill: from checkpoints and molecules without labels to a student."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from servier.bulk.options import Options, ScoringOptions
from servier.bulk.sampling import Sample, draw_sample
from servier.bulk.scoring import predict_file
from servier.checkpoint.distillation_facts import LibraryFacts
from servier.checkpoint.file import Checkpoint, encode_checkpoint, open_checkpoint
from servier.checkpoint.target import Target
from servier.chem.molecules import InvalidMolecule, parse_all
from servier.chem.recombination import make_molecules
from servier.errors import DataError
from servier.models.student import Recipe
from servier.progress import ProgressReport
from servier.scoring.prediction_fields import number_fields
from servier.tables import write_csv, write_whole
from servier.tables.files import name_beside
from servier.training.distillation import Answered, StudentOptions, distill
from servier.training.teachers import Teachers

logger = logging.getLogger(__name__)

ROWS = 30_000
MADE_OF_EACH, LEAST_MADE = 20, 2_000
DEFAULT = Recipe()
MOLECULES, ANSWERS = "molecules.csv", "answers.parquet"


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
    lessons: Lessons, output: Path, options: StudentOptions, recipe: Recipe = DEFAULT
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

    Raises
    ------
    CheckpointError
        A teacher cannot be used, or they do not go together.
    DataError
        The library cannot be used.
    """
    teachers = Teachers([open_checkpoint(path) for path in lessons.teachers])
    teachers.check()
    known = teachers.reference.smiles or []
    sample = _find_molecules(known, lessons, options.seed)
    work_dir = name_beside(output, "", ".work")
    answers = _answer([*known, *sample.smiles], teachers.targets, lessons, work_dir)
    trained = Answered(known, answers[: len(known)])
    library = Answered(sample.smiles, answers[len(known) :])
    student = distill(teachers, trained, library, _describe(lessons, sample), options, recipe)
    with write_whole(output) as temporary:
        temporary.write_bytes(encode_checkpoint(student))
    for path in _own_files(work_dir):
        path.unlink()
    work_dir.rmdir()
    return open_checkpoint(output)


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
    name = None if lessons.library is None else Path(lessons.library).name
    return LibraryFacts(name, sample.digest, sample.n_rows, len(sample.smiles), 0)
