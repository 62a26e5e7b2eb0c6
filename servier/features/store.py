"""The feature Parquet file: a table with the features of its molecules beside it.

After the columns of the input come `status` and `reason`, then one column for each featurizer. The schema's
metadata says which featurizers and which RDKit made them.
"""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from rdkit import __version__ as rdkit_version

from servier.chem.molecules import Row
from servier.errors import DataError
from servier.features.columns import block_field, to_columns
from servier.features.computing import CHUNK_ROWS, FeatureWork
from servier.features.feature_set import Features, FeatureSet
from servier.processes.ordered_map import ordered_map
from servier.progress import Report
from servier.tables import (
    DETECTED,
    STANDARD_STREAM,
    STATUS_COLUMNS,
    Dialect,
    Record,
    Table,
    count_rows,
    name_all,
    open_table,
    require_smiles_column,
    table_format,
    write_whole,
)
from servier.tables.parquet import FEATURES_KEY

GROUP_ROWS = 8 * CHUNK_ROWS


@dataclass(frozen=True)
class ColumnWork:
    """Computes the columns of the file for chunks of rows in worker processes.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    """

    featurizers: list[dict[str, Any]]

    def prepare(self) -> Callable[[Sequence[Row]], pa.RecordBatch]:
        """Build the feature set."""
        compute = FeatureWork(self.featurizers).prepare()
        features = FeatureSet(self.featurizers)
        return lambda rows: _encode(compute(rows), features)

    def give_up(self, item: Row, status: str, reason: str) -> pa.RecordBatch:
        """Return a row without features."""
        row = FeatureWork(self.featurizers).give_up(item, status, reason)
        return _encode(row, FeatureSet(self.featurizers))

    def join(self, answers: list[pa.RecordBatch]) -> pa.RecordBatch:
        """Concatenate the rows."""
        return pa.concat_batches(answers)


def write_features(
    source: str | Path,
    target: str | Path,
    featurizers: list[dict[str, Any]],
    smiles_column: str | None = None,
    workers: int = 1,
    report: Report | None = None,
    dialect: Dialect = DETECTED,
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
    report, dialect
        Called after each group of rows; and what the user says of delimited text.

    Returns
    -------
    The number of rows by status.

    Raises
    ------
    DataError
        The table cannot be used, or a column of it has a name that the file needs itself.
    """
    if table_format(target) != "parquet":
        raise DataError("features go into a Parquet file", path=target, hint="end its name in .parquet")
    n_rows = None if str(source) == STANDARD_STREAM else count_rows(source, dialect)
    counts, started = Counter[str](), time.monotonic()
    with open_table(source, dialect, as_unicode=True) as table, write_whole(target) as temporary:
        names = table.header.columns
        position = names.index(require_smiles_column(names, smiles_column or table.header.molecules))
        schema = _schema(names, FeatureSet(featurizers), source)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        batches = _batches(table, position, featurizers, schema, workers)
        with pq.ParquetWriter(temporary, schema, compression="zstd", use_dictionary=texts) as writer:
            for group in _batched(batches, GROUP_ROWS // CHUNK_ROWS):
                writer.write_table(pa.Table.from_batches(group), row_group_size=GROUP_ROWS)
                counts.update(status for batch in group for status in batch.column("status").to_pylist())
                if report is not None:
                    report(counts, n_rows, 0, time.monotonic() - started)
    return dict(counts)


def _batches(
    table: Table, position: int, featurizers: list[dict[str, Any]], schema: pa.Schema, workers: int
) -> Iterator[pa.RecordBatch]:
    """Iterate over the rows of a table with their features; `position` is that of the SMILES column."""
    chunks: deque[list[Record]] = deque()

    def read() -> Iterator[list[Row]]:
        for records in _batched(table, CHUNK_ROWS):
            chunks.append(records)
            yield [(str(record.fields[position] or ""), record.problem) for record in records]

    with closing(ordered_map(ColumnWork(featurizers), read(), workers)) as parts:
        for part in parts:
            yield _join(chunks.popleft(), part, schema)


def _batched(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


def _schema(names: Sequence[str], features: FeatureSet, source: str | Path) -> pa.Schema:
    fields = [pa.field(name, pa.string()) for name in (*name_all(names), *STATUS_COLUMNS)]
    fields += [block_field(featurizer) for featurizer in features.featurizers]
    taken = [field.name for field in fields]
    twice = sorted({name for name in taken if taken.count(name) > 1})
    if twice:
        problem = f"its column {twice[0]!r} has a name that the feature file needs"
        raise DataError(problem, path=source, hint="rename the column")
    metadata = {"featurizers": features.specs, "rdkit": rdkit_version}
    return pa.schema(fields, {FEATURES_KEY: json.dumps(metadata).encode()})


def _encode(part: Features, features: FeatureSet) -> pa.RecordBatch:
    """Return status, reason and features of some rows."""
    statuses = [str(problem.status) if problem else "ok" for problem in part.problems]
    reasons = [problem.reason if problem else None for problem in part.problems]
    fields = [pa.field(name, pa.string()) for name in STATUS_COLUMNS]
    fields += [block_field(featurizer) for featurizer in features.featurizers]
    columns = [pa.array(statuses, pa.string()), pa.array(reasons, pa.string()), *to_columns(part.X, features)]
    return pa.record_batch(columns, schema=pa.schema(fields))


def _join(records: Sequence[Record], part: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Put the columns of the input before those of the features."""
    own = [
        pa.array([None if value is None else str(value) for value in values], pa.string())
        for values in zip(*(record.fields for record in records), strict=True)
    ]
    return pa.record_batch([*own, *part.columns], schema=schema)
