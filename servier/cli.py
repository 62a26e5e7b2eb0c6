"""The commands: options, then one call into the library."""

import functools
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from servier import __version__
from servier.errors import ServierError

logger = logging.getLogger("servier")

Command = Callable[..., None]

MODELS = click.Choice(["1", "2"])
DEFAULT_MODEL_PATHS = {"1": "models/model_1.servier", "2": "models/model_2.servier"}


class ServierGroup(click.Group):
    """A group whose errors are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a `ServierError` ends with status 1 and its line."""
        try:
            return super().invoke(ctx)
        except ServierError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(130)


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join several option decorators into one."""
    return lambda command: functools.reduce(lambda inner, wrap: wrap(inner), reversed(decorators), command)


smiles_column = click.option(
    "--smiles_column", metavar="NAME", help="Column with the SMILES strings.  [default: detected]"
)
workers = click.option("--workers", type=click.IntRange(1), help="Number of processes.  [default: all cores]")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

dataset_options = options(
    click.option(
        "--data_dir",
        type=click.Path(file_okay=False),
        default="data",
        show_default=True,
        help="Path to the data directory.",
    ),
    click.option(
        "--dataset",
        type=click.Path(dir_okay=False),
        help="Any labelled table (CSV, Parquet, SDF, ...), instead of --data_dir.",
    ),
    click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="COLUMN",
        help="Column to predict; repeatable.  [default: P1]",
    ),
    smiles_column,
    click.option("--id_column", metavar="NAME", help="Column with the identifiers.  [default: detected]"),
    click.option("--split_column", metavar="NAME", help="Column that says train, valid or test."),
    click.option("--task", type=click.Choice(["binary", "regression"]), help="[default: by the labels]"),
)


@click.group(
    cls=ServierGroup,
    help="servier - Property molecule prediction and model management",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
        "token_normalize_func": lambda name: name.replace("-", "_"),
    },
)
@click.version_option(__version__, prog_name="servier")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr, only warnings and errors.")
def main(quiet: bool) -> None:
    """Set up logging, which goes to stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s", force=True)
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


@main.command()
@dataset_options
@click.option("--model_name", type=MODELS, default="1", show_default=True, help="Model to be trained.")
@click.option(
    "--models_dir", default="models", show_default=True, help="Where model_1.servier or model_2.servier goes."
)
@click.option("--model_path", help="The very file to write, instead of --models_dir.")
@click.option(
    "--preset", type=click.Choice(["fast", "accurate"]), help="Features of model 1.  [default: accurate]"
)
@click.option("--config", type=click.Path(dir_okay=False), help="A recipe file, such as config/model_1.yaml.")
@click.option(
    "--split",
    type=click.Choice(["scaffold", "random"]),
    help="How test rows are held out.  [default: scaffold]",
)
@click.option(
    "--test_fraction", type=click.FloatRange(0, 0.9), help="Share of rows held out; 0: none.  [default: 0.2]"
)
@click.option("--seed", type=int, help="Seed of all randomness.  [default: 0]")
@workers
def train(model_name: str, models_dir: str, model_path: str | None, config: str | None, **given: Any) -> None:
    """Train model from scratch.

    \b
    Examples:
      servier train --data_dir data --model_name 1
      servier train --dataset solubility.csv --target logS --model_name 2
    """
    data = _load(given)
    from servier.checkpoint import encode_checkpoint
    from servier.describing import describe_metrics
    from servier.recipes import RecipeFile, read_recipe
    from servier.tables import write_whole
    from servier.training import Options
    from servier.training import train as train_model

    recipe = read_recipe(config, model_name) if config else RecipeFile()
    chosen = {
        key: given[key] for key in ("preset", "split", "test_fraction", "seed") if given[key] is not None
    }
    settings = Options(
        model_name, **(recipe.settings | chosen | {"workers": _count_workers(given["workers"])})
    )
    path = Path(model_path) if model_path else Path(models_dir) / f"model_{model_name}.servier"
    with write_whole(path) as temporary:
        checkpoint = train_model(data, settings, recipe.recipe)
        temporary.write_bytes(encode_checkpoint(checkpoint))

    click.echo(describe_metrics(checkpoint))
    click.echo(f"Model {model_name} is in {path}")


