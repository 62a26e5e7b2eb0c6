"""How a delimited text begins: its header, and how fields are separated and quoted."""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from servier.chem.smiles_text import trim
from servier.errors import DataError
from servier.tables.columns import find_molecules, is_named, is_usual, names_smiles
from servier.tables.foreign import AS_UTF_8, UTF_16, refuse_foreign
from servier.tables.lines import decode, too_long
from servier.tables.quoting import (
    Dialect,
    Quotes,
    count_record_lines,
    has_quoted_field,
    split_fields,
)
from servier.tables.records import Header
from servier.tables.rows import N_SAMPLED, find_separator, has_row_names
from servier.tables.smi import is_extended
from servier.tables.titles import BAR, BLANK, DELIMITERS, detect_delimiter, find_first_line, pass_titles
from servier.tables.writing import encode_row

SAMPLE_LINES = 500
NEVER_CLOSES = "a quotation mark opens here and never closes"
CLOSE_IT = "close it, or double it if it belongs to the text; --quotes plain takes it as a character"
MAX_COLUMNS = 1_000_000


@dataclass(frozen=True)
class Beginning:
    """How a text begins.

    Parameters
    ----------
    header
        Its header, or the one that it would have.
    n_lines
        The number of lines before the first row.
    notices
        What was decided about it and is not plain to see.
    """

    header: Header
    n_lines: int
    notices: list[str]


def read_beginning(
    lines: Sequence[bytes], path: str | Path, dialect: Dialect, *, is_whole: bool
) -> Beginning:
    """Find the header of a text.

    Parameters
    ----------
    lines
        The first lines, with their endings; of the first one without a byte-order mark.
    path
        The name of the file, for messages.
    dialect
        What the user said.
    is_whole
        Whether these are all lines.

    Raises
    ------
    DataError
        There is no header that can be read.
    """
    refuse_foreign(lines, path)
    if lines and (b"\x00" in lines[0] or lines[0].startswith((b"\xff", b"\xfe"))):
        raise DataError(UTF_16, path=path, row=1, hint=AS_UTF_8)
    start, delimiter, notices = find_first_line(lines, path, dialect)
    start, titles = pass_titles(lines, start, path, delimiter)
    rest = lines[start:]
    delimiter = delimiter or detect_delimiter(rest, path)
    quotes, said = choose_quotes(rest, delimiter, dialect, is_whole=is_whole, first=start + 1)
    header, n_lines = cut_header(rest, delimiter, quotes)
    if not n_lines or len(header.raw) > dialect.max_line:
        raise never_closes(rest[: n_lines or None], path, start + 1, dialect.max_line)
    header, ending, found = _judge_header(lines, header, start, start + n_lines)
    if ending > start:
        _check_header(header, lines[ending:], path, start + 1, dialect)
    return Beginning(header, ending, [*notices, *titles, *said, *found])


def _judge_header(
    lines: Sequence[bytes], header: Header, start: int, ending: int
) -> tuple[Header, int, list[str]]:
    """Compare a header with the rows after it: it may lack a name, or be a row itself.

    Returns
    -------
    The header, the number of lines before the first row, and notices.
    """
    columns, delimiter = header.columns, header.delimiter
    rows = (_split_line(line.rstrip(b"\r\n"), delimiter, header.quotes) for line in lines[ending:])
    sample = list(islice(rows, N_SAMPLED))
    are_quoted = all(line.startswith(b'"') for line in lines[start:] if line.strip(BLANK))
    if has_row_names(columns, chain(sample, rows), are_quoted=are_quoted):
        notice = "the header has one field fewer than the rows: their first field has no name"
        return replace(header, columns=["", *columns], raw=delimiter.encode() + header.raw), ending, [notice]
    molecules = find_molecules(columns, sample)
    if molecules is not None:
        found = f"line {start + 1} holds the molecule {columns[molecules]!r}"
        notice = f"{found}: there is no header, and each line is a row"
        names = ["smiles" if i == molecules else f"column_{i + 1}" for i in range(len(columns))]
        return replace(header, columns=names, raw=encode_row(names, header)), start, [notice]
    if len(columns) > 1 or is_usual(columns[0]) or "smile" in columns[0].lower():
        return header, ending, []
    notice = f"line {start + 1}, {columns[0]!r}, is taken for the header of the only column"
    return header, ending, [notice]


def never_closes(lines: Iterable[bytes], path: str | Path, row: int, max_line: int) -> DataError:
    """Return what refuses a quotation mark that does not close in the lines from its own on."""
    if sum(map(len, lines)) > max_line:
        error = too_long(max_line, row, "record in quotation marks")
        error.path, error.hint = str(path), f"{CLOSE_IT}; {error.hint}"
        return error
    return DataError(NEVER_CLOSES, path=path, row=row, hint=CLOSE_IT)


