"""The commands that answer for single molecules."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from servier.cli.commands import argument, command, option
from servier.cli.forms import FormOptions
from servier.cli.options import (
    ASKED_MODELS,
    FORCE,
    JSON,
    REQUIRE_SIGNATURE,
    WORKERS,
    DetailOptions,
    ModelPaths,
    trusted_keys,
    worker_processes,
)
from servier.cli.outputs import Inputs, claim_outputs
from servier.errors import ServierError

if TYPE_CHECKING:
    from servier.scoring.predictions import Predictions

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PredictOptions:
    """The options of `servier predict`."""

    smile: str = field(metadata=argument())
    models: ModelPaths
    details: DetailOptions
    forms: FormOptions
    as_json: bool = field(metadata=JSON)


@command(PredictOptions)
def predict(given: PredictOptions) -> None:
    """Predict P1 property based on molecule fingerprint.

    Or any other property that the model was trained on; model 2 reads the SMILES string instead of a
    fingerprint.

    \b
    Example:
      servier predict "CC(=O)Oc1ccccc1C(=O)O" --model_name 1
    """
    from servier.report.text import describe_answer
    from servier.scoring.predictions import as_answer
    from servier.scoring.scorer import Scorer

    scorer = Scorer(given.models.open(), confidences=given.details.confidences, forms=given.forms.forms())
    predictions = scorer.score([given.smile])
    document = as_answer(given.smile, given.models.model_name, predictions)
    _print(document, predictions, None if given.as_json else describe_answer)


def _print(
    document: Mapping[str, Any],
    predictions: "Predictions",
    describe: Callable[[Mapping[str, Any]], str] | None,
) -> None:
    """Print the answer for a molecule, as JSON or in words; where there is none, raise an error."""
    if describe is None:
        click.echo(json.dumps(document))
    problem = predictions.problems[0]
    if problem is not None:
        smiles = document["smile"]
        raise ServierError(f"{smiles!r}: {problem.status}: {problem.reason}", hint="check the SMILES string")
    if describe is not None:
        click.echo(describe(document))


@dataclass(frozen=True)
class ExplainOptions:
    """The options of `servier explain`."""

    smile: str = field(metadata=argument())
    models: ModelPaths
    target: str | None = field(
        metadata=option(metavar="NAME", help="The target to explain.  [default: the first]")
    )
    label: str | None = field(
        metadata=option(
            metavar="CLASS",
            help="The class to explain of a target with classes.  [default: the most probable; of an ordinal "
            "target, a higher class]",
        )
    )
    output: str | None = field(
        metadata=option(
            decides=False,
            type=click.Path(dir_okay=False),
            metavar="PICTURE.svg",
            help="Also draw the molecule there.",
        )
    )
    force: bool = field(metadata=FORCE)
    as_json: bool = field(metadata=JSON)


@command(ExplainOptions)
def explain(given: ExplainOptions) -> None:
    """Show what each atom of a molecule contributes to its score.

    The contribution of an atom to the score (the log-odds of label 1, or a value) is its Shapley value: how
    much the score falls when the atom is masked, on average over the orders in which all atoms can be masked.
    Of a target with classes it is the score of one class, or, in an order, of that class against the next
    lower one.
    For model 1 the substructures that it counts are listed too, with * for the rest of the molecule.

    \b
    Examples:
      servier explain "CC(=O)Oc1ccccc1C(=O)O" --output aspirin.svg
      servier explain "CC(=O)Oc1ccccc1C(=O)O" --model_name consensus --json
      servier explain "CC(=O)Oc1ccccc1C(=O)O" --target clearance --label high
    """
    from servier.explaining.atoms import as_document
    from servier.explaining.atoms import explain as explain_score
    from servier.report.text import describe_explanation
    from servier.scoring.predictions import as_answer
    from servier.scoring.scorer import Scorer

    if given.output and not given.output.endswith(".svg"):
        raise ServierError("the picture is an SVG file", path=given.output, hint="end its name in .svg")
    checkpoints = given.models.open()
    scorer = Scorer(checkpoints)
    (mol,) = scorer.parse([given.smile])
    predictions = scorer.score_molecules([mol])
    document = as_answer(given.smile, given.models.model_name, predictions)
    if predictions.problems[0] is None:
        explanation = explain_score(scorer, mol, given.target, given.label)
        document |= as_document(explanation)
        if given.output:
            from servier.explaining.drawing import write_picture

            inputs = Inputs({checkpoint.model_name: checkpoint.path for checkpoint in checkpoints})
            with claim_outputs(given, [given.output], inputs) as is_made:
                if not is_made:
                    write_picture(explanation, document, given.output)
    _print(document, predictions, None if given.as_json else describe_explanation)


@dataclass(frozen=True)
class ServiceOptions:
    """The options of `servier serve`."""

    models_dir: str = field(
        metadata=option(
            default="models", show_default=True, help="Where model_1.servier and model_2.servier are."
        )
    )
    host: str = field(metadata=option(default="127.0.0.1", show_default=True, help="Address to listen on."))
    port: int = field(
        metadata=option(
            type=click.IntRange(0, 65535),
            default=5000,
            show_default=True,
            help="Port to listen on; 0: any.",
        )
    )
    queue: int = field(
        metadata=option(
            type=click.IntRange(1),
            default=64,
            show_default=True,
            help="Requests under way at a time, a quarter of them lists and a quarter explanations; more are"
            " refused at once.",
        )
    )
    require_signature: str | None = field(metadata=REQUIRE_SIGNATURE)
    workers: int | None = field(metadata=WORKERS)
    timeout: float = field(
        metadata=option(
            type=click.FloatRange(0.1),
            default=60.0,
            show_default=True,
            help="Seconds of processor time that one molecule may take.",
        )
    )
    request_timeout: float = field(
        metadata=option(
            type=click.FloatRange(0.1),
            default=90.0,
            show_default=True,
            help="Seconds that a request may take; a list is then answered as far as it is scored.",
        )
    )
    reload_timeout: float = field(
        metadata=option(
            type=click.FloatRange(1),
            default=120.0,
            show_default=True,
            help="Seconds after which a reload is given up, and the models stay as they are.",
        )
    )
    log_molecules: bool = field(
        metadata=option(is_flag=True, help="Name the molecules in the log of requests.")
    )
    required_models: tuple[str, ...] = field(
        metadata=option(
            "--require_model",
            multiple=True,
            type=ASKED_MODELS,
            help="Do not start without this model; may be repeated.  [default: any model will do]",
        )
    )
    allowed_hosts: tuple[str, ...] = field(
        metadata=option(
            multiple=True,
            metavar="NAME,...",
            help="Host names that requests may use, besides localhost and the address listened on; * for any."
            " Where all addresses are listened on, requests may use any address.",
        )
    )
    receive_timeout: float = field(
        metadata=option(
            type=click.FloatRange(0.1),
            default=30.0,
            show_default=True,
            help="Seconds within which a request, header and body, has to come in.",
        )
    )
    connections_per_client: int = field(
        metadata=option(
            type=click.IntRange(1),
            default=100,
            show_default=True,
            help="Connections of one address, after which the one that has waited longest is closed; behind "
            "a proxy, which has one address, give more.",
        )
    )


@command(ServiceOptions, extra="serve")
def serve(given: ServiceOptions) -> None:
    """Answer requests for single molecules over HTTP, and show a page at /.

    Each request is a line on stderr. SIGTERM ends the service when it has answered, and in any case within 30
    seconds; SIGHUP loads the models again, while the old ones go on answering.

    \b
    Example:
      servier serve --port 5000 &
      curl -d "smile=CCO&model_name=1" http://localhost:5000/predict
    """
    from servier.server.signals import Signals

    with Signals().caught() as signals:
        from servier.server.running import ServeOptions, serve_models
        from servier.server.service import Limits

        options = ServeOptions(
            models_dir=given.models_dir,
            host=given.host,
            port=given.port,
            queue=given.queue,
            request_timeout=given.request_timeout,
            reload_timeout=given.reload_timeout,
            limits=Limits(worker_processes(given.workers), given.timeout),
            keys=trusted_keys(given.require_signature),
            log_molecules=given.log_molecules,
            required_models=given.required_models,
            allowed_hosts=",".join(given.allowed_hosts).split(",") if given.allowed_hosts else (),
            receive_timeout=given.receive_timeout,
            connections_per_client=given.connections_per_client,
        )
        serve_models(options, signals)
