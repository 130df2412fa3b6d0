"""The Unix socket in the gateway's home: whoever may open it is the owner."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SOCKET_FILE = "gateway.sock"

LONGEST_ADDRESS = 107
"""Bytes of a path that fit into a socket's address (unix(7))."""


@contextlib.contextmanager
def reachable(home: Path) -> Iterator[str]:
    """A path to the socket that fits into an address, however deep the home lies."""
    path = home / SOCKET_FILE
    if len(os.fsencode(path)) <= LONGEST_ADDRESS:
        yield str(path)
        return
    descriptor = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_FILE}"
    finally:
        os.close(descriptor)
