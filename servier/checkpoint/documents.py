"""Dataclasses as JSON documents, written and read by the annotations of their fields."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

OPTIONAL: Mapping[str, Any] = {"is_optional": True}
"""The `metadata` of a dataclass field that is left out of a document where it is None."""

MAX_DEPTH = 32
MAX_TEXT = 65_536
MAX_DIGITS = 19
MAX_SHOWN = 60

_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a mapping",
}


class DocumentError(ValueError):
    """A document lacks a field, or has one that cannot be used."""


class Checked(Protocol):
    """A dataclass whose fields must also fit each other."""

    def contradiction(self) -> str | None:
        """Return the field that does not fit the others and what it is not, or None."""


def parse_json(content: bytes) -> Any:
    """Parse JSON strictly.

    Python would also accept a key that is there twice, NaN, infinity and lone surrogates; and what is nested
    thousands of levels deep, longer than any text or larger than any number here makes trouble elsewhere.

    Raises
    ------
    ValueError
        It is no JSON, or holds any of these; a `DocumentError` names the place.
    RecursionError
        It is nested more deeply than Python can read.
    """
    document = json.loads(content, object_pairs_hook=_unlike, parse_int=_parse_whole)
    for place, fault in _find_faults(document):
        raise DocumentError(f"{place} {fault}") if place else ValueError(fault)
    return document


def _unlike(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"{show(twice)} is there twice")
    return found


def _parse_whole(text: str) -> float:
    """Return a whole number; one of more digits than any here is as inexact as other numbers are."""
    return int(text) if len(text) <= MAX_DIGITS else float(text)


def _find_faults(document: Any) -> Iterator[tuple[str, str]]:
    """Yield the places of values that no field may have, with what is wrong with them."""
    waiting = [(document, "", 0)]
    while waiting:
        value, place, depth = waiting.pop()
        if isinstance(value, dict):
            waiting += [(part, join(place, name), depth + 1) for name, part in value.items()]
            waiting += [(name, f"a name in {place or 'it'}", depth) for name in value]
        elif isinstance(value, list):
            waiting += [(part, f"{place}[{i}]", depth + 1) for i, part in enumerate(value)]
        if depth > MAX_DEPTH:
            yield place[:MAX_SHOWN], "is nested too deeply"
        elif isinstance(value, float) and not math.isfinite(value):
            yield place, "is not finite"
        elif isinstance(value, str) and len(value) > MAX_TEXT:
            yield place, f"has more than {MAX_TEXT:,} characters"
        elif isinstance(value, str) and not _is_unicode(value):
            yield place, "is not Unicode"


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def join(place: str, name: str) -> str:
    """Return the place of a part of what is at a place, as `training.recipe`."""
    shown = name if name.isidentifier() and len(name) <= MAX_SHOWN else f"[{show(name)}]"
    return f"{place}.{shown}" if place and shown == name else f"{place}{shown}"


def show(value: Any) -> str:
    """Return how Python writes a value, cut where that is long."""
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}..."


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
        or None, or `Any`; each may be annotated with rules. A whole number will do for any number; true and
        false are not numbers. Where the dataclass is `Checked`, its fields must fit each other too.
    document
        What JSON was parsed into.
    place
        Where it stands in a larger document.

    Raises
    ------
    DocumentError
        A field is missing, has another type, or breaks a rule; the message names it.
    """
    _check_type(dict, document, place)
    hints, values = _hints(kind), {}
    for field in fields(kind):
        inner = f"{place}.{field.name}" if place else field.name
        if field.name in document:
            values[field.name] = _read(hints[field.name], document[field.name], inner)
        elif not field.metadata.get("is_optional"):
            raise DocumentError(f"{inner} is missing")
    found = kind(**values)
    contradiction = found.contradiction() if hasattr(found, "contradiction") else None
    if contradiction is not None:
        raise DocumentError(f"{place}.{contradiction}" if place else contradiction)
    return found


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _read(kind: Any, value: Any, place: str) -> Any:
    arguments = get_args(kind)
    if kind is Any or (value is None and NoneType in arguments):
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        return read_document(kind, value, place)
    if get_origin(kind) is Annotated:
        return _check_rules(kind, _read(arguments[0], value, place), place)
    if NoneType in arguments:
        return _read(arguments[0], value, place)
    _check_type(get_origin(kind) or kind, value, place)
    return _read_parts(arguments, value, place) if arguments else value


def _read_parts(arguments: tuple[Any, ...], value: Any, place: str) -> Any:
    """Read the elements of a list, or the keys and the values of a dictionary."""
    if isinstance(value, list):
        return [_read(arguments[0], part, f"{place}[{i}]") for i, part in enumerate(value)]
    for name in value:
        _read(arguments[0], name, f"{show(name)} in {place}")
    return {name: _read(arguments[1], part, f"{place}[{show(name)}]") for name, part in value.items()}


def _check_rules(kind: Any, value: Any, place: str) -> Any:
    for rule in kind.__metadata__:
        if not rule.holds(value):
            raise DocumentError(f"{place} is not {rule.words}")
    return value


def _check_type(kind: type, value: Any, place: str) -> None:
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise DocumentError(f"{place or 'it'} is not {_WORDS[kind]}")
