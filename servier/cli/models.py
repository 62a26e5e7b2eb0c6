"""The commands that make models and look at them."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from servier.cli.options import (
    DEFAULT_MODEL_PATHS,
    MODELS,
    SPLITS,
    as_html,
    as_json,
    command_line,
    dataset_options,
    load_for_targets,
    load_labelled,
    presets,
    resampling,
    resampling_options,
    split_options,
    training_options,
    worker_processes,
    workers,
)
from servier.errors import ServierError

logger = logging.getLogger(__name__)


@click.command()
@dataset_options
@click.option("--model_name", type=MODELS, default="1", show_default=True, help="Model to be trained.")
@click.option(
    "--models_dir", default="models", show_default=True, help="Where model_1.servier or model_2.servier goes."
)
@click.option("--model_path", help="The very file to write, instead of --models_dir.")
@presets
@click.option("--config", type=click.Path(dir_okay=False), help="A recipe file, such as config/model_1.yaml.")
@split_options
@click.option(
    "--reference",
    type=click.Path(exists=True, dir_okay=False),
    help="Molecules, such as approved drugs, among whose answers --detail gives each answer its percentile.",
)
@workers
def train(models_dir: str, model_path: str | None, **given: Any) -> None:
    """Train model from scratch.

    \b
    Examples:
      servier train --data_dir data --model_name 1
      servier train --dataset solubility.csv --target logS --model_name 2
    """
    data = load_labelled(given)
    from servier.checkpoint.file import encode_checkpoint
    from servier.report.text import describe_metrics
    from servier.tables import write_whole
    from servier.training.train import train as train_model

    options, recipe = training_options(given)
    model_name = options.model_name
    path = Path(model_path) if model_path else Path(models_dir) / f"model_{model_name}.servier"
    _warn_of_replacement(path, data.targets)
    with write_whole(path) as temporary:
        checkpoint = train_model(data, options, recipe)
        temporary.write_bytes(encode_checkpoint(checkpoint))

    click.echo(describe_metrics(checkpoint))
    click.echo(f"Model {model_name} is in {path}")


def _warn_of_replacement(path: Path, targets: Sequence[str]) -> None:
    """Say so when the file that will be written holds a model of something else."""
    from servier.checkpoint.file import open_checkpoint

    try:
        before = [target.name for target in open_checkpoint(path).targets]
    except ServierError:
        return
    if before != list(targets):
        logger.warning("%s holds a model of %s, which will be replaced", path, ", ".join(before))


@click.command()
@dataset_options
@click.option("--model_path", help="Path of the model to be evaluated.  [default: models/model_N.servier]")
@click.option(
    "--model_name", type=MODELS, help="The model it must be.  [default: 1, or what --model_path holds]"
)
@click.option(
    "--folds", type=click.IntRange(2), help="Instead train anew in so many folds of the table, and test each."
)
@click.option(
    "--repeats", type=click.IntRange(1), default=1, show_default=True, help="How often folds are cut."
)
@click.option(
    "--split", type=SPLITS, help="How folds are cut.  [default: as the model's test rows were held out]"
)
@click.option(
    "--output_dir",
    type=click.Path(file_okay=False),
    help="Also write metrics.json, leaks.csv and report.html there; of several targets a report_TARGET.html "
    "each, to which report.html leads. With --folds only metrics.json.",
)
@resampling_options
@as_json
def evaluate(model_path: str | None, model_name: str | None, **given: Any) -> None:
    """Evaluate model.

    Scores rows that the model never saw: of the data set it was trained on the rows that training held
    out, of any other all rows but those with a molecule that it was trained on. With --folds it is the way of
    training that is evaluated, on every row: models are trained as this one was, each without one fold.

    \b
    Examples:
      servier evaluate --data_dir data --model_path models/model_1.servier --model_name 1
      servier evaluate --data_dir data --model_name 1 --folds 5 --repeats 3
    """
    from servier.checkpoint.file import open_checkpoint
    from servier.tables import write_whole

    checkpoint = open_checkpoint(model_path or DEFAULT_MODEL_PATHS[model_name or "1"], model_name)
    data = load_for_targets(given, checkpoint.targets)
    run = _evaluate_training if given["folds"] else _evaluate_model
    document, words = run(checkpoint, data, given)
    text = json.dumps(document, indent=1)
    if given["output_dir"]:
        with write_whole(Path(given["output_dir"]) / "metrics.json") as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    click.echo(text if given["as_json"] else words)


def _evaluate_model(checkpoint: Any, data: Any, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return metrics of rows that a model never saw, as a document and in words."""
    from servier.evaluation.evaluate import as_document
    from servier.evaluation.evaluate import evaluate as evaluate_model
    from servier.evaluation.leakage import write_leaks
    from servier.report.text import describe_evaluation

    drawing = resampling(given)
    evaluation = evaluate_model(checkpoint, data, drawing)
    columns = dict(zip(evaluation.targets, data.targets, strict=True))
    if given["output_dir"]:
        from servier.report.html.document import Source, write_reports

        write_leaks(evaluation.overlap.leaks, Path(given["output_dir"]) / "leaks.csv")
        source = Source(checkpoint, data, evaluation, drawing, command_line())
        logger.info("the report is %s", write_reports(source, given["output_dir"])[0])
    return as_document(checkpoint, evaluation, data), describe_evaluation(evaluation, columns)