@main.command()
@dataset_options
@click.option("--model_path", help="Path of the model to be evaluated.  [default: models/model_N.servier]")
@click.option(
    "--model_name", type=MODELS, help="The model it must be.  [default: 1, or what --model_path holds]"
)
@click.option("--output_dir", type=click.Path(file_okay=False), help="Also write metrics.json there.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@as_json
def evaluate(model_path: str | None, model_name: str | None, output_dir: str | None, **given: Any) -> None:
    """Evaluate model.

    Scores rows that the model never saw: of the data set it was trained on the rows that training held
    out, of any other all rows but those with a molecule that it was trained on.

    \b
    Example:
      servier evaluate --data_dir data --model_path models/model_1.servier --model_name 1
    """
    from servier.checkpoint import open_checkpoint

    checkpoint = open_checkpoint(model_path or DEFAULT_MODEL_PATHS[model_name or "1"], model_name)
    given["targets"] = given["targets"] or [target.name for target in checkpoint.targets]
    if len(given["targets"]) != len(checkpoint.targets):
        names = ", ".join(target.name for target in checkpoint.targets)
        raise ServierError(
            f"this model has the targets {names}", mend="name one column for each with --target"
        )
    data = _load(given, [target.task for target in checkpoint.targets])
    from servier.describing import describe_evaluation
    from servier.evaluation import as_document
    from servier.evaluation import evaluate as evaluate_model
    from servier.tables import write_whole

    evaluation = evaluate_model(checkpoint, data, given["seed"])
    document = json.dumps(as_document(checkpoint, evaluation, data), indent=1)
    if output_dir:
        with write_whole(Path(output_dir) / "metrics.json") as temporary:
            temporary.write_text(document + "\n", encoding="utf-8")
    columns = dict(zip(evaluation.metrics, data.targets, strict=True))
    click.echo(document if given["as_json"] else describe_evaluation(evaluation, columns))


@main.command()
@click.argument("smile")
@click.option(
    "--model_1_path", default=DEFAULT_MODEL_PATHS["1"], show_default=True, help="Checkpoint of model 1."
)
@click.option(
    "--model_2_path", default=DEFAULT_MODEL_PATHS["2"], show_default=True, help="Checkpoint of model 2."
)
@click.option(
    "--model_name",
    type=click.Choice(["1", "2", "consensus"]),
    default="1",
    show_default=True,
    help="Model to ask; consensus is the mean of both.",
)
@as_json
def predict(smile: str, model_1_path: str, model_2_path: str, model_name: str, as_json: bool) -> None:
    """Predict P1 property based on molecule fingerprint.

    \b
    Example:
      servier predict "CC(=O)Oc1ccccc1C(=O)O" --model_name 1
    """
    from servier.checkpoint import open_checkpoint
    from servier.describing import describe_answer
    from servier.scoring import Scorer, as_answer

    paths = {"1": model_1_path, "2": model_2_path}
    names = ["1", "2"] if model_name == "consensus" else [model_name]
    predictions = Scorer([open_checkpoint(paths[name], name) for name in names]).score([smile])
    answer = {"smile": smile, "model_name": model_name, **as_answer(predictions)}
    problem = predictions.problems[0]
    if as_json:
        click.echo(json.dumps(answer))
    if problem is not None:
        raise ServierError(f"{smile!r}: {problem.status}: {problem.reason}", mend="check the SMILES string")
    if not as_json:
        click.echo(describe_answer(answer))


@main.command("predict-file")
@click.argument("input", metavar="INPUT")
@click.argument("output", metavar="OUTPUT")
@click.option(
    "--model_path",
    "model_paths",
    multiple=True,
    help=f"A checkpoint; given twice, the mean of both is taken.  [default: {DEFAULT_MODEL_PATHS['1']}]",
)
@smiles_column
@click.option(
    "--delimiter",
    type=click.Choice([",", ";", "\t", "\\t", "tab", "comma", "semicolon"]),
    metavar="CHARACTER",
    help="Comma, semicolon or tab.  [default: detected]",
)
@click.option("--columns", metavar="A,B,...", help="Columns of the input to carry over.  [default: all]")
@click.option(
    "--max_atoms", type=click.IntRange(1), default=500, show_default=True, help="Largest molecule scored."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="Seconds that one molecule may take.",
)
@click.option(
    "--views", type=click.IntRange(1), help="SMILES per molecule that model 2 reads.  [default: as trained]"
)
@click.option(
    "--top", type=click.IntRange(1), metavar="K", help="Write only the K rows with the highest scores."
)
@click.option("--threshold", type=float, metavar="X", help="Write only rows with a score of at least X.")
@click.option(
    "--rank_by",
    metavar="TARGET",
    help="The target whose score --top and --threshold mean.  [default: the first]",
)
@click.option(
    "--shard", metavar="I/N", help="Score only the I-th of N slices; join them with: servier merge."
)
@click.option("--restart", is_flag=True, help="Forget an interrupted run instead of going on with it.")
@click.option("--dry_run", is_flag=True, help="Measure on a sample, and print what the whole run would take.")
@click.option("--summary", type=click.Path(dir_okay=False), help="Write a summary of the run, as JSON.")
@workers
def predict_file(input: str, output: str, model_paths: tuple[str, ...], **given: Any) -> None:  # noqa: A002
    """Score every molecule of a file.

    INPUT is a CSV or TSV, SMI or SD file, plain or compressed (.gz, .zst), a Parquet file, the Parquet
    file of featurize, or - for stdin. OUTPUT is a CSV or TSV file, plain or compressed, a Parquet file, or -
    for stdout. It has one row for each input row, in the same order: all columns of the input, then the
    predictions, a status and a reason. It appears under its name when it is complete; until then the same
    command goes on where an interrupted one stopped.

    \b
    Examples:
      servier predict-file library.csv.gz scored.csv.gz --model_path models/model_1.servier
      servier predict-file library.smi best.csv --top 1000
      servier predict-file library.parquet part3.parquet --shard 3/16
    """
    from servier.bulk import commands

    said = commands.predict_file(input, output, model_paths or (DEFAULT_MODEL_PATHS["1"],), given)
    if said:
        click.echo(said)


@main.command()
@click.argument("output", metavar="OUTPUT")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True)
def merge(output: str, shards: tuple[str, ...]) -> None:
    """Join the shards that predict-file --shard wrote.

    All shards must be there, complete and of one run. OUTPUT is the file that a run without shards writes.

    \b
    Example:
      servier merge scored.csv.gz part1.csv.gz part2.csv.gz part3.csv.gz
    """
    from servier.bulk.merging import merge as merge_shards

    merged = merge_shards(output, shards)
    logger.info("%s rows of %s shards are in %s", merged.written, len(shards), output)


