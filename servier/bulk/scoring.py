"""predict-file: from a table to a scored table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from servier.bulk.blocks import FORMS_BLOCK_ROWS
from servier.bulk.inputs import Inputs, check_target, choose_rows, describe_origin, identify, make_reader
from servier.bulk.options import ScoringOptions
from servier.bulk.outputs import Output, is_parquet, make_output
from servier.bulk.run import Summary, run
from servier.bulk.selection import Criterion
from servier.bulk.source import Source, open_source
from servier.bulk.work import ScoreFeatures, ScoreSmiles, ScoringMethod, ScoringWork
from servier.checkpoint.file import open_checkpoint
from servier.checkpoint.target import Target
from servier.errors import ServierError
from servier.progress import Report
from servier.scoring.prediction_fields import rank_field
from servier.scoring.scorer import Scorer
from servier.tables import STANDARD_STREAM, require_smiles_column


def predict_file(
    source: str | Path,
    target: str | Path,
    checkpoints: Sequence[str | Path],
    options: ScoringOptions,
    *,
    restart: bool = False,
    force: bool = False,
    report: Report | None = None,
) -> Summary:
    """Score every row of a table; go on with an interrupted run where there is one.

    Parameters
    ----------
    source
        A table of any format, a feature Parquet file, or `-` for stdin.
    target
        A CSV (plain, `.gz` or `.zst`), TSV or Parquet file, or `-` for stdout. It gets the columns of the
        input and the predictions after them, under its own name only when it is complete.
    checkpoints
        One model, or several whose mean is taken.
    options
        Columns, limits, selection, shard, processes.
    restart
        Forget an interrupted run.
    force
        Replace a file that was not made from the same inputs and options; make one that was anew.
    report
        Told of each block, as in `servier.bulk.run.run`.

    Raises
    ------
    DataError
        The input as a whole cannot be used, the output cannot be written, or an interrupted run had other
        inputs.
    CheckpointError
        A checkpoint cannot be used.
    """
    with open_scoring(Path(source), Path(target), checkpoints, options) as inputs:
        return run(inputs, Path(target), options, restart=restart, force=force, report=report)


@contextmanager
def open_scoring(
    source: Path, target: Path, checkpoints: Sequence[str | Path], options: ScoringOptions
) -> Iterator[Inputs]:
    """Open a table and checkpoints for a run.

    Raises
    ------
    ServierError
        Something cannot be used.
    """
    check_target(target, source)
    opened_models = [open_checkpoint(path) for path in checkpoints]
    if options.keys is not None:
        for checkpoint in opened_models:
            options.keys.require(checkpoint)
    scorer = Scorer(
        opened_models,
        n_smiles=options.n_smiles,
        confidences=options.confidences,
        forms=options.forms,
    )
    with open_source(source, options.dialect, as_unicode=is_parquet(target)) as opened:
        features = opened.features
        if features is not None:
            features.check(scorer.featurizers, scorer.level)
        block_rows = FORMS_BLOCK_ROWS if options.forms.limits else None
        reader = make_reader(opened, target, options, by_number=features is not None, block_rows=block_rows)
        output = make_output(target, opened.table, reader.header, reader.kept, scorer.fields)
        criterion = _choose_criterion(scorer, options, target)
        identity = identify(
            opened,
            options,
            checkpoints=[checkpoint.digest for checkpoint in scorer.checkpoints],
            written=output.written,
            **{"ranked by": criterion and criterion.column},
        )
        units = {target.name: target.unit for target in scorer.targets if target.unit is not None}
        method = _choose_method(opened, options)
        work = _make_work(method, checkpoints, options, output, scorer, criterion)
        rows, n_rows = choose_rows(opened, options, reader.block_rows)
        origin = partial(describe_origin, "predict-file", opened, identity, options)
        yield Inputs(reader, work, output, identity, origin, rows, n_rows, opened.watch, criterion, units)


def _choose_method(source: Source, options: ScoringOptions) -> ScoringMethod[Any]:
    """Return how rows are scored: by the features in the file where it has them."""
    if source.features is None:
        return ScoreSmiles()
    names = source.table.header.columns
    needs_molecules = options.confidences or options.forms.limits
    column = require_smiles_column(names, options.smiles_column) if needs_molecules else None
    return ScoreFeatures(str(source.path), column)


def _choose_criterion(scorer: Scorer, options: ScoringOptions, target: Path) -> Criterion | None:
    """Return by what rows are selected; None where all are written.

    Raises
    ------
    ServierError
        The target does not exist, nothing is selected by it, or the best rows are to go to stdout.
    """
    if not options.is_selecting:
        if options.rank_by is not None:
            raise ServierError("--rank_by selects no rows by itself", hint="add --top or --threshold")
        return None
    column = _choose_column(scorer.targets, options.rank_by)
    if str(target) == STANDARD_STREAM and options.top is not None:
        raise ServierError("the best rows are known only at the end", hint="give a file for OUTPUT")
    return Criterion(column, options.top, options.threshold)


def _choose_column(targets: Sequence[Target], rank_by: str | None) -> str:
    """Return the column that `TARGET`, or `TARGET=CLASS`, stands for; by default that of the first target."""
    fields = {f"{t.name}={word}": rank_field(t, word) for t in targets for word in t.classes}
    fields = {target.name: rank_field(target) for target in targets} | fields
    wanted = rank_by or targets[0].name
    choices = ", ".join(name for name, field in fields.items() if field is not None)
    if wanted not in fields:
        alike = [name for name in fields if name.casefold() == wanted.casefold()]
        if len(alike) != 1:
            kind = "class of a target" if "=" in wanted else "target"
            raise ServierError(f"no {kind} is called {wanted!r}", hint=f"choose among {choices}")
        wanted = alike[0]
    if (column := fields[wanted]) is None:
        problem = f"the classes of {wanted} have no order to rank by"
        raise ServierError(problem, hint=f"name one of them with --rank_by: {choices}")
    return column


def _make_work(
    method: ScoringMethod[Any],
    checkpoints: Sequence[str | Path],
    options: ScoringOptions,
    output: Output,
    scorer: Scorer,
    criterion: Criterion | None,
) -> ScoringWork[Any]:
    fields = list(scorer.fields)
    return ScoringWork(
        method,
        {str(path): model.digest for path, model in zip(checkpoints, scorer.checkpoints, strict=True)},
        options.max_atoms,
        options.n_smiles,
        output.text_header,
        None if criterion is None else fields.index(criterion.column),
        len(fields),
        options.confidences,
        options.forms,
    )
