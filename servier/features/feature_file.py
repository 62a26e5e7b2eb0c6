"""Read feature Parquet files."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import __version__ as rdkit_version

from servier.chem.levels import Level, Stereo
from servier.chem.molecules import InvalidMolecule, Status
from servier.errors import DataError
from servier.features.columns import added_fields, to_matrix
from servier.features.feature_set import Features, FeatureSet
from servier.features.registry import PRESETS, choose_features
from servier.tables import STATUS_COLUMNS
from servier.tables.arrow_batches import regroup
from servier.tables.arrow_text import texts
from servier.tables.parquet import (
    find_features,
    open_parquet,
    refuse_repetitions,
    refusing_damage,
)
from servier.tables.parquet_pages import rows_of_batch

AGAIN = "featurize again"
PART_ROWS = 4096
"""As many rows of a file are in memory at a time, and as many are a row group where servier wrote it."""


@dataclass(frozen=True)
class FeatureSpecification:
    """What a feature Parquet file says of its features.

    Parameters
    ----------
    path
        The file, for messages.
    featurizers
        The specification of the feature set.
    rdkit
        The version of RDKit that computed them.
    level
        How far molecules were standardized.
    schema
        All columns of the file.
    """

    path: str
    featurizers: list[dict[str, Any]]
    rdkit: str
    level: Level
    schema: pa.Schema

    @classmethod
    def find(cls, schema: pa.Schema, path: str | Path) -> "FeatureSpecification | None":
        """Find the specification in the metadata of a Parquet schema; None where it holds no features.

        Raises
        ------
        DataError
            It cannot be read, or two columns have the same name.
        """
        notes = find_features(schema.metadata, path)
        if notes is None:
            return None
        refuse_repetitions(schema, path)
        return cls(str(path), notes.featurizers, notes.rdkit, Level(notes.standardization), schema)

    def check(self, wanted: list[dict[str, Any]], level: Level) -> None:
        """Check that these are the features that are needed, of molecules standardized in this way.

        Raises
        ------
        DataError
            The file holds other features, was made with another RDKit, or was changed since.
        """
        hint = f"{AGAIN} with: {_name(wanted)}"
        hint += f" --standardization {level}" if self.level is not level else ""
        if self.featurizers != wanted:
            problem = f"this file holds other features ({_name(self.featurizers)})"
            raise DataError(problem, path=self.path, hint=hint)
        if self.level is not level:
            problem = f"these are features of molecules standardized to {self.level}, needed is {level}"
            raise DataError(problem, path=self.path, hint=hint)
        if self.rdkit != rdkit_version:
            problem = f"made with RDKit {self.rdkit}, here is {rdkit_version}"
            raise DataError(problem, path=self.path, hint=AGAIN)
        for field in added_fields(FeatureSet(wanted)):
            place = self.schema.get_field_index(field.name)
            if place < 0 or self.schema.types[place] != field.type:
                state = "missing" if place < 0 else f"of another type, {self.schema.types[place]}"
                problem = f"this file was changed after featurize: column {field.name!r} is {state}"
                raise DataError(problem, path=self.path, hint=AGAIN)


class FeatureFile:
    """A feature Parquet file whose rows can be read in any order.

    Parameters
    ----------
    path, file
        Its name, and the open file.
    featurizers
        Its features.
    others
        Names of other columns that will be read.
    """

    def __init__(
        self,
        path: str | Path,
        file: pq.ParquetFile,
        featurizers: list[dict[str, Any]],
        others: Sequence[str] = (),
    ) -> None:
        self._path, self._file, self._features = path, file, FeatureSet(featurizers)
        kinds = [featurizer.kind for featurizer in self._features.featurizers]
        self._columns = [*kinds, *STATUS_COLUMNS, *others]
        sizes = [self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._group = self._part = -1
        self._table, self._parts = None, iter(())

    @classmethod
    def open(
        cls,
        path: str | Path,
        featurizers: list[dict[str, Any]],
        level: Level,
        others: Sequence[str] = (),
    ) -> "FeatureFile | None":
        """Open a feature Parquet file; any other table gives None.

        Raises
        ------
        DataError
            The file holds other features than these, or was made with another RDKit.
        """
        if Path(path).suffix.lower() != ".parquet":
            return None
        file = open_parquet(path)
        specification = FeatureSpecification.find(file.schema_arrow, path)
        if specification is None:
            return None
        specification.check(FeatureSet(featurizers).specs, level)
        return cls(path, file, featurizers, others)

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return int(self._starts[-1])

    def read(self, start: int, stop: int) -> Features:
        """Return the features of rows `start` to `stop`, the latter not included."""
        return self._decode(self._read_rows(start, stop))

    def read_strings(self, column: str, start: int, stop: int) -> list[str]:
        """Return the values of another column in the same rows, empty where there is none."""
        chunks = self._read_rows(start, stop)[column].chunks
        return [value or "" for chunk in chunks for value in texts(chunk)]

    def _read_rows(self, start: int, stop: int) -> pa.Table:
        parts = []
        group = int(np.searchsorted(self._starts, start, side="right")) - 1
        while start < stop:
            part, offset = divmod(start - int(self._starts[group]), PART_ROWS)
            found = self._read_part(group, part).slice(offset, stop - start)
            parts.append(found)
            start += len(found)
            group += start == self._starts[group + 1]
        return pa.concat_tables(parts)

    def _read_part(self, group: int, part: int) -> pa.Table:
        """Return so many rows of a row group, which others may have written with any number of them."""
        if group != self._group or part < self._part:
            self._open_group(group)
        with refusing_damage(self._path):
            while self._part < part:
                self._table = next(self._parts)
                self._part += 1
        return self._table

    def _open_group(self, group: int) -> None:
        with Path(self._path).open("rb") as stream:
            size = rows_of_batch(stream, self._file.metadata, group, self._path, n_rows=PART_ROWS)
        batches = self._file.iter_batches(size, row_groups=[group], columns=self._columns, use_threads=False)
        self._parts = regroup(batches, PART_ROWS, sys.maxsize)
        self._group, self._part = group, -1

    def _decode(self, table: pa.Table) -> Features:
        blocks = [table[featurizer.kind].combine_chunks() for featurizer in self._features.featurizers]
        is_whole = np.all([block.is_valid().to_numpy(zero_copy_only=False) for block in blocks], axis=0)
        X = np.zeros((len(table), len(self._features)), np.float32)
        try:
            X[is_whole] = to_matrix([block.filter(pa.array(is_whole)) for block in blocks], self._features)
        except DataError as error:
            raise DataError(error.problem, path=self._path, column=error.column, hint=AGAIN) from error
        told = zip(is_whole, *(texts(table[name].combine_chunks()) for name in STATUS_COLUMNS), strict=True)
        return Features(X, [_read_problem(*row) for row in told])


def _read_problem(is_whole: bool, status: str | None, reason: str | None) -> InvalidMolecule | None:
    """Return why a row cannot be used; others may have joined rows without features to the file."""
    if status == "ok" and is_whole:
        return None
    if status is None or status == "ok" or status not in set(Status):
        return InvalidMolecule(Status.INVALID, "this row has no features, or no status")
    return InvalidMolecule(Status(status), _as_unicode(reason or ""))


def _as_unicode(reason: str) -> str:
    return reason.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_features(path: str | Path, featurizers: list[dict[str, Any]], level: Level) -> Features | None:
    """Read all features of a feature Parquet file; any other table gives None.

    Raises
    ------
    DataError
        As `FeatureFile.open`.
    """
    file = FeatureFile.open(path, featurizers, level)
    return None if file is None else file.read(0, file.n_rows)


def _name(specs: list[dict[str, Any]]) -> str:
    """Return the option of featurize that gives these features, or their kinds."""
    for preset, stereo in product(PRESETS, Stereo):
        if FeatureSet(choose_features(preset, stereo)).specs == specs:
            return f"--preset {preset}" + (f" --stereo {stereo}" if stereo is Stereo.USE else "")
    return "+".join(spec["kind"] for spec in specs)
