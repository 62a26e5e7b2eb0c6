"""Join the shards of a run into the file that a whole run writes."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from servier.bulk.journal import Progress, read_journal
from servier.bulk.options import Shard
from servier.bulk.outputs import ParquetOutput, open_output, write_best
from servier.errors import DataError
from servier.tables import write_whole

COPY_BYTES = 1 << 20


def merge(target: str | Path, shards: Sequence[str | Path]) -> Progress:
    """Join shards, in whatever order they are given; they stay as they are.

    Parameters
    ----------
    target
        The file to write.
    shards
        All shards of one run, each with its journal beside it.

    Returns
    -------
    The rows, the size and the statuses of all shards together.

    Raises
    ------
    DataError
        A shard is missing, given twice, incomplete, changed since, or of another run.
    """
    found = _check_shards([Path(path) for path in shards])
    identity = found[0][1]
    if Path(target).suffix != found[0][0].suffix:
        hint = f"end its name in {found[0][0].suffix}"
        raise DataError("the shards are of another format", path=target, hint=hint)
    paths = [path for path, _, _ in found]
    if Path(target).exists() and any(Path(target).samefile(path) for path in paths):
        raise DataError("this is one of the shards", path=target, hint="give OUTPUT another name")
    with write_whole(target) as temporary:
        top = identity["option"].get("top")
        if top is not None:
            n_written = write_best(open_output(paths[0]), paths, temporary, identity["ranked by"], top)
        else:
            _concatenate(temporary, paths)
            n_written = sum(progress.written for _, _, progress in found)
    counts = dict(sum((Counter(progress.counts) for _, _, progress in found), Counter[str]()))
    n_rows = sum(progress.rows for _, _, progress in found)
    size = Path(target).stat().st_size
    return Progress(n_rows, n_written, size, counts=counts, is_complete=True)


def _check_shards(paths: list[Path]) -> list[tuple[Path, dict[str, Any], Progress]]:
    """Return the shards in order, with their identities and how far they are."""
    found = [(path, *read_journal(path)) for path in paths]
    first = _without_shard(found[0][1])
    for path, identity, progress in found:
        if identity["option"]["shard"] is None:
            raise DataError("this is not a shard but an unfinished run", path=path, hint="run it to its end")
        if _without_shard(identity) != first:
            raise DataError(
                f"this shard is of another run than {found[0][0]}", path=path, hint="make it again"
            )
        if not progress.is_complete:
            raise DataError("this shard is not complete", path=path, hint="give its command again")
        if not path.is_file() or path.stat().st_size != progress.size:
            raise DataError("this shard has changed since it was written", path=path, hint="make it again")
    found.sort(key=lambda shard: _shard(shard[1]).number)
    numbers = [_shard(identity).number for _, identity, _ in found]
    total = _shard(found[0][1]).total
    for number in range(1, total + 1):
        if numbers.count(number) != 1:
            what = "is missing" if number not in numbers else "is given twice"
            raise DataError(f"shard {number}/{total} {what}", hint="give every shard once")
    return found


def _shard(identity: dict[str, Any]) -> Shard:
    return Shard.parse(identity["option"]["shard"])


def _without_shard(identity: dict[str, Any]) -> dict[str, Any]:
    shard = identity["option"]["shard"]
    total = None if shard is None else Shard.parse(shard).total
    return identity | {"option": identity["option"] | {"shard": total}}


def _concatenate(target: Path, paths: list[Path]) -> None:
    output = open_output(paths[0])
    if isinstance(output, ParquetOutput):
        from servier.bulk.parquet_spool import read_batches, write_parquet

        batches = chain.from_iterable(read_batches(path) for path in paths)
        write_parquet(target, output.schema, batches)
        return
    with target.open("wb") as joined:
        for number, path in enumerate(paths):
            with path.open("rb") as shard:
                shard.seek(output.header_size(path) if number else 0)
                shutil.copyfileobj(shard, joined, COPY_BYTES)
        joined.flush()
        os.fsync(joined.fileno())
