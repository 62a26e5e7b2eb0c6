"""Zip archives whose bytes depend on their contents alone."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Return a zip archive with these entries, in this order, all dated 1980-01-01."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def pack_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return what `numpy.load` reads as an npz file."""
    contents = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        contents[f"{name}.npy"] = buffer.getvalue()
    return pack(contents)


def pack_lines(lines: Sequence[str]) -> NDArray[np.uint8]:
    """Return texts without line breaks as an array of bytes."""
    return np.frombuffer("\n".join(lines).encode(), np.uint8)


def unpack_lines(packed: NDArray[np.uint8]) -> list[str]:
    """Return the texts that `pack_lines` packed."""
    return packed.tobytes().decode().split("\n")
