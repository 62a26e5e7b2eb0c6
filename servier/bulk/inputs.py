"""What a run over a file needs, opened and checked before anything is written."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servier import __version__
from servier.bulk.blocks import Reader
from servier.bulk.options import Options, Shard
from servier.bulk.outputs import Output, is_parquet
from servier.bulk.selection import Criterion
from servier.bulk.source import Source
from servier.bulk.work import BlockWork
from servier.errors import DataError, ServierError
from servier.tables import Watch, refuse_input, table_format


@dataclass(frozen=True)
class Inputs:
    """Everything that a run needs, opened and checked; nothing is written yet.

    Parameters
    ----------
    reader
        Gives blocks of rows.
    work
        What is done with them.
    output
        Knows how the results are written.
    identity
        What decides the output.
    origin
        Returns what a complete output was made from, for the record beside it; None where that is not known.
    rows
        Which rows are meant.
    n_rows
        How many they are; None where that is not known.
    watch
        Notices when the table changes.
    criterion
        By what rows are selected; None where all are written.
    units
        Of the targets that are predicted, by name, where models say them.
    """

    reader: Reader
    work: BlockWork[Any]
    output: Output
    identity: dict[str, Any]
    origin: Callable[[], dict[str, Any] | None]
    rows: range
    n_rows: int | None
    watch: Watch
    criterion: Criterion | None = None
    units: Mapping[str, str] = field(default_factory=dict)


def check_target(target: Path, source: Path) -> None:
    """Check that an output can have this name.

    Raises
    ------
    DataError
        It is the input itself, or a folder.
    """
    refuse_input(target, source)
    if target.is_dir():
        raise DataError("this is a folder", path=target, hint="give OUTPUT the name of a file")


def make_reader(
    source: Source,
    target: Path,
    options: Options,
    *,
    by_number: bool = False,
    block_rows: int | None = None,
) -> Reader:
    """Choose the reader by the table; what reads Parquet files is loaded for them alone.

    Parameters
    ----------
    source, target, options
        The input, the output, and which columns are carried over.
    by_number, block_rows
        As for `servier.bulk.blocks.Reader`.
    """
    make: Any = Reader
    if table_format(source.path) == "parquet":
        from servier.bulk.parquet_blocks import ParquetReader

        make = ParquetReader
    reader: Reader = make(
        source.table,
        target,
        options.smiles_column,
        options.columns,
        as_values=is_parquet(target),
        by_number=by_number,
        block_rows=block_rows,
    )
    return reader


def identify(source: Source, options: Options, **others: Any) -> dict[str, Any]:
    """Return everything that decides the output; `others` is what only this kind of work knows."""
    from rdkit import __version__ as rdkit_version

    return {
        "input": source.identity(is_part=options.shard is not None),
        **others,
        "option": options.identity(),
        "version": {"servier": __version__, "rdkit": rdkit_version},
    }


def describe_origin(
    command: str, source: Source, identity: dict[str, Any], options: Options
) -> dict[str, Any] | None:
    """Return what a complete output was made from; None for stdin, which nobody can read again.

    The input is known by all its bytes. That of a shard is known by its ends, as its journal has it: to read
    the whole file for each of many shards would take longer than scoring a small one.
    """
    if source.is_stream:
        return None
    known = {} if options.shard else {"input": {"sha256": source.watch.digest()}}
    return {"command": command} | identity | known


def choose_rows(source: Source, options: Options, step: int) -> tuple[range, int | None]:
    """Return which rows of the input are meant, and how many they are where that is known.

    Raises
    ------
    ServierError
        A shard of stdin is asked for.
    """
    if source.is_stream and options.shard:
        raise ServierError("stdin cannot be read in shards", hint="give a file")
    n_rows = source.n_rows
    if n_rows is None:
        return range(sys.maxsize), None
    rows = (options.shard or Shard()).rows(n_rows, step)
    return rows, len(rows)
