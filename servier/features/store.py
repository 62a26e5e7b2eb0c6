"""The feature Parquet file: a table with the features of its molecules beside it.

After the columns of the input come `status` and `reason`, then one column of fixed-size lists for each
featurizer. The schema's metadata says which featurizers and which RDKit made them.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rdkit import __version__ as rdkit_version

from servier.errors import DataError
from servier.features import Features, FeatureSet
from servier.molecules import InvalidMolecule, Status, parse_all
from servier.parallel import ordered_map
from servier.tables import open_table, require_smiles_column, write_whole
from servier.tables.parquet import open_parquet

KEY = b"servier.features"
CHUNK_ROWS = 512
STATUS_COLUMNS = ("status", "reason")


def compute_features(smiles: Sequence[str], featurizers: list[dict[str, Any]], workers: int) -> Features:
    """Compute the features of many molecules on several processes.

    Returns
    -------
    Features of all rows, in order, in memory.
    """
    chunks = (smiles[i : i + CHUNK_ROWS] for i in range(0, len(smiles), CHUNK_ROWS))
    parts = list(ordered_map(partial(_prepare, featurizers), chunks, workers))
    X = np.concatenate([part.X for part in parts])
    return Features(X, [problem for part in parts for problem in part.problems])


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
            for part in ordered_map(partial(_prepare, featurizers), read(), workers):
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


def read_features(path: str | Path, featurizers: list[dict[str, Any]]) -> Features:
    """Read the features of a feature Parquet file.

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
    found = feature_specification(path)
    if found is None:
        raise DataError("no features in this file", path=path, mend="make it with: servier featurize")
    wanted = FeatureSet(featurizers).specs
    if found["featurizers"] != wanted:
        kinds = "+".join(spec["kind"] for spec in found["featurizers"])
        mend = f"featurize again for {'+'.join(spec['kind'] for spec in wanted)}"
        raise DataError(f"this file holds other features ({kinds})", path=path, mend=mend)
    if found["rdkit"] != rdkit_version:
        problem = f"made with RDKit {found['rdkit']}, here is {rdkit_version}"
        raise DataError(problem, path=path, mend="featurize again")
    table = pq.read_table(path)
    blocks = [_to_matrix(table[spec["kind"]].combine_chunks()) for spec in wanted]
    problems = [
        None if status == Status.OK else InvalidMolecule(Status(status), reason or "")
        for status, reason in zip(table["status"].to_pylist(), table["reason"].to_pylist(), strict=True)
    ]
    return Features(np.concatenate(blocks, axis=1, dtype=np.float32), problems)


def _prepare(featurizers: list[dict[str, Any]]) -> Any:
    features = FeatureSet(featurizers)
    return lambda smiles: features(parse_all(smiles))


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


def _to_matrix(column: pa.Array) -> NDArray[Any]:
    return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)  # type: ignore[no-any-return]
