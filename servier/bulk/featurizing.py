"""featurize: from a table to a Parquet file with the features of its molecules.

After the columns of the input come `status` and `reason`, then one column for each featurizer. The schema's
metadata says which featurizers and which RDKit made them.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from rdkit import __version__ as rdkit_version

from servier.bulk.inputs import Inputs, check_target, choose_rows, describe_origin, identify, make_reader
from servier.bulk.options import FeaturizingOptions
from servier.bulk.outputs import make_output
from servier.bulk.parquet_output import ParquetOutput
from servier.bulk.parquet_spool import FinalSchema
from servier.bulk.run import Summary, run
from servier.bulk.source import open_source
from servier.bulk.work import Results
from servier.chem.levels import Level
from servier.chem.molecules import ANY_ROW, Row
from servier.errors import DataError
from servier.features.columns import added_fields, to_columns
from servier.features.computing import FeatureWork
from servier.features.feature_set import Features, FeatureSet
from servier.progress import Report
from servier.tables import table_format
from servier.tables.parquet import FEATURES_KEY


def featurize_file(
    source: str | Path,
    target: str | Path,
    featurizers: list[dict[str, Any]],
    options: FeaturizingOptions,
    *,
    restart: bool = False,
    force: bool = False,
    report: Report | None = None,
) -> Summary:
    """Write the feature Parquet file of a table; go on with an interrupted run where there is one.

    Parameters
    ----------
    source
        A table of any format, or `-` for stdin.
    target
        The Parquet file. It gets its name only when it is complete.
    featurizers
        The specification of the feature set.
    options
        Columns, limits, shard, processes.
    restart
        Forget an interrupted run.
    force
        Replace a file that was not made from the same inputs and options; make one that was anew.
    report
        Told of each block, as in `servier.bulk.run.run`.

    Raises
    ------
    DataError
        The table cannot be used, a column of it has a name that the file needs itself, or an interrupted run
        had other inputs.
    """
    with open_featurizing(Path(source), Path(target), featurizers, options) as inputs:
        return run(inputs, Path(target), options, restart=restart, force=force, report=report)


@contextmanager
def open_featurizing(
    source: Path, target: Path, featurizers: list[dict[str, Any]], options: FeaturizingOptions
) -> Iterator[Inputs]:
    """Open a table for a run.

    Raises
    ------
    DataError
        Something cannot be used.
    """
    if table_format(target) != "parquet":
        raise DataError("features go into a Parquet file", path=target, hint="end its name in .parquet")
    check_target(target, source)
    features = FeatureSet(featurizers)
    with open_source(source, options.dialect, as_unicode=True) as opened:
        reader = make_reader(opened, target, options)
        names = [field.name for field in added_fields(features)]
        plain = make_output(target, opened.table, reader.header, reader.kept, dict.fromkeys(names, str))
        output = FeatureOutput(plain.schema, features, options.standardization)
        identity = identify(opened, options, featurizers=features.specs, written=output.written)
        rows, n_rows = choose_rows(opened, options, reader.block_rows)
        work = FeaturizingWork(featurizers, options.max_atoms, options.level)
        origin = partial(describe_origin, "featurize", opened, identity, options)
        yield Inputs(reader, work, output, identity, origin, rows, n_rows, opened.watch)


@dataclass(frozen=True)
class FeaturizingWork:
    """Computes features of blocks of rows, as columns of a feature file.

    The cells of its results are record batches as bytes, without their schema: pickling changes some types.

    Parameters
    ----------
    featurizers
        The specification of the feature set.
    max_atoms, level
        As in `FeaturizingOptions`.
    """

    featurizers: list[dict[str, Any]]
    max_atoms: int
    level: Level

    def prepare(self) -> Callable[[Sequence[Row]], Results]:
        """Build the feature set; the function computes a block, and takes the time."""
        features, compute = FeatureSet(self.featurizers), self._computing.prepare()

        def work(rows: Sequence[Row]) -> Results:
            started = time.perf_counter()
            results = _encode(compute(rows), features)
            return replace(results, seconds=time.perf_counter() - started)

        work([ANY_ROW])
        return work

    def give_up(self, item: Row, status: str, reason: str) -> Results:
        """Return a row without features."""
        return _encode(self._computing.give_up(item, status, reason), FeatureSet(self.featurizers))

    def join(self, answers: list[Results]) -> Results:
        """Concatenate the rows."""
        return Results(
            [part for answer in answers for part in answer.cells],
            sum((answer.counts for answer in answers), Counter()),
            [],
            sum(answer.seconds for answer in answers),
        )

    @property
    def _computing(self) -> FeatureWork:
        return FeatureWork(self.featurizers, self.max_atoms, self.level)


class FeatureOutput(ParquetOutput):
    """A feature file.

    Parameters
    ----------
    plain
        Its columns, with text in place of features.
    features
        The feature set, whose columns are the last.
    standardization
        How far molecules are standardized.
    """

    def __init__(self, plain: FinalSchema, features: FeatureSet, standardization: str) -> None:
        added = added_fields(features)
        own = list(plain.final)[: -len(added)]
        notes = {"featurizers": features.specs, "rdkit": rdkit_version, "standardization": standardization}
        made = json.dumps(notes).encode()
        metadata = {**(plain.final.metadata or {}), FEATURES_KEY: made}
        super().__init__(replace(plain, final=pa.schema(own + added, metadata)))
        self._added = pa.schema(added)

    def combine(self, rows: pa.RecordBatch, cells: Sequence[bytes]) -> pa.RecordBatch:
        """Put status, reason and features after the rows' own columns."""
        parts = [pa.ipc.read_record_batch(pa.py_buffer(part), self._added) for part in cells]
        columns = [*rows.columns, *pa.concat_batches(parts).columns]
        return pa.record_batch(columns, schema=self.schema.spooled)


def _encode(found: Features, features: FeatureSet) -> Results:
    """Return status, reason and features of some rows."""
    statuses = [str(problem.status) if problem else "ok" for problem in found.problems]
    reasons = [problem.reason if problem else None for problem in found.problems]
    texts = [pa.array(statuses, pa.string()), pa.array(reasons, pa.string())]
    schema = pa.schema(added_fields(features))
    batch = pa.record_batch([*texts, *to_columns(found.X, features)], schema=schema)
    return Results([batch.serialize().to_pybytes()], Counter(statuses), [])
