"""The interface of the service, as an OpenAPI document."""

from typing import Any

from servier import __version__
from servier.chem.levels import Level
from servier.chem.molecules import MAX_LENGTH, Status
from servier.scoring.consensus import open_ranks
from servier.scoring.inputs import any_reads_stereo
from servier.scoring.prediction_fields import prediction_fields
from servier.scoring.spreads import MOST_FORMS
from servier.server.loading import Models
from servier.server.questions import CONFIDENCE
from servier.server.reading import MAX_MOLECULES

TYPES = {int: "integer", float: "number", str: "string"}
PROBLEMS = {
    "400": "The request cannot be understood.",
    "404": "There is no such model, target or page.",
    "408": "The request did not come in in time.",
    "413": "The request is too large.",
    "415": "The body is neither a form nor JSON.",
    "421": "The service does not answer to this host.",
    "422": "The molecule cannot be scored, as `status` and `reason` say, or all its forms have one answer.",
    "431": "The address and the header fields are too large.",
    "501": "Of transfer encodings only chunked is understood.",
    "503": "There is no answer now; `Retry-After` says when to try again.",
    "505": "HTTP/1.0 and HTTP/1.1 are understood.",
}
ANYWHERE = ("400", "408", "413", "421", "431", "501", "503", "505")
"""The problems that a request may have wherever it goes."""

Schema = dict[str, Any]


def describe_api(models: Models) -> Schema:
    """Return the document for these models."""
    names = list(models.parts)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "servier",
            "version": __version__,
            "description": "Predicts properties of molecules from their SMILES strings.",
        },
        "paths": {
            "/predict": {"post": _describe_predict(names)},
            "/draw": {"post": _describe_draw()},
            "/explanation.svg": {"get": _describe_explanation(names)},
            "/models": {
                "get": _get("The models that are served, and the problems of those that are not.", "Models")
            },
            "/models/{model_name}/card": {"get": _describe_card(list(models.cards))},
            "/health": {"get": _get("Whether the service answers, and with which models.", "Health")},
            "/ready": {
                "get": _get("Whether molecules can be scored now, and by which models.", "Ready", "503")
            },
            "/openapi.json": {"get": _get("This document.", "Document")},
            "/": {"get": _describe_page(names)},
        },
        "components": {"schemas": _describe_schemas(models)},
    }


def _describe_predict(names: list[str]) -> Schema:
    smiles = {"type": "string", "description": f"A SMILES string of at most {MAX_LENGTH:,} characters."}
    several = {"type": "array", "items": smiles, "minItems": 1, "maxItems": MAX_MOLECULES}
    numbers = [int(name) for name in names if name.isdigit()]
    name = {"description": "The model; 1 by default.", "enum": [*names, *numbers]}
    forms = {kind: _describe_forms(kind) for kind in MOST_FORMS}
    form = _object({"smile": smiles, "model_name": name | {"enum": names}, **forms}, ["smile"])
    body = _object({"smile": {"oneOf": [smiles, several]}, "model_name": name, **forms}, ["smile"])
    answer = {"oneOf": [_refer("Prediction"), _refer("Predictions")]}
    return {
        "summary": f"Score a molecule, or a JSON list of up to {MAX_MOLECULES:,}.",
        "operationId": "predict",
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {"schema": form},
                "multipart/form-data": {"schema": form},
                "application/json": {"schema": body},
            },
        },
        "responses": {
            "200": _json("A molecule with its prediction, or a row for each molecule of the list.", answer),
            **_problems("400", "404", "413", "415", "422", "503"),
        },
    }


def _describe_forms(kind: str) -> Schema:
    what = f"Also give the mean, the lowest and the highest answer for so many {kind} of a molecule, at most."
    return {"type": "integer", "minimum": 1, "maximum": MOST_FORMS[kind], "description": what}


def _describe_draw() -> Schema:
    form = _object({"smile": {"type": "string"}}, ["smile"])
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    return {
        "summary": "Draw a molecule while it is being typed; an invalid one gets an answer, too.",
        "operationId": "draw",
        "requestBody": {"required": True, "content": {kind: {"schema": form} for kind in kinds}},
        "responses": {
            "200": _json("The drawing, or why there is none.", _refer("Drawing")),
            **_problems("400", "413", "415", "503"),
        },
    }


