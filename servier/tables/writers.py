"""Write a table again, with more columns."""

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from servier.errors import DataError
from servier.tables import Header, Record, Table, encode_row, table_format, write_whole

Write = Callable[[Sequence[Record], Sequence[Sequence[object]]], None]


@contextmanager
def write_table(path: str | Path, table: Table, added: Mapping[str, type]) -> Iterator[Write]:
    """Write the columns of a table and some more after them; the file appears whole or not at all.

    Parameters
    ----------
    path
        A CSV or TSV file, plain or gzip-compressed, or a Parquet file.
    table
        Where the records come from.
    added
        The names of the additional columns, with `int`, `float` or `str`.

    Yields
    ------
    A function that writes records with the additional values of each.

    Raises
    ------
    DataError
        The format cannot be written, a name is taken, or the file cannot be written.
    """
    kind = table_format(path)
    if kind not in ("csv", "parquet"):
        raise DataError("cannot write this format", path=path, mend="use .csv, .csv.gz, .tsv or .parquet")
    taken = [name for name in added if name in table.header.columns]
    if taken:
        mend = "rename or remove it in the input"
        raise DataError(f"the input already has a column {taken[0]!r}", path=path, mend=mend)
    with write_whole(path) as temporary:
        writer = _text_writer if kind == "csv" else _parquet_writer
        with writer(temporary, table, added) as write:
            yield write


@contextmanager
def _text_writer(path: Path, table: Table, added: Mapping[str, type]) -> Iterator[Write]:
    header = _output_header(table.header, path)
    is_unchanged = header == table.header
    delimiter, newline = header.delimiter.encode(), header.newline

    with path.open("wb") as raw, _compressed(raw, path) as stream:
        stream.write(header.raw + delimiter + encode_row(added, header) + newline)

        def write(records: Sequence[Record], values: Sequence[Sequence[object]]) -> None:
            rows = [record.raw if is_unchanged else encode_row(record.fields, header) for record in records]
            ends = [encode_row(row, header) for row in values]
            stream.write(
                b"".join(row + delimiter + end + newline for row, end in zip(rows, ends, strict=True))
            )

        yield write


def _output_header(header: Header, path: Path) -> Header:
    """Return the header of the output: tabs are for .tsv files, and only for them."""
    wanted = "\t" if ".tsv" in path.suffixes else "," if header.delimiter == "\t" else header.delimiter
    if wanted == header.delimiter:
        return header
    changed = replace(header, delimiter=wanted)
    return replace(changed, raw=encode_row(header.columns, changed))


@contextmanager
def _compressed(stream: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    if path.suffix != ".gz":
        yield stream
        return
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=stream, mtime=0) as compressed:
        yield compressed  # type: ignore[misc]


@contextmanager
def _parquet_writer(path: Path, table: Table, added: Mapping[str, type]) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow_types = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    schema = getattr(table, "schema", None) or pa.schema(
        [(name, pa.string()) for name in table.header.columns]
    )
    for name, kind in added.items():
        schema = schema.append(pa.field(name, arrow_types[kind]))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(records: Sequence[Record], values: Sequence[Sequence[object]]) -> None:
            rows: list[list[Any]] = [
                [*record.fields, *row] for record, row in zip(records, values, strict=True)
            ]
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))

        yield write
