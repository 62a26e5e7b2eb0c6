"""The Flask app, and waitress in front of it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import waitress
from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from servier.answers import as_answer
from servier.checkpoint import open_checkpoint
from servier.errors import ServierError
from servier.scoring import Scorer

logger = logging.getLogger(__name__)

MODEL_NAMES = ("1", "2")
MAX_BODY = 64 * 1024


class BadRequestError(Exception):
    """A request that cannot be answered, with what is wrong and the HTTP status."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def load_scorers(models_dir: str | Path) -> dict[str, Scorer]:
    """Load the checkpoints of a directory, and log which are missing or unusable.

    Returns
    -------
    Scorers by model name: those of `1` and `2` that could be loaded, and `consensus` where both could.
    """
    scorers: dict[str, Scorer] = {}
    for name in MODEL_NAMES:
        try:
            scorers[name] = Scorer([open_checkpoint(Path(models_dir) / f"model_{name}.servier", name)])
        except ServierError as error:
            logger.warning("model %s is not served: %s", name, error)
        else:
            logger.info("model %s is loaded", name)
    if len(scorers) == len(MODEL_NAMES):
        try:
            scorers["consensus"] = Scorer([scorers[name].checkpoints[0] for name in MODEL_NAMES])
        except ServierError as error:
            logger.warning("consensus is not served: %s", error)
    return scorers


def create_app(scorers: Mapping[str, Scorer]) -> Flask:
    """Make the app.

    Parameters
    ----------
    scorers
        By model name, as `load_scorers` returns them.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY

    @app.post("/predict")
    def predict() -> Response:
        fields = _fields()
        smiles, model_name = fields.get("smile"), str(fields.get("model_name", "1"))
        if not isinstance(smiles, str) or not smiles.strip():
            raise BadRequestError("the field smile is missing or empty")
        if model_name not in scorers:
            served = ", ".join(scorers) or "none"
            raise BadRequestError(f"no model is called {model_name[:40]!r}; served are: {served}", 404)
        predictions = scorers[model_name].score([smiles])
        problem = predictions.problems[0]
        if problem is not None:
            raise BadRequestError(f"{problem.status}: {problem.reason}", 422)
        return jsonify({"success": True, "model_name": model_name, **as_answer(predictions)})

    @app.get("/health")
    def health() -> Response:
        return jsonify({"success": True, "models": list(scorers)})

    @app.errorhandler(BadRequestError)
    def refuse(error: BadRequestError) -> tuple[Response, int]:
        return jsonify({"success": False, "error": str(error)}), error.status

    @app.errorhandler(HTTPException)
    def explain(error: HTTPException) -> tuple[Response, int]:
        return jsonify({"success": False, "error": error.description}), error.code or 500

    return app


def _fields() -> Mapping[str, Any]:
    if not request.is_json:
        return request.form
    body = request.get_json()
    if not isinstance(body, dict):
        raise BadRequestError("the JSON body is not an object")
    return dict(body)


def serve(models_dir: str | Path, host: str, port: int) -> None:
    """Load the models and answer requests until interrupted.

    Raises
    ------
    ServierError
        The address cannot be listened on.
    """
    scorers = load_scorers(models_dir)
    if not scorers:
        mend = "train one with: servier train, or name another --models_dir"
        raise ServierError("no model can be served", path=models_dir, mend=mend)
    app = create_app(scorers)
    try:
        server = waitress.create_server(app, host=host, port=port)
    except OSError as error:
        raise ServierError(
            f"cannot listen on {host}:{port}: {error.strerror}", mend="choose another --port"
        ) from error
    logger.info("serving on http://%s:%s", host, server.effective_port)
    server.run()
