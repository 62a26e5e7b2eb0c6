"""The records of an SD file: their mol blocks and their data, before any chemistry.

References
----------
CTfile Formats, BIOVIA 2020, chapter 7: SDfiles.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import IO

from servier.errors import DataError
from servier.tables.lines import MAX_LINE, decode, read_lines, too_long

END_OF_BLOCK = b"M  END"
END_OF_RECORD = b"$$$$"
MAX_RECORD_LINES = 1_000_000
MAX_FIELDS = 5_000

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_COUNTS = re.compile(rb"[ \d]{6}.* V[23]000\s*")
_COUNTS_LINE = 3
"""The place of the counts line in a mol block: a title, a program and a comment come before it."""
# Possessive, so that a line is looked at once, however it goes on.
_DATA_HEADER = re.compile(rb"\s*+>(?:[^<]*+<.*>.*|(?:DT\d++|\d++|\([^()]*+\)|\s)*+)")
_NAMED = re.compile(rb"\s*+>[^<]*+<.+>.*")
_SECOND_BLOCK = "a second mol block begins in this record: a line $$$$ is missing"


@dataclass
class SdRecord:
    """A record of an SD file.

    Parameters
    ----------
    block
        The lines of the mol block, without their ends.
    data
        The values of its data fields, by name.
    problem
        Why the record cannot be used, or None.
    """

    block: list[bytes]
    data: dict[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def title(self) -> str:
        """The first line."""
        return decode(self.block[0]) if self.block else ""


@dataclass(frozen=True)
class Survey:
    """What the header of a table needs to know of a whole SD file.

    Parameters
    ----------
    fields
        The names of all data fields, in the order in which they first appear.
    n_records
        The number of records.
    """

    fields: list[str]
    n_records: int


def survey(stream: IO[bytes], max_record: int = MAX_LINE) -> Survey:
    """Read an SD file once for the names of its data fields and the number of its records.

    Parameters
    ----------
    stream, max_record
        As for `read_records`.

    Raises
    ------
    DataError
        It is empty, no SD file, or has more than `MAX_FIELDS` fields; or as `read_records`.
    """
    fields: dict[str, None] = {}
    n_records, has_block = 0, False
    for record in read_records(stream, max_record):
        n_records += 1
        fields.update(dict.fromkeys(record.data))
        has_block = has_block or bool(record.block and record.block[-1].startswith(END_OF_BLOCK))
        if len(fields) > MAX_FIELDS:
            raise DataError(f"more than {MAX_FIELDS:,} data fields", hint="leave out those with unique names")
    if not n_records:
        raise DataError("this file is empty", hint="it needs a mol block")
    if not has_block and n_records == 1:
        raise DataError("this is not an SD file: no mol block ends with M  END", hint="check its suffix")
    return Survey(list(fields), n_records)


def read_records(stream: IO[bytes], max_record: int = MAX_LINE) -> Iterator[SdRecord]:
    """Iterate over the records of an SD file.

    A record ends with a line `$$$$`. Where that is missing, the next record begins with the mol block after
    the data.

    Parameters
    ----------
    stream
        Bytes, uncompressed.
    max_record
        The longest record, in bytes.

    Raises
    ------
    DataError
        A record is longer, or has more than `MAX_RECORD_LINES` lines, or the text is in UTF-16.
    """
    lines: list[bytes] = []
    size, start = 0, 1
    for raw in _without_mark(read_lines(stream, max_record)):
        line = raw.rstrip(b"\r\n")
        if line.startswith(END_OF_RECORD):
            yield from _split(lines)
            start += len(lines) + 1
            lines, size = [], 0
            continue
        lines.append(line)
        size += len(raw)
        if size > max_record:
            raise too_long(max_record, start, "record")
        if len(lines) > MAX_RECORD_LINES:
            problem = f"this record has more than {MAX_RECORD_LINES:,} lines"
            raise DataError(problem, row=start, hint="is a line $$$$ missing?")
    if any(line.strip() for line in lines):
        yield from _split(lines)


def _without_mark(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out a byte order mark."""
    first = next(lines, b"")
    if first.startswith(_UTF16_BOMS):
        hint = "save it as UTF-8"
        raise DataError("this is not a text in UTF-8, but perhaps in UTF-16", row=1, hint=hint)
    return chain([first.removeprefix(_BOM)] if first else [], lines)


