"""What stands behind `servier predict-file`: options to a run, a run to words and a summary."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from servier.bulk.options import Options, Shard
from servier.bulk.planning import Plan, plan
from servier.bulk.run import Summary
from servier.bulk.run import predict_file as run_predict_file
from servier.errors import DataError
from servier.processes.ordered_map import count_cores
from servier.progress import ProgressReport, format_seconds
from servier.tables import STANDARD_STREAM, write_whole

logger = logging.getLogger(__name__)

DELIMITER_NAMES = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";"}
MANY = 0.5


def predict_file(source: str, target: str, checkpoints: Sequence[str], given: dict[str, Any]) -> str | None:
    """Run the command; return what belongs on stdout.

    Parameters
    ----------
    source, target, checkpoints
        As in `servier.bulk.run.predict_file`.
    given
        The options of the command line, by name.
    """
    restart, dry_run, summary_path = (given.pop(name) for name in ("restart", "dry_run", "summary"))
    given["delimiter"] = DELIMITER_NAMES.get(given["delimiter"], given["delimiter"])
    if given["columns"] is not None:
        given["columns"] = tuple(name.strip() for name in given["columns"].split(","))
    given["shard"] = None if given["shard"] is None else Shard.parse(given["shard"])
    given["workers"] = given["workers"] or count_cores()
    options = Options(**given)
    _check_summary(summary_path, [source, target, *checkpoints])
    if dry_run and source == STANDARD_STREAM:
        raise DataError("stdin cannot be measured", hint="give a file for INPUT")
    if dry_run:
        planned = plan(source, target, checkpoints, options)
        _write_summary(summary_path, asdict(planned))
        return describe_plan(planned, options.workers)
    report = ProgressReport()
    try:
        summary = run_predict_file(source, target, checkpoints, options, restart=restart, report=report)
    except KeyboardInterrupt:
        if STANDARD_STREAM not in (source, target):
            logger.warning("The same command goes on from the last durable row.")
        raise
    finally:
        report.close()
    logger.info("%s", describe_summary(summary))
    if summary.rows and 1 - summary.counts.get("ok", 0) / summary.rows > MANY:
        column = options.smiles_column or "the detected column"
        logger.warning("More than half of the rows have no answer: does %s hold SMILES strings?", column)
    _write_summary(summary_path, asdict(summary) | {"rate": summary.rate})
    return None


def _check_summary(path: str | None, others: Sequence[str]) -> None:
    """Refuse to write the summary over a file of the run."""
    if path and Path(path).resolve() in [Path(other).resolve() for other in others]:
        raise DataError("the summary would replace this file", path=path, hint="give --summary another name")


def describe_summary(summary: Summary) -> str:
    """Return one line on what became of a run."""
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(summary.counts.items()))
    text = f"{summary.rows} rows in {summary.seconds:.1f} s ({summary.rate:.0f}/s): {statuses or 'no rows'}"
    if summary.written != summary.rows:
        text += f"; {summary.written} rows written"
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