def _evaluate_training(checkpoint: Any, data: Any, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return metrics of models that are trained anew, as a document and in words."""
    from servier.evaluation.nested_cv import repeat_training
    from servier.report.text import describe_nested

    workers = worker_processes(given["workers"])
    runs = repeat_training(checkpoint, data, given["folds"], given["repeats"], given["split"], workers)
    document = runs.as_document(checkpoint, data)
    return document, describe_nested(document)


@click.command()
@click.argument("first", metavar="CHECKPOINT_A")
@click.argument("second", metavar="CHECKPOINT_B")
@dataset_options
@resampling_options
@as_html
@as_json
def compare(first: str, second: str, html: str | None, as_json: bool, **given: Any) -> None:
    """Say whether one model is better than another.

    Both score the rows that neither was trained on; a paired bootstrap says whether they differ.

    \b
    Example:
      servier compare models/model_1.servier models/model_2.servier --data_dir data
    """
    from servier.checkpoint.file import open_checkpoint

    a, b = open_checkpoint(first), open_checkpoint(second)
    data = load_for_targets(given, a.targets)
    from servier.evaluation.compare import as_document, compare_checkpoints
    from servier.report.text import describe_comparison

    found = compare_checkpoints(a, b, data, resampling(given))
    document = as_document(a, b, data, found)
    if html:
        from servier.report.html.comparison import write_comparison

        write_comparison(document, command_line(), html)
        logger.info("the comparison is %s", html)
    click.echo(json.dumps(document, indent=1) if as_json else describe_comparison(document))


@click.command()
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.option(
    "--verify", is_flag=True, help="Only say of every part whether it is intact; status 1 where one is not."
)
@as_html
@as_json
@click.pass_context
def inspect(context: click.Context, checkpoint: str, verify: bool, html: str | None, as_json: bool) -> None:
    """Show what a checkpoint is, how good it is, and whether it is intact.

    \b
    Examples:
      servier inspect models/model_1.servier
      servier inspect models/model_1.servier --html card.html
    """
    from servier.checkpoint.file import open_checkpoint
    from servier.checkpoint.metadata import encode_metadata
    from servier.report.text import describe_checkpoint
    from servier.scoring.scorer import Scorer

    opened = open_checkpoint(checkpoint)
    if verify and not _verify(opened, as_json):
        context.exit(1)
    for name in opened.entries:
        opened.entries[name]  # reading an entry compares it with its digest
    Scorer([opened])
    if html:
        from servier.report.html.card import write_card

        write_card(opened, html)
        logger.info("the model card is %s", html)
    if not verify:
        click.echo(encode_metadata(opened.metadata).decode() if as_json else describe_checkpoint(opened))


def _verify(checkpoint: Any, as_json: bool) -> bool:
    """Print what is intact, and return whether all is."""
    from dataclasses import asdict

    from servier.scoring.verification import verify

    checks = verify(checkpoint)
    for check in checks if not as_json else ():
        click.echo(str(check))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    return all(check.problem is None for check in checks)
