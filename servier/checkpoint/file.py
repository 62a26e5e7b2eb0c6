"""The checkpoint: one file that holds a model and everything needed to trust and use it.

It is a zip archive with `metadata.json`, which names the sha256 of every other entry. Nothing in it is
pickled, and nothing in it is ever executed.
"""

import hashlib
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from servier.checkpoint.archive import pack
from servier.checkpoint.metadata import COPY, Metadata, decode_metadata, encode_metadata
from servier.checkpoint.reference import REFERENCE, ReferenceArrays, decode_reference
from servier.checkpoint.target import Target
from servier.errors import CheckpointError

METADATA = "metadata.json"


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, in memory or on disk.

    Parameters
    ----------
    metadata_json
        The entry `metadata.json`, as it was written.
    entries
        The other entries, by name.
    path
        Where it was read from.
    """

    metadata_json: bytes
    entries: Mapping[str, bytes]
    path: str | None = None

    @cached_property
    def metadata(self) -> Metadata:
        """What the checkpoint says of itself."""
        return decode_metadata(self.metadata_json, self.path)

    @property
    def targets(self) -> list[Target]:
        """The targets, in the order of the graph's outputs."""
        return self.metadata.targets

    @property
    def model_name(self) -> str:
        """`1` or `2`."""
        return self.metadata.model_name

    @property
    def graphs(self) -> list[bytes]:
        """The ONNX graphs, at least one."""
        known = set(self.entries)
        names = list(takewhile(known.__contains__, map(graph_name, count())))
        if not names:
            raise CheckpointError(f"it has no entry {graph_name(0)}", path=self.path, hint=COPY)
        return [self.entries[name] for name in names]

    @cached_property
    def digest(self) -> str:
        """The sha256 of the metadata, and with it of all entries."""
        return hashlib.sha256(self.metadata_json).hexdigest()

    @cached_property
    def reference(self) -> ReferenceArrays:
        """The molecules that the model was trained on, and what its answers are compared with."""
        if REFERENCE not in set(self.entries):
            raise CheckpointError(f"it has no entry {REFERENCE}", path=self.path, hint=COPY)
        return decode_reference(self.entries[REFERENCE], self.path)

    def load(self) -> "Checkpoint":
        """Return the checkpoint with all of its entries in memory.

        Raises
        ------
        CheckpointError
            An entry is damaged: one that is read from disk is compared with its digest.
        """
        return replace(self, entries=dict(self.entries))


def graph_name(i: int) -> str:
    """Return the name of the entry that holds a graph, counted from 0."""
    return f"model_{i}.onnx"


def make_checkpoint(metadata: Metadata, entries: Mapping[str, bytes]) -> Checkpoint:
    """Make a checkpoint; the digests of its entries are added to its metadata."""
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(entries.items())}
    return Checkpoint(encode_metadata(replace(metadata, sha256=sha256)), entries)


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """Return the bytes of a checkpoint file; equal checkpoints give equal bytes."""
    return pack({METADATA: checkpoint.metadata_json, **checkpoint.entries})


class _Entries(Mapping[str, bytes]):
    """The entries of a file on disk, each read and compared with its digest when it is asked for."""

    def __init__(self, path: Path, sha256: dict[str, str]) -> None:
        self._path, self._sha256 = path, sha256

    def __getitem__(self, name: str) -> bytes:
        content = _read_entry(self._path, name)
        if hashlib.sha256(content).hexdigest() != self._sha256[name]:
            raise CheckpointError(f"entry {name} is damaged", path=self._path, hint=COPY)
        return content

    def __iter__(self) -> Any:
        return iter(self._sha256)

    def __len__(self) -> int:
        return len(self._sha256)


def open_checkpoint(path: str | Path, model_name: str | None = None) -> Checkpoint:
    """Open a checkpoint; its entries are read and verified when they are needed.

    Parameters
    ----------
    path
        The file.
    model_name
        `1` or `2` where only that model will do.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, not a checkpoint, of a newer format, or of another model.
    """
    path = Path(path)
    if not path.is_file():
        hint = f"train one with: servier train --model_name {model_name or 1}"
        raise CheckpointError("no such checkpoint", path=path, hint=hint)
    content = _read_entry(path, METADATA)
    metadata = decode_metadata(content, path)
    if model_name is not None and metadata.model_name != model_name:
        problem = f"this is a checkpoint of model {metadata.model_name}, not of model {model_name}"
        raise CheckpointError(problem, path=path, hint="give the other file, or the other --model_name")
    return Checkpoint(content, _Entries(path, metadata.sha256), str(path))


def _read_entry(path: Path, name: str) -> bytes:
    problem = "this is not a checkpoint, or it is damaged or truncated"
    try:
        with zipfile.ZipFile(path) as archive:
            problem = problem if name == METADATA else f"entry {name} is damaged or missing"
            return archive.read(name)
    except (zipfile.BadZipFile, KeyError, zlib.error, EOFError, NotImplementedError) as error:
        raise CheckpointError(problem, path=path, hint=COPY) from error
    except OSError as error:
        raise CheckpointError(f"cannot read it: {error.strerror}", path=path) from error
