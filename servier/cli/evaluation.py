"""The commands that say how good models are."""

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from servier.cli.commands import argument, command, option
from servier.cli.options import (
    DEFAULT_MODEL_PATHS,
    FORCE,
    HTML,
    JSON,
    MODELS,
    SPLITS,
    ResamplingOptions,
    TableOptions,
    command_line,
    worker_processes,
)
from servier.cli.outputs import Inputs, claim_outputs
from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.checkpoint.file import Checkpoint
    from servier.data.datasets import Dataset

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluateOptions:
    """The options of `servier evaluate`."""

    table: TableOptions
    model_path: str | None = field(
        metadata=option(
            decides=False, help="Path of the model to be evaluated.  [default: models/model_N.servier]"
        )
    )
    model_name: str | None = field(
        metadata=option(
            type=MODELS,
            help="The model that the checkpoint must hold.  [default: 1, or what --model_path holds]",
        )
    )
    folds: int | None = field(
        metadata=option(
            type=click.IntRange(2),
            help="Instead train again in this many folds of the table, and test on each.",
        )
    )
    repeats: int = field(
        metadata=option(
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="How often the table is divided into folds.",
        )
    )
    split: str | None = field(
        metadata=option(
            type=SPLITS,
            help="How rows are divided into folds.  [default: as the model's test rows were held out]",
        )
    )
    encoder: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            help="With --folds, the file of the encoder to start from, where the model's recipe names one.",
        )
    )
    output_dir: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(file_okay=False),
            help="Also write metrics.json, leaks.csv and report.html there; of several targets a "
            "report_TARGET.html each, to which report.html leads. With --folds only metrics.json.",
        )
    )
    resampling: ResamplingOptions
    force: bool = field(metadata=FORCE)
    as_json: bool = field(metadata=JSON)


@command(EvaluateOptions, extra="train")
def evaluate(given: EvaluateOptions) -> None:
    """Evaluate model.

    Scores rows that the model never saw: of the data set it was trained on the rows that training held
    out, of any other all rows but those with a molecule that it was trained on. With --folds, models are
    trained in the same way as this one, each without one fold of the table, and tested on that fold.

    \b
    Examples:
      servier evaluate --data_dir data --model_path models/model_1.servier --model_name 1
      servier evaluate --data_dir data --model_name 1 --folds 5 --repeats 3
      servier evaluate --dataset other.csv --target IC50 --unit uM --model_path models/model_1.servier
    """
    from servier.checkpoint.file import open_checkpoint
    from servier.tables import write_whole

    if given.encoder is not None and given.folds is None:
        raise ServierError("--encoder says what to train from, and nothing is trained", hint="add --folds")
    if given.folds is None and (given.split is not None or given.repeats > 1):
        flag = "--split" if given.split is not None else "--repeats"
        raise ServierError(f"{flag} says how folds are made, and there are none", hint="add --folds")
    path = given.model_path or DEFAULT_MODEL_PATHS[given.model_name or "1"]
    checkpoint = open_checkpoint(path, given.model_name)
    data = _choose_table(checkpoint, given).load_for(checkpoint.targets)
    outputs = _name_outputs(checkpoint, given)
    files = {"table": data.path, "checkpoint": path, "encoder": given.encoder}
    inputs = Inputs(files, data=data)
    with claim_outputs(given, outputs, inputs) as is_made:
        given = replace(given, output_dir=None if is_made else given.output_dir)
        if given.folds is None:
            document, words = _evaluate_model(checkpoint, data, given)
        else:
            document, words = _evaluate_training(checkpoint, data, given.folds, given)
        text = json.dumps(document, indent=1)
        if given.output_dir:
            with write_whole(Path(given.output_dir) / "metrics.json") as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
    click.echo(text if given.as_json else words)


def _choose_table(checkpoint: "Checkpoint", given: EvaluateOptions) -> TableOptions:
    """Return which table is meant; training again takes weights from where the model had them."""
    weights = checkpoint.metadata.dataset.weights
    if given.folds is None:
        _say_unweighted(given.table)
    if given.folds is None or given.table.weight_column is not None or weights is None:
        return given.table
    return replace(given.table, weight_column=weights.column)


