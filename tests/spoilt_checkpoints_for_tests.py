"""Checkpoints that are damaged, or were made by somebody who means harm."""

import hashlib
import io
import json
import struct
import zipfile

import numpy as np

from servier.checkpoint.archive import pack


def entries_of(content):
    """The entries of a checkpoint, `metadata.json` first."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repack(content, change=lambda _: None, **entries):
    """A checkpoint with other entries, or changed metadata, whose digests are right."""
    found = entries_of(content) | {name.replace("__", "."): entry for name, entry in entries.items()}
    metadata = json.loads(found.pop("metadata.json"))
    metadata["sha256"] = {name: hashlib.sha256(entry).hexdigest() for name, entry in found.items()}
    change(metadata)
    return pack({"metadata.json": json.dumps(metadata).encode(), **found})


def with_unknown_operator(content):
    """One whose graph asks for an operator that does not exist."""
    import onnx

    graph = onnx.load_from_string(entries_of(content)["model_0.onnx"])
    graph.graph.node[0].op_type = "NoSuchOperator"
    return repack(content, model_0__onnx=graph.SerializeToString())


def with_output_of_another_name(content):
    """One whose graph has another output than the engine reads."""
    import onnx

    graph = onnx.load_from_string(entries_of(content)["model_0.onnx"])
    graph.graph.output[0].name = "elsewhere"
    return repack(content, model_0__onnx=graph.SerializeToString())


def without_sentinels(content):
    """One that has no molecules to be checked by."""
    return repack(content, lambda metadata: metadata.update(sentinels=[]))


def with_broken_compression(content):
    """One whose metadata do not decompress."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entry = archive.getinfo("metadata.json")
    start = entry.header_offset + 30 + len(entry.filename)
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


def with_encryption(content):
    """One whose metadata say that they need a password."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = archive.infolist()[0].filename.encode()
    central = content.index(b"PK\x01\x02")
    assert content[central + 46 :].startswith(name)
    flagged = bytearray(content)
    struct.pack_into("<H", flagged, 6, 1)
    struct.pack_into("<H", flagged, central + 8, 1)
    return bytes(flagged)


def with_pickled_arrays(content):
    """One whose arrays are Python objects."""
    buffer = io.BytesIO()
    np.savez(buffer, train_y=np.array([{}], object))
    return repack(content, reference__npz=buffer.getvalue())


def with_rows_that_do_not_exist(content):
    """One whose applicability domain is made of molecules that it lacks."""
    with np.load(io.BytesIO(entries_of(content)["reference.npz"])) as arrays:
        changed = dict(arrays)
    changed["domain_rows"] = np.array([10**9])
    buffer = io.BytesIO()
    np.savez(buffer, **changed)
    return repack(content, reference__npz=buffer.getvalue())


SPOILT = {
    "unknown operator": with_unknown_operator,
    "other output": with_output_of_another_name,
    "no sentinels": without_sentinels,
    "broken compression": with_broken_compression,
    "encrypted": with_encryption,
    "pickled arrays": with_pickled_arrays,
    "rows that do not exist": with_rows_that_do_not_exist,
    "graph that is none": lambda content: repack(content, model_0__onnx=b"\x08\xff" * 100),
    "deep metadata": lambda content: pack({**entries_of(content), "metadata.json": b"[" * 100_000}),
    "metadata of nothing": lambda content: pack({**entries_of(content), "metadata.json": b"null"}),
    "truncated": lambda content: content[:-100],
    "empty": lambda _: b"",
    "no archive": lambda _: b"\x1b[2Jnot a checkpoint\n" * 100,
}
