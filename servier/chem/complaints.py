"""What RDKit says of input that it refuses."""

import logging
import re
import threading
from collections.abc import Callable

from rdkit import rdBase

UNREADABLE = "a message that is not text"
"""In place of a message that cannot be read."""

_listening = threading.Lock()
_TIME = re.compile(r"^\[\d\d:\d\d:\d\d\] ")


class _Listener(logging.Handler):
    """Appends the text of each message to a list."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self._messages.append(record.getMessage())


def complaints(read: Callable[[], object]) -> list[str]:
    """Return RDKit's messages while something is read, without their times.

    RDKit's messages must not be blocked meanwhile, and are not blocked afterwards.

    Parameters
    ----------
    read
        Reads it.
    """
    with _listening:
        messages: list[str] = []
        handler = _Listener(messages)
        logger = logging.getLogger("rdkit")
        handlers, logger.handlers, logger.propagate = logger.handlers, [handler], False
        rdBase.LogToPythonLogger()
        try:
            read()
        except SystemError:  # RDKit read beyond a line, and its message is not text
            messages.append(UNREADABLE)
        finally:
            rdBase.LogToCppStreams()
            logger.handlers = handlers
    return [_TIME.sub("", message) for message in messages]
