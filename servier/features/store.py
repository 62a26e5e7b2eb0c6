"""The feature Parquet file: a table with the features of its molecules beside it.

After the columns of the input come `status` and `reason`, then one column of fixed-size lists for each
featurizer. The schema's metadata says which featurizers and which RDKit made them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import __version__ as rdkit_version

from servier.errors import DataError
from servier.features import Features, FeatureSet
from servier.molecules import InvalidMolecule, SmilesRows, Status
from servier.parallel import ordered_map
from servier.tables import STATUS_COLUMNS, open_table, require_smiles_column, table_format, write_whole
from servier.tables.parquet import open_parquet

KEY = b"servier.features"
CHUNK_ROWS = 512


@dataclass(frozen=True)
class FeatureWork:
    """Features of chunks of SMILES strings, for worker processes.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    """

    featurizers: list[dict[str, Any]]

    def prepare(self) -> Callable[[Sequence[str]], Features]:
        """Build the feature set."""
        features = FeatureSet(self.featurizers)
        with_stereo = features.needs_stereo
        return lambda smiles: features(SmilesRows([(text, None) for text in smiles], with_stereo=with_stereo))

    def give_up(self, item: str, status: str, reason: str) -> Features:  # noqa: ARG002
        """Return a row of zeros with its problem."""
        X = np.zeros((1, len(FeatureSet(self.featurizers))), np.float32)
        return Features(X, [InvalidMolecule(Status(status), reason)])

    def join(self, answers: list[Features]) -> Features:
        """Put rows below rows."""
        problems = [problem for part in answers for problem in part.problems]
        return Features(np.concatenate([part.X for part in answers]), problems)


def compute_features(smiles: Sequence[str], featurizers: list[dict[str, Any]], workers: int) -> Features:
    """Compute the features of many molecules on several processes.

    Returns
    -------
    Features of all rows, in order, in memory.
    """
    chunks = (smiles[i : i + CHUNK_ROWS] for i in range(0, len(smiles), CHUNK_ROWS))
    work = FeatureWork(featurizers)
    return work.join(list(ordered_map(work, chunks, workers)))


def write_features(
    source: str | Path,
    target: str | Path,
    featurizers: list[dict[str, Any]],
    smiles_column: str | None = None,
    workers: int = 1,
) -> dict[str, int]:
    """Write the feature Parquet file of a table.

    Parameters
    ----------
    source, target
        The table and the Parquet file.
    featurizers
        The specification of the feature set.
    smiles_column
        Detected where it is None.
    workers
        Number of processes.

    Returns
    -------
    The number of rows by status.

    Raises
    ------
    DataError
        The table cannot be used, or a column of it has a name that the file needs itself.
    """
    if table_format(target) != "parquet":
        raise DataError("features go into a Parquet file", path=target, mend="end its name in .parquet")
    features = FeatureSet(featurizers)
    counts: dict[str, int] = {}
    with open_table(source) as table, write_whole(target) as temporary:
        names = table.header.columns
        position = names.index(require_smiles_column(names, smiles_column))
        schema = _schema(names, features, source)
        chunks: list[list[list[Any]]] = []

        def read() -> Iterator[list[str]]:
            for rows in _chunked(record.fields for record in table):
                chunks.append(rows)
                yield [str(row[position] or "") for row in rows]

        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for part in ordered_map(FeatureWork(featurizers), read(), workers):
                statuses = [problem.status if problem else Status.OK for problem in part.problems]
                for status in statuses:
                    counts[status] = counts.get(status, 0) + 1
                writer.write_batch(_record_batch(chunks.pop(0), part, features, schema))
    return counts


def feature_specification(path: str | Path) -> dict[str, Any] | None:
    """Return what a file says of its features, or None where it is no feature Parquet file."""
    if Path(path).suffix.lower() != ".parquet":
        return None
    metadata = open_parquet(path).schema_arrow.metadata or {}
    return json.loads(metadata[KEY]) if KEY in metadata else None


class FeatureFile:
    """A feature Parquet file, of which any rows can be read.

    Parameters
    ----------
    path
        The file.
    featurizers
        The specification that is needed.

    Raises
    ------
    DataError
        The file holds other features, or was made with another RDKit.
    """

    def __init__(self, path: str | Path, featurizers: list[dict[str, Any]]) -> None:
        self._kinds = _check_specification(path, FeatureSet(featurizers).specs)
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
        parts = []
        group = int(np.searchsorted(self._starts, start, side="right")) - 1
        while start < stop:
            end = min(stop, int(self._starts[group + 1]))
            offset = start - int(self._starts[group])
            parts.append(self._read_group(group).slice(offset, end - start))
            start, group = end, group + 1
        return self._to_features(pa.concat_tables(parts))

    def _read_group(self, group: int) -> pa.Table:
        if group != self._group:
            columns = [*self._kinds, *STATUS_COLUMNS]
            self._table = self._file.read_row_group(group, columns=columns, use_threads=False)
            self._group = group
        return self._table

    def _to_features(self, table: pa.Table) -> Features:
        blocks = [_to_matrix(table[kind].combine_chunks()) for kind in self._kinds]
        problems = [
            None if status == Status.OK else InvalidMolecule(Status(status), reason or "")
            for status, reason in zip(*(table[name].to_pylist() for name in STATUS_COLUMNS), strict=True)
        ]
        return Features(np.concatenate(blocks, axis=1, dtype=np.float32), problems)


def read_features(path: str | Path, featurizers: list[dict[str, Any]]) -> Features:
    """Read all features of a feature Parquet file, as `FeatureFile` does."""
    file = FeatureFile(path, featurizers)
    return file.read(0, file.n_rows)


def _check_specification(path: str | Path, wanted: list[dict[str, Any]]) -> list[str]:
    """Return the kinds of the featurizers, or say why the file does not have them."""
    found = feature_specification(path)
    if found is None:
        raise DataError("no features in this file", path=path, mend="make it with: servier featurize")
    kinds = [spec["kind"] for spec in wanted]
    if found["featurizers"] != wanted:
        other = "+".join(spec["kind"] for spec in found["featurizers"])
        problem = f"this file holds other features ({other})"
        raise DataError(problem, path=path, mend=f"featurize again for {'+'.join(kinds)}")
    if found["rdkit"] != rdkit_version:
        problem = f"made with RDKit {found['rdkit']}, here is {rdkit_version}"
        raise DataError(problem, path=path, mend="featurize again")
    return kinds


def _chunked(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    chunk: list[list[Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _schema(names: Sequence[str], features: FeatureSet, source: str | Path) -> pa.Schema:
    fields = [pa.field(name, pa.string()) for name in (*names, *STATUS_COLUMNS)]
    fields += [
        pa.field(block.kind, pa.list_(pa.from_numpy_dtype(np.dtype(block.dtype)), len(block)))
        for block in features.featurizers
    ]
    taken = [field.name for field in fields]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    if twice:
        problem = f"its column {twice[0]!r} has a name that the feature file needs"
        raise DataError(problem, path=source, mend="rename the column")
    metadata = {"featurizers": features.specs, "rdkit": rdkit_version}
    return pa.schema(fields, {KEY: json.dumps(metadata).encode()})


def _record_batch(
    rows: list[list[Any]], part: Features, features: FeatureSet, schema: pa.Schema
) -> pa.RecordBatch:
    columns = [
        pa.array([None if value is None else str(value) for value in values], pa.string())
        for values in zip(*rows, strict=True)
    ]
    columns.append(
        pa.array([str(problem.status) if problem else "ok" for problem in part.problems], pa.string())
    )
    columns.append(pa.array([problem.reason if problem else None for problem in part.problems], pa.string()))
    for featurizer, block in zip(features.featurizers, features.slices, strict=True):
        values = pa.array(part.X[:, block].astype(featurizer.dtype).ravel())
        columns.append(pa.FixedSizeListArray.from_arrays(values, len(featurizer)))
    return pa.record_batch(columns, schema=schema)


def _to_matrix(column: pa.ChunkedArray | pa.FixedSizeListArray) -> NDArray[Any]:
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)  # type: ignore[no-any-return]
