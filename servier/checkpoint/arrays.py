"""NumPy arrays from anyone: each is of the type and shape that are declared, before it is read."""

import io
import re
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servier.checkpoint.unpacking import Archive, ArchiveError

SUFFIX = ".npy"
_START = 10
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)"
    rb"\{'descr': '([!-&(-~]*)', 'fortran_order': (False|True), 'shape': \(([0-9, ]{0,80})\), \} *\n",
    re.DOTALL,
)
"""What `numpy.save` writes before the numbers. NumPy itself would evaluate it as Python."""


class Kind:
    """What an array must be.

    Parameters
    ----------
    dtype
        The type of its numbers, in NumPy's words.
    shape
        Its dimensions: numbers, and names of numbers that several arrays have in common.
    """

    def __init__(self, dtype: str, *shape: int | str) -> None:
        self.dtype, self.shape = np.dtype(dtype), shape


def read_arrays(content: bytes, kinds: Mapping[str, Kind]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an npz file; those that no kind is given of are left alone, and some may be missing.

    Raises
    ------
    ArchiveError
        It is no such file, or an array is of another type or shape than its kind.
    """
    archive, sizes = Archive(io.BytesIO(content)), dict[str, int]()
    found = {}
    for name, kind in kinds.items():
        if name + SUFFIX in archive.names:
            found[name] = array = read_array(archive, name, kind.dtype)
            if array.ndim != len(kind.shape):
                raise ArchiveError(f"{name} is not of its type")
            for size, wanted in zip(array.shape, kind.shape, strict=True):
                if size != (sizes.setdefault(wanted, size) if isinstance(wanted, str) else wanted):
                    raise ArchiveError(f"{name} does not fit the other arrays")
    return found


def read_array(archive: Archive, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read an array of any shape from an archive.

    Raises
    ------
    ArchiveError
        It is not there, or no array of this type.
    """
    content = archive.read(name + SUFFIX)
    header = _HEADER.match(content)
    if header is None or header.end() != _START + int.from_bytes(header[1], "little"):
        raise ArchiveError(f"{name} is no array")
    try:
        shape = tuple(int(size) for size in header[4].split(b",") if size.strip())
    except ValueError as error:
        raise ArchiveError(f"{name} is no array") from error
    if header[2].decode() != dtype.str:
        raise ArchiveError(f"{name} is not of its type")
    if prod(shape) * dtype.itemsize != len(content) - header.end():
        raise ArchiveError(f"{name} does not have its size")
    flat = np.frombuffer(content, dtype, offset=header.end()) if prod(shape) else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if header[3] == b"True" else "C").copy(order="K")