@main.command()
@click.argument("input", metavar="INPUT")
@click.argument("output", metavar="OUTPUT.parquet")
@click.option(
    "--preset",
    type=click.Choice(["fast", "accurate"]),
    default="accurate",
    show_default=True,
    help="Which features.",
)
@smiles_column
@workers
def featurize(input: str, output: str, preset: str, smiles_column: str | None, workers: int | None) -> None:  # noqa: A002
    """Compute the features of every molecule of a file.

    OUTPUT.parquet has all columns of INPUT, a status, and the features; train takes it with --dataset.

    \b
    Example:
      servier featurize data/dataset_single.csv results/features.parquet
    """
    from servier.features import PRESETS
    from servier.features.store import write_features

    counts = write_features(input, output, PRESETS[preset], smiles_column, _count_workers(workers))
    logger.info("%s", ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "no rows")


@main.command()
@click.argument("checkpoint", metavar="CHECKPOINT")
@as_json
def inspect(checkpoint: str, as_json: bool) -> None:
    """Show what a checkpoint is, how good it is, and whether it is intact.

    \b
    Example:
      servier inspect models/model_1.servier
    """
    from servier.checkpoint import open_checkpoint
    from servier.describing import describe_checkpoint
    from servier.scoring import Scorer

    opened = open_checkpoint(checkpoint)
    for name in opened.members:
        opened.members[name]  # reading a member compares it with its digest
    Scorer([opened])
    click.echo(json.dumps(opened.metadata, indent=1) if as_json else describe_checkpoint(opened))


@main.command()
@click.argument("output", metavar="OUTPUT.csv")
@click.option("--rows", type=click.IntRange(20), default=3000, show_default=True, help="Number of molecules.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all randomness.")
def simulate(output: str, rows: int, seed: int) -> None:
    """Write a simulated, labelled data set.

    The molecules are made from building blocks, and P1 follows a known rule with noise; so the best AUROC
    that any model can reach is known. The labels mean nothing in chemistry.

    \b
    Example:
      servier simulate data/dataset_single.csv --rows 3000 --seed 1
    """
    from servier.simulation import simulate as make_simulation
    from servier.simulation import write_simulation

    simulation = make_simulation(rows, seed)
    write_simulation(simulation, output)
    click.echo(f"{rows} simulated molecules, {simulation.labels.mean():.1%} with P1 = 1, are in {output}")
    click.echo(f"Best achievable AUROC: {simulation.best_auroc:.4f}")


@main.command()
@click.option(
    "--models_dir", default="models", show_default=True, help="Where model_1.servier and model_2.servier are."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="Port to listen on."
)
def serve(models_dir: str, host: str, port: int) -> None:
    """Answer requests for single molecules over HTTP.

    \b
    Example:
      servier serve --port 5000 &
      curl -d "smile=CCO&model_name=1" http://localhost:5000/predict
    """
    from servier.server.app import serve as serve_models

    serve_models(models_dir, host, port)


def _load(given: dict[str, Any], tasks: Sequence[str] | None = None) -> Any:
    from servier.datasets import Columns, find_dataset, load_dataset

    path = given["dataset"] or find_dataset(given["data_dir"])
    columns = Columns(given["targets"], given["smiles_column"], given["id_column"], given["split_column"])
    if tasks is None and given["task"]:
        tasks = [given["task"]] * max(1, len(given["targets"]))
    return load_dataset(path, columns, tasks)


def _count_workers(workers: int | None) -> int:
    from servier.parallel import count_cores

    return workers or count_cores()


def _report_rows(rows: int, seconds: float) -> None:
    logger.info("%s rows, %.0f/s", rows, rows / seconds)
