"""The content of the page."""

import shlex
from base64 import b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from servier.checkpoint.classes import ORDINAL
from servier.checkpoint.target import Target
from servier.chem.molecules import InvalidMolecule, Status
from servier.processes.budgets import Budget
from servier.report.html.pages import number, percent
from servier.server.loading import Models
from servier.server.questions import CONFIDENCE, Row, Score
from servier.server.service import Service

EXAMPLES = {
    "aspirin": "CC(=O)Oc1ccccc1C(=O)O",
    "caffeine": "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "diazepam": "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21",
    "penicillin G": "CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O",
}
SETS = {
    "0": "only label 0 is possible",
    "1": "only label 1 is possible",
    "0 or 1": "either label is possible: the model cannot tell",
    "neither": "neither label fits: no training molecule was scored like this",
}
SHOWN_CLASSES = 5
LEVEL = f"{100 * float(CONFIDENCE):.0f}"


@dataclass(frozen=True)
class Gauge:
    """A number on a scale, with positions in hundredths of the scale.

    Parameters
    ----------
    label
        The name of the number.
    low, high
        The limits of the scale, as text.
    value, text
        The number, and the number as text.
    at, start, end, mark
        The positions of the number, of the start and the end of a bar, and of a line, or None.
    """

    label: str
    low: str
    high: str
    value: float
    text: str
    at: float
    start: float
    end: float
    mark: float | None = None


@dataclass(frozen=True)
class Answered:
    """The prediction of one target.

    Parameters
    ----------
    name
        The name of the target.
    sentences
        The prediction in words, the most important sentence first.
    gauge
        The prediction on a scale.
    """

    name: str
    sentences: list[str]
    gauge: Gauge


def fill_page(
    models: Models, smiles: str | None, model_name: str, target: str | None, address: str
) -> dict[str, Any]:
    """Return the content of the template, without the answer.

    Parameters
    ----------
    models
        The models that are served.
    smiles
        The SMILES that was entered; None if there was none.
    model_name
        A model that is served.
    target
        The target whose explanation is drawn; None for the first.
    address
        The address of the service, as the browser sees it.
    """
    targets = [known.name for known in models.targets(model_name)]
    units = {known.name: known.unit for known in models.targets(model_name) if known.unit is not None}
    return {
        "smiles": smiles or "",
        "model_name": model_name,
        "models": {name: _describe(models, name) for name in models.parts},
        "problems": models.problems,
        "targets": targets,
        "units": units,
        "explained": target or targets[0],
        "address": address,
        "examples": {name: _link(text, model_name) for name, text in EXAMPLES.items()},
        "error": None,
        "answer": None,
    }


def answer_page(service: Service, content: dict[str, Any], budget: Budget) -> dict[str, Any]:
    """Return the content of the template with the answer for its molecule.

    Parameters
    ----------
    service
        The service that answers.
    content
        What `fill_page` returned.
    budget
        How long the answer may take.
    """
    smiles, model_name = content["smiles"], content["model_name"]
    row = service.predict(Score(model_name, (smiles,)), budget)
    if row["status"] != Status.OK:
        return content | {"error": row["reason"]}
    answer = _fill_answer(service.models, model_name, content["explained"], row)
    answer["command"] = _command(smiles, model_name, content["address"])
    answer["neighbours"] = [
        {**found, "svg": _picture(found["svg"])} for found in service.compare(model_name, smiles, budget)
    ]
    return content | {"answer": answer, "drawing": _draw(service, smiles, budget)}


def _command(smiles: str, model_name: str, address: str) -> str:
    """Return a command that gets the same answer."""
    fields = ["--data-urlencode", f"smile={smiles}", "-d", f"model_name={model_name}", f"{address}predict"]
    return shlex.join(["curl", *fields])


