"""How much memory the pages of a Parquet file need, from their headers, before any page is read.

References
----------
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift, PageHeader
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import os
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from servier.errors import DataError
from servier.tables.arrow_batches import BATCH_ROWS, is_text

BATCH_BYTES = 1 << 25
"""What the values of a batch may need; fewer rows make a batch where these could need more."""
STREAM_BYTES = 1 << 16
"""How much of each column's bytes is read from the file at a time."""
MAX_PAGE = 1 << 28
"""What a page may need."""
MAX_PAGES = 1 << 31
"""What a page of each column may need together, for they are read side by side."""

_PEEK = 512
_MAX_HEADER = 1 << 24
_BYTES_OF_AN_ITEM = 8
_DELTA_BYTE_ARRAY = 7
DICTIONARY = 2  # among the types of pages
_TYPES_OF_TEXT = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


class Page(NamedTuple):
    """What the header of a page says."""

    size: int
    packed: int
    kind: int
    values: int
    encoding: int


class _Chunk(NamedTuple):
    """The pages of a column in a row group.

    Parameters
    ----------
    path
        The column.
    ends, sizes
        Where the rows of each end, and what each needs.
    repeating
        How large a value may be that is written once for many rows.
    in_dictionary
        Whether all such values are in a dictionary.
    """

    path: str
    ends: list[int]
    sizes: list[int]
    repeating: int
    in_dictionary: bool

    def need(self, n_rows: int) -> int:
        """Return how much so many rows in a row may need."""
        most = first = held = 0
        for last, size in enumerate(self.sizes):
            held += size
            while self.ends[first] + n_rows <= (self.ends[last - 1] if last else 0):
                held -= self.sizes[first]
                first += 1
            most = max(most, held)
        return most + n_rows * self.repeating


def rows_of_batch(
    file: IO[bytes],
    footer: Any,
    group: int,
    path: str | Path,
    without: Collection[str] = (),
    n_rows: int = BATCH_ROWS,
) -> int:
    """Return how many rows of a row group can be read at a time.

    Parameters
    ----------
    file, footer
        The open file, and its metadata.
    group
        The number of the row group.
    path
        The name of the file, for messages.
    without
        Columns that are not read.
    n_rows
        How many at most.

    Raises
    ------
    DataError
        A page needs more than `MAX_PAGE`, or a header is damaged.
    """
    chunks, pages = [], 0
    for i in range(footer.num_columns):
        column = footer.row_group(group).column(i)
        if column.path_in_schema.split(".")[0] not in without:
            is_repeated = footer.schema.column(i).max_repetition_level > 0
            chunk = _read_chunk(file, column, path, is_repeated=is_repeated)
            pages += max([chunk.repeating, *chunk.sizes])
            if column.physical_type in _TYPES_OF_TEXT:
                chunks.append(chunk)
    if pages > MAX_PAGES:
        raise _too_large(f"the pages of its columns need {pages:,} bytes together", MAX_PAGES, path)
    if not _fits(chunks, n_rows, pages):
        chunks = [_look_up(file, footer, group, chunk) for chunk in chunks]
    while n_rows > 1 and not _fits(chunks, n_rows, pages):
        n_rows //= 2
    return n_rows


def _fits(chunks: Iterable[_Chunk], n_rows: int, pages: int) -> bool:
    return sum(chunk.need(n_rows) for chunk in chunks) <= BATCH_BYTES + pages


def _look_up(file: IO[bytes], footer: Any, group: int, chunk: _Chunk) -> _Chunk:
    """Find the longest value of a dictionary, where it matters that this is less than the dictionary."""
    if not chunk.in_dictionary:
        return chunk
    reader = pq.ParquetFile(file, metadata=footer, read_dictionary=[chunk.path], buffer_size=STREAM_BYTES)
    batch = next(reader.iter_batches(1, row_groups=[group], columns=[chunk.path]), None)
    column = None if batch is None else batch.column(0)
    if not isinstance(column, pa.DictionaryArray) or not is_text(column.type.value_type):
        return chunk
    return chunk._replace(repeating=pc.max(pc.binary_length(column.dictionary)).as_py() or 0)


def _too_large(problem: str, limit: int, path: str | Path, column: str | None = None) -> DataError:
    hint = "write the file again with smaller pages"
    return DataError(f"{problem}, the limit is {limit:,}", path=path, column=column, hint=hint)


def _read_chunk(file: IO[bytes], column: Any, path: str | Path, *, is_repeated: bool) -> _Chunk:
    rows, sizes, repeating, is_coded = [], [], 0, False
    for page in read_pages(file, column, path):
        size = max(page.size, page.values * _BYTES_OF_AN_ITEM if is_repeated else 0)
        if size > MAX_PAGE:
            raise _too_large(f"a page of {size:,} bytes", MAX_PAGE, path, column.path_in_schema)
        if page.kind == DICTIONARY or page.encoding == _DELTA_BYTE_ARRAY:
            repeating = max(repeating, page.size)
            is_coded = is_coded or page.kind != DICTIONARY
        else:
            rows.append(page.values)
            sizes.append(page.size)
    return _Chunk(column.path_in_schema, list(accumulate(rows)), sizes, repeating, not is_coded)


def read_pages(file: IO[bytes], column: Any, path: str | Path) -> Iterator[Page]:
    """Iterate over the headers of a column's pages in a row group."""
    starts = [column.data_page_offset]
    if column.has_dictionary_page and column.dictionary_page_offset:
        starts.append(column.dictionary_page_offset)
    position, n_values = min(starts), 0
    end = position + column.total_compressed_size
    try:
        while position < end and n_values < column.num_values:
            page, length = _read_header(file.fileno(), position)
            yield page
            n_values += page.values if page.kind != DICTIONARY else 0
            position += length + page.packed
    except (IndexError, ValueError) as error:
        raise DataError("this Parquet file is damaged", path=path, hint="write it again") from error


def _read_header(descriptor: int, position: int) -> tuple[Page, int]:
    """Read the header of a page; return it with its length."""
    size = _PEEK
    while True:
        reading = _Compact(os.pread(descriptor, size, position))
        try:
            fields = reading.struct()
        except IndexError:
            if size >= _MAX_HEADER:
                raise
            size *= 8
            continue
        page = fields.get(5) or fields.get(7) or fields.get(8) or {}
        encoding = page.get(4 if 8 in fields else 2, 0)
        found = Page(fields.get(2, -1), fields.get(3, -1), fields.get(1, 0), page.get(1, 0), encoding)
        if min(found) < 0:
            raise ValueError("a negative number in the header of a page")
        return found, reading.position


class _Compact:
    """Reads numbers from a struct in Thrift's compact protocol, and passes over everything else.

    Parameters
    ----------
    content
        Bytes that begin with the struct. An `IndexError` says that they end before it does.
    """

    def __init__(self, content: bytes) -> None:
        self._content, self.position = content, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """Return the fields of a struct by their numbers: integers and structs; others are None."""
        if depth > 8:
            raise ValueError("structs in structs in the header of a page")
        fields: dict[int, Any] = {}
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._integer()
            fields[number] = self._value(kind & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # truth values, which are in the type
            return None
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 12:
            return self.struct(depth + 1)
        lengths = {3: 1, 7: 8}
        if kind != 8 and kind not in lengths:
            raise ValueError("an unknown type in the header of a page")
        length = lengths.get(kind) or self._unsigned()
        self.position += length
        if self.position > len(self._content):
            raise IndexError
        return None

    def _byte(self) -> int:
        self.position += 1
        return self._content[self.position - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise ValueError("a number without an end in the header of a page")

    def _integer(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)
