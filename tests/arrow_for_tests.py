"""Arrow arrays of every type that a Parquet file can hold, with the values that other programs trip over."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

I32, I64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\",;\t'\x00"), max_size=8)
RARE = st.sampled_from([b"\xff", b"M\xfcller", b"\xc3", b"CCO\r\n", b""])
BYTES = st.binary(max_size=8) | RARE
DAY_US = 86_400_000_000


def viewed(values, width, kind):
    """Return an array whose values are given by the integers that stand for them."""
    return pa.array(values, pa.int32() if width == 32 else pa.int64()).view(kind)


def of_integers(kind, integers=I64, width=64):
    return integers, lambda values: viewed(values, width, kind)


def of_values(kind, values):
    return values, lambda found: pa.array(found, kind)


def floats(width):
    return st.floats(width=width) | st.sampled_from([0.1, 6.1, -0.0, 5.0]).map(
        lambda value: float(np.dtype(f"f{width // 8}").type(value))
    )


def decimals(kind):
    largest = 10**kind.precision - 1
    scaled = st.integers(-largest, largest)
    return scaled, lambda found: pa.array(
        [None if n is None else Decimal((n < 0, tuple(map(int, str(abs(n)))), -kind.scale)) for n in found],
        kind,
    )


def categories(index, *, ordered):
    """Categories that are not in the order of the alphabet, one of which no row has."""
    words = pa.array(["middle", "low", "high", "ä", "unused"])
    return st.integers(0, 3), lambda found: pa.DictionaryArray.from_arrays(
        pa.array(found, index), words, ordered=ordered
    )


def extension(kind, values, storage):
    return values, lambda found: pa.ExtensionArray.from_storage(kind, pa.array(found, storage))


SIMPLE = {
    "bool": of_values(pa.bool_(), st.booleans()),
    "int8": of_values(pa.int8(), st.integers(-128, 127)),
    "int64": of_values(pa.int64(), I64),
    "uint64": of_values(pa.uint64(), st.integers(0, 2**64 - 1)),
    "float16": of_values(pa.float16(), floats(16).map(np.float16)),
    "float32": of_values(pa.float32(), floats(32)),
    "float64": of_values(pa.float64(), floats(64)),
    "decimal128": decimals(pa.decimal128(38, 10)),
    "decimal256": decimals(pa.decimal256(60, 0)),
    "string": of_values(pa.string(), TEXT),
    "large_string": of_values(pa.large_string(), TEXT),
    "string_view": of_values(pa.string_view(), TEXT),
    "not_utf8": (BYTES, lambda found: pa.array(found, pa.binary()).view(pa.string())),
    "binary": of_values(pa.binary(), BYTES),
    "large_binary": of_values(pa.large_binary(), BYTES),
    "binary_view": of_values(pa.binary_view(), BYTES),
    "fixed_size": of_values(pa.binary(4), st.binary(min_size=4, max_size=4)),
    "date32": of_integers(pa.date32(), I32, 32),
    "time32": of_integers(pa.time32("ms"), st.integers(0, DAY_US // 1000 - 1), 32),
    "time64_us": of_integers(pa.time64("us"), st.integers(0, DAY_US - 1)),
    "time64_ns": of_integers(pa.time64("ns"), st.integers(0, 1000 * DAY_US - 1)),
    **{
        f"timestamp_{unit}_{zone}": of_integers(pa.timestamp(unit, zone))
        for unit in ("ms", "us", "ns")
        for zone in (None, "UTC", "Europe/Paris", "+05:30")
    },
    **{f"duration_{unit}": of_integers(pa.duration(unit)) for unit in ("s", "ms", "us", "ns")},
    "null": (st.none(), lambda found: pa.nulls(len(found))),
    "categories": categories(pa.int8(), ordered=False),
    "ordered": categories(pa.int32(), ordered=True),
    "uuid": extension(pa.uuid(), st.binary(min_size=16, max_size=16), pa.binary(16)),
    "json": extension(pa.json_(), TEXT, pa.string()),
    "opaque": extension(pa.opaque(pa.int64(), "thing", "vendor"), I64, pa.int64()),
}

NESTED = {
    "list": of_values(pa.list_(pa.int64()), st.lists(st.none() | I64, max_size=3)),
    "large_list": of_values(pa.large_list(pa.string()), st.lists(TEXT, max_size=3)),
    "fixed_list": of_values(pa.list_(pa.int8(), 2), st.lists(st.integers(-128, 127), min_size=2, max_size=2)),
    "struct": of_values(
        pa.struct([("a", pa.int64()), ("b", pa.string())]), st.fixed_dictionaries({"a": I64, "b": TEXT})
    ),
    "map": of_values(
        pa.map_(pa.string(), pa.int64()),
        st.dictionaries(TEXT, I64, max_size=3).map(lambda d: list(d.items())),
    ),
    "list_view": of_values(pa.list_view(pa.int64()), st.lists(I64, max_size=3)),
    "list_of_categories": (
        st.lists(st.sampled_from(["a", "b"]), max_size=3),
        lambda found: pa.array(found, pa.list_(pa.string())).cast(
            pa.list_(pa.dictionary(pa.int32(), pa.string()))
        ),
    ),
    "list_of_timestamps": (
        st.lists(I64, max_size=3),
        lambda found: pa.array(found, pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("ns"))),
    ),
}


def arrays(kinds, n_rows):
    """Draw columns of some types: a dictionary from the names of types to arrays."""
    return st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=4, unique=True).flatmap(
        lambda names: st.fixed_dictionaries({name: column(*kinds[name], n_rows) for name in names})
    )


def column(values, build, n_rows):
    return st.lists(st.none() | values, min_size=n_rows, max_size=n_rows).map(build)


def comparable(column):
    """Return a column as an array that equals another one where all bits of the values do, also of NaN."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    whole = column.combine_chunks()
    if pa.types.is_floating(kind):
        return whole.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
    return whole