def _picture(svg: str) -> str:
    """Return a drawing as a data URL."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _fill_answer(models: Models, model_name: str, explained: str, row: Row) -> dict[str, Any]:
    smiles = row["smile"]
    query = {"smile": smiles, "model_name": model_name, "target": explained}
    return {
        "canonical_smiles": row["canonical_smiles"],
        "targets": [_describe_target(models, model_name, t, row) for t in models.targets(model_name)],
        "changes": _describe_changes(row),
        "stereo": _describe_stereo(row),
        "domain": _describe_domain(row),
        "is_inside": bool(row["in_domain"]),
        "explanation": f"/explanation.svg?{urlencode(query, quote_via=quote)}",
        "link": _link(smiles, model_name),
        "digests": models.digests(model_name),
    }


def _link(smiles: str, model_name: str) -> str:
    return f"/?{urlencode({'smile': smiles, 'model_name': model_name}, quote_via=quote)}"


def _draw(service: Service, smiles: str, budget: Budget) -> str | None:
    drawn = service.draw(smiles, budget)
    return None if isinstance(drawn, InvalidMolecule) else _picture(drawn)


def _describe(models: Models, name: str) -> str:
    """Return a short description of a model."""
    first, *others = models.select(name)
    if others:
        return "Consensus, the mean of both (model 1 counts twice)"
    preset = first.metadata.preset
    return f"Model {name}, " + (
        f"fingerprints and trees ({preset})" if preset else "a network that reads SMILES"
    )


def _describe_target(models: Models, model_name: str, target: Target, row: Row) -> Answered:
    name = target.name
    if target.task == "binary":
        return _describe_label(target, row)
    if target.has_classes:
        return _describe_class(target, row)
    value, low, high = row[f"{name}_pred"], row.get(f"{name}_low_{LEVEL}"), row.get(f"{name}_high_{LEVEL}")
    unit = "" if target.unit is None else f" {target.unit}"
    sentences = [f"{name} is predicted to be {value:.4g}{unit}."]
    if low is not None and high is not None:
        sentences.append(f"At {LEVEL} % confidence it is between {low:.4g} and {high:.4g}{unit}.")
    sentences += _describe_rank(name, row)
    least, most = models.label_range(model_name, name)
    places = [
        _place(x, least, most)
        for x in (value, value if low is None else low, value if high is None else high)
    ]
    gauge = Gauge(
        f"{target.quantity} in the range of the training labels",
        f"{least:.4g}",
        f"{most:.4g}",
        value,
        f"{value:.4g}",
        *places,
    )
    return Answered(name, sentences, gauge)


def _describe_label(target: Target, row: Row) -> Answered:
    name = target.name
    probability, label = row[f"{name}_probability"], row[f"{name}_pred"]
    sentences = [f"{name} is predicted to be {label}: label 1 has a probability of {percent(probability)}."]
    if found := row.get(f"{name}_set_{LEVEL}"):
        sentences.append(f"At {LEVEL} % confidence {SETS[found]}.")
    if target.threshold is not None:
        sentences.append(f"Label 1 is predicted from {percent(target.threshold)} on.")
    sentences += _describe_rank(name, row)
    at, mark = 100 * probability, None if target.threshold is None else 100 * target.threshold
    gauge = Gauge(
        f"Probability of {name} = 1", "0", "1", probability, number(probability, 3), at, 0.0, at, mark
    )
    return Answered(name, sentences, gauge)


def _describe_class(target: Target, row: Row) -> Answered:
    name, label = target.name, row[f"{target.name}_pred"]
    probabilities = {word: row[f"{name}_probability_{word}"] for word in target.classes}
    probability = probabilities.pop(str(label))
    sentences = [f"{name} is predicted to be {label}, with a probability of {percent(probability)}."]
    likely = sorted(probabilities, key=lambda word: -probabilities[word])[:SHOWN_CLASSES]
    sentences.append(f"Next come {', '.join(f'{word}, {percent(probabilities[word])}' for word in likely)}.")
    if found := row.get(f"{name}_set_{LEVEL}"):
        sentences.append(f"At {LEVEL} % confidence it is {found}.")
    if target.task == ORDINAL:
        sentences.append(f"The mean over the classes is {row[f'{name}_mean']:.3g}.")
    sentences += _describe_rank(name, row)
    at = 100 * probability
    gauge = Gauge(
        f"Probability of {name} = {label}", "0", "1", probability, number(probability, 3), at, 0.0, at
    )
    return Answered(name, sentences, gauge)


def _describe_rank(name: str, row: Row) -> list[str]:
    rank = row.get(f"{name}_percentile")
    return [] if rank is None else [f"That is higher than for {rank:g} % of the reference molecules."]


def _describe_changes(row: Row) -> str | None:
    """Say what was changed of the molecule before it was scored."""
    scored = row.get("scored_smiles")
    return f"It was scored as {scored}: {row['standardization']}." if scored else None


def _describe_stereo(row: Row) -> str | None:
    """Say how much of the stereochemistry is left open, if the answer may depend on it."""
    n_open = row.get("unspecified_stereo")
    if not n_open:
        return None
    centres = "1 stereo centre or double bond" if n_open == 1 else f"{n_open} stereo centres or double bonds"
    return f"The answer may depend on the stereochemistry of {centres}, which is left open."


def _describe_domain(row: Row) -> str:
    similarity, unseen = row["nearest_similarity"], percent(row["unseen_share"])
    facts = (
        f"the nearest training molecule has a similarity of {similarity:.2f}, and {unseen} of its "
        "substructures occur in none"
    )
    if row["in_domain"]:
        return f"The molecule is like those that the model was trained on: {facts}."
    return (
        f"The molecule is unlike those that the model was trained on, so do not rely on the answer: {facts}."
    )


def _place(value: float, least: float, most: float) -> float:
    """Return the position of a value between two limits, in hundredths, clipped to them."""
    return 100 * min(1.0, max(0.0, (value - least) / ((most - least) or 1.0)))
