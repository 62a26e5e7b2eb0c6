"""The Flask app."""

from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from flask.json.provider import DefaultJSONProvider

from servier.chem.molecules import InvalidMolecule, Status
from servier.errors import CheckpointError, ServierError
from servier.processes.budgets import Budget, BusyError
from servier.server.access_log import log_access, note_molecules
from servier.server.admission import Gate, Kind
from servier.server.openapi import describe_api
from servier.server.page import answer_page, fill_page
from servier.server.questions import Score
from servier.server.reading import (
    MAX_BODY,
    TOO_MUCH,
    Asked,
    read_body,
    read_model_name,
    read_prediction,
    read_query,
)
from servier.server.refusing import CARD_POLICY, RequestError, protect
from servier.server.service import Desk, Service

SVG = "image/svg+xml"
PLUS = "; in a form a + is written %2B"


def create_app(desk: Desk, gate: Gate, *, log_molecules: bool = False) -> Flask:
    """Create the app.

    Parameters
    ----------
    desk
        Provides the current service.
    gate
        Admits the requests that need worker processes.
    log_molecules
        Whether the log of requests names the molecules.
    """
    app = Flask(__name__)
    app.config |= {
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY,
        "PROVIDE_AUTOMATIC_OPTIONS": False,
    }
    assert isinstance(app.json, DefaultJSONProvider)
    app.json.sort_keys = False
    log_access(app, log_molecules=log_molecules)
    protect(app, TOO_MUCH)
    _add_predictions(app, desk, gate)
    _add_pictures(app, desk, gate)
    _add_descriptions(app, desk)
    _add_readiness(app, desk, gate)
    return app


def _add_predictions(app: Flask, desk: Desk, gate: Gate) -> None:
    @app.post("/predict")
    def predict() -> Response:
        asked = read_prediction()
        note_molecules(asked.smiles)
        kind = Kind.LIST if asked.is_list or asked.forms.limits else Kind.SINGLE
        with desk.service() as service, gate.admit(kind) as budget:
            return _predict(service, asked, budget)

    @app.get("/")
    def page() -> str:
        fields = read_query({"smile", "model_name", "target"})
        note_molecules([fields["smile"]] if "smile" in fields else [])
        with desk.service() as service:
            name = fields.get("model_name", next(iter(service.models.parts)))
            _require(service, name, fields.get("target"))
            content = fill_page(
                service.models, fields.get("smile"), name, fields.get("target"), request.host_url
            )
            if "smile" in fields:
                with gate.admit(Kind.SINGLE) as budget:
                    content = answer_page(service, content, budget)
        return render_template("page.html", **content)


def _predict(service: Service, asked: Asked, budget: Budget) -> Response:
    _require(service, asked.model_name)
    _require_forms(service, asked)
    question = Score(asked.model_name, tuple(asked.smiles), asked.forms)
    model = {"model_name": asked.model_name, "checkpoints": service.models.digests(asked.model_name)}
    if asked.is_list:
        rows = service.predict_list(question, budget)
        return jsonify({"success": True, **model, "predictions": rows})
    row = service.predict(question, budget)
    if row["status"] != Status.OK:
        hint = PLUS if " " in asked.smiles[0].strip() and not request.is_json else ""
        raise RequestError(f"{row['status']}: {row['reason']}{hint}", 422, {**model, **row})
    return jsonify({"success": True, **model, **row})


def _add_pictures(app: Flask, desk: Desk, gate: Gate) -> None:
    @app.post("/draw")
    def draw() -> Response:
        smiles = _require_smiles(read_body({"smile"}))
        with desk.service() as service, gate.admit(Kind.SINGLE) as budget:
            drawn = service.draw(smiles, budget)
        if isinstance(drawn, InvalidMolecule):
            return jsonify({"success": False, "status": drawn.status, "reason": drawn.reason})
        return jsonify({"success": True, "svg": drawn})

    @app.get("/explanation.svg")
    def explanation() -> Response:
        fields = read_query({"smile", "model_name", "target"})
        smiles, name = _require_smiles(fields), read_model_name(fields)
        with desk.service() as service, gate.admit(Kind.EXPLANATION) as budget:
            _require(service, name, fields.get("target"))
            drawn = service.explain(name, smiles, fields.get("target"), budget)
        if isinstance(drawn, InvalidMolecule):
            raise RequestError(f"{drawn.status}: {drawn.reason}", 422)
        if isinstance(drawn, ServierError):
            raise RequestError(drawn.problem, 422)
        return Response(drawn, mimetype=SVG)


def _add_descriptions(app: Flask, desk: Desk) -> None:
    @app.get("/health")
    def health() -> Response:
        read_query(())
        with desk.service() as service:
            return jsonify({"success": True, "models": list(service.models.parts)})

    @app.get("/models")
    def models() -> Response:
        read_query(())
        with desk.service() as service:
            return jsonify(service.models.describe())

    @app.get("/models/<model_name>/card")
    def card(model_name: str) -> Response:
        read_query(())
        with desk.service() as service:
            cards = service.models.cards
        if model_name not in cards:
            raise RequestError(
                f"no model is called {model_name[:40]!r}; with a card are: {', '.join(cards)}", 404
            )
        return Response(
            cards[model_name], mimetype="text/html", headers={"Content-Security-Policy": CARD_POLICY}
        )

    @app.get("/openapi.json")
    def openapi() -> Response:
        read_query(())
        with desk.service() as service:
            return jsonify(describe_api(service.models))


def _add_readiness(app: Flask, desk: Desk, gate: Gate) -> None:
    @app.get("/ready")
    def ready() -> Response:
        read_query(())
        with desk.service() as service:
            problem = "too many requests are under way" if gate.is_full() else service.problem()
            if problem is not None:
                raise BusyError(problem)
            return jsonify({"success": True, "models": list(service.models.parts)})


def _require(service: Service, model_name: str, target: str | None = None) -> None:
    """Refuse the request unless there is such a model, with such a target."""
    served = service.models.parts
    if model_name not in served:
        known = ", ".join(served)
        raise RequestError(f"no model is called {model_name[:40]!r}; served are: {known}", 404)
    names = [known.name for known in service.models.targets(model_name)]
    if target is not None and target not in names:
        raise RequestError(f"no target is called {target[:40]!r}; known are: {', '.join(names)}", 404)


def _require_forms(service: Service, asked: Asked) -> None:
    """Refuse the request if the model has one answer for all forms that are asked for."""
    try:
        service.models.require_forms(asked.model_name, asked.forms)
    except CheckpointError as error:
        raise RequestError(error.problem, 422) from None


def _require_smiles(fields: dict[str, Any]) -> str:
    smiles = fields.get("smile")
    if not isinstance(smiles, str):
        raise RequestError("the field smile is missing, or is not a string")
    note_molecules([smiles])
    return smiles
