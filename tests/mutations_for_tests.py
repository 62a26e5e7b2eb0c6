"""Changes of the metadata of a checkpoint, one at a time, at every place of it."""

import json
import random
from functools import reduce
from itertools import chain

DEEP = 1000


class Raw(str):
    """A text of JSON that stands in a document as it is, though Python would not write it."""

    __slots__ = ()


def nested(levels):
    return Raw("[" * levels + "]" * levels)


ENDS = [0, -1, 1, 2, 0.5, -0.5, 2**31, 2**63, -(2**63), 10**30, 10**400, 1e308, -1e308, 5e-324]
NO_NUMBERS = [Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("1e999"), Raw("9" * 5000)]
TEXTS = [
    "",
    " ",
    "x",
    "0.9",
    "nan",
    "\ud800",
    "\udc9b",
    "\x00",
    "\x1b]0;PWNED\x07",
    "log",
    "features",
    "x" * 10**7,
]
OTHERS = [
    None,
    True,
    False,
    [],
    {},
    [[]],
    [0],
    ["x"],
    {"": 0},
    {"x": []},
    nested(40),
    nested(900),
    nested(DEEP),
]
VALUES = [*ENDS, *NO_NUMBERS, *TEXTS, *OTHERS]


def places(part, place=()):
    """Every place of a document, from its parts to the last number."""
    if place:
        yield place
    if isinstance(part, dict | list):
        for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
            yield from places(inner, (*place, name))


def write(document):
    """Return a document as JSON, with the raw texts in it as they are."""
    raw = []

    def hide(part):
        if isinstance(part, Raw):
            raw.append(part)
            return f"RAW{len(raw) - 1}WAR"
        if isinstance(part, dict):
            return {name: hide(inner) for name, inner in part.items()}
        return [hide(inner) for inner in part] if isinstance(part, list) else part

    text = json.dumps(hide(document))
    return reduce(lambda text, i: text.replace(f'"RAW{i}WAR"', raw[i]), range(len(raw)), text).encode()


def changed(document, place, change):
    """Return the JSON of a document after a change of the part that holds a place."""
    copy = json.loads(json.dumps(document))
    part = reduce(lambda part, name: part[name], place[:-1], copy)
    change(part, place[-1])
    return write(copy)


def put(value):
    """The change to another value."""
    return lambda part, name: part.__setitem__(name, value)


def delete(part, name):
    del part[name]


def repeat(part, name):
    """Have an element of a list, or the same key of a mapping, twice."""
    if isinstance(part, list):
        part.insert(name, part[name])
    else:
        value = json.dumps(part[name])
        key = f"{name}-again"
        part[key] = Raw(f"0, {json.dumps(name)}: {value}")


def rename(part, name):
    """Have the same value under another key, or the elements of a list in another order."""
    if isinstance(part, list):
        part.reverse()
    else:
        part["" if name != "" else "x"] = part.pop(name)


def nest(part, name):
    part[name] = [part[name]]


def scale(part, name):
    """Make a number a little larger, a text a little longer, a list or a mapping emptier."""
    value = part[name]
    if isinstance(value, bool | None):
        part[name] = 0
    elif isinstance(value, int | float):
        part[name] = value * 1.5 + 1
    elif isinstance(value, str):
        part[name] = value + "x"
    else:
        part[name] = type(value)()


CHANGES = [delete, repeat, rename, nest, scale, *map(put, VALUES)]


def mutations(document, n, seed=0):
    """Yield `n` places with the JSON after a change there: each change at some places, each place changed."""
    chance = random.Random(seed)
    found = list(places(document))
    pairs = list(chain.from_iterable(((place, change) for change in CHANGES) for place in found))
    chance.shuffle(pairs)
    first = {place: (place, change) for place, change in reversed(pairs)}
    left = [pair for pair in pairs if first[pair[0]] is not pair]
    for place, change in [*first.values(), *left][:n]:
        yield place, changed(document, place, change)
