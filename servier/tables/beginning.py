"""How a delimited text begins: what stands before its header, the header, and how fields are written."""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from servier.errors import DataError
from servier.tables.columns import find_molecules, is_named, names_smiles
from servier.tables.lines import decode
from servier.tables.quoting import (
    Dialect,
    Quotes,
    count_record_lines,
    has_quoted_field,
    is_well_quoted,
    split_fields,
)
from servier.tables.records import Header
from servier.tables.writing import encode_row

SAMPLE_LINES = 500
DELIMITERS = (",", "\t", ";")
NEVER_CLOSES = "a quotation mark opens here and never closes"
CLOSE_IT = "close it, or double it if it belongs to the text; --quotes plain takes it as a character"

_MAX_TITLES = 50
_SAMPLE_ROWS = 10
_SEPARATOR = re.compile(rb'"?sep=([\t!-~])"?[,;\t]*\s*', re.IGNORECASE)
_BLANK = b" \t\r\n,;"


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
    if lines and (b"\x00" in lines[0] or lines[0].startswith((b"\xff", b"\xfe"))):
        problem = "this is not a text in UTF-8, but perhaps in UTF-16"
        raise DataError(problem, path=path, row=1, hint="save it as UTF-8")
    start, delimiter, notices = _find_first_line(lines, path, dialect)
    start, titles = _pass_titles(lines, start, path, delimiter)
    rest = lines[start:]
    delimiter = delimiter or detect_delimiter(rest, path)
    quotes, said = choose_quotes(rest, delimiter, dialect, is_whole=is_whole, first=start + 1)
    header, n_lines = cut_header(rest, delimiter, quotes)
    if not n_lines:
        raise DataError(NEVER_CLOSES, path=path, row=start + 1, hint=CLOSE_IT)
    columns, ending = header.columns, start + n_lines
    rows = [
        split_fields(decode(line.rstrip(b"\r\n")), delimiter, quotes)
        for line in lines[ending : ending + _SAMPLE_ROWS]
    ]
    notices += titles + said
    molecules = find_molecules(columns, rows)
    if molecules is not None:
        notices.append(
            f"line {start + 1} holds the molecule {columns[molecules]!r}: "
            "there is no header, and each line is a row"
        )
        names = ["smiles" if i == molecules else f"column_{i + 1}" for i in range(len(columns))]
        return Beginning(replace(header, columns=names, raw=encode_row(names, header)), start, notices)
    _check_header(header, lines[ending:], path, start + 1, dialect)
    return Beginning(header, ending, notices)


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
    columns = [name.strip() for name in split_fields(decode(raw), delimiter, quotes)]
    return Header(columns, raw, delimiter, newline, quotes), n_lines


def detect_delimiter(lines: Sequence[bytes], path: str | Path = "") -> str:
    """Return the most frequent delimiter of the first record, or a comma if there is none."""
    if ".tsv" in [suffix.lower() for suffix in Path(path).suffixes]:
        return "\t"

    def count(delimiter: str) -> int:
        n_lines = count_record_lines(deque(lines), iter(()), delimiter, Quotes.QUOTED, None)
        text = decode(b"".join(lines[: max(1, n_lines)]))
        return "".join(text.split('"')[::2]).count(delimiter)

    return max(DELIMITERS, key=count)


def choose_quotes(
    lines: Sequence[bytes], delimiter: str, dialect: Dialect, *, is_whole: bool, first: int = 1
) -> tuple[Quotes, list[str]]:
    """Decide what quotation marks mean, and say why.

    In text separated by tabs they are characters if a field of the first lines begins with one and is not a
    field in quotes from there to its end. Otherwise they quote the fields that they enclose.

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
            if not n_lines or not is_well_quoted(text, delimiter):
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


def _find_first_line(
    lines: Sequence[bytes], path: str | Path, dialect: Dialect
) -> tuple[int, str | None, list[str]]:
    """Pass over blank lines and Excel's `sep=;`; return the next line, the delimiter and notices."""
    filled = [i for i, line in enumerate(lines) if line.strip(_BLANK)]
    if filled and (separator := _SEPARATOR.fullmatch(lines[filled[0]])):
        delimiter = separator[1].decode()
        filled.pop(0)
        if filled:
            notice = f"line {filled[0]} says that {delimiter!r} separates fields"
            return filled[0], dialect.delimiter or delimiter, [notice]
    if not filled:
        raise DataError("this file is empty", path=path, hint="it needs a header line and rows")
    notices = ["blank lines before the header are left out"] if filled[0] else []
    return filled[0], dialect.delimiter, notices


