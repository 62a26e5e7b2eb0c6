"""The two kinds of output, text and Parquet: their spools, and how finished spools are read back."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from servier.bulk.blocks import BLOCK_ROWS, take_block
from servier.bulk.spools import BEGINNING, Mark, Seal, Spool, StandardOutput, TextSpool, packer
from servier.errors import DataError
from servier.tables import (
    STANDARD_STREAM,
    Header,
    Quotes,
    Table,
    encode_predictions,
    open_binary,
    read_header,
    read_written,
    table_format,
)
from servier.tables.files import name_beside, removing

if TYPE_CHECKING:
    from servier.bulk.parquet_output import ParquetOutput


class Output(Protocol):
    """How rows of one kind are written and read back: lists of lines, or Arrow record batches."""

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""

    @property
    def text_header(self) -> Header | None:
        """How rows are written as text, or None where they are values."""

    @property
    def written(self) -> dict[str, str]:
        """What has to be known of a text to read it as it was written."""

    def open_spool(self, path: Path, mark: Mark) -> Spool:
        """Open a spool for the output, to begin or to go on."""

    def combine(self, rows: Any, cells: Sequence[Any]) -> Any:
        """Put the cells of predictions after the rows' own columns."""

    def take(self, rows: Any, positions: Sequence[int]) -> Any:
        """Return the rows at some positions, in the order of the positions."""

    def read_back(self, path: Path, column: str) -> Iterator[tuple[Any, list[float]]]:
        """Iterate over the rows of a spool or an output in blocks, with the numbers in a column of them."""

    def join(self, parts: Sequence[Any]) -> Any:
        """Return all rows of several parts, in order."""


class TextOutput:
    """Delimited text.

    Parameters
    ----------
    target
        The file.
    header
        All its columns, and how they are written.
    """

    def __init__(self, target: Path, header: Header) -> None:
        self._target = target
        self.text_header = header
        self.columns = header.columns
        self.written = {"delimiter": header.delimiter, "quotes": str(header.quotes)}
        self._first_line = header.raw + header.newline

    def open_spool(self, path: Path, mark: Mark) -> Spool:
        """Open a spool for the output, to begin or to go on."""
        if str(self._target) == STANDARD_STREAM:
            return StandardOutput(self._first_line)
        return TextSpool(path, self._target, self._first_line, mark)

    def header_size(self, path: Path) -> int:
        """Return how many bytes of a file its first line takes, compressed by itself as it is."""
        return len(packer(path)(self._first_line))

    def combine(self, rows: Sequence[bytes], cells: Sequence[bytes]) -> list[bytes]:
        """Put the cells of predictions after the rows' own columns."""
        return [row + added for row, added in zip(rows, cells, strict=True)]

    def take(self, rows: Sequence[bytes], positions: Sequence[int]) -> list[bytes]:
        """Return the lines at some positions, in the order of the positions."""
        return [rows[position] for position in positions]

    def read_back(self, path: Path, column: str) -> Iterator[tuple[list[bytes], list[float]]]:
        """Iterate over the lines of a spool or an output in blocks, with the numbers in a column of them."""
        header, position = self.text_header, self.columns.index(column)
        with open_binary(path) as stream:
            written = read_written(stream, path, header)
            while block := take_block(written, BLOCK_ROWS, lambda row: len(row[0])):
                yield [raw + header.newline for raw, _ in block], [float(row[position]) for _, row in block]

    def join(self, parts: Sequence[list[bytes]]) -> list[bytes]:
        """Return all lines of several parts, in order."""
        return list(chain.from_iterable(parts))


def make_output(
    target: Path, table: Table, header: Header, kept: Sequence[int], added: Mapping[str, Any]
) -> Any:
    """Choose the output by the suffix of the file.

    Parameters
    ----------
    target
        The file.
    table
        The input.
    header
        The columns that are carried over.
    kept
        Their positions in the input.
    added
        The names of the columns after them, with `int`, `float` or `str`, or with an Arrow field.

    Raises
    ------
    DataError
        The format cannot be written, or a name is taken.
    """
    taken = [name for name in added if name in header.columns]
    if taken:
        hint = "rename it in the input, or leave it out with --columns"
        raise DataError(f"the input already has a column {taken[0]!r}", path=target, hint=hint)
    if not is_parquet(target):
        raw = header.raw + encode_predictions([added], replace(header, newline=b""))[0]
        return TextOutput(target, replace(header, columns=[*header.columns, *added], raw=raw))
    from servier.bulk.parquet_output import make_parquet_output

    return make_parquet_output(table, header.columns, kept, added)


def is_parquet(target: Path) -> bool:
    """Say whether an output is Parquet, not text.

    Raises
    ------
    DataError
        It is neither.
    """
    kind = table_format(target)
    if kind not in ("csv", "parquet"):
        raise DataError(
            "cannot write this format", path=target, hint="use .csv, .csv.gz, .csv.zst, .tsv or .parquet"
        )
    return kind == "parquet"


def open_output(path: Path, written: Mapping[str, str]) -> "TextOutput | ParquetOutput":
    """Take an output that exists as the pattern for another one; `written` says how it was written."""
    if is_parquet(path):
        from servier.bulk.parquet_output import ParquetOutput

        return ParquetOutput.like(path)
    with open_binary(path) as stream:
        return TextOutput(path, read_header(stream, written["delimiter"], Quotes(written["quotes"])))


def write_best(
    output: Output,
    sources: Sequence[Path],
    target: Path,
    column: str,
    top: int,
    seal: Seal | None = None,
) -> int:
    """Write the best rows of spools or outputs, best first, as an output; return how many there are."""
    ranks = [rank for source in sources for _, found in output.read_back(source, column) for rank in found]
    positions = best_positions(ranks, top)
    best = _pick(output, sources, column, positions)
    path = name_beside(target, "", ".best")
    with removing(path):
        spool = output.open_spool(path, BEGINNING)
        for start in range(0, len(positions), BLOCK_ROWS):
            spool.append(best[start : start + BLOCK_ROWS])
        spool.publish(target, seal)
    return len(positions)


def best_positions(ranks: Sequence[float], top: int) -> list[int]:
    """Return the positions of the highest scores, best first; of equal scores the first comes first."""
    return sorted(range(len(ranks)), key=lambda position: (-ranks[position], position))[:top]


def _pick(output: Output, sources: Sequence[Path], column: str, positions: Sequence[int]) -> Any:
    """Return the rows at some positions of all sources together, in the order of the positions."""
    wanted = sorted(positions)
    parts, first = [], 0
    for rows, found in chain.from_iterable(output.read_back(source, column) for source in sources):
        stop = first + len(found)
        inside = wanted[bisect_left(wanted, first) : bisect_left(wanted, stop)]
        parts.append(output.take(rows, [position - first for position in inside]))
        first = stop
    places = {position: place for place, position in enumerate(wanted)}
    return output.take(output.join(parts), [places[position] for position in positions])
