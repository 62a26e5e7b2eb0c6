"""The runs of `predict-file` and `featurize`: what they log, and the summary that they write."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from servier.bulk.options import FeaturizingOptions, Options, ScoringOptions
from servier.bulk.planning import Plan, plan
from servier.bulk.run import Summary
from servier.bulk.scoring import predict_file
from servier.errors import DataError
from servier.progress import ProgressReport, format_seconds
from servier.tables import STANDARD_STREAM, claim_output, write_whole

logger = logging.getLogger(__name__)

MANY = 0.5


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Parameters
    ----------
    source, target, checkpoints
        As in `servier.bulk.scoring.predict_file`; features need no checkpoint.
    summary
        Where a summary of the run goes, as JSON; None for nowhere.
    force
        Whether files of another origin are replaced.
    """

    source: str
    target: str
    checkpoints: Sequence[str] = ()
    summary: str | None = None
    force: bool = False


def measure_file(files: RunFiles, options: ScoringOptions) -> str:
    """Score a sample, and return a few lines on what the whole run would take.

    Raises
    ------
    DataError
        The input is stdin, or the summary would replace a file of the run.
    """
    _check_summary(files)
    if files.source == STANDARD_STREAM:
        raise DataError("stdin cannot be measured", hint="give a file for INPUT")
    with _claim_summary(files):
        planned = plan(files.source, files.target, files.checkpoints, options)
        _write_summary(files.summary, asdict(planned))
    return describe_plan(planned, options.workers)


def score_file(files: RunFiles, options: ScoringOptions, *, restart: bool = False) -> None:
    """Score a file, and log what became of its rows.

    Parameters
    ----------
    files, options
        The files, and how to score.
    restart
        Whether an interrupted run is forgotten.

    Raises
    ------
    DataError
        The summary would replace a file of the run.
    """
    work = partial(predict_file, files.source, files.target, files.checkpoints, options)
    _carry_out(files, options, partial(work, restart=restart, force=files.force))


def featurize(
    files: RunFiles, featurizers: list[dict[str, Any]], options: FeaturizingOptions, *, restart: bool = False
) -> None:
    """Compute the features of a file, and log what became of its rows.

    Parameters
    ----------
    files, options
        The files, and how to go through them.
    featurizers
        The specification of the feature set.
    restart
        Whether an interrupted run is forgotten.

    Raises
    ------
    DataError
        The summary would replace a file of the run.
    """
    from servier.bulk.featurizing import featurize_file

    work = partial(featurize_file, files.source, files.target, featurizers, options)
    _carry_out(files, options, partial(work, restart=restart, force=files.force))


def _carry_out(files: RunFiles, options: Options, work: Callable[..., Summary]) -> None:
    """Do the work of a command under a progress report, and log what became of the rows."""
    _check_summary(files)
    with _claim_summary(files):
        summary = report_progress(work)
        logger.info("%s", describe_summary(summary))
        if summary.rows and 1 - summary.counts.get("ok", 0) / summary.rows > MANY:
            column = options.smiles_column or "the detected column"
            logger.warning("More than half of the rows have no answer: does %s hold SMILES strings?", column)
        _write_summary(files.summary, asdict(summary) | {"rate": summary.rate})


def report_progress(work: Callable[..., Summary]) -> Summary:
    """Do the work, which takes a `report`, and show how far it is."""
    report = ProgressReport()
    try:
        return work(report=report)
    finally:
        report.close()


@contextmanager
def _claim_summary(files: RunFiles) -> Iterator[None]:
    """Claim the name of the summary: it gives way to another one of the same output, and to nothing else."""
    if files.summary is None:
        yield
        return
    origin = {"command": "--summary", "of": str(Path(files.target).resolve())}
    with claim_output(Path(files.summary), lambda: origin, force=files.force):
        yield


def _check_summary(files: RunFiles) -> None:
    """Refuse to write the summary over another file of the run."""
    path = files.summary
    others = [Path(other).resolve() for other in (files.source, files.target, *files.checkpoints)]
    if path and Path(path).resolve() in others:
        raise DataError("the summary would replace this file", path=path, hint="give --summary another name")


def describe_summary(summary: Summary) -> str:
    """Return one line on what became of a run."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary.counts.items()))
    text = f"{summary.rows} rows in {summary.seconds:.1f} s ({summary.rate:.0f}/s): {statuses or 'no rows'}"
    if summary.written != summary.rows:
        text += f"; {summary.written} rows written"
    if summary.units:
        text += "; " + ", ".join(f"{name} in {unit}" for name, unit in summary.units.items())
    if summary.rows and summary.resumed == summary.rows:
        return f"{text}; it was complete already, nothing is left to do"
    if summary.resumed:
        text += f"; {summary.resumed} rows were done by an earlier run"
    return text


def describe_plan(planned: Plan, workers: int) -> str:
    """Return a few lines on what a run would take."""
    return "\n".join(
        [
            f"rows         {planned.rows:,}",
            f"rate         {planned.rate:,.0f} rows/s with {workers} processes, on {planned.sampled:,} rows",
            f"time         {format_seconds(planned.seconds)}",
            f"core-hours   {planned.core_hours:,.2f}",
            f"output size  {planned.output_bytes / 1e6:,.1f} MB",
        ]
    )


def _write_summary(path: str | None, document: dict[str, Any]) -> None:
    if path:
        with write_whole(Path(path)) as temporary:
            temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