def _split(lines: list[bytes]) -> Iterator[SdRecord]:
    """Read the one record between two lines `$$$$`, or several where lines `$$$$` are missing."""
    start = 0
    while True:
        data_start, next_start = _find_data(lines, start)
        if start == 0 and next_start is not None and not b"".join(lines[:next_start]).strip():
            start = next_start  # blank lines before a mol block are no record
            continue
        record = SdRecord(lines[start:data_start])
        if next_start is None:
            items = _DataItems(lines)
            next_start = items.read(data_start, len(lines))
            if next_start is not None:
                items = _DataItems(lines)
                items.read(data_start, next_start)
            record.data, record.problem = items.joined(), items.problem
        yield record
        if next_start is None:
            return
        start = next_start


def _find_data(lines: list[bytes], start: int) -> tuple[int, int | None]:
    """Return where the data of a record begins, and where the next record does if no data comes before."""
    counts = start + _COUNTS_LINE
    for number in range(start, len(lines)):
        line = lines[number]
        if line.startswith(END_OF_BLOCK):
            return number + 1, None
        if b"V" in line and number > counts and _COUNTS.fullmatch(line):
            return number - _COUNTS_LINE, number - _COUNTS_LINE
        if b">" in line and number >= counts and _NAMED.fullmatch(line):
            break
    headers = (number for number in range(start + 1, len(lines)) if _NAMED.fullmatch(lines[number]))
    return next(headers, len(lines)), None


class _DataItems:
    """The data items of a record: after a data header, the lines up to a blank one.

    Where text follows that blank line but no data header, the blank line belongs to the value.

    Parameters
    ----------
    lines
        The lines between two lines `$$$$`.
    """

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self._items: list[tuple[bytes, list[bytes]]] = []
        self.problem: str | None = None

    def read(self, start: int, stop: int) -> int | None:
        """Read lines; return where another record begins among them, or None."""
        header, is_open = start - 2, False
        blank: list[bytes] = []  # lines after a value
        sure: int | None = None  # of an item that goes on after a blank line, the lines before
        for number in range(start, stop):
            line = self._lines[number]
            if sure is not None and line.startswith(END_OF_BLOCK):
                self.problem = _SECOND_BLOCK
                del self._items[-1][1][sure:]
                return None
            is_blank = not line or line.isspace()
            if is_open and not (is_blank and self._ends_value(number, stop)):
                self._items[-1][1].append(line)
            elif is_blank:
                is_open = False
                blank.append(line)
            elif _DATA_HEADER.fullmatch(line):
                self._items.append((line, []))
                header, blank, is_open, sure = number, [], True, None
            elif (is_counts := _COUNTS.fullmatch(line)) and number - _COUNTS_LINE > header + 1:
                return number - _COUNTS_LINE
            elif self._items:
                value = self._items[-1][1]
                sure = None if is_counts else len(value) if sure is None else sure
                value.extend([*blank, line])
                blank, is_open = [], True
            else:
                self.problem = f"text that belongs to no data field: {decode(line)[:40]!r}"
        return None

    def _ends_value(self, number: int, stop: int) -> bool:
        """Say whether a blank line ends a value; one of white space does only before a data header."""
        following = self._lines[number + 1] if number + 1 < stop else b""
        return not self._lines[number] or _NAMED.fullmatch(following) is not None

    def joined(self) -> dict[str, str]:
        """Return the values by the names of their fields; those of equal names are joined by line breaks."""
        values: dict[str, list[bytes]] = {}
        for header, lines in self._items:
            values.setdefault(_field_name(header), []).append(b"\n".join(lines))
        return {name: decode(b"\n".join(found)) for name, found in values.items()}


def _field_name(header: bytes) -> str:
    """Return the name in a data header, or all of it where it has none: `DT12`, `25`, `>`."""
    rest = header.lstrip()[1:]
    name = rest[rest.find(b"<") + 1 : rest.rfind(b">")] if b"<" in rest else b""
    return decode(name or rest.strip() or b">")