def _pass_titles(
    lines: Sequence[bytes], start: int, path: str | Path, delimiter: str | None
) -> tuple[int, list[str]]:
    """Pass over titles and comments; return the line of the header and notices.

    A header that names a SMILES column is preceded by titles only if each of these begins with `#` or has
    fewer fields that are filled in. Other headers are preceded by lines that begin with `#` only.
    """
    found, before, at = start, [], start
    while at < len(lines) and len(before) < _MAX_TITLES:
        names, n_lines = _read_names(lines[at:], path, delimiter)
        if any(names_smiles(name) for name in names):
            if all(_is_title(title, names) for title in before):
                found = at
            break
        before.append(names)
        at += n_lines
    if found == start and before and _is_comment(before[0]):
        found = _pass_comments(lines, start, path, delimiter)
    what = f"line {start + 1}" if found == start + 1 else f"lines {start + 1} to {found}"
    return found, [f"{what} before the header are no rows: left out"] if found > start else []


def _pass_comments(lines: Sequence[bytes], start: int, path: str | Path, delimiter: str | None) -> int:
    """Return the first line that is no comment, or the last comment where that looks like its header."""
    after = start
    while after < len(lines) and (lines[after].startswith(b"#") or not lines[after].strip(_BLANK)):
        after += 1
    if after == len(lines):
        return start
    last, _ = _read_names(lines[after - 1 :], path, delimiter)
    names, _ = _read_names(lines[after:], path, delimiter)
    return after - 1 if _is_comment(last) and len(last) == len(names) > 1 else after


def _read_names(lines: Sequence[bytes], path: str | Path, delimiter: str | None) -> tuple[list[str], int]:
    """Read a line as if it were a header; return its names, and of how many lines it consists."""
    delimiter = delimiter or detect_delimiter(lines, path)
    quotes = Quotes.CLOSED if delimiter == "\t" else Quotes.QUOTED
    n_lines = max(1, count_record_lines(deque(lines), iter(()), delimiter, quotes, None))
    text = decode(b"".join(lines[:n_lines]).rstrip(b"\r\n"))
    return [name.strip() for name in split_fields(text, delimiter, quotes)], n_lines


def _is_title(names: Sequence[str], header: Sequence[str]) -> bool:
    return not any(names) or _is_comment(names) or sum(map(bool, names)) < sum(map(bool, header))


def _is_comment(names: Sequence[str]) -> bool:
    return bool(names) and names[0].startswith("#")


def _check_header(
    header: Header, rows: Sequence[bytes], path: str | Path, line: int, dialect: Dialect
) -> None:
    """Refuse a header that cannot be that of the rows after it, or that names a column twice."""
    columns, delimiter = header.columns, header.delimiter
    text = decode(header.raw)
    if "\x00" in text:
        raise DataError("this is not a text", path=path, row=line)
    if delimiter not in text and any(other in text for other in DELIMITERS):
        hint = "leave --delimiter out" if dialect.delimiter else "say which one with --delimiter"
        raise DataError(f"no {delimiter!r} in the header line", path=path, row=line, hint=hint)
    named = [name for name in columns if is_named(name)]
    if twice := next((name for name in named if named.count(name) > 1), None):
        raise DataError(f"two columns are called {twice!r}", path=path, row=line, hint="rename one")
    filled = [decode(row).strip() for row in rows[:_SAMPLE_ROWS] if row.strip(_BLANK)]
    if len(columns) > 1 or len(filled) < 2 or any("|" in row for row in filled):
        return
    if len(text.split()) > 1 and all(len(row.split()) > 1 and delimiter not in row for row in filled):
        hint = "end the name of a list of SMILES strings and names in .smi, or separate the fields by tabs"
        if (
            names_smiles(text.split()[0])
            or find_molecules(text.split()[:1], [row.split() for row in filled]) is not None
        ):
            raise DataError("its fields seem to be separated by blanks", path=path, row=line, hint=hint)
    if not names_smiles(columns[0]) and all(
        any(d in row.strip(_BLANK.decode()) for d in DELIMITERS) for row in filled
    ):
        problem = (
            f"this line is one field, {columns[0]!r}, and the lines after it have several: is it a title?"
        )
        raise DataError(problem, path=path, row=line, hint="remove what stands before the header")
