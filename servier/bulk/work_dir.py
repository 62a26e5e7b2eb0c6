"""The folder beside a student in which molecules and the teachers' answers are until it is made."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rdkit import __version__ as rdkit_version

from servier import __version__
from servier.bulk.run import spool_path
from servier.errors import DataError, EndedError
from servier.tables import write_whole
from servier.training.teachers import Teachers

MOLECULES, ANSWERS, RUN = "molecules.csv", "answers.parquet", "run.txt"
GO_ON = "Run the same command again to continue: what the teachers answered is kept."


@dataclass(frozen=True)
class WorkDir:
    """The folder.

    Parameters
    ----------
    path
        Where it is.
    """

    path: Path

    @property
    def molecules(self) -> Path:
        """The molecules that the teachers answer for."""
        return self.path / MOLECULES

    @property
    def answers(self) -> Path:
        """What they answer."""
        return self.path / ANSWERS

    @property
    def has_answers(self) -> bool:
        """Whether a run can go on from here."""
        return self.answers.exists() or spool_path(self.answers).exists()

    def require_own(self) -> None:
        """Refuse a folder that holds files of others.

        Raises
        ------
        DataError
            There is one.
        """
        found = self.path.iterdir() if self.path.is_dir() else ()
        strange = next((path for path in found if not _is_own(path)), None)
        if strange is not None:
            hint = "the teachers' answers are kept in this folder: empty it, or give the student another name"
            raise DataError("this file is not of an earlier run", path=strange, hint=hint)

    def begin(self, run: str, *, force: bool) -> None:
        """Make the folder, if it is not there, and note whose answers it holds.

        Parameters
        ----------
        run
            What `describe_run` says.
        force
            Whether answers of another run are forgotten.

        Raises
        ------
        DataError
            An interrupted run had other inputs, or no folder can be made there.
        """
        self.require_own()
        note = self.path / RUN
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"cannot write here: {error.strerror}", path=self.path) from error
        if note.exists() and note.read_text(encoding="utf-8") != run:
            if self.has_answers and not force:
                problem = "an interrupted run with other teachers or molecules has left its answers here"
                hint = "give the same command again to go on with it, or --force to start over"
                raise DataError(problem, path=self.path, hint=hint)
            self._clear()
        with write_whole(note) as temporary:
            temporary.write_text(run, encoding="utf-8")

    def remove(self) -> None:
        """Remove what the run has made."""
        self._clear()
        with suppress(OSError):  # somebody else has put a file there meanwhile
            self.path.rmdir()

    def _clear(self) -> None:
        for path in filter(_is_own, self.path.iterdir()):
            path.unlink()


@contextmanager
def working_in(work_dir: WorkDir, run: str, *, force: bool) -> Iterator[None]:
    """Work in the folder, and remove it at the end; a run that was ended early and can go on leaves it.

    Parameters
    ----------
    work_dir, run, force
        The folder, and as for `WorkDir.begin`.

    Raises
    ------
    DataError
        As `WorkDir.begin`.
    """
    work_dir.begin(run, force=force)
    try:
        yield
    except (KeyboardInterrupt, EndedError) as end:
        if not work_dir.has_answers:
            work_dir.remove()
        elif not getattr(end, "__notes__", []):
            end.add_note(GO_ON)
        raise
    except Exception as error:
        if isinstance(error, DataError) or not work_dir.has_answers:
            work_dir.remove()
        raise
    work_dir.remove()


def describe_run(teachers: Teachers, sample: str) -> str:
    """Return what decides the answers: the versions, the teachers, and the digest of the molecules."""
    digests = [checkpoint.digest for checkpoint in teachers.checkpoints]
    return "\n".join([f"servier {__version__}, rdkit {rdkit_version}", *digests, sample, ""])


def _is_own(path: Path) -> bool:
    return path.name.lstrip(".").startswith((MOLECULES, ANSWERS, RUN))
