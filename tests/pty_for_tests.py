"""The command on a terminal: what it writes there, byte for byte."""

import os
import pty
import select
import signal
import subprocess
import sys
import time

SECONDS = 120


def on_terminal(*arguments, cwd, stop_after=None):
    """Run the command with both outputs on a terminal; returns its status and all bytes that got there.

    With `stop_after`, bytes of the output, it is ended with SIGTERM when these have come.
    """
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "servier", *map(os.fspath, arguments)]
    process = subprocess.Popen(words, cwd=cwd, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said, deadline = b"", time.monotonic() + SECONDS
    try:
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 0.5)[0]:
                continue
            try:
                found = os.read(ours, 65536)
            except OSError:  # the last writer has gone
                break
            if not found:
                break
            said += found
            if stop_after is not None and stop_after in said:
                process.send_signal(signal.SIGTERM)
                stop_after = None
    finally:
        os.close(ours)
        if time.monotonic() >= deadline:
            process.kill()
        status = process.wait()
    return status, said
