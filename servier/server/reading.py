"""The content of a request: known fields only, of the right type, within limits."""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import request

from servier.scoring.spreads import MOST_FORMS, NO_FORMS, Forms
from servier.server.refusing import RequestError

MAX_MOLECULES = 1000
MAX_BODY = 1024 * 1024
MAX_FIELDS = 100
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_GIVEN_TWICE = "the field {} is given twice; several molecules go into a JSON list"
TOO_MUCH = (
    f"at most {MAX_MOLECULES:,} molecules and {MAX_BODY // 1024:,} KiB at a time; "
    "score larger tables with: servier predict-file INPUT OUTPUT"
)

MOLECULE = "smile"
"""The field whose content is judged as a molecule, so that a bad one costs no others of a list."""
_DIGITS = re.compile("[0-9]{1,9}")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Asked:
    """The molecules of a request, and the model that scores them.

    Parameters
    ----------
    smiles
        One or more SMILES strings.
    is_list
        Whether they came as a list.
    model_name
        The name as it was given, which may not be that of a model.
    forms
        The forms of the molecules that are scored too.
    """

    smiles: list[str]
    is_list: bool
    model_name: str
    forms: Forms = NO_FORMS


def read_prediction() -> Asked:
    """Read the body of a request for predictions.

    Raises
    ------
    RequestError
        It cannot be understood, or exceeds a limit.
    """
    fields = read_body({"smile", "model_name", *MOST_FORMS})
    smiles = fields.get("smile")
    if smiles is None:
        raise RequestError("the field smile is missing")
    is_list = isinstance(smiles, list)
    molecules = smiles if is_list else [smiles]
    if not molecules:
        raise RequestError("the list smile is empty")
    for number, text in enumerate(molecules, start=1):
        if not isinstance(text, str):
            which = f"entry {number} of the list smile" if is_list else "the field smile"
            raise RequestError(f"{which} is not a SMILES string")
    if len(molecules) > MAX_MOLECULES:
        raise RequestError(TOO_MUCH, 413)
    return Asked(molecules, is_list, read_model_name(fields), _read_forms(fields))


def read_model_name(fields: Mapping[str, Any]) -> str:
    """Return the field `model_name`, a string or a number; `1` by default."""
    name = fields.get("model_name", "1")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise RequestError("the field model_name must be a string, such as 1")
    return str(name)


def _read_forms(fields: Mapping[str, Any]) -> Forms:
    """Return which forms are asked for: in JSON by whole numbers, which 2.0 is too, in a form by digits."""
    limits = {kind: fields[kind] for kind in MOST_FORMS if kind in fields}
    for kind, given in limits.items():
        is_digits = not request.is_json and _DIGITS.fullmatch(given)
        limit = int(given) if is_digits or (isinstance(given, float) and given.is_integer()) else given
        if type(limit) is not int or not 1 <= limit <= MOST_FORMS[kind]:
            raise RequestError(f"the field {kind} must be a whole number from 1 to {MOST_FORMS[kind]:,}")
        limits[kind] = limit
    return Forms(**limits)


def read_body(known: Collection[str]) -> dict[str, Any]:
    """Return the fields of a form or of a JSON object."""
    read_query(())
    if request.is_json:
        return _read_json(known)
    if request.mimetype not in FORMS and (request.mimetype or request.content_length):
        raise RequestError(f"the body is a form ({FORMS[0]}) or application/json", 415)
    content = request.get_data()
    is_form = request.mimetype == FORMS[0]
    if is_form:
        _check_encoding(content)
    if request.files:
        raise RequestError("no files are read; score one with: servier predict-file INPUT OUTPUT")
    if not is_form:
        _check_text(content)
    return _read_once(request.form, known)


def read_query(known: Collection[str]) -> dict[str, str]:
    """Return the fields of the address."""
    _check_encoding(request.query_string)
    return _read_once(request.args, known)


def refuse_unknown(fields: Collection[str], known: Collection[str]) -> None:
    """Refuse a request with an unknown field."""
    for name in fields:
        if name not in known:
            expected = ", ".join(sorted(known)) or "none"
            raise RequestError(f"no field is called {name[:40]!r}; known are: {expected}")


def _check_encoding(fields: bytes) -> None:
    """Refuse encoded fields that are no text, which would be read as something else, and far too many."""
    if fields.count(b"&") >= MAX_FIELDS:
        raise RequestError(f"there are more than {MAX_FIELDS} fields")
    _check_text(unquote_to_bytes(fields))


def _check_text(content: bytes) -> None:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise RequestError(f"the fields are not UTF-8: there is a byte 0x{byte:02X} out of place") from None


def _read_json(known: Collection[str]) -> dict[str, Any]:
    try:
        body = json.loads(request.get_data(), object_pairs_hook=_read_object)
    except RecursionError:
        raise RequestError("the JSON body is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"the body is not JSON: {error}") from None
    except ValueError:
        raise RequestError("a number in the JSON body has thousands of digits") from None
    if not isinstance(body, dict):
        raise RequestError("the JSON body is not an object")
    refuse_unknown(body, known)
    for name, value in body.items():
        if name != MOLECULE and isinstance(value, str) and (half := _HALF.search(value)):
            problem = f"the field {name} has U+{ord(half[0]):04X} in it, which is half of a character"
            raise RequestError(problem)
    return body


def _read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object in which a name stands twice: JSON does not say which value counts."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise RequestError(_GIVEN_TWICE.format(_HALF.sub("?", name[:40])))
        fields[name] = value
    return fields


def _read_once(fields: Any, known: Collection[str]) -> dict[str, str]:
    refuse_unknown(fields, known)
    for name in fields:
        if len(fields.getlist(name)) > 1:
            raise RequestError(_GIVEN_TWICE.format(name))
    return dict(fields.items())
