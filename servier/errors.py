"""Errors in the input of the user, with the place where they are."""

from pathlib import Path

MAX_MESSAGE = 10_000


class ServierError(Exception):
    """A problem that the user can solve, shown as one line.

    Parameters
    ----------
    problem
        What is wrong, without the place.
    path
        The file that is meant.
    row
        Line number in that file, counted from 1 (a header is line 1).
    column
        Name of the column.
    hint
        What the user can do about it.
    """

    def __init__(
        self,
        problem: str,
        *,
        path: str | Path | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = None if path is None else str(path)
        self.row = row
        self.column = column
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.problem, self.path, self.row, self.column, self.hint)

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.path,
                None if self.row is None else f"line {self.row}",
                None if self.column is None else f"column {self.column}",
            )
            if part
        )
        text = f"{place}: {self.problem}" if place else self.problem
        return _in_one_line(f"{text}; {self.hint}" if self.hint else text)


class DataError(ServierError):
    """A table cannot be used as it is."""


class InputChangedError(DataError):
    """A file changed while it was read, so that what was read is neither what it was nor what it is."""


class CheckpointError(ServierError):
    """A checkpoint is missing, damaged, or not the one that is needed."""


class RecipeError(ServierError):
    """A training recipe asks for something that does not exist."""


class EndedError(BaseException):
    """The process is to end because of a signal; like `KeyboardInterrupt` this is no fault of anybody.

    Parameters
    ----------
    signal
        The number of the signal.
    """

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


def _in_one_line(text: str) -> str:
    """Return a text that any terminal prints as one line: names may hold line breaks and any bytes.

    Of a very long one, such as a whole file that was taken for a name, the middle is left out.
    """
    if len(text) > MAX_MESSAGE:
        text = f"{text[: MAX_MESSAGE // 2]} ... {text[-MAX_MESSAGE // 2 :]}"
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    return text.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="backslashreplace")


def _rebuild(
    kind: type[ServierError],
    problem: str,
    path: str | None,
    row: int | None,
    column: str | None,
    hint: str | None,
) -> ServierError:
    return kind(problem, path=path, row=row, column=column, hint=hint)
