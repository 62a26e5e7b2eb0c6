"""Join the shards of a run into the file that a whole run writes."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from servier.bulk.journal import Progress, read_journal
from servier.bulk.options import Shard
from servier.bulk.outputs import TextOutput, open_output, write_best
from servier.errors import DataError
from servier.tables import claim_output, find_stamp, require_stamp, write_whole
from servier.tables.claims import digest_file

if TYPE_CHECKING:
    from servier.bulk.parquet_output import ParquetOutput

COPY_BYTES = 1 << 20
MAKE_AGAIN = "make it again"

Found = tuple[Path, dict[str, Any], Progress]
"""A shard, the identity of its run, and how far it is."""


def merge(target: str | Path, shards: Sequence[str | Path], *, force: bool = False) -> Progress:
    """Join shards, in whatever order they are given; they stay as they are.

    Where they are joined already, nothing is done.

    Parameters
    ----------
    target
        The file to write.
    shards
        All shards of one run, each with its journal beside it.
    force
        Replace a file that was not made from these shards; make one that was anew.

    Returns
    -------
    The rows, the size and the statuses of all shards together.

    Raises
    ------
    DataError
        A shard is missing, given twice, incomplete, changed since, or of another run; or the file is there
        and of another origin.
    """
    found = _check_shards([Path(path) for path in shards])
    if Path(target).suffix != found[0][0].suffix:
        hint = f"end its name in {found[0][0].suffix}"
        raise DataError("the shards are of another format", path=target, hint=hint)
    paths = [path for path, _, _ in found]
    if Path(target).exists() and any(Path(target).samefile(path) for path in paths):
        raise DataError("this is one of the shards", path=target, hint="give OUTPUT another name")
    with claim_output(Path(target), lambda: _describe_origin(found), force=force) as claim:
        if claim.made is not None and not force:
            return Progress(**claim.made)
        stamps = {path: find_stamp(path) for path in paths}
        for path, _, progress in found:
            _require_content(path, progress)
        with write_whole(target) as temporary:
            merged = _join(temporary, paths, found)
            for path, stamp in stamps.items():
                require_stamp(path, stamp)
            claim.seal(temporary, **asdict(merged))
    return merged


def _require_content(path: Path, progress: Progress) -> None:
    """Refuse a shard that does not hold what its run wrote, though it is of the same size."""
    if digest_file(path) != progress.sha256:
        raise DataError("this shard has changed since it was written", path=path, hint=MAKE_AGAIN)


def _join(temporary: Path, paths: list[Path], found: list[Found]) -> Progress:
    """Write the rows of all shards, and return what they are together."""
    identity = found[0][1]
    top = identity["option"].get("top")
    output = open_output(paths[0], identity["written"])
    if top is not None:
        n_written = write_best(output, paths, temporary, identity["ranked by"], top)
    else:
        _concatenate(temporary, paths, output)
        n_written = sum(progress.written for _, _, progress in found)
    counts = dict(sum((Counter(progress.counts) for _, _, progress in found), Counter[str]()))
    n_rows = sum(progress.rows for _, _, progress in found)
    return Progress(n_rows, n_written, temporary.stat().st_size, counts=counts, is_complete=True)


def _describe_origin(found: list[Found]) -> dict[str, Any]:
    """Return what decides the joined file: the run, and what each shard of it has become."""
    shards = [[progress.rows, progress.size, progress.sha256] for _, _, progress in found]
    return {"command": "merge", **_without_shard(found[0][1]), "shards": shards}


def _check_shards(paths: list[Path]) -> list[Found]:
    """Return the shards in order, with their identities and how far they are."""
    found = [(path, *read_journal(path)) for path in paths]
    first = _without_shard(found[0][1])
    for path, identity, progress in found:
        if "written" not in identity or (progress.is_complete and not progress.sha256):
            raise DataError("an older servier wrote this shard", path=path, hint=MAKE_AGAIN)
        if identity["option"]["shard"] is None:
            raise DataError("this is not a shard but an unfinished run", path=path, hint="run it to its end")
        if _without_shard(identity) != first:
            raise DataError(f"this shard is of another run than {found[0][0]}", path=path, hint=MAKE_AGAIN)
        if not progress.is_complete:
            raise DataError("this shard is not complete", path=path, hint="give its command again")
        if not path.is_file() or path.stat().st_size != progress.size:
            raise DataError("this shard has changed since it was written", path=path, hint=MAKE_AGAIN)
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


def _concatenate(target: Path, paths: list[Path], output: "TextOutput | ParquetOutput") -> None:
    if not isinstance(output, TextOutput):
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