def _say_unweighted(table: TableOptions) -> None:
    if table.weight_column is not None:
        logger.info("weights are for training: each of the rows to score counts once")


def _name_outputs(checkpoint: "Checkpoint", given: EvaluateOptions) -> list[Path]:
    """Return the files that an evaluation will write."""
    if given.output_dir is None:
        return []
    names = ["metrics.json"]
    if given.folds is None:
        from servier.report.html.document import name_pages

        names += ["leaks.csv", *name_pages([target.name for target in checkpoint.targets])]
    return [Path(given.output_dir) / name for name in names]


def _evaluate_model(
    checkpoint: "Checkpoint", data: "Dataset", given: EvaluateOptions
) -> tuple[dict[str, Any], str]:
    """Return metrics of rows that a model never saw, as a document and in words."""
    from servier.evaluation.evaluate import as_document
    from servier.evaluation.evaluate import evaluate as evaluate_model
    from servier.evaluation.leakage import write_leaks
    from servier.report.text import describe_evaluation

    resampling = given.resampling.resampling()
    evaluation = evaluate_model(checkpoint, data, resampling)
    columns = dict(zip(evaluation.targets, data.targets, strict=True))
    if given.output_dir:
        from servier.report.html.document import Source, write_reports

        write_leaks(evaluation.overlap.leaks, Path(given.output_dir) / "leaks.csv")
        source = Source(checkpoint, data, evaluation, resampling, command_line())
        logger.info("the report is %s", write_reports(source, given.output_dir)[0])
    return as_document(checkpoint, evaluation, data), describe_evaluation(evaluation, columns)


def _evaluate_training(
    checkpoint: "Checkpoint", data: "Dataset", folds: int, given: EvaluateOptions
) -> tuple[dict[str, Any], str]:
    """Return metrics of models that are trained again, as a document and in words."""
    from servier.evaluation.nested_cv import repeat_training
    from servier.report.text import describe_nested

    workers = worker_processes(given.resampling.workers)
    runs = repeat_training(checkpoint, data, folds, given.repeats, given.split, workers, given.encoder)
    document = runs.as_document(checkpoint, data)
    return document, describe_nested(document)


@dataclass(frozen=True)
class CompareOptions:
    """The options of `servier compare`."""

    first: str = field(metadata=argument(decides=False, metavar="CHECKPOINT_A"))
    second: str = field(metadata=argument(decides=False, metavar="CHECKPOINT_B"))
    table: TableOptions
    resampling: ResamplingOptions
    html: str | None = field(metadata=HTML)
    force: bool = field(metadata=FORCE)
    as_json: bool = field(metadata=JSON)


@command(CompareOptions, extra="train")
def compare(given: CompareOptions) -> None:
    """Say whether one model is better than another.

    Both score the rows that neither was trained on; a paired bootstrap says whether they differ.

    \b
    Example:
      servier compare models/model_1.servier models/model_2.servier --data_dir data
    """
    from servier.checkpoint.file import open_checkpoint

    a, b = open_checkpoint(given.first), open_checkpoint(given.second)
    _say_unweighted(given.table)
    data = given.table.load_for(a.targets)
    from servier.evaluation.compare import as_document, compare_checkpoints
    from servier.report.text import describe_comparison

    files = {"table": data.path, "first checkpoint": given.first, "second checkpoint": given.second}
    inputs = Inputs(files, data=data)
    with claim_outputs(given, [given.html], inputs) as is_made:
        document = as_document(a, b, data, compare_checkpoints(a, b, data, given.resampling.resampling()))
        if given.html and not is_made:
            from servier.report.html.comparison import write_comparison

            write_comparison(document, command_line(), given.html)
            logger.info("the comparison is %s", given.html)
    click.echo(json.dumps(document, indent=1) if given.as_json else describe_comparison(document))
