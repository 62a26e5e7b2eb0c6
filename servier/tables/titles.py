"""What stands before the header of a delimited text: blank lines, titles, comments, Excel's `sep=;`."""

import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from servier.chem.smiles_text import trim
from servier.errors import DataError
from servier.tables.columns import is_usual, names_smiles
from servier.tables.lines import decode
from servier.tables.quoting import Dialect, Quotes, count_record_lines, split_fields
from servier.tables.smi import is_extended

DELIMITERS = (",", "\t", ";")
BAR = "|"
BLANK = b" \t\r\n,;"

_MAX_TITLES = 50
_SEPARATOR = re.compile(rb'"?sep=([\t!-~])"?[,;\t]*+\s*+', re.IGNORECASE)


def detect_delimiter(lines: Sequence[bytes], path: str | Path = "") -> str:
    """Return the delimiter of the first record, or a comma if there is none.

    It is the one that makes a field of the usual name of a SMILES column, or else of another usual name, or
    else the most frequent one. `|`, which has a place in SMILES strings, needs such a name.
    """
    if ".tsv" in [suffix.lower() for suffix in Path(path).suffixes]:
        return "\t"

    if lines and is_extended(decode(lines[0]).strip()):
        return ","

    def rank(delimiter: str) -> tuple[bool, bool, int]:
        n_lines = count_record_lines(deque(lines), iter(()), delimiter, Quotes.QUOTED, None)
        text = decode(b"".join(lines[: max(1, n_lines)]).rstrip(b"\r\n"))
        fields = [trim(field) for field in split_fields(text, delimiter, Quotes.CLOSED)]
        unquoted = "".join(text.split('"')[::2]).count(delimiter)
        return any(map(names_smiles, fields)), any(map(is_usual, fields)), unquoted

    ranks = {delimiter: rank(delimiter) for delimiter in (*DELIMITERS, BAR)}
    if not ranks[BAR][0]:
        del ranks[BAR]
    return max(ranks, key=lambda delimiter: ranks[delimiter])


def find_first_line(
    lines: Sequence[bytes], path: str | Path, dialect: Dialect
) -> tuple[int, str | None, list[str]]:
    """Pass over blank lines and Excel's `sep=;`; return the next line, the delimiter and notices."""
    filled = [i for i, line in enumerate(lines) if line.strip(BLANK)]
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


def pass_titles(
    lines: Sequence[bytes], start: int, path: str | Path, delimiter: str | None
) -> tuple[int, list[str]]:
    """Pass over titles and comments; return the line of the header and notices.

    A header that names a SMILES column is preceded by titles only if each of these begins with `#` or has
    fewer fields that are filled in. Other headers are preceded by lines that begin with `#` only.
    """
    before: list[list[str]] = []
    found = at = start
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
    while after < len(lines) and (lines[after].startswith(b"#") or not lines[after].strip(BLANK)):
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
    return [trim(name) for name in split_fields(text, delimiter, quotes)], n_lines


def _is_title(names: Sequence[str], header: Sequence[str]) -> bool:
    return not any(names) or _is_comment(names) or sum(map(bool, names)) < sum(map(bool, header))


def _is_comment(names: Sequence[str]) -> bool:
    return bool(names) and names[0].startswith("#")
