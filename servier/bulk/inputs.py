"""What a run of predict-file needs, opened and checked before anything is written."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from servier import __version__
from servier.bulk.blocks import Reader
from servier.bulk.options import Options, Shard
from servier.bulk.outputs import Output, is_parquet, make_output
from servier.bulk.source import Source, open_source
from servier.bulk.work import ScoreFeatures, ScoreSmiles, ScoringMethod, ScoringWork
from servier.checkpoint.file import open_checkpoint
from servier.errors import DataError, ServierError
from servier.scoring.scorer import Scorer
from servier.tables import STANDARD_STREAM, require_smiles_column, table_format


@dataclass(frozen=True)
class Inputs:
    """Everything that a run needs, opened and checked; nothing is written yet.

    Parameters
    ----------
    reader
        Gives blocks of rows.
    work
        Scores them.
    output
        Knows how they are written.
    identity
        What decides the output.
    origin
        Returns what a complete output was made from, for the record beside it; None where that is not known.
    rows
        Which rows are meant.
    n_rows
        How many they are; None where that is not known.
    """

    reader: Reader
    work: ScoringWork[Any]
    output: Output
    identity: dict[str, Any]
    origin: Callable[[], dict[str, Any] | None]
    rows: range
    n_rows: int | None


@contextmanager
def open_inputs(
    source: Path, target: Path, checkpoints: Sequence[str | Path], options: Options
) -> Iterator[Inputs]:
    """Open a table and checkpoints for a run.

    Raises
    ------
    ServierError
        Something cannot be used.
    """
    if target.exists() and source.exists() and target.samefile(source):
        raise DataError("this is the input itself", path=target, hint="give OUTPUT another name")
    if target.is_dir():
        raise DataError("this is a folder", path=target, hint="give OUTPUT the name of a file")
    scorer = Scorer(
        [open_checkpoint(path) for path in checkpoints],
        n_smiles=options.n_smiles,
        confidences=options.confidences,
    )
    with open_source(source, options.dialect, as_unicode=is_parquet(target)) as opened:
        features = opened.features
        if features is not None:
            features.check(scorer.featurizers)
        reader = _make_reader(opened, target, options)
        output = make_output(target, opened.table, reader.header, reader.kept, scorer.fields)
        identity = identify(opened, scorer, options) | {"written": output.written}
        method = _choose_method(opened, options)
        work = _make_work(method, checkpoints, options, output, scorer)
        rows, n_rows = _rows(opened, target, options, reader.block_rows)
        origin = partial(describe_origin, "predict-file", opened, identity, options)
        yield Inputs(reader, work, output, identity, origin, rows, n_rows)


def _make_reader(source: Source, target: Path, options: Options) -> Reader:
    """Choose the reader by the table; what reads Parquet files is loaded for them alone."""
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
        by_number=source.features is not None,
    )
    return reader


def _choose_method(source: Source, options: Options) -> ScoringMethod[Any]:
    """Return how rows are scored: by the features in the file where it has them."""
    if source.features is None:
        return ScoreSmiles()
    names = source.table.header.columns
    column = require_smiles_column(names, options.smiles_column) if options.confidences else None
    return ScoreFeatures(str(source.path), column)


def identify(source: Source, scorer: Scorer, options: Options) -> dict[str, Any]:
    """Return everything that decides the output."""
    from rdkit import __version__ as rdkit_version

    return {
        "input": source.identity(),
        "checkpoints": [checkpoint.digest for checkpoint in scorer.checkpoints],
        "ranked by": rank_column(scorer, options),
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
    known = {} if options.shard else {"input": {"sha256": source.digest()}}
    return {"command": command} | identity | known


def rank_column(scorer: Scorer, options: Options) -> str | None:
    """Return the column by which rows are selected; None where all are written.

    Raises
    ------
    ServierError
        The target does not exist, or nothing is selected by it.
    """
    if not options.is_selecting:
        if options.rank_by is not None:
            raise ServierError("--rank_by selects no rows by itself", hint="add --top or --threshold")
        return None
    names = [target.name for target in scorer.targets]
    if options.rank_by is not None and options.rank_by not in names:
        raise ServierError(
            f"no target is called {options.rank_by!r}", hint=f"choose among {', '.join(names)}"
        )
    target = scorer.targets[names.index(options.rank_by or names[0])]
    return f"{target.name}_{'probability' if target.task == 'binary' else 'pred'}"


def _make_work(
    method: ScoringMethod[Any],
    checkpoints: Sequence[str | Path],
    options: Options,
    output: Output,
    scorer: Scorer,
) -> ScoringWork[Any]:
    names = [target.name for target in scorer.targets]
    return ScoringWork(
        method,
        tuple(str(path) for path in checkpoints),
        options.max_atoms,
        options.n_smiles,
        output.text_header,
        names.index(options.rank_by or names[0]) if options.is_selecting else None,
        len(scorer.fields),
        options.confidences,
    )


def _rows(source: Source, target: Path, options: Options, step: int) -> tuple[range, int | None]:
    """Return which rows of the input are meant, and how many they are where that is known."""
    if str(target) == STANDARD_STREAM and options.top is not None:
        raise ServierError("the best rows are known only at the end", hint="give a file for OUTPUT")
    if source.is_stream and options.shard:
        raise ServierError("stdin cannot be scored in shards", hint="give a file")
    n_rows = source.n_rows
    if n_rows is None:
        return range(sys.maxsize), None
    rows = (options.shard or Shard()).rows(n_rows, step)
    return rows, len(rows)
