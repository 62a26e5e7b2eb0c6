"""Convert features to columns of an Arrow table, one for each featurizer, and back.

Counts are stored as lists of the bins that are not 0 with their counts, other values as lists of a fixed
size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from servier.errors import DataError
from servier.features.base import LIMIT, Featurizer
from servier.features.feature_set import FeatureSet
from servier.tables import STATUS_COLUMNS

_COUNT = pa.struct(
    [pa.field("bin", pa.uint16(), nullable=False), pa.field("count", pa.uint16(), nullable=False)]
)
COUNTS = pa.list_(pa.field("element", _COUNT, nullable=False))


def block_field(featurizer: Featurizer) -> pa.Field:
    """Return the name and the type of the column of a featurizer."""
    values = pa.field("element", pa.float32(), nullable=False)
    kind = COUNTS if featurizer.is_count else pa.list_(values, len(featurizer))
    return pa.field(featurizer.kind, kind, nullable=False)


def added_fields(features: FeatureSet) -> list[pa.Field]:
    """Return what features add to the columns of a table: status, reason, a column for each featurizer."""
    texts = [pa.field(name, pa.string()) for name in STATUS_COLUMNS]
    return texts + [block_field(featurizer) for featurizer in features.featurizers]


def to_columns(X: NDArray[np.float32], features: FeatureSet) -> list[pa.Array]:
    """Convert a matrix of features, float32, shape (n_rows, n_features), to columns."""
    return [
        _encode_counts(X[:, columns]) if featurizer.is_count else _encode_values(X[:, columns])
        for featurizer, columns in zip(features.featurizers, features.slices, strict=True)
    ]


def to_matrix(columns: Sequence[pa.Array], features: FeatureSet) -> NDArray[np.float32]:
    """Convert the columns of all featurizers to a matrix, float32, shape (n_rows, n_features).

    Raises
    ------
    DataError
        A column lacks a value, or holds one that no features have.
    """
    X = np.zeros((len(columns[0]), len(features)), np.float32)
    for featurizer, place, column in zip(features.featurizers, features.slices, columns, strict=True):
        values = column.flatten()
        parts = values.flatten() if featurizer.is_count else [values]
        if column.null_count or values.null_count or any(part.null_count for part in parts):
            raise DataError("a value is missing", column=featurizer.kind)
        block = X[:, place]
        if featurizer.is_count:
            _decode_counts(column, parts, block, featurizer.kind)
        else:
            block[:] = values.to_numpy().reshape(-1, len(featurizer))
            if not (np.abs(block) <= LIMIT).all():
                raise DataError("a value is no feature", column=featurizer.kind)
    return X


def _encode_counts(block: NDArray[np.float32]) -> pa.Array:
    rows, bins = np.nonzero(block)
    counts = block[rows, bins].astype(np.uint16)
    starts = np.searchsorted(rows, np.arange(len(block) + 1)).astype(np.int32)
    pairs = pa.StructArray.from_arrays(
        [pa.array(bins.astype(np.uint16)), pa.array(counts)], fields=list(_COUNT)
    )
    return pa.ListArray.from_arrays(pa.array(starts), pairs, type=COUNTS)


def _decode_counts(column: Any, pairs: Any, block: NDArray[np.float32], kind: str) -> None:
    rows = np.repeat(np.arange(len(column)), np.diff(column.offsets.to_numpy()))
    bins, counts = (part.to_numpy() for part in pairs)
    if len(bins) and bins.max() >= block.shape[1]:
        raise DataError("a bin is out of range", column=kind)
    block[rows, bins] = counts


def _encode_values(block: NDArray[np.float32]) -> pa.Array:
    values = pa.field("element", pa.float32(), nullable=False)
    return pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), type=pa.list_(values, block.shape[1]))
