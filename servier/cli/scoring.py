"""The commands that score molecules."""

import json
import logging
from typing import Any

import click

from servier.cli.options import (
    DEFAULT_MODEL_PATHS,
    as_json,
    asked_models,
    confidences,
    detail,
    open_models,
    smiles_column,
    worker_processes,
    workers,
)
from servier.errors import ServierError

logger = logging.getLogger(__name__)


@click.command()
@click.argument("smile")
@asked_models
@detail
@as_json
def predict(smile: str, model_name: str, **given: Any) -> None:
    """Predict P1 property based on molecule fingerprint.

    Or any other property that the model was trained on; model 2 reads the SMILES string instead of a
    fingerprint.

    \b
    Example:
      servier predict "CC(=O)Oc1ccccc1C(=O)O" --model_name 1
    """
    from servier.report.text import describe_answer
    from servier.scoring.predictions import as_answers
    from servier.scoring.scorer import Scorer

    checkpoints = open_models(model_name, given)
    predictions = Scorer(checkpoints, confidences=confidences(given)).score([smile])
    answer = {"smile": smile, "model_name": model_name, **as_answers(predictions)[0]}
    if given["as_json"]:
        click.echo(json.dumps(answer))
    _refuse(smile, predictions)
    if not given["as_json"]:
        click.echo(describe_answer(answer))


def _refuse(smile: str, predictions: Any) -> None:
    """Raise an error for a molecule that has no answer."""
    problem = predictions.problems[0]
    if problem is not None:
        raise ServierError(f"{smile!r}: {problem.status}: {problem.reason}", hint="check the SMILES string")


@click.command()
@click.argument("smile")
@asked_models
@click.option("--target", metavar="NAME", help="The target to explain.  [default: the first]")
@click.option(
    "--output", type=click.Path(dir_okay=False), metavar="PICTURE.svg", help="Also draw the molecule there."
)
@as_json
def explain(smile: str, model_name: str, target: str | None, output: str | None, **given: Any) -> None:
    """Say what each atom of a molecule adds to its score.

    The score (the log-odds of label 1, or a value) is shared out among the atoms: a contribution is how much
    the score falls when the atom is hidden from the model, on average over the orders in which all atoms
    can be hidden. For model 1 the substructures that it counts are listed too; * is the rest of the molecule.

    \b
    Examples:
      servier explain "CC(=O)Oc1ccccc1C(=O)O" --output aspirin.svg
      servier explain "CC(=O)Oc1ccccc1C(=O)O" --model_name consensus --json
    """
    from servier.chem.molecules import parse_smiles
    from servier.explaining.atoms import as_document
    from servier.explaining.atoms import explain as explain_score
    from servier.report.text import describe_explanation
    from servier.scoring.predictions import as_answers
    from servier.scoring.scorer import Scorer

    if output and not output.endswith(".svg"):
        raise ServierError("the picture is an SVG file", path=output, hint="end its name in .svg")
    scorer = Scorer(open_models(model_name, given))
    mol = parse_smiles(smile)
    predictions = scorer.score_molecules([mol])
    document = {"smile": smile, "model_name": model_name, **as_answers(predictions)[0]}
    if predictions.problems[0] is None:
        explanation = explain_score(scorer, mol, target)
        document |= as_document(explanation)
        if output:
            from servier.explaining.drawing import write_picture

            write_picture(explanation, document, output)
    if given["as_json"]:
        click.echo(json.dumps(document))
    _refuse(smile, predictions)
    if not given["as_json"]:
        click.echo(describe_explanation(document))


@click.command("predict-file")
@click.argument("input", metavar="INPUT")
@click.argument("output", metavar="OUTPUT")
@click.option(
    "--model_path",
    "model_paths",
    multiple=True,
    help="A checkpoint; given twice, the mean of both is taken, in which model 1 counts twice."
    f"  [default: {DEFAULT_MODEL_PATHS['1']}]",
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
    "--n_smiles",
    type=click.IntRange(1),
    help="SMILES of a molecule that model 2 averages over (test-time augmentation).  [default: as trained]",
)
@detail
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
    predictions, a status and a reason. It appears under its name when it is complete, and replaces a file of
    this name then; until then the same command goes on where an interrupted one stopped.

    \b
    Examples:
      servier predict-file library.csv.gz scored.csv.gz --model_path models/model_1.servier
      servier predict-file library.smi best.csv --top 1000
      servier predict-file library.parquet part3.parquet --shard 3/16
    """
    from servier.bulk import commands

    given["confidences"] = confidences(given)
    said = commands.predict_file(input, output, model_paths or (DEFAULT_MODEL_PATHS["1"],), given)
    if said:
        click.echo(said)


@click.command()
@click.argument("output", metavar="OUTPUT")
@click.argument("shards", metavar="SHARD...", nargs=-1, required=True)
def merge(output: str, shards: tuple[str, ...]) -> None:
    """Join the shards that predict-file --shard wrote.

    All shards must be there, complete and of one run. OUTPUT is the file that a run without shards writes;
    it takes the place of a file that had this name.

    \b
    Example:
      servier merge scored.csv.gz part1.csv.gz part2.csv.gz part3.csv.gz
    """
    from servier.bulk.merging import merge as merge_shards

    merged = merge_shards(output, shards)
    logger.info("%s rows of %s shards are in %s", merged.written, len(shards), output)


@click.command()
@click.option(
    "--models_dir", default="models", show_default=True, help="Where model_1.servier and model_2.servier are."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="Port to listen on; 0: any.",
)
@click.option(
    "--threads", type=click.IntRange(1), default=16, show_default=True, help="Requests answered at a time."
)
@workers
@click.option(
    "--timeout",
    type=click.FloatRange(0.1),
    default=10.0,
    show_default=True,
    help="Seconds that one molecule may take.",
)
@click.option("--log_molecules", is_flag=True, help="Name the molecules in the log of requests.")
def serve(models_dir: str, host: str, port: int, threads: int, log_molecules: bool, **given: Any) -> None:
    """Answer requests for single molecules over HTTP, and show a page at /.

    Each request is a line on stderr. SIGTERM ends the service when it has answered; SIGHUP loads the models
    anew, while those before go on answering.

    \b
    Example:
      servier serve --port 5000 &
      curl -d "smile=CCO&model_name=1" http://localhost:5000/predict
    """
    from servier.server.running import ServeOptions, serve_models
    from servier.server.service import Limits

    limits = Limits(worker_processes(given["workers"]), given["timeout"])
    serve_models(ServeOptions(models_dir, host, port, threads, limits, log_molecules))
