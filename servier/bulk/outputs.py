"""The two kinds of output, text and Parquet: their spools, and how finished spools are read back."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from servier.bulk.blocks import BLOCK_ROWS
from servier.bulk.spools import BEGINNING, Mark, Spool, StandardOutput, TextSpool, packer
from servier.errors import DataError
from servier.tables import (
    STANDARD_STREAM,
    DelimitedText,
    Header,
    Table,
    encode_predictions,
    open_binary,
    table_format,
)


class Output(Protocol):
    """How rows of one kind are written and read back."""

    @property
    def columns(self) -> list[str]:
        """The names of all columns."""

    @property
    def text_header(self) -> Header | None:
        """How rows are written as text, or None where they are values."""

    def open_spool(self, path: Path, mark: Mark) -> Spool:
        """Open a spool for the output, to begin or to go on."""

    def combine(self, rows: Sequence[Any], cells: Any) -> Sequence[Any]:
        """Put the cells of answers after the rows' own columns."""

    def read_back(self, path: Path) -> Iterator[tuple[Any, Sequence[Any]]]:
        """Iterate over the rows of a spool or a text output, as they were appended, and over their fields."""


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

    def read_back(self, path: Path) -> Iterator[tuple[bytes, Sequence[Any]]]:
        """Iterate over the lines of a spool or an output, with their ends, and over their fields."""
        header = self.text_header
        with open_binary(path) as stream:
            table = DelimitedText(stream, path, header.delimiter)
            for line, raw in table.raw_records():
                yield raw + header.newline, table.parse(line, raw).fields


class ParquetOutput:
    """A Parquet file.

    Parameters
    ----------
    schema
        All its columns.
    """

    text_header = None

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.columns = schema.names

    def open_spool(self, path: Path, mark: Mark) -> Spool:
        """Open a spool for the output, to begin or to go on."""
        from servier.bulk.parquet_spool import ArrowSpool

        return ArrowSpool(path, self.schema, mark)

    def combine(self, rows: Sequence[list[object]], cells: Any) -> Any:
        """Put the cells of predictions after the rows' own columns."""
        return [[*row, *added] for row, added in zip(rows, cells, strict=True)]

    def read_back(self, path: Path) -> Iterator[tuple[list[Any], Sequence[Any]]]:
        """Iterate over the rows of a spool, or of a finished file."""
        from servier.bulk.parquet_spool import read_batches

        for batch in read_batches(path):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield list(row), row


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
    schema = getattr(table, "schema", None)
    if not is_parquet(target):
        for field in [] if schema is None else [schema.field(position) for position in kept]:
            _check_text(field)
        raw = header.raw + encode_predictions([added], replace(header, newline=b""))[0]
        return TextOutput(target, replace(header, columns=[*header.columns, *added], raw=raw))
    import pyarrow as pa

    arrow_types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    fields = [
        pa.field(name, pa.string() if schema is None else schema.field(position).type)
        for name, position in zip(header.columns, kept, strict=True)
    ]
    fields += [
        pa.field(name, arrow_types[kind]) if kind in arrow_types else kind for name, kind in added.items()
    ]
    return ParquetOutput(pa.schema(fields))


def _check_text(field: Any) -> None:
    """Refuse a column of a Parquet file whose values are no text."""
    import pyarrow as pa

    kind = field.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        hint = "leave it out with --columns, or write a .parquet file"
        raise DataError(f"column {field.name!r} holds {kind}, which is not text", hint=hint)


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


def open_output(path: Path) -> TextOutput | ParquetOutput:
    """Take an output that exists as the pattern for another one."""
    if is_parquet(path):
        import pyarrow.parquet as pq

        return ParquetOutput(pq.read_schema(path))
    with open_binary(path) as stream:
        return TextOutput(path, DelimitedText(stream, path).header)


def write_best(output: Output, sources: Sequence[Path], target: Path, column: str, top: int) -> int:
    """Write the best rows of spools or outputs, best first, as an output; return how many there are."""
    position = output.columns.index(column)

    def rows() -> Iterator[tuple[Any, Sequence[Any]]]:
        return chain.from_iterable(output.read_back(source) for source in sources)

    positions = best_positions([float(fields[position]) for _, fields in rows()], top)
    spool = output.open_spool(target.with_name(f"{target.name}.best"), BEGINNING)
    best = pick(rows(), positions)
    for start in range(0, len(best), BLOCK_ROWS):
        spool.append(best[start : start + BLOCK_ROWS])
    spool.publish(target)
    return len(best)


def best_positions(ranks: Sequence[float], top: int) -> list[int]:
    """Return the positions of the highest scores, best first; of equal scores the first comes first."""
    return sorted(range(len(ranks)), key=lambda position: (-ranks[position], position))[:top]


def pick(rows: Iterable[tuple[Any, Any]], positions: Sequence[int]) -> list[Any]:
    """Return the rows at some positions, in the order of the positions."""
    places = {position: place for place, position in enumerate(positions)}
    picked: list[Any] = [None] * len(positions)
    for position, (row, _) in enumerate(rows):
        if position in places:
            picked[places[position]] = row
    return picked