def _describe_explanation(names: list[str]) -> Schema:
    picture = {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}
    return {
        "summary": "Draw what each atom contributes to the score.",
        "operationId": "explain",
        "parameters": [_parameter("smile", required=True), *_choices(names)],
        "responses": {
            "200": {"description": "A drawing.", **picture},
            **_problems("400", "404", "422", "503"),
        },
    }


def _describe_card(names: list[str]) -> Schema:
    name = {"name": "model_name", "in": "path", "required": True, "schema": {"enum": names}}
    return {
        "summary": "The model card: what a model is, and what it is good for.",
        "operationId": "card",
        "parameters": [name],
        "responses": {"200": _page("The card."), **_problems("400", "404")},
    }


def _describe_page(names: list[str]) -> Schema:
    return {
        "summary": "The page: one molecule, its answer, and why.",
        "operationId": "page",
        "parameters": [_parameter("smile"), *_choices(names)],
        "responses": {
            "200": _page("The page, which also shows what is wrong with a molecule."),
            **_problems("400", "404", "503"),
        },
    }


def _choices(names: list[str]) -> list[Schema]:
    return [_parameter("model_name") | {"schema": {"enum": names}}, _parameter("target")]


def _parameter(name: str, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}


def _get(summary: str, schema: str, *problems: str) -> Schema:
    return {
        "summary": summary,
        "operationId": schema.lower(),
        "responses": {"200": _json(summary, _refer(schema)), **_problems("400", *problems)},
    }


def _describe_schemas(models: Models) -> Schema:
    text, is_true, is_false = {"type": "string"}, {"const": True}, {"const": False}
    asked = {
        "model_name": {"enum": list(models.parts)},
        "checkpoints": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    row = {"smile": text, "canonical_smiles": text, **_describe_fields(models)}
    why = {name: row[name] for name in ("status", "reason")}
    listed = {"type": "array", "items": _refer("Row")}
    names = {"type": "array", "items": text}
    named = {"type": "array", "items": {"type": "object"}}
    return {
        "Row": _object(row, ["smile", "status"]),
        "Prediction": _object({"success": is_true, **asked, **row}, ["success", *asked, "smile", "status"]),
        "Predictions": _object(
            {"success": is_true, **asked, "predictions": listed}, ["success", *asked, "predictions"]
        ),
        "Drawing": {
            "oneOf": [
                _object({"success": is_true, "svg": text}, ["success", "svg"]),
                _object({"success": is_false, **why}, ["success", *why]),
            ]
        },
        "Models": _object(
            {"success": is_true, "models": named, "problems": named, "confidence": {"type": "number"}},
            ["success", "models", "problems", "confidence"],
        ),
        "Health": _object({"success": is_true, "models": names}, ["success", "models"]),
        "Ready": _object({"success": is_true, "models": names}, ["success", "models"]),
        "Document": {"type": "object"},
        "Problem": _object({"success": is_false, "error": text, **asked, **row}, ["success", "error"]),
    }


def _describe_fields(models: Models) -> Schema:
    """Return the fields that predictions of any of the models may have."""
    described: Schema = {}
    for name in models.parts:
        targets, ranks = models.targets(name), open_ranks(models.select(name))
        has_changes = models.level(name) is not Level.NONE
        fields = prediction_fields(
            targets,
            [CONFIDENCE],
            has_percentiles=ranks is not None,
            has_changes=has_changes,
            has_stereo=any_reads_stereo(models.select(name)),
            forms=list(MOST_FORMS),
        )
        described |= {field: {"type": TYPES[kind]} for field, kind in fields.items()}
        described |= {f"{t.name}_threshold": {"type": "number"} for t in targets if t.threshold is not None}
        described |= {f"{t.name}_unit": {"type": "string"} for t in targets if t.unit is not None}
    return described | {"status": {"enum": [str(status) for status in Status]}}


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _page(description: str) -> Schema:
    return {"description": description, "content": {"text/html": {"schema": {"type": "string"}}}}


def _problems(*codes: str) -> Schema:
    content = {
        "application/json": {"schema": _refer("Problem")},
        "text/html": {"schema": {"type": "string"}},
    }
    return {code: {"description": PROBLEMS[code], "content": content} for code in sorted({*codes, *ANYWHERE})}
