"""A reader of protobuf messages that accepts only the fields it is told of.

Protobuf is lenient: unknown fields are skipped, and a message that stands twice is merged. A reader that
checks must see what the reader that runs the graph sees, so here each field that is not expected, and each
second occurrence of one that is expected once, is an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_FIELDS = 100_000
"""How many fields a file may have; a run of numbers, or of words, is one."""

_LENGTH = 2
_WIRE_TYPES = {"int": 0, "ints": 0, "float": 5, "floats": 5}
_CONTINUED = 0x80
_MAX_VARINT = 10
_SHORT_RUN = 64

Places = NDArray[np.int64]


class ProtobufError(ValueError):
    """A message is malformed, or has a field that it may not have."""


@dataclass(frozen=True)
class Field:
    """A field that a message may have.

    Parameters
    ----------
    name
        Its name.
    kind
        `int`, `float`, `bytes`; `ints` and `floats`, which stand one after the other, for arrays; a tuple of
        words for an array of their numbers; or the fields of a message.
    is_repeated
        Whether there is a list of them.
    """

    name: str
    kind: "str | tuple[bytes, ...] | Fields"
    is_repeated: bool = False


@dataclass(frozen=True)
class Refused:
    """A field that is known and not accepted.

    Parameters
    ----------
    problem
        What the file does that has it.
    """

    problem: str


Fields = Mapping[int, Field | Refused]
"""The fields of a message by number."""


class Reader:
    """Reads one file.

    Parameters
    ----------
    content
        The file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._array = np.frombuffer(content, np.uint8)
        self._fields_left = MAX_FIELDS

    def read(self, fields: Fields) -> dict[str, Any]:
        """Return the fields of the message that the file is, by name; those that are absent are left out.

        Raises
        ------
        ProtobufError
            It is malformed, or holds a field that is not accepted.
        """
        return self._message(fields, 0, len(self._content))

    def _message(self, fields: Fields, start: int, end: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        position = start
        while position < end:
            self._fields_left -= 1
            if self._fields_left < 0:
                raise ProtobufError(f"it has more than {MAX_FIELDS} fields")
            tag, after = self._varint(position, end)
            field = _expected(fields, tag >> 3)
            if field.name in found and not field.is_repeated:
                raise ProtobufError(f"{field.name} stands in it twice")
            value, position = self._value(field, tag, position, after, end)
            if field.is_repeated:
                found.setdefault(field.name, []).append(value)
            else:
                found[field.name] = value
        return found

    def _value(self, field: Field, tag: int, start: int, after: int, end: int) -> tuple[Any, int]:
        """Return the value of a field whose tag stands from `start` to `after`, and where it ends."""
        kind, wire_type = field.kind, tag & 7
        expected = _WIRE_TYPES.get(kind, _LENGTH) if isinstance(kind, str) else _LENGTH
        if wire_type != expected:
            raise ProtobufError(f"{field.name} is of wire type {wire_type}")
        if kind == "int":
            value, after = self._varint(after, end)
            return value - (value >> 63 << 64), after
        if kind in ("ints", "float", "floats") or isinstance(kind, tuple):
            if after != start + 1:
                raise ProtobufError(f"{field.name} has a long tag")
            return self._run(field, tag, start, end)
        length, after = self._varint(after, end)
        if length > end - after:
            raise ProtobufError("it is cut off")
        if isinstance(kind, Mapping):
            return self._message(kind, after, after + length), after + length
        return self._content[after : after + length], after + length

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = 0
        for i in range(min(_MAX_VARINT, end - position)):
            byte = self._content[position + i]
            value |= (byte & ~_CONTINUED) << 7 * i
            if byte < _CONTINUED:
                return value & (1 << 64) - 1, position + i + 1
        raise ProtobufError("it is cut off, or a number is too long")

    def _run(self, field: Field, tag: int, start: int, end: int) -> tuple[Any, int]:
        """Return all values that stand one after the other from `start` on, and where they end."""
        if isinstance(field.kind, tuple):
            return self._words(field.name, field.kind, tag, start, end)
        if field.kind == "ints":
            return self._ints(tag, start, end)
        encoded = self._array[start : min(start + 5, end) if field.kind == "float" else end]
        records = encoded[: len(encoded) // 5 * 5].reshape(-1, 5)
        others = np.flatnonzero(records[:, 0] != tag)
        records = records[: others[0] if len(others) else None]
        if not len(records):
            raise ProtobufError("it is cut off")
        values = np.ascontiguousarray(records[:, 1:]).view("<f4")[:, 0]
        return (float(values[0]) if field.kind == "float" else values), start + records.size

    def _ints(self, tag: int, start: int, end: int) -> tuple[NDArray[np.int64], int]:
        encoded, tags, lengths = self._find_ints(tag, start, end)
        if not len(tags) or lengths.max() > _MAX_VARINT:
            raise ProtobufError("it is cut off, or a number is too long")
        values = np.zeros(len(tags), np.uint64)
        for i in range(lengths.max()):
            rows = np.flatnonzero(lengths > i)
            bits = (encoded[tags[rows] + 1 + i] & ~np.uint8(_CONTINUED)).astype(np.uint64)
            values[rows] |= bits << np.uint64(7 * i)
        return values.view(np.int64), start + int(tags[-1] + lengths[-1]) + 1

    def _find_ints(self, tag: int, start: int, end: int) -> tuple[NDArray[np.uint8], Places, Places]:
        """Return the bytes of a run of numbers, the places of their tags, and their lengths."""
        size = _SHORT_RUN
        while True:
            encoded = self._array[start : min(start + size, end)]
            lasts = np.flatnonzero(
                encoded < _CONTINUED
            )  # in turn of a tag, which is one byte, and of a number
            tags, lasts = lasts[: len(lasts) // 2 * 2 : 2], lasts[1::2]
            is_other = encoded[tags] != tag
            is_other[1:] |= tags[1:] != lasts[:-1] + 1
            others = np.flatnonzero(is_other)
            if len(others) or start + size >= end:
                tags = tags[: others[0] if len(others) else None]
                return encoded, tags, lasts[: len(tags)] - tags
            size *= 8

    def _words(
        self, name: str, words: tuple[bytes, ...], tag: int, start: int, end: int
    ) -> tuple[NDArray[np.uint8], int]:
        """Return the number of each word in a run of them."""
        known = [bytes([tag, len(word)]) + word for word in words]
        found = re.compile(b"(?:" + b"|".join(map(re.escape, known)) + b")++").match(
            self._content, start, end
        )
        if found is None:
            raise ProtobufError(f"{name} has an unknown word")
        numbers = found[0]
        for i, word in enumerate(known):
            numbers = numbers.replace(word, bytes([i]))
        return np.frombuffer(numbers, np.uint8), found.end()


def _expected(fields: Fields, number: int) -> Field:
    field = fields.get(number)
    if isinstance(field, Field):
        return field
    raise ProtobufError(f"it has an unknown field {number}" if field is None else field.problem)
