"""What worker processes start from: pickled once, in memory without a name, which they inherit.

Through the pipe of a process that starts goes only the number of a descriptor. A pipe holds 64 KiB, and who
writes more waits for a reader; a process that is killed as it starts would let its parent wait for ever.
"""

import mmap
import os
import pickle
import sys
import tempfile
from multiprocessing.reduction import DupFd
from typing import IO, Any


class Parcel:
    """An object for processes that are started with it; each of them unpacks a copy.

    Parameters
    ----------
    content
        The object, which must be picklable.
    """

    def __init__(self, content: Any) -> None:
        self._file = _open_memory()
        pickle.dump(content, self._file, pickle.HIGHEST_PROTOCOL)
        self._file.flush()

    def __reduce__(self) -> tuple[object, ...]:
        return InheritedParcel, (DupFd(self._file.fileno()),)

    def close(self) -> None:
        """Free the memory, once the last process has started."""
        self._file.close()


class InheritedParcel:
    """A parcel in a process that was started with it.

    Parameters
    ----------
    descriptor
        Gives the number of the inherited descriptor.
    """

    def __init__(self, descriptor: Any) -> None:
        self._descriptor: int = descriptor.detach()

    def unpack(self) -> Any:
        """Return the object; called once."""
        # All processes share one position in the file, which a map of it does not use.
        with mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ) as content:
            os.close(self._descriptor)
            return pickle.loads(content)  # noqa: S301 - the parent process has pickled it


def _open_memory() -> IO[bytes]:
    """Open memory that needs no room on a disk; elsewhere than on Linux, a file without a name."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("servier"), "w+b")
    return tempfile.TemporaryFile()
