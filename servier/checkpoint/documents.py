"""Dataclasses as JSON documents, written and read by the annotations of their fields."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

OPTIONAL: Mapping[str, Any] = {"is_optional": True}
"""The `metadata` of a dataclass field that is left out of a document where it is None."""

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}


class DocumentError(ValueError):
    """A document lacks a field, or has one of another type."""


def parse_json(content: bytes) -> Any:
    """Parse JSON strictly: NaN and infinity, which Python would accept, are a ValueError too."""
    return json.loads(content, parse_float=_parse_finite, parse_constant=_parse_finite)


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def write_document(value: Any) -> Any:
    """Return a dataclass, and all that is in it, as what `json.dumps` takes."""
    if isinstance(value, dict):
        return {name: write_document(part) for name, part in value.items()}
    if isinstance(value, list):
        return [write_document(part) for part in value]
    if not is_dataclass(value):
        return value
    parts = [(field, getattr(value, field.name)) for field in fields(value)]
    return {
        field.name: write_document(part)
        for field, part in parts
        if part is not None or not field.metadata.get("is_optional")
    }


def read_document(kind: type[T], document: Any, place: str = "") -> T:
    """Make a dataclass of a document; keys that it has no field for are ignored.

    Parameters
    ----------
    kind
        The dataclass. Its fields are numbers, texts, dataclasses, lists, dictionaries by text, one of these
        or None, or `Any`. A whole number will do for any number; true and false are not numbers.
    document
        What JSON was parsed into.
    place
        Where it stands in a larger document.

    Raises
    ------
    DocumentError
        A field is missing or has another type; the message names it.
    """
    _check_type(dict, document, place)
    hints, values = get_type_hints(kind), {}
    for field in fields(kind):
        inner = f"{place}.{field.name}" if place else field.name
        if field.name in document:
            values[field.name] = _read(hints[field.name], document[field.name], inner)
        elif not field.metadata.get("is_optional"):
            raise DocumentError(f"{inner} is missing")
    return kind(**values)


def _read(kind: Any, value: Any, place: str) -> Any:
    arguments = get_args(kind)
    if kind is Any or (value is None and NoneType in arguments):
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        return read_document(kind, value, place)
    if NoneType in arguments:
        return _read(arguments[0], value, place)
    plain = get_origin(kind) or kind
    _check_type(plain, value, place)
    if plain is list:
        return [_read(arguments[0], part, f"{place}[{i}]") for i, part in enumerate(value)]
    if plain is dict:
        return {name: _read(arguments[1], part, f"{place}[{name!r}]") for name, part in value.items()}
    return value


def _check_type(kind: type, value: Any, place: str) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise DocumentError(f"{place} is not {_WORDS[kind]}")
