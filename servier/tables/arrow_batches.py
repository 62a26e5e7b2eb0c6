"""Record batches of Arrow: read from row groups of any size, and cut anew."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from servier.tables.lines import too_long

BATCH_ROWS = 1024
GROUP_BYTES = 1 << 25
"""At this size of its texts a table that is made of batches ends."""


def group_batches(
    file: pq.ParquetFile,
    groups: Iterable[int],
    columns: list[str] | None = None,
    rows_of: Callable[[int], int] = lambda _: BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """Iterate over the batches of row groups one by one, for Arrow cannot read some types across them.

    Parameters
    ----------
    file, groups
        The file, and the numbers of row groups.
    columns
        The columns that are read; None for all.
    rows_of
        Returns how many rows of a row group are read at a time.
    """
    for group in groups:
        yield from file.iter_batches(rows_of(group), row_groups=[group], columns=columns)


def regroup(
    batches: Iterable[pa.RecordBatch], n_rows: int, n_bytes: int = GROUP_BYTES, first: int | None = None
) -> Iterator[pa.Table]:
    """Join and cut record batches into tables, which do not depend on where the batches end.

    Parameters
    ----------
    batches
        The rows.
    n_rows
        A table ends after so many rows.
    n_bytes
        At this size of its texts a table ends too.
    first
        The first table ends after so many; None for `n_rows`.

    Notes
    -----
    What ended for its texts is followed by what is left of the rows that it could have had.
    """
    waiting: list[pa.RecordBatch] = []
    n_waiting, size, room = 0, 0, first or n_rows
    for batch in batches:
        waiting.append(batch)
        n_waiting += len(batch)
        size += batch.nbytes
        if size >= n_bytes:
            size = sum(part.nbytes for part in waiting)  # without what was cut off already
        while n_cut := _find_end(waiting, n_waiting, room, size, n_bytes):
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, n_cut)
            waiting = table.slice(n_cut).to_batches()
            n_waiting -= n_cut
            size = size if n_waiting else 0
            room = room - n_cut or n_rows
    if n_waiting:
        yield pa.Table.from_batches(waiting)


def _find_end(waiting: list[pa.RecordBatch], n_waiting: int, room: int, size: int, n_bytes: int) -> int:
    """Return how many of the rows that are waiting are a whole table; 0 where more have to come."""
    if size >= n_bytes:
        sizes = np.cumsum(np.concatenate([_text_sizes(batch) for batch in waiting]))
        room = min(room, int(np.searchsorted(sizes, n_bytes)) + 1)
    return room if n_waiting >= room else 0


def _text_sizes(batch: pa.RecordBatch) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return for each row how many bytes of text it holds."""
    sizes = np.zeros(len(batch), np.int64)
    for column in batch.columns:
        if is_text(column.type):
            sizes += pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    return sizes


def refuse_long(batch: pa.RecordBatch, first: int, limit: int, path: str | Path) -> None:
    """Refuse a text that is too long.

    Parameters
    ----------
    batch, first
        Rows, and the number of the first one, counted from 0.
    limit
        The longest text, in bytes.
    path
        The name of the file, for messages.

    Raises
    ------
    DataError
        A text is longer.
    """
    if batch.nbytes <= limit:
        return
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if is_text(column.type):
            sizes = pc.binary_length(column).fill_null(0).to_numpy(zero_copy_only=False)
            if sizes.max(initial=0) > limit:
                error = too_long(limit, first + int(np.argmax(sizes > limit)) + 1, "value")
                error.path, error.column = str(path), name
                raise error


def is_text(kind: pa.DataType) -> bool:
    """Say whether a type is one of texts or bytes, each of its own length."""
    return any(
        check(kind)
        for check in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_binary,
            pa.types.is_large_binary,
        )
    )
