"""Feature Parquet files, read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from rdkit import __version__ as rdkit_version

from servier.chem.molecules import InvalidMolecule, Status
from servier.errors import DataError
from servier.features.columns import to_matrix
from servier.features.feature_set import Features, FeatureSet
from servier.features.registry import PRESETS
from servier.tables import STATUS_COLUMNS
from servier.tables.parquet import FEATURES_KEY, open_parquet


def feature_specification(path: str | Path) -> dict[str, Any] | None:
    """Return what a file says of its features, or None where it is no feature Parquet file."""
    if Path(path).suffix.lower() != ".parquet":
        return None
    metadata = open_parquet(path).schema_arrow.metadata or {}
    return json.loads(metadata[FEATURES_KEY]) if FEATURES_KEY in metadata else None


class FeatureFile:
    """A feature Parquet file, of which any rows can be read.

    Parameters
    ----------
    path
        The file.
    featurizers
        The specification that is needed.
    others
        Other columns that will be read.

    Raises
    ------
    DataError
        The file holds other features, or was made with another RDKit.
    """

    def __init__(
        self, path: str | Path, featurizers: list[dict[str, Any]], others: Sequence[str] = ()
    ) -> None:
        self._features = FeatureSet(featurizers)
        kinds = [featurizer.kind for featurizer in self._features.featurizers]
        self._columns = [*kinds, *STATUS_COLUMNS, *others]
        _check_specification(path, self._features.specs)
        self._file = open_parquet(path)
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._group, self._table = -1, None

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self._starts[-1])

    def read(self, start: int, stop: int) -> Features:
        """Return the features of rows `start` to `stop`, the latter not included."""
        return self._decode(self._read_rows(start, stop))

    def read_strings(self, column: str, start: int, stop: int) -> list[str]:
        """Return the values of another column in the same rows, empty where there is none."""
        return [str(value or "") for value in self._read_rows(start, stop)[column].to_pylist()]

    def _read_rows(self, start: int, stop: int) -> pa.Table:
        parts = []
        group = int(np.searchsorted(self._starts, start, side="right")) - 1
        while start < stop:
            end = min(stop, int(self._starts[group + 1]))
            offset = start - int(self._starts[group])
            parts.append(self._read_group(group).slice(offset, end - start))
            start, group = end, group + 1
        return pa.concat_tables(parts)

    def _read_group(self, group: int) -> pa.Table:
        if group != self._group:
            self._table = self._file.read_row_group(group, columns=self._columns, use_threads=False)
            self._group = group
        return self._table

    def _decode(self, table: pa.Table) -> Features:
        blocks = [table[featurizer.kind].combine_chunks() for featurizer in self._features.featurizers]
        problems = [
            None if status == "ok" else InvalidMolecule(Status(status), reason or "")
            for status, reason in zip(*(table[name].to_pylist() for name in STATUS_COLUMNS), strict=True)
        ]
        return Features(to_matrix(blocks, self._features), problems)


def read_features(path: str | Path, featurizers: list[dict[str, Any]]) -> Features:
    """Read all features of a feature Parquet file, as `FeatureFile` does."""
    file = FeatureFile(path, featurizers)
    return file.read(0, file.n_rows)


def _check_specification(path: str | Path, wanted: list[dict[str, Any]]) -> None:
    """Say why a file does not have these features."""
    found = feature_specification(path)
    if found is None:
        raise DataError("no features in this file", path=path, hint="make it with: servier featurize")
    if found["featurizers"] != wanted:
        problem = f"this file holds other features ({_name(found['featurizers'])})"
        raise DataError(problem, path=path, hint=f"featurize again with: {_name(wanted)}")
    if found["rdkit"] != rdkit_version:
        problem = f"made with RDKit {found['rdkit']}, here is {rdkit_version}"
        raise DataError(problem, path=path, hint="featurize again")


def _name(specs: list[dict[str, Any]]) -> str:
    """Return the option of featurize that gives these features, or their kinds."""
    for preset, blocks in PRESETS.items():
        if FeatureSet(blocks).specs == specs:
            return f"--preset {preset}"
    return "+".join(spec["kind"] for spec in specs)