def cut_header(lines: Sequence[bytes], delimiter: str, quotes: Quotes) -> tuple[Header, int]:
    """Read the header of a text.

    Parameters
    ----------
    lines
        The first lines, the header before all.
    delimiter, quotes
        How fields are separated and quoted.

    Returns
    -------
    The header and the number of its lines; 0 where a quotation mark never closes that has to.
    """
    n_lines = count_record_lines(deque(lines), iter(()), delimiter, quotes, None)
    if not n_lines and quotes is not Quotes.QUOTED:
        n_lines = 1
    raw = b"".join(lines[: max(1, n_lines)])
    newline = b"\r\n" if raw.endswith(b"\r\n") else b"\n"
    raw = raw.rstrip(b"\r\n")
    columns = [trim(name) for name in _split_line(raw, delimiter, quotes)]
    return Header(columns, raw, delimiter, newline, quotes), n_lines


def _split_line(raw: bytes, delimiter: str, quotes: Quotes) -> list[str]:
    """Return the fields of a line; of a SMILES string with an extension of CXSMILES there is one."""
    text = decode(raw)
    return [text] if is_extended(text) else split_fields(text, delimiter, quotes)


def choose_quotes(
    lines: Sequence[bytes], delimiter: str, dialect: Dialect, *, is_whole: bool, first: int = 1
) -> tuple[Quotes, list[str]]:
    """Decide what quotation marks mean, and say why.

    In text separated by tabs they are characters if a field of the first lines begins with one and is not a
    field in quotes from there to its end, or if a line has one field for each column only without quotes.
    Otherwise they quote the fields that they enclose.

    Parameters
    ----------
    lines
        The first lines, from the header on.
    delimiter
        The separator of fields.
    dialect
        What the user said.
    is_whole
        Whether these are all lines.
    first
        The number of the first line.
    """
    if dialect.quotes is not None or delimiter != "\t":
        return dialect.quotes or Quotes.QUOTED, []
    ahead, line, width = deque(lines), first, None
    enclosed = None
    while ahead:
        n_lines = count_record_lines(ahead, iter(()), delimiter, Quotes.CLOSED, width)
        if not n_lines and not is_whole and not any(b"\t" in other for other in list(ahead)[1:]):
            break  # it may close after the lines that are known
        text = decode(b"".join(ahead[i] for i in range(max(1, n_lines))).rstrip(b"\r\n"))
        if has_quoted_field(text, delimiter):
            if not n_lines or split_fields(text, delimiter, Quotes.CLOSED, width) == text.split(delimiter):
                notice = (
                    f"quotation marks are taken as characters: in line {line} one opens and closes no field"
                )
                return Quotes.PLAIN, [f"{notice}; --quotes quoted takes them as quoting"]
            enclosed = enclosed or line
        width = width or len(split_fields(text, delimiter, Quotes.CLOSED))
        for _ in range(max(1, n_lines)):
            ahead.popleft()
            line += 1
    if enclosed is None:
        return Quotes.CLOSED, []
    notice = f"quotation marks are taken as quoting, as in line {enclosed}"
    return Quotes.CLOSED, [f"{notice}; --quotes plain takes them as characters"]


def _check_header(
    header: Header, rows: Sequence[bytes], path: str | Path, line: int, dialect: Dialect
) -> None:
    """Refuse a header that cannot be that of the rows after it, or that names a column twice."""
    columns, delimiter = header.columns, header.delimiter
    if len(columns) > MAX_COLUMNS:
        raise DataError(f"more than {MAX_COLUMNS:,} columns", path=path, row=line, hint="is it a table?")
    text = decode(header.raw)
    if "\x00" in text:
        raise DataError("this is not a text", path=path, row=line)
    if delimiter not in text and any(other in text for other in (*DELIMITERS, BAR)):
        hint = "leave --delimiter out" if dialect.delimiter else "say which one with --delimiter"
        raise DataError(f"no {delimiter!r} in the header line", path=path, row=line, hint=hint)
    named = [name for name in columns if is_named(name)]
    counts = Counter(named)
    if twice := next((name for name in named if counts[name] > 1), None):
        raise DataError(f"two columns are called {twice!r}", path=path, row=line, hint="rename one")
    filled = [decode(row).strip() for row in rows[:N_SAMPLED] if row.strip(BLANK)]
    if len(columns) > 1 or not filled or any("|" in row for row in filled):
        return
    if separator := find_separator(text, filled):
        hint = "separate the fields by commas, tabs or semicolons"
        if separator == " ":
            hint = (
                "end the name of a list of SMILES strings and names in .smi, or separate the fields by tabs"
            )
        by = "blanks" if separator == " " else repr(separator)
        raise DataError(f"its fields seem to be separated by {by}", path=path, row=line, hint=hint)
    if len(filled) < 2:
        return
    if not names_smiles(columns[0]) and all(
        any(d in row.strip(BLANK.decode()) for d in DELIMITERS) for row in filled
    ):
        problem = (
            f"this line is one field, {columns[0]!r}, and the lines after it have several: is it a title?"
        )
        raise DataError(problem, path=path, row=line, hint="remove what stands before the header")
