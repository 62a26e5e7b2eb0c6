"""Files: open what may be compressed, write whole or not at all."""

import gzip
import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from servier.errors import DataError


@contextmanager
def open_binary(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a plain or gzip-compressed file for reading bytes.

    Raises
    ------
    DataError
        The file is absent, a folder, unreadable, or a damaged gzip file.
    """
    try:
        with Path(path).open("rb") as raw:
            if raw.peek(2)[:2] == b"\x1f\x8b":
                with gzip.open(raw) as stream:
                    yield stream  # type: ignore[misc]  # it reads bytes like any other
            else:
                yield raw
    except FileNotFoundError as error:
        raise DataError("no such file", path=path) from error
    except IsADirectoryError as error:
        raise DataError("this is a folder, not a file", path=path) from error
    except PermissionError as error:
        raise DataError("no permission to read this file", path=path) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError("this gzip file is damaged or cut short", path=path, mend="copy it again") from error


@contextmanager
def write_whole(path: str | Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success it becomes `path`, on failure it is removed.

    Raises
    ------
    DataError
        The folder does not exist or cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix="".join(path.suffixes), dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise DataError(f"cannot write here: {error.strerror}", path=path) from error
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise DataError(f"cannot write: {error.strerror}", path=path) from error
    finally:
        temporary.unlink(missing_ok=True)
