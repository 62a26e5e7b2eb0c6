"""What a run of predict-file needs, opened and checked before anything is written."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from servier import __version__
from servier.bulk.blocks import Reader
from servier.bulk.journal import identify_file
from servier.bulk.options import Options, Shard
from servier.bulk.outputs import Output, is_parquet, make_output
from servier.bulk.work import RescoringWork, ScoringWork
from servier.checkpoint.file import open_checkpoint
from servier.errors import DataError, ServierError
from servier.scoring.scorer import Scorer
from servier.tables import STANDARD_STREAM, count_rows, open_table, require_smiles_column


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
    rows
        Which rows are meant.
    n_rows
        How many they are; None where that is not known.
    """

    reader: Reader
    work: ScoringWork
    output: Output
    identity: dict[str, Any]
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
    is_feature_file = _is_feature_file(source, scorer)
    with open_table(source, options.delimiter) as table:
        as_values = is_parquet(target)
        reader = Reader(
            table,
            target,
            options.smiles_column,
            options.columns,
            as_values=as_values,
            by_number=is_feature_file,
        )
        output = make_output(target, table, reader.header, reader.kept, scorer.fields)
        identity = identify(source, scorer, options)
        work = _make_work(checkpoints, options, output, scorer)
        if is_feature_file:
            smiles = (
                require_smiles_column(table.header.columns, options.smiles_column)
                if options.confidences
                else None
            )
            work = RescoringWork(**vars(work), features_path=str(source), smiles_column=smiles)
        rows, n_rows = _rows(source, target, options, reader.block_rows)
        yield Inputs(reader, work, output, identity, rows, n_rows)


def _is_feature_file(source: Path, scorer: Scorer) -> bool:
    """Say whether a file holds features; these must be those that the models read."""
    if source.suffix.lower() != ".parquet":
        return False
    from servier.features.feature_file import FeatureFile, feature_specification

    if feature_specification(source) is None:
        return False
    FeatureFile(source, scorer.featurizers)
    return True


def identify(source: Path, scorer: Scorer, options: Options) -> dict[str, Any]:
    """Return everything that decides the output."""
    from rdkit import __version__ as rdkit_version

    return {
        "input": {} if str(source) == STANDARD_STREAM else identify_file(source),
        "checkpoints": [checkpoint.digest for checkpoint in scorer.checkpoints],
        "ranked by": rank_column(scorer, options),
        "option": options.identity(),
        "version": {"servier": __version__, "rdkit": rdkit_version},
    }


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
    checkpoints: Sequence[str | Path], options: Options, output: Output, scorer: Scorer
) -> ScoringWork:
    names = [target.name for target in scorer.targets]
    ranked = names.index(options.rank_by or names[0]) if options.is_selecting else None
    paths = tuple(str(path) for path in checkpoints)
    return ScoringWork(
        paths, options.max_atoms, options.n_smiles, output.text_header, ranked, options.confidences
    )


def _rows(source: Path, target: Path, options: Options, step: int) -> tuple[range, int | None]:
    """Return which rows of the input are meant, and how many they are where that is known."""
    if str(target) == STANDARD_STREAM and options.top is not None:
        raise ServierError("the best rows are known only at the end", hint="give a file for OUTPUT")
    if str(source) == STANDARD_STREAM:
        if options.shard:
            raise ServierError("stdin cannot be scored in shards", hint="give a file")
        return range(sys.maxsize), None
    n_rows = count_rows(source, options.delimiter)
    rows = (options.shard or Shard()).rows(n_rows, step)
    return rows, len(rows)
